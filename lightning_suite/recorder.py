"""Writes the run folder while a module trains: settings and run.json at the beginning, checkpoints as it goes on."""

import math
import operator
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback, Checkpoint
from pytorch_lightning.utilities import rank_zero_warn

from lightning_suite import ops, signals, trust
from lightning_suite.best_metrics import BestMetrics
from lightning_suite.errors import RunError
from lightning_suite.files import write_text
from lightning_suite.lightning_internals import in_folder, set_root
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import Settings
from lightning_suite.plugin import Plugin
from lightning_suite.resume import save_between_batches
from lightning_suite.run import KEY, Run, git_commit, machine, now, versions
from lightning_suite.run_lock import RunLock
from lightning_suite.tables import one_line


class Recorder(Checkpoint):
    """Writes ``best.ckpt``, chosen by the monitored metric, ``last.ckpt``, and the course of the run into run.json.

    Attributes:
        run: the run folder; None until training is set up, when one process makes it for all.
        best_value: the best value of the monitored metric so far.
        has_begun: whether training has begun.
    """

    def __init__(
        self,
        plugin: Plugin,
        settings: Settings,
        root: str | Path,
        metrics: MetricsFile,
        run: Run | None,
        *,
        lock: RunLock,
        entries: Mapping[str, Any] = MappingProxyType({}),
        announced: list[int] | None = None,
    ) -> None:
        self.run = run
        self.best_value: float | None = None
        self.before_each: BeforeEach = BeforeEach(self)
        self._lock = lock
        self._entries = entries
        self._announced = announced
        self._best = BestMetrics()
        self._has_ended = False
        self._has_just_loaded = False
        self._plugin = plugin
        self._settings = settings
        self._root = root
        self._metrics = metrics
        self._is_new = run is None
        self.has_begun: bool = False
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
            if new:
                with new.discarded_on_error():
                    self._lock.take(new.folder)
            self.run = Run.in_folder(Path(trainer.strategy.broadcast(str(new.folder) if new else "")))
        self._metrics.open(self.run.folder / "metrics.csv")
        trainer.loggers = [*in_folder(self._metrics.late, self.run.folder), *trainer.loggers]
        if self._settings.trainer.get("default_root_dir") is None:
            set_root(trainer, self.run.folder)
        self._refuse_other_data(trainer, self.run.record.get("data_fingerprint"))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the settings and what is known before the first step."""
        self.has_begun = True
        if self.run is None or not trainer.is_global_zero:
            return
        before = self.run.record
        record = {
            "plugin": self._plugin.name,
            "api": self._plugin.api,
            "versions": versions(self._plugin.origin.distribution),
            "git_commit": git_commit(),
            "seed": self._settings.seed,
            "machine": machine() | {"processes": trainer.world_size},
            "ops": ops.implementations(),
            "started": before.get("started", now()),
            "signature": trust.signature(asdict(self._settings)),
            "data_fingerprint": _fingerprint(trainer) or before.get("data_fingerprint"),
            "status": "running",
            **self._entries,
            "typed_paths": before.get("typed_paths", {}) | self._entries.get("typed_paths", {}),
        }
        if before:
            record["resumed"] = [*before.get("resumed", []), now()]
        self.run.write_record(record)
        write_text(self.run.folder / "config.yaml", self._settings.as_yaml())  # makes the folder a run, signed already

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write into run.json that training ended early, or remove the new folder if it had not begun."""
        if self.run is None or not trainer.is_global_zero:
            return
        if self._is_new and not (self.run.folder / "config.yaml").is_file():
            self._metrics.path = None
            self._lock.close()
            (self.run.folder / "run.json").unlink(missing_ok=True)
            self.run.discard()
            self.run = None
        elif self.has_begun:
            status = "interrupted" if isinstance(exception, KeyboardInterrupt | SystemExit) else "failed"
            progress = {"epochs": trainer.current_epoch, "steps": trainer.global_step}
            self.run.write_record({"status": status, "finished": now()} | progress)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember what had been logged, to know what the validation logs."""
        self._best.begin_validation(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best checkpoint when the monitored metric is better than ever before."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._validated = True
            self._best.end_validation(trainer)
            self._save_best(trainer)

    def before_epoch(self, trainer: Trainer) -> None:
        """Save the state at the end of the previous epoch."""
        if trainer.current_epoch > 0 and not self._has_just_loaded:
            self._end_epoch(trainer)

    def before_batch(self, trainer: Trainer, batch_idx: int) -> None:
        """Save in the middle of an epoch, every ``checkpoint_every`` optimizer steps, and when the job is going to end.

        Just after a validation in the middle of an epoch it waits for a step: Lightning would count that step twice.
        """
        every = self._settings.checkpoint_every
        ends = self._job_ends(trainer)
        is_due = ends or (every and trainer.global_step >= self._saved_at + every)
        just_stepped = trainer.global_step > self._stepped_at
        self._stepped_at = trainer.global_step
        if is_due and just_stepped and batch_idx > 0 and not self._validated:
            self._save_last(trainer)
        self._validated = self._has_just_loaded = False
        if ends and self._saved_at == trainer.global_step:
            signals.answer(self._announced.pop() if self._announced else signal.SIGUSR1)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state at the end of training."""
        self._has_ended = True
        self._end_epoch(trainer)

    def summary(self) -> dict[str, Any]:
        """Return what run.json says of the training: the best checkpoint, and the metrics of its epoch.

        It depends on what last.ckpt holds alone, so it is the same whenever the process was killed in between.
        """
        chosen_by = {"monitor": self._settings.monitor, "mode": self._settings.mode}
        best = chosen_by | {"value": self.best_value, "epoch": self._best.epoch}
        return {"best": best, "metrics": self._best.values()}

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the description of the run to the checkpoint."""
        checkpoint[KEY] = {
            "plugin": self._settings.plugin,
            "api": self._plugin.api,
            "settings": asdict(self._settings),
            "signature": trust.signature(asdict(self._settings)),
            "versions": versions(self._plugin.origin.distribution),
            "ops": ops.implementations(),
            "best_value": self.best_value,
            "metrics_rows": len(self._metrics.rows),
            "data_fingerprint": _fingerprint(trainer),
            "has_ended": self._has_ended,
            "logged": self._best.state(trainer),
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Restore the best value and the rows of metrics.csv that the checkpoint was written with."""
        if trainer.state.fn != "fit":
            return
        self._refuse_other_data(trainer, checkpoint[KEY].get("data_fingerprint"))
        self.restore(checkpoint)
        self._metrics.cut(checkpoint[KEY]["metrics_rows"])

    def restore(self, checkpoint: Mapping[str, Any]) -> None:
        """Take over what the training that wrote a checkpoint had come to."""
        described = checkpoint[KEY]
        self.best_value = described["best_value"]
        self._saved_at = self._stepped_at = checkpoint["global_step"]
        self._best.restore(described.get("logged", {}))
        self._has_just_loaded = True

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
            self._best.choose(trainer)
            trainer.save_checkpoint(self.run.best)

    def _end_epoch(self, trainer: Trainer) -> None:
        if not trainer.enable_validation:
            self._save_best(trainer)
        self._best.end_epoch(trainer)
        if self.best_value is None and self.run is not None:
            self._best.epoch = trainer.current_epoch
            save_between_batches(trainer, self.run.best)  # before the last one, from which a killed run goes on
        self._save_last(trainer)

    def _save_last(self, trainer: Trainer) -> None:
        if self.run is None:
            return
        self._saved_at = trainer.global_step
        self._metrics.save()
        save_between_batches(trainer, self.run.last)

    def _job_ends(self, trainer: Trainer) -> bool:
        """Return whether SLURM has announced the end of the job, to any of the processes."""
        told = self._announced
        return told is not None and bool(trainer.strategy.reduce_boolean_decision(bool(told), all=False))

    def _refuse_other_data(self, trainer: Trainer, before: object) -> None:
        """Raise a RunError when a run would go on with data of another fingerprint; None is not known."""
        now_there = _fingerprint(trainer)
        same = now_there, *getattr(trainer.datamodule, "earlier_fingerprints", ())  # type: ignore[attr-defined]
        if self.run is not None and None not in (before, now_there) and before not in same:
            raise RunError(
                f"{self.run.folder} was trained on other data: their fingerprint was {one_line(str(before), 40)},\n"
                f"that of the data now is {one_line(str(now_there), 40)}. A run goes on with the data it began with:\n"
                "put them back, or say where they are by the options --data. With other data, begin a new run."
            )


class BeforeEach(Callback):
    """Saves before other callbacks begin an epoch or a batch: what they do then, they do again when the run goes on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See ``Recorder.before_epoch``."""
        self._recorder.before_epoch(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """See ``Recorder.before_batch``."""
        self._recorder.before_batch(trainer, batch_idx)


def _fingerprint(trainer: Trainer) -> Any:
    return getattr(trainer.datamodule, "fingerprint", None)  # type: ignore[attr-defined]
