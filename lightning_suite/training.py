"""Runs a plugin: fits it, continues a run, evaluates, predicts, and restores its module from a checkpoint.

Each function builds the plugin's classes from settings, gives Lightning's Trainer the callbacks that write the run
folder, and returns what the verb prints.
"""

import inspect
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import LightningDataModule, LightningModule, Trainer, seed_everything
from pytorch_lightning.callbacks import Callback, Checkpoint
from pytorch_lightning.utilities import rank_zero_info
from pytorch_lightning.utilities.model_helpers import is_overridden
from pytorch_lightning.utilities.seed import isolate_rng

from lightning_suite.checkpoint import SafeCheckpointIO
from lightning_suite.errors import Interrupted, RunError, UsageError
from lightning_suite.lightning_internals import hide_messages, wrap_only_what_learns
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import (
    Built,
    Settings,
    build,
    build_model,
    flat,
    for_evaluation,
    parse,
    settings_of,
    stored_settings,
)
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.resolve import resolve
from lightning_suite.progress import is_quiet
from lightning_suite.recorder import Recorder
from lightning_suite.resume import ExactResume
from lightning_suite.run import KEY, Run, now
from lightning_suite.tables import one_line

if TYPE_CHECKING:
    from lightning_suite.predictions import Predictions


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
        UsageError: if the trainer does not take its options.
        RunError: if the checkpoint to continue from was made with other settings, or no step was taken.
        Interrupted: if training was ended from outside.
    """
    built = seeded(plugin, settings)
    settings = built.settings
    start = run.last if run is not None and run.last.is_file() else None
    if run is not None and start is None:
        (run.folder / "metrics.csv").unlink(missing_ok=True)
    if start is not None:
        _refuse_other_settings(Run(start.parent.parent, start), settings)
    elif run is not None:
        rank_zero_info(f"{run.folder} has no checkpoint to go on from: it begins again")
    metrics = MetricsFile()
    recorder = Recorder(plugin, settings, root, metrics, run)
    trainer = trainer_of(built.trainer, root, [ExactResume(), recorder, *callbacks], metrics)
    wrap_only_what_learns(trainer)
    clock = time.monotonic()
    try:
        trainer.fit(built.model, datamodule=built.data, ckpt_path=start)
    except MisconfigurationException as error:
        raise UsageError(one_line(f"{error}")) from error
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
    seconds = time.monotonic() - clock
    values = {name: float(value) for name, value in trainer.callback_metrics.items()}
    is_first = trainer.is_global_zero
    if trainer.world_size > 1:
        # One process does the rest; metrics would wait for the others as long as the group exists.
        trainer.strategy.barrier()
        torch.distributed.destroy_process_group()
    if not is_first:
        return run, is_first
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
    return run, is_first


def evaluate(run: Run, stage: Literal["validate", "test"], changes: Settings | None = None) -> dict[str, float]:
    """Return the metrics of a run's checkpoint on its validation or test data, computed in one process.

    Args:
        run: the run.
        stage: which data.
        changes: settings in place of the run's own, for other data or another device; see ``for_evaluation``.

    Raises:
        RunError: if the plugin has no such data or step, or the checkpoint does not fit the settings.
    """
    settings = changes or for_evaluation(settings_of(run))
    plugin = find.get(settings.plugin)
    built = seeded(plugin, settings)
    if not has_stage(built, stage):
        step = {"validate": "validation_step and val_dataloader", "test": "test_step and test_dataloader"}[stage]
        raise RunError(f"plugin {plugin.name!r} has nothing to {stage}: its classes do not define {step}.")
    restore_into(built.model, run)
    trainer = trainer_of(built.trainer, run.folder)
    results = getattr(trainer, stage)(built.model, datamodule=built.data, verbose=False)
    values = {name: float(value) for result in results for name, value in result.items()}
    if run.record and trainer.is_global_zero:
        run.write_record({"evaluations": run.record.get("evaluations", {}) | {stage: values}})
    return values


def predict(run: Run, path: str | None, output: "Predictions", changes: Settings | None = None) -> int:
    """Write the predictions of a run's checkpoint in the order of the inputs, and return how many there were.

    Args:
        run: the run.
        path: the file of inputs; None for what the data module's ``predict_dataloader`` reads by itself.
        output: the file that the predictions or embeddings are written to.
        changes: settings in place of the run's own; see ``for_evaluation``.

    Raises:
        UsageError: if the plugin takes no file, needs one, or computes no embeddings.
    """
    settings = changes or for_evaluation(settings_of(run))
    plugin = find.get(settings.plugin)
    takes_file = "predict_path" in inspect.signature(resolve(plugin, "data")).parameters
    if path is not None and not takes_file:
        raise UsageError(
            f"plugin {plugin.name!r} does not predict from a file: its data module has no parameter 'predict_path'.\n"
            f"suite predict RUN, without INPUT, predicts what its predict_dataloader reads."
        )
    if path is not None:
        settings = replace(settings, data=settings.data | {"predict_path": path})
    elif takes_file and settings.data.get("predict_path") is None:
        raise UsageError(f"suite predict RUN INPUT: plugin {plugin.name!r} needs a file of inputs")
    built = seeded(plugin, settings)
    step = output.step_name
    if not is_overridden("predict_dataloader", built.data) or not callable(getattr(built.model, step, None)):
        raise UsageError(
            f"plugin {plugin.name!r} cannot do this: its classes do not define predict_dataloader and {step}."
        )
    restore_into(built.model, run)
    trainer = trainer_of(built.trainer, run.folder, [output])
    if step != "predict_step":
        built.model.predict_step = getattr(built.model, step)  # type: ignore[method-assign]
    trainer.predict(built.model, datamodule=built.data, return_predictions=False)
    return output.rows


def restore(run: Run) -> LightningModule:
    """Return the module of a run's checkpoint, in evaluation mode; the global random generators stay as they are."""
    checkpoint = run.read_checkpoint()
    settings = stored_settings(checkpoint[KEY]["settings"], run.checkpoint)
    with isolate_rng():
        module = build_model(find.get(settings.plugin), settings)
        restore_into(module, run, checkpoint)
    return module.eval()


def restore_data(run: Run) -> LightningDataModule:
    """Return the data module of a run, built from its settings; the global random generators stay as they are."""
    settings = stored_settings(run.read_checkpoint()[KEY]["settings"], run.checkpoint)
    with isolate_rng():
        return seeded(find.get(settings.plugin), settings).data


def restore_into(module: LightningModule, run: Run, checkpoint: dict[str, Any] | None = None) -> None:
    """Load a checkpoint's weights into a module.

    Raises:
        RunError: if the weights have other names or shapes; the message shows the first of them.
    """
    checkpoint = checkpoint or run.read_checkpoint()
    module.on_load_checkpoint(checkpoint)
    module.configure_model()
    weights: Mapping[str, torch.Tensor] = checkpoint["state_dict"]
    own = module.state_dict()
    shapes = {
        name: (tuple(weights[name].shape) if name in weights else None, tuple(own[name].shape) if name in own else None)
        for name in {**weights, **own}
    }
    differences = [f"  {name}: {there} there, {here} here" for name, (there, here) in shapes.items() if there != here]
    if differences:
        more = [f"  and {len(differences) - 4} more"] if len(differences) > 4 else []
        raise RunError(
            "\n".join([f"{run.checkpoint} has another structure than the settings ask for:", *differences[:4], *more])
        )
    module.load_state_dict(dict(weights))


def seeded(plugin: Plugin, settings: Settings) -> Built:
    """Return the plugin's objects, built after all generators were seeded: the settings alone decide the weights."""
    seed_everything(settings.seed, workers=True, verbose=False)
    return build(plugin, settings)


def trainer_of(
    arguments: dict[str, Any], root: str | Path, callbacks: Sequence[Callback] = (), metrics: MetricsFile | None = None
) -> Trainer:
    """Return Lightning's Trainer with the user's arguments and, beside theirs, our callbacks, logger and checkpoints.

    Raises:
        UsageError: if the Trainer does not take the arguments, alone or together.
    """
    hide_messages()
    loggers = [logger for logger in _as_list(arguments.get("logger")) if not isinstance(logger, bool)]
    theirs = _as_list(arguments.get("callbacks"))
    # A ModelCheckpoint of the user's asks for the run folder in its setup, so ours, which makes it, comes before.
    late = [callback for callback in theirs if isinstance(callback, Checkpoint)]
    try:
        return Trainer(
            **arguments
            | {
                "callbacks": [*(one for one in theirs if one not in late), *callbacks, *late],
                "logger": [metrics, *loggers] if metrics else loggers or False,
                "plugins": [*_as_list(arguments.get("plugins")), SafeCheckpointIO()],
                "default_root_dir": arguments.get("default_root_dir") or str(root),
                "enable_checkpointing": metrics is not None,
            }
            | ({"enable_progress_bar": False} if is_quiet() else {})
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        raise UsageError(f"the trainer does not take its options: {one_line(f'{error}')}") from error


def has_stage(built: Built, stage: Literal["validate", "test"]) -> bool:
    """Return whether the plugin's classes define both the data and the step of a stage."""
    data, step = {"validate": ("val_dataloader", "validation_step"), "test": ("test_dataloader", "test_step")}[stage]
    return is_overridden(data, built.data, LightningDataModule) and is_overridden(step, built.model, LightningModule)


def _how_to_continue(run: Run | None) -> str:
    """Return the message for a training that was ended from outside."""
    if run is None:
        return "interrupted before the first step; nothing was written"
    record = run.record
    when = f"interrupted in epoch {record.get('epochs', 0) + 1}, after {record.get('steps', 0)} steps"
    last = "goes on from its last checkpoint" if run.last.is_file() else "begins again, it has no checkpoint yet"
    return f"{when}: {run.folder}\nsuite fit --resume {shlex.quote(str(run.folder))} {last}"


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _refuse_other_settings(run: Run, settings: Settings) -> None:
    """Refuse to go on with another model, other data or another measure than a run began with.

    Raises:
        RunError: what differs.
    """
    stored = stored_settings(run.read_checkpoint()[KEY]["settings"], run.checkpoint)
    filled = parse(find.get(stored.plugin), [], start=asdict(stored))  # with options that a later release added
    names = ("model", "data", "seed", "monitor", "mode")
    before, asked = (flat({name: getattr(these, name) for name in names}) for these in (filled, settings))
    differing = [name for name in before | asked if before.get(name) != asked.get(name)]
    if differing:
        lines = [f"  --{name}: {before.get(name)!r} there, {asked.get(name)!r} asked for" for name in differing[:5]]
        raise RunError("\n".join([f"{run.checkpoint} was made with other settings:", *lines]))
