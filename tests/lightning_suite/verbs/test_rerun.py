"""The verb that trains again and compares."""

import shutil
from pathlib import Path

import pytest
import torch

from lightning_suite.errors import RunError, UsageError
from lightning_suite.run import Run
from lightning_suite.verbs import fit, rerun

TINY = f"{Path(__file__).parents[1] / 'tiny.py'}:plugin"
QUIET = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", "--trainer.accelerator=cpu"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("runs")
    assert fit.run(["--plugin", TINY, "--runs", str(root), "--trainer.max_epochs=1", *QUIET]) == 0
    (folder,) = (root / "tiny").iterdir()
    return Run.at(folder)


def test_the_same_again_is_bit_for_bit_equal(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rerun.run([str(run.folder), "--runs", str(tmp_path)]) == 0
    assert "The weights are bit for bit equal" in capsys.readouterr().out


def test_a_run_is_repeated_with_as_many_threads_as_it_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the first-party plugins dsa alone differs with another number of threads."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        words = ["--plugin", "dsa", "--recipe", "check", "--trainer.max_epochs=1", *QUIET]
        assert fit.run([*words, "--runs", str(tmp_path)]) == 0
        torch.set_num_threads(1)
        (folder,) = (tmp_path / "dsa").iterdir()
        assert rerun.run([str(folder)]) == 0
    finally:
        torch.set_num_threads(threads)
    assert "threads: 3, as the run had, not 1\n" in capsys.readouterr().out


def test_a_run_that_went_on_is_equal_to_one_that_never_stopped(run: Run, tmp_path: Path) -> None:
    assert rerun.run([str(run.folder), "--runs", str(tmp_path)]) == 0
    (second,) = (tmp_path / "tiny").iterdir()
    assert fit.run(["--resume", str(second), "--trainer.max_epochs=3"]) == 0
    assert rerun.run([str(second)]) == 0


def test_what_is_trained_again_lies_beside_the_first_and_for_a_moved_run_in_runs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rerun.run([str(run.folder)]) == 0
    assert len(list(run.folder.parent.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []
    shutil.copytree(run.folder, tmp_path / "moved")
    assert rerun.run(["moved"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"moved", "runs"}


def test_an_option_that_would_change_the_run_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match=r"--model\.hidden"):
        rerun.run([str(run.folder), "--model.hidden", "3"])


def test_an_unfinished_run_is_not_compared(run: Run, tmp_path: Path) -> None:
    alone = tmp_path / "alone.ckpt"
    alone.write_bytes(run.last.read_bytes())
    with pytest.raises(RunError, match="no finished run to compare with"):
        rerun.run([str(alone), "--runs", str(tmp_path / "again")])
    assert list(tmp_path.iterdir()) == [alone]
