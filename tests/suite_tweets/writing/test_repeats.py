"""What a row may not draw next, so that it does not go in circles."""

import pytest

from suite_tweets.writing.repeats import LONGEST, Repeats


def barred_after(tokens: list[int], words: int, within: list[int] | None = None) -> set[int]:
    """The tokens that a row which has drawn these may not draw."""
    repeats = Repeats(words, within or [], 1)
    for end in range(1, len(tokens) + 1):
        repeats.add(0, tokens[:end])
    return {token for _, token in repeats.barred([0], [tokens])}


@pytest.mark.parametrize(
    ("tokens", "words", "expected"),
    [
        ([5, 6, 7, 5, 6], 3, {7}),
        ([5, 6, 7, 5, 6, 8, 5, 6], 3, {7, 8}),
        ([5, 6, 7, 6], 3, set()),
        ([5, 5, 5], 3, {5}),
        ([5, 5], 3, set()),
        ([5, 6, 7], 1, {5, 6, 7}),
        ([5, 6, 7, 5, 6], 0, set()),
        ([], 3, set()),
    ],
)
def test_what_would_make_a_run_come_twice_is_barred(tokens: list[int], words: int, expected: set[int]) -> None:
    assert barred_after(tokens, words) == expected


def test_a_word_of_several_pieces_counts_as_one() -> None:
    assert barred_after([5, 51, 52, 5, 51, 52], 3, within=[51, 52]) == set()  # two words, not six
    assert barred_after([5, 51, 6, 7, 5, 51, 6], 3, within=[51, 52]) == {7}
    assert barred_after([5, 51, 6, 7, 5, 52, 6], 3, within=[51, 52]) == set()  # another word before


def test_a_word_that_never_ends_is_barred_from_going_on() -> None:
    assert barred_after([5, *[51] * (LONGEST - 1)], 3, within=[51]) == {51}
    assert barred_after([5, *[51] * (LONGEST - 2)], 3, within=[51]) == set()


def test_rows_are_kept_apart() -> None:
    repeats = Repeats(2, [], 3)
    for row, tokens in ((0, [5, 6, 5]), (1, [5, 7, 5]), (2, [6, 5, 8])):
        for end in range(1, 4):
            repeats.add(row, tokens[:end])
    assert list(repeats.barred([1, 0], [[5, 6, 5], [5, 7, 5], []])) == [(0, 7), (1, 6)]
