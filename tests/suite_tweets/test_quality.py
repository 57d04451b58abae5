"""Figures of written tweets on texts short enough to count by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from suite_tweets.quality import Copies, distinct, length_distance, measures, new_words, ngrams, words

TRAINING = ["Ракета летит на Луну!", "The rocket, again, flies to Mars."]


def test_words_are_in_lower_case_and_without_punctuation() -> None:
    assert words("Ёлка: @user, 20% #Tag_1 — don't!") == ["ёлка", "user", "20", "tag_1", "don", "t"]


def test_ngrams_are_the_runs_of_n_words() -> None:
    assert list(ngrams(["a", "b", "c"], 2)) == [("a", "b"), ("b", "c")]


@pytest.mark.parametrize("n", [4, 20])
def test_fewer_than_n_words_have_no_ngram(n: int) -> None:
    assert list(ngrams(["a", "b", "c"], n)) == []


def test_ngrams_of_no_words_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1, got 0"):
        ngrams(["a"], 0)


@pytest.mark.parametrize(
    ("texts", "n", "expected"),
    [
        (["да да да да"], 1, 1 / 4),
        (["да да", "да нет"], 1, 2 / 4),
        (["да нет", "Да, нет!", "нет да"], 2, 2 / 3),
        (["да", "нет"], 2, 0.0),
        ([], 1, 0.0),
        (["...", "🚀"], 1, 0.0),
    ],
)
def test_distinct_is_the_share_of_different_ngrams(texts: list[str], n: int, expected: float) -> None:
    assert distinct(texts, n) == pytest.approx(expected)


def test_ngrams_do_not_run_over_the_end_of_a_text() -> None:
    assert Copies(["a b", "c d"]).share(["b c"], 2) == 0.0


def test_the_share_of_copies_is_that_of_ngrams_in_a_training_text() -> None:
    # ракета летит, летит на: copied; на юг, rocket flies: not
    assert Copies(TRAINING).share(["ракета летит на юг", "rocket flies"], 2) == 2 / 4


def test_the_share_of_no_ngrams_is_zero() -> None:
    assert Copies(TRAINING).share(["mars"], 2) == 0.0


def test_nothing_is_copied_from_nothing() -> None:
    assert Copies([]).share(["ракета летит"], 2) == 0.0
    assert not Copies([]).copied("ракета летит", 1)


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [
        ("and THE ROCKET AGAIN, they say", 3, True),
        ("the rocket flies to mars", 3, True),
        ("the rocket flies to mars", 4, False),
        ("летит ракета", 2, False),
        ("летит ракета", 1, True),
        ("ракета летит на луну", 5, False),
    ],
)
def test_a_text_is_copied_when_it_shares_n_words_in_a_row(text: str, n: int, expected: bool) -> None:
    assert Copies(TRAINING).copied(text, n) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The rocket again", 3),
        ("and so to MARS: flies again, the rocket", 2),
        ("nichts davon", 0),
        ("🚀", 0),
        ("ракета летит на луну", 4),
        ("луну the rocket", 2),  # of two training texts, which do not join
    ],
)
def test_the_longest_copy_stands_in_one_training_text(text: str, expected: int) -> None:
    assert Copies(TRAINING).longest(text) == expected
    assert Copies([]).longest(text) == 0


def naive_longest(text: str, training: Sequence[str]) -> int:
    """The same by looking for every run in every text."""
    ours = words(text)
    runs = [ours[i:j] for i in range(len(ours)) for j in range(i + 1, len(ours) + 1)]
    joined = [f" {' '.join(words(other))} " for other in training]
    return max((len(run) for run in runs if any(f" {' '.join(run)} " in other for other in joined)), default=0)


def test_the_longest_copy_is_that_of_a_plain_search() -> None:
    generator = np.random.default_rng(0)
    texts = [" ".join("abc"[i] for i in generator.integers(0, 3, generator.integers(1, 30))) for _ in range(60)]
    copies = Copies(texts[:20])
    expected = [naive_longest(text, texts[:20]) for text in texts[20:]]
    assert [copies.longest(text) for text in texts[20:]] == expected
    assert len(set(expected)) > 3


LONG = [f"w{i}" for i in range(40)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" ".join([*LONG[:15], *"abcdefgh"]), False),  # 15 words in a row, 65 % of 23
        (" ".join([*LONG[:16], *"abcdefgh"]), True),  # 16
        (" ".join([*LONG[5:12], *"abc"]), False),  # 70 % of 10
        (" ".join([*LONG[5:13], *"abc"]), True),  # 73 % of 11
        (" ".join([*LONG[5:9], "a", *LONG[9:13]]), False),  # two runs of 4 of 9
        ("w3", True),
        ("w3 x", False),
        ("!", False),
    ],
)
def test_a_text_overlaps_by_more_than_15_words_or_70_per_cent(text: str, expected: bool) -> None:
    assert Copies([" ".join(LONG)]).overlaps(text) is expected


def test_a_shuffled_training_text_is_less_copied_than_itself() -> None:
    assert Copies(TRAINING).share(TRAINING, 2) == 1.0
    assert Copies(TRAINING).share(["Луну на летит ракета", "mars to flies again rocket the"], 2) == 0.0


def test_copies_are_found_among_twenty_thousand_texts() -> None:
    generator = np.random.default_rng(0)
    texts = [" ".join(f"w{word}" for word in row) for row in generator.integers(0, 5000, (20_000, 13)).tolist()]
    copies = Copies(texts)
    copied = [copies.copied(text, n) for n in (4, 8, 20) for text in texts[:100]]
    assert copied == [True] * 200 + [False] * 100


def test_new_words_stand_in_no_training_text() -> None:
    assert new_words(TRAINING, TRAINING) == 0.0
    assert new_words(["The ROCKET! lands", "мармеладный луну"], TRAINING) == 0.4
    assert new_words([], TRAINING) == 0.0
    assert new_words(["ракета"], []) == 1.0


@pytest.mark.parametrize(
    ("lengths_of_texts", "lengths", "expected"),
    [
        ([5, 7], [7, 5], 0.0),
        ([5], [9], 4.0),
        ([5, 7], [6], 1.0),
        ([1, 1, 4], [1, 4], 0.5),  # a sixth of the tweets has to be moved by 3
        ([3, 3, 3], [3], 0.0),
    ],
)
def test_the_length_distance_is_what_has_to_be_moved(
    lengths_of_texts: list[int], lengths: list[int], expected: float
) -> None:
    assert length_distance(["ж" * length for length in lengths_of_texts], lengths) == pytest.approx(expected)


def test_the_length_distance_is_the_mean_difference_of_sorted_lengths() -> None:
    generator = np.random.default_rng(0)
    ours, theirs = generator.integers(1, 280, (2, 50)).tolist()
    expected = np.abs(np.sort(ours) - np.sort(theirs)).mean()
    assert length_distance(["x" * length for length in ours], theirs) == pytest.approx(expected)


def test_lengths_are_weighted_characters() -> None:
    assert length_distance(["🚀🚀"], [4]) == 0.0


@pytest.mark.parametrize(("texts", "lengths"), [([], [3]), (["a"], [])])
def test_the_length_distance_to_nothing_is_not_a_number(texts: list[str], lengths: list[int]) -> None:
    assert math.isnan(length_distance(texts, lengths))


def test_measures_compare_new_words_with_those_of_real_texts() -> None:
    found = measures(["the rocket fleis"], TRAINING, [5], ["летит the crew", "the rocket"])
    assert found["new_words"] == pytest.approx(1 / 3)
    assert found["new_words_held_out"] == 0.2
