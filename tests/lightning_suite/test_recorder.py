"""What is kept while a module trains."""

import importlib.metadata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lightning_suite.options import Settings
from lightning_suite.plugins import find
from lightning_suite.plugins.origin import Origin
from lightning_suite.run import KEY, Run
from lightning_suite.training import fit

TINY = f"{Path(__file__).parent / 'tiny.py'}:plugin"
SETTINGS = Settings(
    plugin=TINY,
    trainer={"max_epochs": 3, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"},
)


def contents(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def test_without_validation_best_follows_a_training_metric_to_its_best(tmp_path: Path) -> None:
    settings = replace(SETTINGS, monitor="train_loss_epoch", trainer=SETTINGS.trainer | {"limit_val_batches": 0})
    run, _ = fit(find.get(TINY), settings, root=tmp_path)
    rows = (run.folder / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("train_loss_epoch")
    losses = [float(row.split(",")[column]) for row in rows[1:] if row.split(",")[column]]
    assert run.record["best"]["value"] == pytest.approx(min(losses))
    assert contents(run.best)[KEY]["best_value"] == pytest.approx(min(losses))


def test_a_metric_that_is_not_a_number_is_never_the_best(tmp_path: Path) -> None:
    class NotANumber(Callback):
        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            value = float("nan") if trainer.current_epoch == 0 else float(trainer.current_epoch)
            pl_module.log("odd", value)

    settings = replace(SETTINGS, monitor="odd")
    run, _ = fit(find.get(TINY), settings, root=tmp_path, callbacks=[NotANumber()])
    assert run.record["best"]["value"] == 1.0


def test_the_last_checkpoint_is_written_between_epochs_and_every_so_many_steps(tmp_path: Path) -> None:
    seen: list[int] = []

    class Watch(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            last = Path(trainer.log_dir) / "checkpoints" / "last.ckpt"
            seen.append(contents(last)["global_step"] if last.is_file() else 0)

    settings = replace(SETTINGS, checkpoint_every=4, trainer=SETTINGS.trainer | {"max_epochs": 2})
    fit(find.get(TINY), settings, root=tmp_path, callbacks=[Watch()])
    assert seen == [0, 0, 0, 0, 4, 4, 6, 6, 6, 6, 10, 10]  # an epoch has 6 steps


def test_a_run_that_fails_says_so(tmp_path: Path) -> None:
    class Fail(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fit(find.get(TINY), SETTINGS, root=tmp_path, callbacks=[Fail()])
    (folder,) = (tmp_path / "tiny").iterdir()
    assert Run.at(folder).record["status"] == "failed"


def test_the_version_of_the_distribution_that_brings_the_plugin_is_kept(tmp_path: Path) -> None:
    plugin = find.get(TINY)
    brought = replace(plugin, origin=Origin("tiny", "tiny:plugin", "pytest", "1.0"))
    run, _ = fit(brought, replace(SETTINGS, trainer=SETTINGS.trainer | {"max_epochs": 1}), root=tmp_path)
    expected = importlib.metadata.version("pytest")
    assert run.record["versions"]["pytest"] == expected
    assert run.read_checkpoint()[KEY]["versions"]["pytest"] == expected
