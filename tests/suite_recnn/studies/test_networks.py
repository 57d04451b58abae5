"""The commands on trained networks, called as the command line calls them."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import call
from lightning_suite.run import Run
from suite_recnn.studies import networks


def probe(*words: str | Path) -> None:
    call(networks.probe, [str(word) for word in words], prog="suite probe")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_a_probe_prints_its_table_and_draws_into_the_run(
    train: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = train()
    capsys.readouterr()  # what the training said, where it is the first of this process
    probe(run.folder, "--folds", "2", "--step", "1", "--limit", "40")
    output = capsys.readouterr().out.splitlines()
    words = [line.split() for line in output]
    assert output[0] == "recnn w/qcd: the first 40 of each class of 163 test jets of the run"
    assert words[4][:2] == ["embedding", "multiplicity"] and "0.68" in words[4]
    assert output[-1].startswith("next: suite transfer ")
    assert len(rows_of(run.folder / "figures" / "probe.csv")) == 9
    assert len(rows_of(run.folder / "figures" / "probe-plane.csv")) == 16
    assert (run.folder / "figures" / "probe.png").read_bytes().startswith(b"\x89PNG")


def test_several_runs_are_drawn_together(train: Callable[..., Run], tmp_path: Path) -> None:
    one, other = train().folder, train("--data.algorithm", "kt").folder
    options = ["--layers", "all", "--folds", "2", "--step", "3", "--limit", "30", "--output", str(tmp_path)]
    probe(one, other, *options)
    assert {(row["run"], row["layer"]) for row in rows_of(tmp_path / "layers.csv")} == {
        (f"recnn w/qcd, {run}", layer) for run in (one, other) for layer in ("embedding", "dense_1", "dense_2")
    }
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["layers.png", "plane-1.png", "plane-2.png"]


def test_a_run_given_twice_is_refused(train: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="is named twice"):
        probe(train().folder, train().folder)


def test_a_step_beyond_the_plane_is_refused(train: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="--step"):
        probe(train().folder, "--step", "4")


# suite transfer


def transfer(*words: str | Path) -> None:
    call(networks.transfer, [str(word) for word in words], prog="suite transfer")


def test_a_transfer_prints_its_table_and_draws_into_the_run(
    train: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = train()
    capsys.readouterr()
    transfer(run.folder, "--to", run.folder, "--epochs", "1", "--fine_tune")
    output = capsys.readouterr().out.splitlines()
    assert re.split(r"  +", output[1]) == [
        *("AUC", "base", "transfer", "random embedding", "fine-tuned", "paper: base", "transfer")
    ]
    assert output[3].startswith("w/qcd → w/qcd")
    (row,) = rows_of(run.folder / "figures" / "transfer.csv")
    assert (row["source"], row["target"]) == ("w/qcd", "w/qcd")
    assert 0 < float(row["floor"]) < 1 and 0 < float(row["fine_tuned"]) < 1
    assert (run.folder / "figures" / "transfer.png").read_bytes().startswith(b"\x89PNG")


def test_several_runs_are_transferred_in_both_directions(
    train: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = train(), train("--data.algorithm", "kt")
    transfer(*(run.folder for run in runs), "--epochs", "1", "--output", tmp_path)
    rows = rows_of(tmp_path / "transfer.csv")
    expected = [run.record["metrics"]["test_auc"] for run in runs]
    assert [float(row["base"]) for row in rows] == pytest.approx(expected, abs=1e-6)
    assert len({row["auc"] for row in rows}) == 2


@pytest.mark.parametrize("words", [["{run}"], ["{run}", "other", "--to", "top-qcd"]])
def test_one_run_needs_a_task_and_several_take_none(words: list[str], train: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="suite transfer RUN --to TASK"):
        transfer(*(word.format(run=train().folder) for word in words))
