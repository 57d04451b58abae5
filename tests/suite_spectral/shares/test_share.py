from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from suite_spectral.shares.share import MOST_BLOCKS, Share, block_starts

Together = Callable[[int, Callable[[Any], Any]], list[Any]]


def numbers(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 3)) * 10.0 ** np.arange(0, 18, 6)


@pytest.mark.parametrize("size", [2, 3, 4, 7])
@pytest.mark.parametrize("n", [100, 1000, 50_001])
def test_sums_are_the_same_bits_for_any_number_of_processes(size: int, n: int, together: Together) -> None:
    rows = numbers(n)

    def summed(group: Any) -> np.ndarray:
        share = Share.of(group, n)
        here = rows[share.rows]
        return share.total(lambda part: here[part].sum(axis=0))

    expected = Share.alone(n).total(lambda part: rows[part].sum(axis=0))
    assert all((actual == expected).all() for actual in together(size, summed))
    np.testing.assert_allclose(expected, rows.sum(axis=0))


def test_blocks_may_be_added_up_by_the_function_itself(together: Together) -> None:
    rows = numbers(1000)

    def of_blocks(starts: np.ndarray) -> np.ndarray:
        sums = [rows[slice(*ends)].sum(axis=0) for ends in pairwise(starts.tolist())]
        while len(sums) > 1:
            sums = [one + other for one, other in zip(sums[::2], sums[1::2], strict=True)]
        return sums[0]

    expected = Share.alone(1000).total(lambda part: rows[part].sum(axis=0))
    assert (Share.alone(1000).total_of_trees(of_blocks) == expected).all()

    def summed(group: Any) -> np.ndarray:
        share = Share.of(group, 1000)
        return share.total_of_trees(lambda starts: of_blocks(starts + share.start))

    assert all((actual == expected).all() for actual in together(3, summed))


def test_sums_in_another_order_are_other_bits() -> None:
    rows = numbers(50_001)
    assert (Share.alone(50_001).total(lambda part: rows[part].sum(axis=0)) != rows[::-1].sum(axis=0)).any()


def test_parts_of_a_tuple_are_summed_by_themselves() -> None:
    sums = Share.alone(1000).total(lambda part: (np.ones(part.stop - part.start).sum(), part.stop - part.start))
    assert sums == (1000.0, 1000)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_every_row_is_in_one_share(size: int, together: Together) -> None:
    def rows(group: Any) -> tuple[list[int], np.ndarray]:
        share = Share.of(group, 777)
        here = np.arange(777)[share.rows]
        return here.tolist(), share.joined(here)

    answers = together(size, rows)
    assert [row for here, _ in answers for row in here] == list(range(777))
    assert all((joined == np.arange(777)).all() for _, joined in answers)


def test_some_rows_keep_their_blocks(together: Together) -> None:
    kept = np.flatnonzero(np.random.default_rng(1).random(1000) < 0.2)
    rows = numbers(1000)

    def summed(group: Any) -> tuple[int, np.ndarray]:
        share = Share.of(group, 1000)
        own = kept[(kept >= share.rows.start) & (kept < share.rows.stop)] - share.start
        some, here = share.some(own), rows[share.rows][own]
        return some.n, some.total(lambda part: here[part].sum(axis=0))

    (n, expected), *others = [answer for size in (1, 2, 3) for answer in together(size, summed)]
    assert n == len(kept)
    assert all(other == n and (sums == expected).all() for other, sums in others)


def test_there_are_no_more_blocks_than_rows_fill() -> None:
    assert [len(block_starts(n)) - 1 for n in (0, 1, 127, 128, 10**7)] == [1, 1, 1, 2, MOST_BLOCKS]


@pytest.mark.parametrize("most", [3, 70_000])
def test_labels_come_as_they_were(most: int, together: Together) -> None:
    labels = np.arange(500) * most // 499
    answers = together(3, lambda group: (share := Share.of(group, 500)).joined_labels(labels[share.rows]))
    assert all(answer.dtype == np.int64 and (answer == labels).all() for answer in answers)
