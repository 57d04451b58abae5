"""What differs between runs, as it is shown."""

from pathlib import Path

import pytest

from lightning_suite import cli
from lightning_suite.comparison import Difference
from lightning_suite.run import Run
from lightning_suite.run_comparison import compare_runs


def made(folder: Path, seed: int, loss: float) -> Run:
    run = Run.create(folder, "toy", recipe=None)
    (run.folder / "config.yaml").write_text(f"plugin: toy\nseed: {seed}\nmodel: {{hidden: 4}}\n")
    run.write_record({"plugin": "toy", "status": "finished", "metrics": {"val_loss": loss}})
    return run


def test_a_comparison_prints_as_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = made(tmp_path / "a", 0, 0.5), made(tmp_path / "b", 1, 0.25)
    compared = compare_runs([first.folder, second.folder])
    assert cli.main(["compare-runs", str(first.folder), str(second.folder)]) == 0
    assert capsys.readouterr().out == f"{compared}\n"
    assert repr(compared) == "<Comparison of 2 runs: differences in settings, metrics>"
    assert "no difference in: code, data, versions, machine, course" in str(compared)
    assert compared._repr_html_().startswith("<pre>")


def test_equal_runs_have_no_difference(tmp_path: Path) -> None:
    compared = compare_runs([made(tmp_path / "a", 0, 0.5), made(tmp_path / "b", 0, 0.5)])
    assert repr(compared) == "<Comparison of 2 runs: no difference>"


def test_long_values_are_shortened_unless_they_would_look_alike() -> None:
    long = "x" * 100
    assert all(len(text) < 60 for text in Difference("settings", "name", (long, "y")).shown())
    assert len(set(Difference("settings", "name", (long + "1", long + "2")).shown())) == 2
