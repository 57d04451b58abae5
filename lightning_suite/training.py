"""Trains a plugin into a run folder, or continues the training of one."""

import contextlib
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn

from lightning_suite import best_metrics, learning_curves, scheduler, signals, streams
from lightning_suite.building import has_stage, seeded, trainer_of
from lightning_suite.checkpoint_entries import needed_to_go_on, refuse_misfits
from lightning_suite.errors import DataError, Interrupted, RunError, SuiteError, UsageError
from lightning_suite.evaluation import evaluate
from lightning_suite.files import remove_unfinished
from lightning_suite.lightning_internals import wrap_only_what_learns
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import (
    Built,
    Settings,
    absolute,
    checkpoint_settings,
    flat,
    for_evaluation,
    parse,
    path_options,
)
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.processes import OtherProcesses
from lightning_suite.recorder import Recorder
from lightning_suite.resume import ExactResume
from lightning_suite.run import KEY, Run, now
from lightning_suite.run_lock import RunLock
from lightning_suite.tables import one_line

LIMITS = ("max_epochs", "min_epochs", "max_steps", "min_steps", "max_time", "limit_train_batches", "callbacks")
"""Options of the Trainer by which a training that has ended goes on when they are others."""


@streams.lasting()
def fit(
    plugin: Plugin,
    settings: Settings,
    *,
    root: str | Path = "runs",
    run: Run | None = None,
    callbacks: Sequence[Callback] = (),
    requeued_as: Sequence[str] | None = None,
) -> tuple[Run, bool]:
    """Train a plugin into a new run folder, or continue a run, and test its best checkpoint where there is test data.

    A run whose training has ended, and is not asked to be longer, is tested only.

    Args:
        plugin: the plugin to train.
        settings: all options.
        root: the folder of all runs.
        run: a run to continue from its last checkpoint, or from the beginning where it has none.
        callbacks: Lightning callbacks beside those that the settings name.
        requeued_as: the command that a job of SLURM's finds this run by when it is queued again; with it, the job is
            queued again when its end is announced.

    Returns:
        The run, and whether this process is the one of several that prints.

    Raises:
        UsageError: the trainer does not take its options.
        RunError: the checkpoint to continue from was made with other settings or data, another process trains in the
            folder, or no step was taken.
        Interrupted: training was ended from outside.
    """
    settings_named = contextlib.nullcontext if run is None else run.settings_named
    with settings_named():
        built = seeded(plugin, settings)
    settings, typed_paths = absolute(plugin, built.settings)
    entries: dict[str, Any] = {"typed_paths": typed_paths}
    if requeued_as is not None:
        entries["job"] = {"id": scheduler.job(), "command": list(requeued_as)}
    names = signals.FOR_REQUEUEING if scheduler.job() is not None else ()
    metrics = MetricsFile()
    with (
        contextlib.closing(RunLock()) as lock,
        signals.postponed(names) as announced,
        _helping_lost_data(run, settings),
    ):
        recorder = Recorder(
            plugin, settings, root, metrics, run, lock=lock, entries=entries, announced=announced if names else None
        )
        others = OtherProcesses(lambda: recorder.run)
        goes_on = run is not None and run.last.is_file()
        ours = [ExactResume(goes_on=goes_on), recorder, others, *callbacks]
        with settings_named():
            base = root if run is None else run.folder
            trainer = trainer_of(built.trainer, base, ours, metrics, [recorder.before_each], settings.monitor)
        wrap_only_what_learns(trainer)
        if run is not None and trainer.is_global_zero:
            lock.take(run.folder)
            for folder in (run.folder, run.last.parent, run.folder / "figures"):
                remove_unfinished(folder)
        start = _start(run, settings, trainer)
        try:
            if start is not None and start[KEY].get("has_ended") and _is_no_longer(start, settings):
                recorder.restore(start)
                progress = {"epochs": start["epoch"], "steps": start["global_step"]}
            else:
                progress = _train(trainer, built, recorder, others, run.last if run is not None and start else None)
            assert recorder.run is not None
            if not trainer.is_global_zero:
                return recorder.run, False
            return _finish(Run.at(recorder.run.folder), built, settings, recorder.summary() | progress), True
        except (Interrupted, KeyboardInterrupt):
            if requeued_as is not None and signals.is_of_scheduler() and trainer.is_global_zero:
                scheduler.requeue()
            raise


def _train(
    trainer: Trainer, built: Built, recorder: Recorder, others: OtherProcesses, start: Path | None
) -> dict[str, Any]:
    """Train, from a checkpoint or from the beginning, and return how far and how long, for run.json.

    Raises:
        UsageError: the trainer does not take its options.
        RunError: no step was taken.
        Interrupted: training was ended from outside.
    """
    clock = time.monotonic()
    try:
        with others.watched(trainer):
            trainer.fit(built.model, datamodule=built.data, ckpt_path=start)
    except MisconfigurationException as error:
        raise UsageError(one_line(f"{error}")) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if start is None or recorder.has_begun:
            raise
        raise RunError(f"training cannot go on from {start}: {type(error).__name__}: {error}") from error
    except SystemExit as error:  # Lightning's way to end after Ctrl-C and SIGTERM
        raise Interrupted(_how_to_continue(recorder.run)) from error
    if recorder.run is None:
        raise RunError("training ended before it began; nothing was written")
    run = recorder.run
    if not run.last.is_file():
        raise RunError(
            f"no step was taken, so there is nothing to test: {run.folder}\n"
            "Look at --trainer.max_epochs, --trainer.max_steps, --trainer.max_time and --trainer.limit_train_batches."
        )
    if trainer.world_size > 1:
        # One process does the rest; metrics would wait for the others as long as the group exists.
        torch.distributed.destroy_process_group()
    before = run.record.get("fit_seconds", 0.0) if start is not None else 0.0
    seconds = round(before + time.monotonic() - clock, 1)
    return {"fit_seconds": seconds, "epochs": trainer.current_epoch, "steps": trainer.global_step}


def _finish(run: Run, built: Built, settings: Settings, summary: dict[str, Any]) -> Run:
    """Write what the training came to, and test the best checkpoint; return the run, which has finished then."""
    if not getattr(built.data, "predicts", True):
        summary = summary | {"predicts": False}
    run.write_record({"fit_seconds": 0.0} | run.record | {"status": "trained"} | summary)
    metrics = dict(summary["metrics"])
    if has_stage(built, "test"):
        try:
            metrics |= evaluate(run, "test", for_evaluation(settings))
        except SystemExit as error:
            folder = shlex.quote(str(run.folder))
            message = f"interrupted while {run.checkpoint} was tested\nsuite fit --resume {folder} tests it again"
            raise Interrupted(message) from error
        except SuiteError as error:
            folder = shlex.quote(str(run.folder))
            message = f"{error}\nthe training has ended and is kept: suite test {folder} tests it when this is mended"
            raise RunError(message) from error
    try:
        learning_curves.draw(run)
    except SuiteError as error:  # metrics.csv was damaged; what was trained is whole
        rank_zero_warn(f"no learning curves: {error}")
    run.write_record({"status": "finished", "finished": now(), "metrics": metrics})
    return run


def _start(run: Run | None, settings: Settings, trainer: Trainer) -> dict[str, Any] | None:
    """Return the checkpoint that a run goes on from, or None where it begins."""
    if run is None:
        return None
    if run.last.is_file():
        run = replace(run, checkpoint=run.last)
        start = run.read_checkpoint()
        _refuse_other_settings(run, start, settings)
        refuse_misfits(start, needed_to_go_on(trainer), run.last)
        if "logged" in start[KEY]:
            refuse_misfits(start[KEY]["logged"], best_metrics.STATE, run.last)
        return start
    (run.folder / "metrics.csv").unlink(missing_ok=True)
    rank_zero_info(f"{run.folder} has no checkpoint to go on from: it begins again")
    return None


def _is_no_longer(start: dict[str, Any], settings: Settings) -> bool:
    """Return whether a training that has ended is not asked to go on by other limits."""
    before: dict[str, Any] = start[KEY]["settings"]["trainer"]
    return all(before.get(name) == settings.trainer.get(name) for name in LIMITS)


def _how_to_continue(run: Run | None) -> str:
    """Return the message for a training that was interrupted."""
    if run is None:
        return "interrupted before the first step; nothing was written"
    record = run.record
    when = f"interrupted in epoch {record.get('epochs', 0) + 1}, after {record.get('steps', 0)} steps"
    last = "goes on from its last checkpoint" if run.last.is_file() else "begins again, it has no checkpoint yet"
    return f"{when}: {run.folder}\nsuite fit --resume {shlex.quote(str(run.folder))} {last}"


@contextlib.contextmanager
def _helping_lost_data(run: Run | None, settings: Settings) -> Iterator[None]:
    """Add to an error of a run that goes on, where its data are gone, how to say where they lie now."""
    try:
        yield
    except (DataError, UsageError) as error:
        path = settings.data.get("path")
        if run is None or not isinstance(path, str) or not Path(path).is_absolute() or Path(path).exists():
            raise
        elsewhere = f"suite fit --resume {shlex.quote(str(run.folder))} --data.path PATH"
        raise UsageError(f"{error}\nwhere the data lie elsewhere now: {elsewhere}") from error


def _refuse_other_settings(run: Run, start: dict[str, Any], settings: Settings) -> None:
    """Raise a RunError that names what differs when a run is to go on with another model, data or metric.

    Paths may differ where the data have a fingerprint, which is compared later: a project may have been moved.
    """
    stored = checkpoint_settings(start, run.checkpoint)
    plugin = find.get(stored.plugin)
    filled = parse(plugin, [], start=asdict(stored), prog="suite fit --resume")  # with all defaults
    filled, _ = absolute(plugin, filled)  # an earlier release stored paths as they were typed
    names = ("model", "data", "seed", "monitor", "mode")
    before, asked = (flat({name: getattr(these, name) for name in names}) for these in (filled, settings))
    paths = path_options(plugin, settings) if start[KEY].get("data_fingerprint") is not None else []
    differing = [name for name in before | asked if before.get(name) != asked.get(name) and name not in paths]
    older = flat(asdict(stored))
    if new := [f"--{name} ({before[name]!r})" for name in before if name not in older]:
        rank_zero_info(f"options that the run did not have when it began take their defaults: {', '.join(new)}")
    if differing:
        lines = [f"  --{name}: {before.get(name)!r} there, {asked.get(name)!r} asked for" for name in differing[:5]]
        raise RunError("\n".join([f"{run.checkpoint} was made with other settings:", *lines]))
