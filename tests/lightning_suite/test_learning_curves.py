"""The learning curves of a run: a chart and rows for each measure, with the best checkpoint's step."""

import contextlib
import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import learning_curves
from lightning_suite.pictures import drawing
from lightning_suite.reporting.curves import charts
from lightning_suite.reporting.pictures import pictures_of
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord

METRICS = """step,train_loss_step,train_loss_epoch,val_loss,val_auc
1,0.9,,,
2,0.8,,,
2,,0.85,0.7,0.6
3,0.6,,,
4,0.5,,,
4,,0.55,0.5,nan
6,,0.4,0.6,0.8
7,,,,0.9
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
    """Makes a run with a metrics.csv, in a process where pictures are wanted."""
    monkeypatch.delenv(learning_curves.VARIABLE)

    def make(metrics: str) -> Run:
        run = Run.create(tmp_path, "tiny", None)
        (run.folder / "config.yaml").write_text("plugin: tiny\nseed: 0\n")
        (run.folder / "metrics.csv").write_text(metrics)
        run.write_record({"status": "finished", "best": {"monitor": "val_loss", "mode": "min", "value": 0.5}})
        return run

    return make


def test_there_is_a_chart_for_each_measure_and_a_row_for_each_point(
    made: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Any] = []

    @contextlib.contextmanager
    def kept(*words: Any, **sizes: Any) -> Iterator[Any]:
        with drawing(*words, **sizes) as figure:
            figures.append(figure)
            yield figure

    monkeypatch.setattr(learning_curves, "drawing", kept)
    run = made(METRICS)
    picture = learning_curves.draw(run)
    assert picture == run.folder / "figures" / "learning_curves.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    loss, auc = figures[0].axes[:2]
    assert (loss.get_title(), auc.get_title()) == ("loss", "auc")
    assert {text.get_text() for text in loss.get_legend().get_texts()} == {
        "training",
        "training, each step",
        "validation",
    }
    assert [list(line.get_xdata()) for line in loss.lines if line.get_linestyle() == "--"] == [[4.0, 4.0]]
    assert auc.get_xlabel() == "step"
    rows = list(csv.DictReader(picture.with_suffix(".csv").open()))
    assert [row for row in rows if row["stage"] == "validation" and row["measure"] == "loss"] == [
        {"measure": "loss", "stage": "validation", "step": step, "value": value}
        for step, value in (("2", "0.7"), ("4", "0.5"), ("6", "0.6"))
    ]
    assert [row["value"] for row in rows if row["measure"] == "auc"] == ["0.6", "0.8", "0.9"]


def test_what_was_logged_once_or_at_one_step_has_no_curve(made: Callable[[str], Run]) -> None:
    assert learning_curves.draw(made("step,val_loss\n0,0.5\n")) is None
    run = made("step,val_loss\n0,0.5\n0,0.4\n")
    assert learning_curves.draw(run) is None
    assert list((run.folder / "figures").iterdir()) == []


def test_without_matplotlib_there_are_the_numbers(made: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_curves, "find_spec", lambda name: None)
    run = made(METRICS)
    assert learning_curves.draw(run) == run.folder / "figures" / "learning_curves.csv"
    assert [path.name for path in (run.folder / "figures").iterdir()] == ["learning_curves.csv"]


def test_a_report_draws_its_own_curves_alone(made: Callable[[str], Run]) -> None:
    run = made(METRICS)
    learning_curves.draw(run)
    record = RunRecord.of(run)
    assert charts([record])
    assert pictures_of(record).shown == ()
