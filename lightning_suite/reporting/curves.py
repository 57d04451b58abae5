"""Learning curves: the columns of a run's metrics.csv, in one chart for each measure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lightning_suite.run_comparison import rows_of
from lightning_suite.run_records import RunRecord

STAGES = {"train": "training", "val": "validation", "valid": "validation", "test": "test"}
EACH_STEP = "each step"
MOST_POINTS = 300
"""Points of a curve that are drawn; of more, the smallest and the largest of each stretch."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """What was logged of a measure in one stage of one run.

    Attributes:
        run: the position of the run.
        stage: "training", "validation" or "test", with "each step" where Lightning logged both; empty without one.
        points: step and value, in order; a value that is not finite ends a piece of the curve.
    """

    run: int
    stage: str
    points: tuple[Point, ...]

    @property
    def pieces(self) -> list[list[Point]]:
        """Return the points in pieces without gaps, at most `MOST_POINTS` in all."""
        pieces: list[list[Point]] = [[]]
        for point in _thinned(self.points):
            if math.isfinite(point[1]):
                pieces[-1].append(point)
            elif pieces[-1]:
                pieces.append([])
        return [piece for piece in pieces if piece]


@dataclass(frozen=True)
class Chart:
    """The curves of one measure.

    Attributes:
        measure: such as ``loss``.
        curves: of all runs and stages.
    """

    measure: str
    curves: tuple[Curve, ...]


def charts(records: Sequence[RunRecord]) -> tuple[Chart, ...]:
    """Return a chart for each measure that a run logged more than once, in the order of their names, losses first.

    For several runs, values of each step are left out where there are those of the epochs: they would cover each other.

    Raises:
        RunError: a metrics.csv is damaged.
    """
    found: dict[str, list[Curve]] = {}
    for position, record in enumerate(records):
        for column, points in _columns(rows_of(record.path / "metrics.csv") or []).items():
            measure, stage = measure_and_stage(column)
            found.setdefault(measure, []).append(Curve(position, stage, points))
    if len(records) > 1:
        found = {measure: [c for c in curves if not _is_in_short(c, curves)] for measure, curves in found.items()}
    drawn = {
        measure: sorted(curves, key=lambda curve: (curve.run, curve.stage))
        for measure, curves in found.items()
        if any(len(piece) > 1 for curve in curves for piece in curve.pieces)
    }
    return tuple(Chart(measure, tuple(drawn[measure])) for measure in sorted(drawn, key=lambda n: ("loss" not in n, n)))


def measure_and_stage(column: str) -> tuple[str, str]:
    """Return what a logged name measures, and in which stage.

    Example:
        >>> measure_and_stage("val_accuracy"), measure_and_stage("train_loss_step"), measure_and_stage("lr-Adam")
        (('accuracy', 'validation'), ('loss', 'training, each step'), ('lr-Adam', ''))
    """
    first, _, rest = column.partition("_")
    stage, measure = (STAGES[first], rest) if first in STAGES and rest else ("", column)
    if measure.endswith("_step"):
        return measure.removesuffix("_step"), f"{stage}, {EACH_STEP}".removeprefix(", ")
    return measure.removesuffix("_epoch"), stage


def _is_in_short(curve: Curve, curves: Sequence[Curve]) -> bool:
    """Return whether a curve has a value for each step, and another one has the same of its run for each epoch."""
    whole = curve.stage.removesuffix(EACH_STEP).removesuffix(", ")
    return curve.stage.endswith(EACH_STEP) and any((one.run, one.stage) == (curve.run, whole) for one in curves)


def _columns(rows: Sequence[dict[str, str]]) -> dict[str, tuple[Point, ...]]:
    columns: dict[str, list[Point]] = {}
    for row in rows:
        step = _number(row.get("step", ""))
        for column, cell in row.items():
            if column not in ("step", "epoch", "") and cell and step is not None and math.isfinite(step):
                value = _number(cell)
                columns.setdefault(column, []).append((step, math.nan if value is None else value))
    return {column: tuple(sorted(points, key=lambda point: point[0])) for column, points in columns.items()}


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Return at most `MOST_POINTS` points: the first, the last, and of each stretch the smallest and largest."""
    if len(points) <= MOST_POINTS:
        return points
    stretches = MOST_POINTS // 3
    edges = [len(points) * i // stretches for i in range(stretches + 1)]
    kept = {0, len(points) - 1}
    for begin, end in pairwise(edges):
        finite = [i for i in range(begin, end) if math.isfinite(points[i][1])]
        kept |= (
            {min(finite, key=lambda i: points[i][1]), max(finite, key=lambda i: points[i][1])} if finite else {begin}
        )
    return [points[i] for i in sorted(kept)]
