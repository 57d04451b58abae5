"""Words to rows: look-up, packing, and the state that a checkpoint holds."""

import io

import pytest
import torch

from suite_dsa.vocabulary import UNKNOWN, Vocabulary

VOCABULARY = Vocabulary(["the", "Film", "movie", "IMAX", '"', "The"], [1, 2, 2, 3, 4, 5])


def test_words_may_share_a_row() -> None:
    assert VOCABULARY.row("Film") == VOCABULARY.row("movie") == 2


def test_a_word_is_looked_up_in_its_own_spelling_first() -> None:
    assert (VOCABULARY.row("The"), VOCABULARY.row("the")) == (5, 1)


@pytest.mark.parametrize(("word", "row"), [("THE", 1), ("film", 2), ("imax", 3), ("``", 4), ("''", 4)])
def test_a_word_is_found_in_another_spelling(word: str, row: int) -> None:
    assert VOCABULARY.row(word) == row


def test_a_word_outside_the_vocabulary_is_the_unknown_word() -> None:
    assert VOCABULARY.row("zyzzyva") == UNKNOWN


def test_sentences_are_packed_end_to_end() -> None:
    values, offsets = VOCABULARY.pack([["the", "movie"], ["imax"]])

    assert values.tolist() == [1, 2, 3]
    assert offsets.tolist() == [0, 2, 3]
    assert values.dtype == offsets.dtype == torch.int64


def test_an_empty_sentence_is_one_unknown_word() -> None:
    values, offsets = VOCABULARY.pack([[], ["the"], []])

    assert values.tolist() == [UNKNOWN, 1, UNKNOWN]
    assert offsets.tolist() == [0, 1, 2, 3]


def test_no_sentences_are_packed_as_nothing() -> None:
    values, offsets = VOCABULARY.pack([])

    assert values.shape == (0,)
    assert values.dtype == torch.int64
    assert offsets.tolist() == [0]


@pytest.mark.parametrize(
    "words", [[], ["a"], ["\x00", "\t", "  ", "\x85", "\u2028", "naïve", "日本"], ["half a pair \ud800"], ["", "b"]]
)
def test_its_state_survives_a_safe_checkpoint(words: list[str]) -> None:
    expected = Vocabulary(words, list(range(1, len(words) + 1)))
    file = io.BytesIO()
    torch.save(expected.state(), file)
    file.seek(0)

    actual = Vocabulary.from_state(torch.load(file, weights_only=True))

    assert actual == expected
    assert [actual.row(word) for word in words] == list(range(1, len(words) + 1))


@pytest.mark.parametrize(
    ("words", "rows", "message"),
    [
        (["a"], [1, 2], "1 words and 2 rows"),
        (["a", "a"], [1, 2], "got 2 words of which 1 are distinct"),
        (["a"], [-1], "got -1"),
        (["a\nb"], [1], "line break"),
    ],
)
def test_words_and_rows_that_do_not_fit_are_refused(words: list[str], rows: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Vocabulary(words, rows)
