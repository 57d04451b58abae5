"""Tokens: a text comes back from them, and the bits of what they do not tell are counted."""

import io
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from lightning_suite.errors import UsageError
from suite_tweets.tokens import END, UNKNOWN, UNPRINTABLE, Digits, Tokenizer, Words, from_state, learn, with_digits

TEXTS = [
    "ракета стартует сегодня утром",
    "ракета стартует завтра",
    "the rocket flies today 🚀",
    "the rocket flies 10 times",
    "שלום עולם",
]
SENTENCES = [
    "ракета стартует",
    "the rocket flies",
    "🚀 👩🏽‍🚀 🇷🇺",
    "שלום עולם",
    "мир 🌍 world שלום",
    "two  spaces   and more",
    "@user, «да»! #космос",
]


@pytest.fixture(scope="module")
def pieces() -> Iterator[Tokenizer]:
    pytest.importorskip("tokenizers")
    yield learn(TEXTS, "bpe", 300, "kept")


# Words


def test_words_of_the_training_texts_come_back() -> None:
    words = learn(TEXTS, "words", None, "kept")
    assert [words.decode(words.encode(text)) for text in TEXTS] == TEXTS


def test_words_come_back_with_one_space_between() -> None:
    words = learn(TEXTS, "words", None, "kept")
    assert words.decode(words.encode("  ракета \n the\trocket ")) == "ракета the rocket"


def test_frequent_words_come_first_and_equal_ones_in_alphabetical_order() -> None:
    words = learn(["b c a", "c b", "c d"], "words", None, "kept")
    assert words.encode("c b a d") == [2, 3, 4, 5]


def test_an_unknown_word_is_unknown_and_printed_as_such() -> None:
    words = learn(TEXTS, "words", None, "kept")
    assert words.encode("the spaceship") == [words.encode("the")[0], UNKNOWN]
    assert words.decode(words.encode("the spaceship")) == f"the {UNPRINTABLE}"


def test_the_unknown_word_is_never_to_be_drawn() -> None:
    assert learn(TEXTS, "words", None, "kept").banned == (UNKNOWN,)
    assert learn(TEXTS, "words", 4, "kept").banned == (UNKNOWN,)


def test_end_is_no_word() -> None:
    words = learn(TEXTS, "words", None, "kept")
    assert words.decode([END]) == ""
    assert words.decode([END, *words.encode("the rocket"), END]) == "the rocket"


def test_no_text_has_the_token_of_end() -> None:
    words = learn([*TEXTS, "END \ufffd 0"], "words", None, "kept")
    assert END not in words.encode("END \ufffd 0 <end> \x00")


def test_an_empty_text_has_no_tokens() -> None:
    words = learn(TEXTS, "words", None, "kept")
    assert words.encode("") == words.encode("  ") == []
    assert words.decode([]) == ""


def test_a_whole_vocabulary_has_a_token_for_every_word_beside_end_and_unknown() -> None:
    assert learn(["a b", "b c"], "words", None, "kept").size == 5
    assert learn(["a b", "b c"], "words", 5, "kept").size == 5


def test_a_cut_vocabulary_has_the_size_that_was_asked_for() -> None:
    words = learn(["a a a b b c"], "words", 4, "kept")
    assert words.size == 4
    assert words.encode("a b c") == [2, 3, UNKNOWN]


def test_a_cut_vocabulary_sets_no_probability_apart_since_training_meets_the_unknown_word() -> None:
    words = learn(["a a a b b c"], "words", 4, "kept")
    assert words.escape == 0
    assert len(words.once) == 0


def test_the_probability_of_an_unknown_word_is_the_share_of_words_seen_once() -> None:
    words = learn(["a a a b b c", "d a"], "words", None, "kept")
    assert words.escape == pytest.approx(2 / 9)  # c and d, of eight and the next one


def test_a_known_word_is_possible_where_every_word_was_seen_once() -> None:
    assert learn(["a b c", "d"], "words", None, "kept").escape == pytest.approx(4 / 5)


def test_the_words_seen_once_are_those_at_the_end() -> None:
    words = learn(["a a a b b c", "d a"], "words", None, "kept")
    assert list(words.once) == words.encode("c d")


def test_an_unknown_word_is_possible_where_no_word_was_seen_once() -> None:
    words = learn(["a a b b"], "words", None, "kept")
    assert words.escape == pytest.approx(0.5 / 5)
    assert len(words.once) == 0


def test_a_whole_vocabulary_with_a_size_is_as_one_without() -> None:
    sized, free = (learn(["a a a b b c"], "words", size, "kept") for size in (100, None))
    assert sized.state() == free.state()


@pytest.mark.parametrize("size", [2, 0, -3])
def test_a_vocabulary_without_room_for_a_word_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match=f"vocabulary_size: expected at least 3 .*got {size}"):
        learn(TEXTS, "words", size, "kept")


def test_known_words_have_no_further_bits() -> None:
    assert learn(TEXTS, "words", None, "kept").oov_bits(" ".join(TEXTS)) == 0


def test_every_unknown_word_costs_its_spelling() -> None:
    words = learn(TEXTS, "words", None, "kept")
    one, other = words.oov_bits("космодром"), words.oov_bits("orbit")
    assert one > 0
    assert words.oov_bits("ракета космодром orbit космодром") == pytest.approx(2 * one + other)


def test_a_cut_vocabulary_pays_for_the_spelling_of_training_words_too() -> None:
    assert learn(["a a a b b c"], "words", 4, "kept").oov_bits("c") > 0


# Digits


def test_digits_of_every_script_become_zeros() -> None:
    assert with_digits("в 2024 году, ٣٤ and ½", "zeros") == "в 0000 году, 00 and ½"
    assert with_digits("в 2024 году", "kept") == "в 2024 году"


@pytest.mark.parametrize("kind", ["words", "bpe"])
def test_numbers_of_equal_length_have_the_same_tokens_as_zeros(kind: Any) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    tokens = learn(["в 1961 году", "in 1969"] * 2, kind, 300, "zeros")
    assert tokens.encode("в 2024") == tokens.encode("в 1961")
    assert tokens.decode(tokens.encode("в 2024")) == "в 0000"


@pytest.mark.parametrize("kind", ["words", "bpe"])
def test_a_digit_that_became_zero_costs_the_choice_among_ten(kind: Any) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    texts = ["в 1961 году", "in 1969"] * 2
    assert learn(texts, kind, 300, "zeros").oov_bits("в 2024 году") == pytest.approx(4 * math.log2(10))
    assert learn(texts, kind, 300, "kept").oov_bits("в 1961 году") == 0


# Pieces of words


@pytest.mark.parametrize("text", [*TEXTS, *SENTENCES, ""])
def test_every_text_comes_back_from_pieces(pieces: Tokenizer, text: str) -> None:
    assert pieces.decode(pieces.encode(text)) == text


@given(text=some.text().filter(lambda text: text[:1] != " "))  # a first space is taken for the one that is put there
def test_no_text_is_unknown_to_pieces(pieces: Tokenizer, text: str) -> None:
    tokens = pieces.encode(text)
    assert pieces.decode(tokens) == text
    assert all(END < token < pieces.size for token in tokens)


def test_every_byte_has_a_piece_that_no_text_of_the_training_holds(pieces: Tokenizer) -> None:
    # All of U+0080 to U+07FF and two others: every byte that UTF-8 uses but 0xF1 to 0xF4.
    for text in map(chr, [*range(0x20), *range(0x7F, 0x800), 0xFFFD, 0x1F680, 0x10FFFF]):
        assert pieces.decode(pieces.encode("x" + text)) == "x" + text


def test_end_is_nothing_among_pieces(pieces: Tokenizer) -> None:
    assert pieces.decode([END]) == ""
    assert pieces.decode([END, *pieces.encode("the rocket"), END]) == "the rocket"


def test_bytes_that_are_no_text_become_the_replacement_character(pieces: Tokenizer) -> None:
    tokens = pieces.encode("👍")  # of no training text: a piece a byte
    assert pieces.decode(tokens[:-1]) == UNPRINTABLE
    assert UNPRINTABLE in pieces.decode([tokens[-1], *pieces.encode("a")])


def test_pieces_are_as_many_as_asked_for_where_the_texts_have_so_many() -> None:
    pytest.importorskip("tokenizers")
    assert learn(TEXTS * 2, "bpe", 270, "kept").size == 270


def test_texts_that_repeat_nothing_have_a_piece_for_every_byte_and_no_more() -> None:
    pytest.importorskip("tokenizers")
    assert learn(["ab", "cd"], "bpe", 300, "kept").size == 256 + 1


def test_frequent_words_are_one_piece_wherever_they_stand(pieces: Tokenizer) -> None:
    assert len(pieces.encode("rocket")) == 1
    assert pieces.encode("rocket rocket") == pieces.encode("rocket") * 2


def test_pieces_are_a_function_of_the_texts() -> None:
    pytest.importorskip("tokenizers")
    one, two = (learn(TEXTS, "bpe", 300, "kept") for _ in range(2))
    assert one.state() == two.state()


@pytest.mark.parametrize("size", [0, 3, 257])
def test_too_few_pieces_for_all_bytes_are_refused(size: int) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(UsageError, match=f"vocabulary_size: expected more than 257 for bpe, got {size}"):
        learn(TEXTS, "bpe", size, "kept")


def test_pieces_need_a_number_of_them() -> None:
    with pytest.raises(UsageError, match=r"--data\.vocabulary_size 2000"):
        learn(TEXTS, "bpe", None, "kept")


def test_pieces_tell_everything(pieces: Tokenizer) -> None:
    assert pieces.oov_bits("космодром 🚀 2024") == 0
    assert pieces.escape == 0
    assert pieces.banned == ()
    assert len(pieces.once) == 0


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(UsageError, match=r"'tokenizers'.*pip install 'lightning-suite\[tweets\]"):
        learn(TEXTS, "bpe", 300, "kept")
    with pytest.raises(UsageError, match=r"pip install 'lightning-suite\[tweets\]"):
        from_state({"kind": "bpe", "json": "{}", "digits": "kept"})


# State


@pytest.mark.parametrize("digits", ["kept", "zeros"])
@pytest.mark.parametrize(("kind", "size"), [("words", None), ("words", 5), ("bpe", 300)])
def test_the_state_makes_the_same_tokenizer_again(kind: Any, size: int | None, digits: Digits) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    made = learn(TEXTS, kind, size, digits)
    again = from_state(made.state())
    assert again.state() == made.state()
    assert (again.size, again.banned, again.escape, again.once) == (made.size, made.banned, made.escape, made.once)
    for text in [*TEXTS, *SENTENCES]:
        assert again.encode(text) == made.encode(text)
        assert again.oov_bits(text) == made.oov_bits(text)


@pytest.mark.parametrize(("kind", "size"), [("words", None), ("words", 5), ("bpe", 300)])
def test_the_state_is_read_as_plain_values(kind: Any, size: int | None) -> None:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    made = learn(TEXTS, kind, size, "zeros")
    file = io.BytesIO()
    torch.save(made.state(), file)
    file.seek(0)
    assert from_state(torch.load(file, weights_only=True)).state() == made.state()


def test_words_can_be_made_by_hand() -> None:
    words = Words(["b", "a"], once=1, escape=0.25, digits="kept")
    assert words.encode("a b c") == [3, 2, UNKNOWN]
    assert list(words.once) == [3]


def test_pieces_that_go_on_with_a_word_are_known() -> None:
    pieces = learn(["ракета летит, ракета!", "the rocket flies, rockets!"] * 9, "bpe", 300, "kept")
    before = pieces.encode("the")
    for token in range(1, pieces.size):
        following = pieces.decode([*before, token]).removeprefix("the")[:1]
        assert (token in pieces.within) == (following.isalnum() or following == UNPRINTABLE), following
    assert END not in pieces.within
    assert learn(["a b"], "words", None, "kept").within == ()
