"""However a training ends, its run goes on to the same end: run.json, metrics.csv and the table among it."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lightning_suite import signals, training
from lightning_suite.checkpoint import read
from lightning_suite.errors import Interrupted, RunError
from lightning_suite.evaluation import evaluate
from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.run import KEY, Run
from lightning_suite.training import fit
from lightning_suite.verbs import fit as fit_verb

TINY = f"{Path(__file__).parent / 'lightning_suite' / 'tiny.py'}:plugin"
MONITOR = {"class_path": "LearningRateMonitor", "init_args": {"logging_interval": "epoch"}}
TRAINER = {"max_epochs": 3, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
SETTINGS = Settings(plugin=TINY, mode="max", checkpoint_every=4, trainer=TRAINER | {"callbacks": [MONITOR]})


class Killed(BaseException):
    """In place of ``kill -9``: nothing of ours answers it."""


class End(Callback):
    """Ends a training at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == self.step:
            raise Killed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing interrupted; the largest val_loss is that of its first epoch."""
    return fit(find.get(TINY), SETTINGS, root=tmp_path_factory.mktemp("whole"))[0]


def ends(run: Run) -> dict[str, Any]:
    """What a run comes to."""
    names = ("status", "epochs", "steps", "best", "metrics", "evaluations")
    weights = torch.load(run.last, weights_only=True)["state_dict"]
    return {
        "record": {name: run.record[name] for name in names},
        "rows": (run.folder / "metrics.csv").read_text(),
        "weights": {name: tensor.tolist() for name, tensor in weights.items()},
        "files": sorted(path.name for path in run.folder.rglob("*")),
    }


@pytest.mark.parametrize("step", [2, 6, 7, 9, 11, 13, 17, 18])
def test_a_run_that_is_killed_while_it_trains_comes_to_the_same_end(step: int, whole: Run, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        fit(find.get(TINY), SETTINGS, root=tmp_path, callbacks=[End(step)])
    (folder,) = (tmp_path / "tiny").iterdir()
    assert ends(fit(find.get(TINY), SETTINGS, run=Run.at(folder))[0]) == ends(whole)


@pytest.mark.parametrize("moment", ["_finish", "evaluate", "after"])
def test_a_run_that_is_killed_after_its_training_is_tested_by_resume(
    moment: str, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def kill(*arguments: Any) -> None:
        if moment == "after":
            evaluate(*arguments)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(training, "evaluate" if moment == "after" else moment, kill)
        fit(find.get(TINY), SETTINGS, root=tmp_path)
    (folder,) = (tmp_path / "tiny").iterdir()
    assert Run.at(folder).record["status"] == ("running" if moment == "_finish" else "trained")
    assert fit_verb.run(["--resume", str(folder)]) == 0
    assert ends(Run.at(folder)) == ends(whole)
    assert "resumed" not in Run.at(folder).record  # nothing was trained


def test_a_training_that_stopped_early_is_not_trained_on_by_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss", "mode": "max", "patience": 1}}
    settings = replace(SETTINGS, trainer=TRAINER | {"max_epochs": 9, "callbacks": [stopping]})

    def kill(*arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(training, "evaluate", kill)
        fit(find.get(TINY), settings, root=tmp_path)
    (folder,) = (tmp_path / "tiny").iterdir()
    steps = Run.at(folder).record["steps"]
    assert steps < 54
    assert fit(find.get(TINY), settings, run=Run.at(folder))[0].record["steps"] == steps
    longer = replace(settings, trainer=settings.trainer | {"callbacks": [], "max_epochs": 5})
    assert fit(find.get(TINY), longer, run=Run.at(folder))[0].record["steps"] == 30


def test_the_metrics_are_those_of_the_best_checkpoint_and_the_table_says_so(
    whole: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((whole.folder / "run.json").read_text())
    before = dict(record["evaluations"])
    assert record["metrics"]["val_loss"] == pytest.approx(evaluate(whole, "validate")["val_loss"], abs=1e-6)
    assert record["metrics"]["val_loss"] == pytest.approx(record["best"]["value"])
    assert record["metrics"]["test_loss"] == evaluate(whole, "test")["test_loss"]
    whole.write_record({"evaluations": before})
    assert fit_verb.run(["--resume", str(whole.folder)]) == 0
    epoch = torch.load(whole.best, weights_only=True)["epoch"] + 1
    assert record["best"]["epoch"] == epoch
    assert f"metrics of best.ckpt of epoch {epoch}: largest val_loss\n" in capsys.readouterr().out


def test_ctrl_c_inside_the_writing_of_a_checkpoint_is_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def pressed(contents: Any, file: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        save(contents, file)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(torch, "save", pressed)
    try:
        with signals.answered(), pytest.raises(Interrupted, match="suite fit --resume"):
            fit(find.get(TINY), SETTINGS, root=tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    (folder,) = (tmp_path / "tiny").iterdir()
    assert Run.at(folder).record["status"] == "interrupted"
    assert read(Run.at(folder).last)["global_step"] == 4  # whole


def test_a_second_training_of_a_run_is_refused_while_the_first_one_writes(tmp_path: Path) -> None:
    refused: list[str] = []

    class Second(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 1:
                with pytest.raises(RunError) as told:
                    fit(find.get(TINY), SETTINGS, run=Run.at(Path(trainer.default_root_dir)))
                refused.append(f"{told.value}")

    run, _ = fit(find.get(TINY), SETTINGS, root=tmp_path, callbacks=[Second()])
    assert len(refused) == 1
    assert f"another process trains in {run.folder}: process {os.getpid()} on" in refused[0]
    assert run.record["status"] == "finished"


def test_an_option_that_an_old_run_does_not_have_takes_its_default_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run, _ = fit(find.get(TINY), SETTINGS, root=tmp_path)
    checkpoint = torch.load(run.last, weights_only=True)
    del checkpoint[KEY]["settings"]["data"]["workers"]
    torch.save(checkpoint, run.last)
    longer = replace(SETTINGS, trainer=SETTINGS.trainer | {"max_epochs": 4})
    with caplog.at_level("INFO"):
        assert fit(find.get(TINY), longer, run=run)[0].record["steps"] == 24
        assert "take their defaults: --data.workers (0)" in caplog.text
        caplog.clear()
        fit(find.get(TINY), replace(longer, trainer=longer.trainer | {"max_epochs": 5}), run=run)
        assert "take their defaults" not in caplog.text


def test_a_clock_that_goes_back_and_one_second_give_every_run_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        times = iter(["12", "12", "11", "12"])

        @classmethod
        def now(cls) -> Any:
            from datetime import datetime

            return datetime(2026, 1, 1, 0, 0, int(next(cls.times)))

    monkeypatch.setattr("lightning_suite.run.datetime", Clock)
    names = [Run.create(tmp_path, "tiny", "one").folder.name for _ in range(4)]
    stem = "2026-01-01-0000"
    assert names == [f"{stem}12-one", f"{stem}12-one-2", f"{stem}11-one", f"{stem}12-one-3"]
