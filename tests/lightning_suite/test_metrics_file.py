"""metrics.csv."""

import contextlib
import csv
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda lines: [*lines[:2], b"1,\xff\xfe", *lines[3:]], ["0", "2"]),
        (lambda lines: [*lines[:2], b"1", *lines[3:]], ["0", "2"]),
        (lambda lines: [*lines[:2], b"1,nonsense", *lines[3:]], ["0", "2"]),
        (lambda lines: [*lines[:2], b'1,"0.5', *lines[3:]], ["0", "2"]),
        (lambda lines: [*lines[:2], b"1,0.5,7", *lines[3:]], ["0", "2"]),
        (lambda lines: [b"\x00" * 9, *lines[1:]], []),
        (lambda lines: [], []),
    ],
)
def test_damage_costs_the_damaged_rows_alone_and_is_told(damage: Any, left: list[str], tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    first = MetricsFile()
    first.open(path)
    for step in range(4):
        first.log_metrics({"loss": 1 / 3}, step)
    first.save()
    path.write_bytes(b"\n".join(damage(path.read_bytes().splitlines())))
    before = path.read_bytes()
    again = MetricsFile()
    with contextlib.ExitStack() as stack:
        if before:
            stack.enter_context(pytest.warns(UserWarning, match=r"rows are damaged .*metrics\.damaged\.csv"))
        again.open(path)
    again.cut(3)  # the checkpoint knows of three rows
    again.save()
    assert [row["step"] for row in rows(path)] == left if left else not rows(path)
    assert not before or (tmp_path / "metrics.damaged.csv").read_bytes() == before


def test_a_row_without_a_step_and_numbers_of_any_kind_are_whole(tmp_path: Path) -> None:
    first = MetricsFile()
    first.open(tmp_path / "metrics.csv")
    first.log_metrics({"a": float("nan"), "b": float("inf")}, 0)
    first.log_metrics({"a": 1e-300})
    first.save()
    again = MetricsFile()
    again.open(tmp_path / "metrics.csv")
    assert again.rows == [{"step": "0", "a": "nan", "b": "inf"}, {"a": "1e-300"}]
