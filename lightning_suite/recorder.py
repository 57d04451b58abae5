"""Writes the run folder while a module trains: settings and record first, checkpoints as epochs end."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.utilities import rank_zero_warn

from lightning_suite import ops
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import Settings
from lightning_suite.plugin import Plugin
from lightning_suite.resume import save_between_batches
from lightning_suite.run import KEY, Run, git_commit, machine, now, versions


class Recorder(Checkpoint):
    """Keeps ``best.ckpt`` by the monitored metric and ``last.ckpt`` by time, and tells run.json how the run went.

    Attributes:
        run: the run folder; None until training is set up, when one process makes it and tells the others.
        best_value: the best value of the monitored metric so far.
    """

    def __init__(
        self, plugin: Plugin, settings: Settings, root: str | Path, metrics: MetricsFile, run: Run | None
    ) -> None:
        self.run = run
        self.best_value: float | None = None
        self._plugin = plugin
        self._settings = settings
        self._root = root
        self._metrics = metrics
        self._made = run is None
        self._begun = False
        self._monitor_missed = False
        self._saved_at = 0
        self._stepped_at = 0
        self._validated = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Makes the folder, in one process; other callbacks and loggers may ask for it before training starts."""
        if stage != "fit":
            return
        if self.run is None:
            made = Run.create(self._root, self._plugin.name, self._settings.recipe) if trainer.is_global_zero else None
            folder = Path(trainer.strategy.broadcast(str(made.folder) if made else ""))
            self.run = Run(folder, folder / "checkpoints" / "best.ckpt")
        self._metrics.open(self.run.folder / "metrics.csv")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes what is known before the first step, now that nothing was wrong with the settings."""
        self._begun = True
        datamodule = trainer.datamodule  # type: ignore[attr-defined]
        if trainer.is_global_zero and self.run is not None:
            self.run.write_settings(self._settings.as_yaml())
            resumed = {"resumed": [*self.run.record.get("resumed", []), now()]} if self.run.record else {}
            self.run.write_record(
                {
                    "plugin": self._plugin.name,
                    "api": self._plugin.api,
                    "versions": versions(),
                    "git_commit": git_commit(),
                    "seed": self._settings.seed,
                    "machine": machine() | {"processes": trainer.world_size},
                    "ops": ops.implementations(),
                    "started": self.run.record.get("started", now()),
                    "data_fingerprint": getattr(datamodule, "fingerprint", None),
                    "status": "running",
                }
                | resumed
            )

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Says in run.json that training has ended early; before its first step takes the new folder away."""
        if self.run is None or not trainer.is_global_zero:
            return
        if self._begun:
            ended = "interrupted" if isinstance(exception, KeyboardInterrupt | SystemExit) else "failed"
            progress = {"epochs": trainer.current_epoch, "steps": trainer.global_step}
            self.run.write_record({"status": ended, "finished": now()} | progress)
        elif self._made:
            self._metrics.path = None
            self.run.discard()
            self.run = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps the checkpoint when validation was the best so far."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._validated = True
            self._keep_best(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves where the last epoch has ended; nothing of this one has happened yet."""
        if trainer.current_epoch > 0:
            self._end_epoch(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Saves in the middle of an epoch, after so many optimizer steps.

        Just after a validation in the middle of an epoch it waits for a step: Lightning would count that step twice.
        """
        due = (
            self._settings.checkpoint_every and trainer.global_step >= self._saved_at + self._settings.checkpoint_every
        )
        just_stepped = trainer.global_step > self._stepped_at
        self._stepped_at = trainer.global_step
        if due and just_stepped and batch_idx > 0 and not self._validated:
            self._save_last(trainer)
        self._validated = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves the end."""
        self._end_epoch(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Lets the checkpoint say what it is of."""
        checkpoint[KEY] = {
            "plugin": self._settings.plugin,
            "api": self._plugin.api,
            "settings": asdict(self._settings),
            "versions": versions(),
            "ops": ops.implementations(),
            "best_value": self.best_value,
            "metrics_rows": len(self._metrics.rows),
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Takes up where the checkpoint was written."""
        if trainer.state.fn != "fit":
            return
        self.best_value = checkpoint[KEY]["best_value"]
        self._saved_at = self._stepped_at = checkpoint["global_step"]
        self._metrics.cut(checkpoint[KEY]["metrics_rows"])

    def _keep_best(self, trainer: Trainer) -> None:
        found = trainer.callback_metrics.get(self._settings.monitor)
        if found is None:
            if not self._monitor_missed:
                rank_zero_warn(
                    f"the module logs no {self._settings.monitor!r}, so best.ckpt will be the last checkpoint; it logs "
                    f"{', '.join(sorted(trainer.callback_metrics)) or 'nothing'}. Choose one of these with --monitor."
                )
            self._monitor_missed = True
            return
        value = float(trainer.strategy.broadcast(found.item()))
        sign = 1 if self._settings.mode == "min" else -1
        if self.run is None or math.isnan(value):
            return
        if self.best_value is None or sign * value < sign * self.best_value:
            self.best_value = value
            trainer.save_checkpoint(self.run.best)

    def _end_epoch(self, trainer: Trainer) -> None:
        if not trainer.enable_validation:
            self._keep_best(trainer)
        self._save_last(trainer)
        if self.best_value is None and self.run is not None:
            save_between_batches(trainer, self.run.best)

    def _save_last(self, trainer: Trainer) -> None:
        if self.run is None:
            return
        self._saved_at = trainer.global_step
        self._metrics.save()
        save_between_batches(trainer, self.run.last)
