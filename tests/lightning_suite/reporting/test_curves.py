"""Curves: which column belongs to which, gaps, and long ones in few points."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.errors import RunError
from lightning_suite.reporting.curves import MOST_POINTS, Curve, charts
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord

Add = Callable[..., Path]


def record(folder: Path) -> RunRecord:
    return RunRecord.of(Run.at(folder))


def test_the_stages_of_a_measure_are_one_chart(add: Add) -> None:
    loss, auc = charts([record(add())])
    assert (loss.measure, [curve.stage for curve in loss.curves]) == (
        "loss",
        ["training", "training, each step", "validation"],
    )
    assert loss.curves[0].points == ((3.0, 1 / 5), (7.0, 1 / 9))
    assert loss.curves[1].points == tuple((float(step), 1 / (step + 1)) for step in range(8))
    assert auc.measure == "auc"


def test_each_step_of_several_runs_is_left_out(add: Add) -> None:
    loss, _ = charts([record(add(0)), record(add(1))])
    assert [(curve.run, curve.stage) for curve in loss.curves] == [
        (run, stage) for run in (0, 1) for stage in ("training", "validation")
    ]


def test_a_value_that_is_not_finite_is_a_gap() -> None:
    curve = Curve(0, "", ((0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0), (4, 3.0)))
    assert curve.pieces == [[(0, 1.0)], [(3, 2.0), (4, 3.0)]]


def test_a_long_curve_keeps_its_ends_and_its_peaks() -> None:
    points = tuple((float(i), 5.0 if i == 4321 else math.sin(i)) for i in range(10_000))
    (piece,) = Curve(0, "", points).pieces
    assert len(piece) <= MOST_POINTS + 2
    assert piece[0] == points[0] and piece[-1] == points[-1] and (4321.0, 5.0) in piece


def test_what_was_logged_once_is_no_curve(add: Add) -> None:
    run = add()
    (run / "metrics.csv").write_text("step,val_loss\n3,0.5\n")
    assert charts([record(run)]) == ()
    (run / "metrics.csv").write_text("step,val_loss\n3,nonsense\nx,1\n4,0.5\n5,0.25\n")
    ((curve,),) = (chart.curves for chart in charts([record(run)]))
    assert curve.pieces == [[(4.0, 0.5), (5.0, 0.25)]]


def test_a_damaged_file_is_named(add: Add) -> None:
    run = add()
    (run / "metrics.csv").write_text(f'step,val_loss\n3,"{"9" * 200_000}"\n')
    with pytest.raises(RunError, match=r"metrics.csv is damaged"):
        charts([record(run)])
