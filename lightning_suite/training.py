"""Trains a plugin into a run folder, or continues the training of one."""

import contextlib
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite import signals, streams
from lightning_suite.building import has_stage, seeded, trainer_of
from lightning_suite.checkpoint_entries import needed_to_go_on, refuse_misfits
from lightning_suite.errors import Interrupted, RunError, UsageError
from lightning_suite.evaluation import evaluate
from lightning_suite.lightning_internals import wrap_only_what_learns
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import Settings, checkpoint_settings, flat, for_evaluation, parse
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.processes import OtherProcesses
from lightning_suite.recorder import Recorder
from lightning_suite.resume import ExactResume
from lightning_suite.run import Run, now
from lightning_suite.tables import one_line


@streams.lasting()
def fit(
    plugin: Plugin,
    settings: Settings,
    *,
    root: str | Path = "runs",
    run: Run | None = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[Run, bool]:
    """Train a plugin into a new run folder, or continue a run, and test its best checkpoint where there is test data.

    Args:
        plugin: the plugin to train.
        settings: all options.
        root: the folder of all runs.
        run: a run to continue from its last checkpoint, or from the beginning where it has none.
        callbacks: Lightning callbacks beside those that the settings name.

    Returns:
        The run, and whether this process is the one of several that prints.

    Raises:
        UsageError: the trainer does not take its options.
        RunError: the checkpoint to continue from was made with other settings, or no step was taken.
        Interrupted: training was ended from outside.
    """
    named = contextlib.nullcontext() if run is None else run.settings_named()
    with named:
        built = seeded(plugin, settings)
    settings = built.settings
    start = None
    if run is not None and run.last.is_file():
        start = run.last
        contents = _refuse_other_settings(replace(run, checkpoint=start), settings)
    elif run is not None:
        (run.folder / "metrics.csv").unlink(missing_ok=True)
        rank_zero_info(f"{run.folder} has no checkpoint to go on from: it begins again")
    metrics = MetricsFile()
    recorder = Recorder(plugin, settings, root, metrics, run)
    others = OtherProcesses(lambda: recorder.run)
    resume = ExactResume(goes_on=start is not None)
    trainer = trainer_of(built.trainer, root, [resume, recorder, others, *callbacks], metrics)
    wrap_only_what_learns(trainer)
    if start is not None:
        refuse_misfits(contents, needed_to_go_on(trainer), start)
    clock = time.monotonic()
    signals.leave_to_scheduler()
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
    run = Run.at(run.folder)  # its best checkpoint may be new
    seconds = time.monotonic() - clock
    values = {name: float(value) for name, value in trainer.callback_metrics.items()}
    if trainer.world_size > 1:
        # One process does the rest; metrics would wait for the others as long as the group exists.
        torch.distributed.destroy_process_group()
    if not trainer.is_global_zero:
        return run, False
    before = run.record.get("fit_seconds", 0.0) if start is not None else 0.0
    run.write_record(
        {
            "status": "finished",
            "finished": now(),
            "fit_seconds": round(before + seconds, 1),
            "epochs": trainer.current_epoch,
            "steps": trainer.global_step,
            "best": {"monitor": settings.monitor, "mode": settings.mode, "value": recorder.best_value},
            "metrics": values,
        }
    )
    if has_stage(built, "test"):
        run.write_record({"metrics": values | evaluate(run, "test", for_evaluation(settings))})
    return run, True


def _how_to_continue(run: Run | None) -> str:
    """Return the message for a training that was interrupted."""
    if run is None:
        return "interrupted before the first step; nothing was written"
    record = run.record
    when = f"interrupted in epoch {record.get('epochs', 0) + 1}, after {record.get('steps', 0)} steps"
    last = "goes on from its last checkpoint" if run.last.is_file() else "begins again, it has no checkpoint yet"
    return f"{when}: {run.folder}\nsuite fit --resume {shlex.quote(str(run.folder))} {last}"


def _refuse_other_settings(run: Run, settings: Settings) -> dict[str, Any]:
    """Return the contents of the checkpoint.

    Raises:
        RunError: the run is to go on with another model, data or metric; the message names what differs.
    """
    contents = run.read_checkpoint()
    stored = checkpoint_settings(contents, run.checkpoint)
    filled = parse(find.get(stored.plugin), [], start=asdict(stored), prog="suite fit --resume")  # with all defaults
    names = ("model", "data", "seed", "monitor", "mode")
    before, asked = (flat({name: getattr(these, name) for name in names}) for these in (filled, settings))
    differing = [name for name in before | asked if before.get(name) != asked.get(name)]
    if differing:
        lines = [f"  --{name}: {before.get(name)!r} there, {asked.get(name)!r} asked for" for name in differing[:5]]
        raise RunError("\n".join([f"{run.checkpoint} was made with other settings:", *lines]))
    return contents
