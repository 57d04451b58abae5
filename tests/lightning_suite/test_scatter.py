"""Student's test: against tables, scipy, and what it promises of chance."""

import random

import pytest

from lightning_suite.scatter import deviation, mean, p_value, tails

TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 8: 2.306, 9: 2.262, 30: 2.042}
"""Quantiles of t beyond which 5 % lie, two-sided, by degrees of freedom."""


@pytest.mark.parametrize("freedom", TABLE)
def test_five_per_cent_lie_beyond_the_quantiles_of_the_table(freedom: int) -> None:
    assert tails(TABLE[freedom], freedom) == pytest.approx(0.05, abs=1e-4)
    assert tails(-TABLE[freedom], freedom) == tails(TABLE[freedom], freedom)
    assert tails(0.0, freedom) == 1.0


def test_tails_and_p_values_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in range(1, 25):
        for t in (0.1, 1.0, 2.5, 20.0):
            assert tails(t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), abs=1e-14)
    draw = random.Random(0)
    one, two = [draw.gauss(0, 1) for _ in range(4)], [draw.gauss(1, 1) for _ in range(3)]
    assert p_value(one, two) == pytest.approx(stats.ttest_ind(one, two).pvalue, abs=1e-14)


def test_chance_alone_is_seldom_taken_for_a_difference() -> None:
    draw = random.Random(0)

    def false_alarms(sizes: tuple[int, ...]) -> float:
        p_values = [p_value(*([draw.gauss(0, 1) for _ in range(n)] for n in sizes[:2])) for _ in range(4000)]
        return sum(p is not None and p < 0.05 for p in p_values) / len(p_values)

    assert false_alarms((3, 3)) == pytest.approx(0.05, abs=0.012)
    assert false_alarms((5, 1)) == pytest.approx(0.05, abs=0.012)


def test_other_groups_say_how_much_values_scatter() -> None:
    assert p_value([0.0], [1.0]) is None
    wide, narrow = p_value([0.0], [1.0], [[5.0, 7.0, 9.0]]), p_value([0.0], [1.0], [[5.0, 5.01, 5.02]])
    assert wide is not None
    assert narrow is not None
    assert narrow < 0.001 < 0.05 < wide


def test_without_any_scatter_a_difference_is_certain() -> None:
    assert p_value([1.0, 1.0], [2.0]) == 0.0
    assert p_value([1.0, 1.0], [1.0]) == 1.0


def test_mean_and_deviation_are_those_of_a_sample() -> None:
    values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]
    assert (mean(values), deviation(values)) == (5.0, pytest.approx((32 / 7) ** 0.5))
    assert deviation([3.0]) is None
