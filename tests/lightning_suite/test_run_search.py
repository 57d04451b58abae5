"""Runs below a folder as they are shown; which are found is tested with what they say (`test_run_records`)."""

from pathlib import Path

import pytest

from lightning_suite import cli
from lightning_suite.run import Run
from lightning_suite.run_search import measure_of, runs


def test_runs_print_as_the_command_prints_them(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run.folder.parent.parent
    (folder / "stray").mkdir(exist_ok=True)
    found = runs(folder)
    assert repr(found) == f"<{len(found)} runs below {folder}, {len(found.left_out)} folders left out>"
    assert cli.main(["runs", str(folder)]) == 0
    table, _, left_out = str(found).partition("\n\n")
    printed = capsys.readouterr().out
    assert printed.startswith(table)
    assert left_out in printed
    assert run.folder.name in table


def test_a_folder_without_runs_says_so(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert str(runs(tmp_path)).startswith(f"no run is below {tmp_path}")
    assert "other" in str(runs(tmp_path))


def test_the_measure_of_a_metric_has_no_stage() -> None:
    assert [measure_of(metric) for metric in ("test_auc", "val_loss", "loss")] == ["auc", "loss", "loss"]
