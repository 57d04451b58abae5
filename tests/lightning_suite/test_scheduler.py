"""Jobs of SLURM's: what their signals, their checkpoints and their second beginnings do."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lightning_suite import scheduler, signals
from lightning_suite.errors import Interrupted, UsageError
from lightning_suite.evaluation import evaluate
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.training import fit
from lightning_suite.verbs import fit as fit_verb

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"
TRAINER = {"max_epochs": 2, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
SETTINGS = Settings(plugin=TINY, trainer=TRAINER)
TYPED = ["--plugin", TINY, "--trainer.max_epochs=2", "--trainer.enable_progress_bar=false"]
TYPED += ["--trainer.enable_model_summary=false", "--trainer.accelerator=cpu"]
VARIABLES = {
    **{"SLURM_JOB_ID": "4217", "SLURM_NTASKS": "1", "SLURM_NTASKS_PER_NODE": "1", "SLURM_PROCID": "0"},
    **{"SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_NODELIST": "127.0.0.1", "SLURM_JOB_NODELIST": "127.0.0.1"},
    **{"SLURM_NNODES": "1", "SLURM_JOB_NAME": "trial"},
}


class Announce(Callback):
    """Sends this process what SLURM sends before a job's end."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGUSR1)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a job, and the file where ``scontrol`` writes what it was told."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    told = tmp_path / "told"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {told}\n')
    (tmp_path / "bin" / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return told


def weights(run: Run) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run.last, weights_only=True)["state_dict"]
    return state


def only_run(root: Path) -> Run:
    (folder,) = (root / "tiny").iterdir()
    return Run.at(folder)


def test_the_end_of_a_job_saves_the_run_and_no_later_training_starts_from_it(queue: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    with signals.answered(), pytest.raises(Interrupted, match="suite fit --resume"):
        fit(find.get(TINY), SETTINGS, root=root, callbacks=[Announce(8)])
    assert not queue.exists()  # nobody asked to queue it again
    run = only_run(root)
    assert torch.load(run.last, weights_only=True)["global_step"] == 8
    assert list(tmp_path.rglob("hpc_ckpt*")) == []
    assert run.record["status"] == "interrupted"

    later, _ = fit(find.get(TINY), SETTINGS, root=root)
    assert later.record["steps"] == 12
    assert "resumed" not in later.record
    resumed, _ = fit(find.get(TINY), SETTINGS, root=root, run=run)
    assert resumed.record["metrics"] == later.record["metrics"]
    assert all(torch.equal(one, weights(later)[name]) for name, one in weights(resumed).items())


def test_a_checkpoint_that_another_program_left_is_loaded_by_nothing(queue: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    expected, _ = fit(find.get(TINY), SETTINGS, root=root)
    for folder in (root, expected.folder):
        (folder / "hpc_ckpt_1.ckpt").write_bytes(b"this would be loaded, and be no checkpoint")
    assert evaluate(expected, "test") == expected.record["evaluations"]["test"]
    again, _ = fit(find.get(TINY), SETTINGS, root=root)
    assert again.record["metrics"] == expected.record["metrics"]


def test_a_job_that_is_queued_again_goes_on_with_its_own_run(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "runs"
    command = [*TYPED, "--runs", str(root), "--requeue"]
    plain = fit

    def announced(*arguments: Any, **more: Any) -> Any:
        return plain(*arguments, callbacks=[Announce(8)], **more)

    monkeypatch.setattr("lightning_suite.training.fit", announced)
    with signals.answered(), pytest.raises(Interrupted):
        fit_verb.run(command)
    assert queue.read_text() == "requeue 4217\n"
    begun = only_run(root)
    assert begun.record["job"] == {"id": "4217", "command": command}

    monkeypatch.setattr("lightning_suite.training.fit", plain)
    assert fit_verb.run(command) == 0
    assert only_run(root).record["status"] == "finished"
    assert len(begun.record["resumed"]) == 1
    assert fit_verb.run(command) == 0  # finished: it is shown
    assert "had finished" in capsys.readouterr().out
    assert only_run(root).folder == begun.folder
    monkeypatch.setenv("SLURM_JOB_ID", "4218")  # another job: a new run, bit for bit the same
    assert fit_verb.run(command) == 0
    first, second = (Run.at(folder) for folder in sorted((root / "tiny").iterdir()))
    assert first.record["metrics"] == second.record["metrics"]
    assert all(torch.equal(one, weights(second)[name]) for name, one in weights(first).items())


def test_a_run_is_found_by_the_job_and_by_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(name: str, entry: object) -> None:
        folder = tmp_path / "tiny" / name
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("plugin: tiny\n")
        (folder / "run.json").write_text(entry if isinstance(entry, str) else json.dumps({"job": entry}))

    record("a", {"id": "7_3", "command": ["--seed", "1"]})
    record("b", {"id": "7_3", "command": ["--seed", "2"]})
    record("c", None)
    record("d", "{damaged")
    monkeypatch.setenv("SLURM_JOB_ID", "9")
    assert scheduler.run_of_job(tmp_path, ["--seed", "1"]) is None
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "7")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    found = scheduler.run_of_job(tmp_path, ["--seed", "2"])
    assert found is not None
    assert found.folder.name == "b"
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID"):
        monkeypatch.delenv(name)
    assert scheduler.run_of_job(tmp_path, ["--seed", "2"]) is None


def test_a_job_that_cannot_be_queued_again_is_told(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    scheduler.requeue()
    assert "scontrol requeue 4217 failed (No such file or directory)" in capsys.readouterr().err


def test_outside_of_a_job_nothing_can_be_queued_again(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLURM_JOB_ID")
    with pytest.raises(UsageError, match="SLURM_JOB_ID is not set"):
        fit_verb.run([*TYPED, "--runs", str(tmp_path / "runs"), "--requeue"])
    assert not (tmp_path / "runs").exists()
    assert fit_verb.run([*TYPED, "--requeue", "--print-config"]) == 0
