"""metrics.csv."""

import csv
from pathlib import Path

import pytest

from lightning_suite.metrics_file import MetricsFile


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_new_name_becomes_a_new_column(tmp_path: Path) -> None:
    metrics = MetricsFile()
    metrics.open(tmp_path / "metrics.csv")
    metrics.log_metrics({"b": 1.0}, 0)
    metrics.log_metrics({"a": 2.0, "b": 0.1}, 1)
    metrics.save()
    assert rows(tmp_path / "metrics.csv") == [{"step": "0", "a": "", "b": "1.0"}, {"step": "1", "a": "2.0", "b": "0.1"}]


def test_rows_after_the_checkpoint_are_cut_and_those_before_stay_to_the_letter(tmp_path: Path) -> None:
    first = MetricsFile()
    first.open(tmp_path / "metrics.csv")
    for step in range(3):
        first.log_metrics({"loss": 1 / 3}, step)
    first.save()
    again = MetricsFile()
    again.open(tmp_path / "metrics.csv")
    again.cut(2)
    again.log_metrics({"loss": 0.5}, 2)
    again.save()
    assert [row["loss"] for row in rows(tmp_path / "metrics.csv")] == [repr(1 / 3), repr(1 / 3), "0.5"]


def test_a_run_that_never_had_a_folder_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    metrics = MetricsFile()
    metrics.log_metrics({"loss": 1.0}, 0)
    metrics.finalize("failed")
    assert list(tmp_path.iterdir()) == []


def test_what_a_module_gives_to_the_experiment_is_dropped() -> None:
    experiment = MetricsFile().experiment
    experiment.add_image("generated", None, 0)
    experiment[0].summary["x"] = 1
