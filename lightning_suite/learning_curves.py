"""The learning curves of a run: what it logged of each measure by step, as a picture and as numbers.

``figures/learning_curves.png`` has a chart for each measure, with the step of best.ckpt; ``learning_curves.csv`` beside
it has a row for each point. Without matplotlib, which plugins' extras bring, there is the CSV alone, and where the
environment variable LIGHTNING_SUITE_CURVES is ``numbers``, as thousands of short runs may want it.
"""

import math
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_suite.pictures import GREY, drawing, whole_numbers, write_csv
from lightning_suite.reporting.curves import Chart, Curve, charts
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "learning_curves"
COLUMNS = ("measure", "stage", "step", "value")

VARIABLE = "LIGHTNING_SUITE_CURVES"

MOST = 12
"""Charts in the picture; the CSV has all."""

IN_A_ROW = 3
"""Charts beside each other at most."""

OF_STAGES = {"training": "C0", "validation": "C1", "test": "C2"}
"""The colours of curves."""

FEW = 15
"""Points of a curve that are marked."""


def draw(run: Run) -> Path | None:
    """Write the learning curves of a run and return the picture, or the CSV without matplotlib; None without curves.

    A run has curves of what it logged at two steps or more.

    Raises:
        RunError: metrics.csv is damaged.
        OutputError: a file cannot be written.
    """
    record = RunRecord.of(run)
    found = [chart for chart in charts([record]) if len({step for one in chart.curves for step, _ in one.points}) > 1]
    rows = [
        (chart.measure, curve.stage, f"{step:.0f}", value)
        for chart in found
        for curve in chart.curves
        for piece in curve.pieces
        for step, value in piece
    ]
    if not rows:
        return None
    picture = run.folder / "figures" / f"{NAME}.png"
    if os.environ.get(VARIABLE) == "numbers" or find_spec("matplotlib") is None:
        return write_csv(picture.with_suffix(".csv"), COLUMNS, rows)
    _draw(picture, found[:MOST], rows, _best_step(record, found))
    return picture


def _draw(picture: Path, found: Sequence[Chart], rows: Sequence[Sequence[object]], best: float | None) -> None:
    columns = min(IN_A_ROW, len(found))
    lines = math.ceil(len(found) / columns)
    with drawing(picture, COLUMNS, rows, width=0.6 + 2.9 * columns, height=0.4 + 2.2 * lines) as figure:
        every = figure.subplots(lines, columns, squeeze=False, sharex=True).flatten()
        for axes in every[len(found) :]:
            axes.set_axis_off()
        for axes, chart in zip(every, found, strict=False):
            if best is not None:
                axes.axvline(best, color=GREY, linewidth=0.8, linestyle="--")
            for curve in sorted(chart.curves, key=_is_of_steps, reverse=True):
                _plot(axes, curve)
            axes.set_title(chart.measure)
            if len(chart.curves) > 1 or chart.curves[0].stage:
                axes.legend(fontsize="x-small", handlelength=1.4)
        for axes in every[max(0, len(found) - columns) : len(found)]:
            axes.set_xlabel("step")
            axes.tick_params(labelbottom=True)
            whole_numbers(axes.xaxis)
        if best is not None:
            place = {"xycoords": ("data", "axes fraction"), "ha": "right", "va": "bottom"}
            every[0].annotate("best.ckpt", (best, 1), fontsize="x-small", color=GREY, **place)


def _plot(axes: "Axes", curve: Curve) -> None:
    """Draw a curve in the colour of its stage; values of each step are drawn faintly."""
    stage = curve.stage.partition(",")[0]
    drawn: dict[str, Any] = {"color": OF_STAGES.get(stage, "C0"), "label": curve.stage}
    drawn |= {"alpha": 0.35, "linewidth": 0.8} if _is_of_steps(curve) else {}
    for piece in curve.pieces:
        steps, values = zip(*piece, strict=True)
        is_marked = len(piece) <= FEW and not _is_of_steps(curve)
        axes.plot(steps, values, marker="o" if is_marked else "", markersize=3, **drawn)
        drawn["label"] = None  # one entry of the legend for all pieces


def _is_of_steps(curve: Curve) -> bool:
    return curve.stage.endswith("each step")


def _best_step(record: RunRecord, found: Sequence[Chart]) -> float | None:
    """Return the step at which the monitored metric had its best value; None where it was not logged."""
    value = record.best.get("value")
    monitor = str(record.best.get("monitor", ""))
    for chart in found:
        for curve in chart.curves if monitor.endswith(chart.measure) else ():
            if curve.stage == "validation":
                return next((step for step, logged in curve.points if logged == value), None)
    return None
