"""Writes the run folder while a module trains: settings and run.json at the beginning, checkpoints as it goes on."""

import math
import operator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.utilities import rank_zero_warn

from lightning_suite import ops, trust
from lightning_suite.files import remove_unfinished, write_text
from lightning_suite.lightning_internals import in_folder
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import Settings
from lightning_suite.plugin import Plugin
from lightning_suite.resume import save_between_batches
from lightning_suite.run import KEY, Run, git_commit, machine, now, versions


class Recorder(Checkpoint):
    """Writes ``best.ckpt``, chosen by the monitored metric, ``last.ckpt``, and the course of the run into run.json.

    Attributes:
        run: the run folder; None until training is set up, when one process makes it for all.
        best_value: the best value of the monitored metric so far.
        has_begun: whether training has begun.
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
        self._is_new = run is None
        self.has_begun = False
        self._warned = False
        self._saved_at = 0
        self._stepped_at = 0
        self._validated = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make the folder in one process, before other callbacks and loggers ask for it."""
        if stage != "fit":
            return
        if self.run is None:
            new = Run.create(self._root, self._plugin.name, self._settings.recipe) if trainer.is_global_zero else None
            self.run = Run.in_folder(Path(trainer.strategy.broadcast(str(new.folder) if new else "")))
        elif trainer.is_global_zero:
            for folder in (self.run.folder, self.run.last.parent):
                remove_unfinished(folder)
        self._metrics.open(self.run.folder / "metrics.csv")
        trainer.loggers = [*in_folder(self._metrics.late, self.run.folder), *trainer.loggers]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the settings and what is known before the first step."""
        self.has_begun = True
        if self.run is None or not trainer.is_global_zero:
            return
        datamodule = trainer.datamodule  # type: ignore[attr-defined]
        before = self.run.record
        record = {
            "plugin": self._plugin.name,
            "api": self._plugin.api,
            "versions": versions(),
            "git_commit": git_commit(),
            "seed": self._settings.seed,
            "machine": machine() | {"processes": trainer.world_size},
            "ops": ops.implementations(),
            "started": before.get("started", now()),
            "signature": trust.signature(asdict(self._settings)),
            "data_fingerprint": getattr(datamodule, "fingerprint", None),
            "status": "running",
        }
        if before:
            record["resumed"] = [*before.get("resumed", []), now()]
        write_text(self.run.folder / "config.yaml", self._settings.as_yaml())
        self.run.write_record(record)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write into run.json that training ended early, or remove the new folder if it had not begun."""
        if self.run is None or not trainer.is_global_zero:
            return
        if self.has_begun:
            status = "interrupted" if isinstance(exception, KeyboardInterrupt | SystemExit) else "failed"
            progress = {"epochs": trainer.current_epoch, "steps": trainer.global_step}
            self.run.write_record({"status": status, "finished": now()} | progress)
        elif self._is_new:
            self._metrics.path = None
            self.run.discard()
            self.run = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best checkpoint when the monitored metric is better than ever before."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._validated = True
            self._save_best(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state at the end of the previous epoch."""
        if trainer.current_epoch > 0:
            self._end_epoch(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Save in the middle of an epoch, every ``checkpoint_every`` optimizer steps.

        Just after a validation in the middle of an epoch it waits for a step: Lightning would count that step twice.
        """
        every = self._settings.checkpoint_every
        is_due = every and trainer.global_step >= self._saved_at + every
        just_stepped = trainer.global_step > self._stepped_at
        self._stepped_at = trainer.global_step
        if is_due and just_stepped and batch_idx > 0 and not self._validated:
            self._save_last(trainer)
        self._validated = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state at the end of training."""
        self._end_epoch(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the description of the run to the checkpoint."""
        checkpoint[KEY] = {
            "plugin": self._settings.plugin,
            "api": self._plugin.api,
            "settings": asdict(self._settings),
            "signature": trust.signature(asdict(self._settings)),
            "versions": versions(),
            "ops": ops.implementations(),
            "best_value": self.best_value,
            "metrics_rows": len(self._metrics.rows),
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Restore the best value and the rows of metrics.csv that the checkpoint was written with."""
        if trainer.state.fn != "fit":
            return
        self.best_value = checkpoint[KEY]["best_value"]
        self._saved_at = self._stepped_at = checkpoint["global_step"]
        self._metrics.cut(checkpoint[KEY]["metrics_rows"])

    def _save_best(self, trainer: Trainer) -> None:
        metric = trainer.callback_metrics.get(self._settings.monitor)
        if metric is None:
            if not self._warned:
                rank_zero_warn(
                    f"the module logs no {self._settings.monitor!r}, so best.ckpt will be the last checkpoint; it logs "
                    f"{', '.join(sorted(trainer.callback_metrics)) or 'nothing'}. Choose one of these with --monitor."
                )
            self._warned = True
            return
        value = float(trainer.strategy.broadcast(metric.item()))
        is_better = operator.lt if self._settings.mode == "min" else operator.gt
        if self.run is None or math.isnan(value):
            return
        if self.best_value is None or is_better(value, self.best_value):
            self.best_value = value
            trainer.save_checkpoint(self.run.best)

    def _end_epoch(self, trainer: Trainer) -> None:
        if not trainer.enable_validation:
            self._save_best(trainer)
        self._save_last(trainer)
        if self.best_value is None and self.run is not None:
            save_between_batches(trainer, self.run.best)

    def _save_last(self, trainer: Trainer) -> None:
        if self.run is None:
            return
        self._saved_at = trainer.global_step
        self._metrics.save()
        save_between_batches(trainer, self.run.last)
