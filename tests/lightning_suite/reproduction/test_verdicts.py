"""Verdicts: within the interval, outside it, not comparable, and what cannot be made."""

import pytest

from lightning_suite.reproduction.parts import Cell, Deviation, Training
from lightning_suite.reproduction.verdicts import Result, judged

CELL = Cell("ours", "AUC", Training(), paper=0.9, interval=(0.89, 0.91))
APART = Deviation("data", "ours", "theirs", comparable=False)
NEAR = Deviation("vectors", "ours", "theirs")


@pytest.mark.parametrize(
    ("values", "verdict"),
    [([0.89], "reproduced"), ([0.88, 0.90], "reproduced"), ([0.8899], "below"), ([0.92, 0.91], "above")],
)
def test_the_mean_over_seeds_is_judged(values: list[float], verdict: str) -> None:
    assert judged(CELL, values, "") == (verdict, "")


def test_a_deviation_decides_only_where_it_says_so() -> None:
    assert judged(CELL, [0.9], "", [NEAR]) == ("reproduced", "")
    assert judged(CELL, [0.9], "", [NEAR, APART]) == ("not comparable", "data")


def test_without_a_value_it_cannot_be_made_and_without_a_paper_nothing_is_said() -> None:
    assert judged(CELL, [], "no data", [APART]) == ("cannot", "no data")
    assert judged(Cell("ours", "AUC", Training()), [0.9], "") == ("", "")


def test_a_result_has_the_mean_and_scatter_of_its_seeds() -> None:
    result = Result(CELL, (0.9, 0.92), (0, 1), "reproduced", "")
    assert result.mean == pytest.approx(0.91)
    assert result.deviation == pytest.approx(0.02 / 2**0.5)
    assert result.difference == pytest.approx(0.01)
    assert Result(CELL, (), (), "cannot", "").mean is None
