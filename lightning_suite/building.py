"""Builds what runs: the plugin's module and data from settings, a checkpoint's weights, and Lightning's Trainer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import LightningDataModule, LightningModule, Trainer, seed_everything
from pytorch_lightning.callbacks import Callback, Checkpoint, ModelSummary, ProgressBar
from pytorch_lightning.utilities.model_helpers import is_overridden

from lightning_suite.checkpoint import SafeCheckpointIO
from lightning_suite.checkpoint_entries import refuse_misfits
from lightning_suite.errors import RunError, UsageError
from lightning_suite.lightning_internals import go_on_from_nothing_else, hide_messages
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options import Built, Settings, build
from lightning_suite.plugin import Plugin
from lightning_suite.progress import is_quiet
from lightning_suite.run import Run
from lightning_suite.tables import one_line
from lightning_suite.training_progress import ModelSize, TrainingProgress


def seeded(plugin: Plugin, settings: Settings) -> Built:
    """Seed all random generators, so that the settings alone decide the weights, and return the plugin's objects."""
    seed_everything(settings.seed, workers=True, verbose=False)
    return build(plugin, settings)


def has_stage(built: Built, stage: Literal["validate", "test"]) -> bool:
    """Return whether the plugin's classes define both the data and the step of a stage."""
    data, step = {"validate": ("val_dataloader", "validation_step"), "test": ("test_dataloader", "test_step")}[stage]
    return is_overridden(data, built.data, LightningDataModule) and is_overridden(step, built.model, LightningModule)


def restore_into(module: LightningModule, run: Run, checkpoint: dict[str, Any] | None = None) -> None:
    """Load the weights of a run's checkpoint into a module.

    Args:
        module: the module, built with the settings of the checkpoint.
        run: the run.
        checkpoint: the contents of its checkpoint, if they have been read already.

    Raises:
        RunError: the weights have other names or shapes; the message shows the first of them.
    """
    checkpoint = checkpoint or run.read_checkpoint()
    refuse_misfits(checkpoint, {"state_dict": dict}, run.checkpoint)
    refuse_misfits(checkpoint["state_dict"], dict.fromkeys(checkpoint["state_dict"], torch.Tensor), run.checkpoint)
    module.on_load_checkpoint(checkpoint)
    module.configure_model()
    weights: Mapping[str, torch.Tensor] = checkpoint["state_dict"]
    there = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    here = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    differing = [name for name in there | here if there.get(name) != here.get(name)]
    differences = [f"  {name}: {there.get(name)} there, {here.get(name)} here" for name in differing]
    if differences:
        more = [f"  and {len(differences) - 4} more"] if len(differences) > 4 else []
        raise RunError(
            "\n".join([f"the weights in {run.checkpoint} do not fit the settings:", *differences[:4], *more])
        )
    module.load_state_dict(dict(weights))


def trainer_of(
    arguments: dict[str, Any],
    root: str | Path,
    callbacks: Sequence[Callback] = (),
    metrics: MetricsFile | None = None,
    early: Sequence[Callback] = (),
    monitor: str = "",
) -> Trainer:
    """Return Lightning's Trainer with the user's arguments, callbacks and loggers, and with ours.

    Of our callbacks the ``early`` ones are called before the user's, the others after. Our progress bar and lines about
    the model take the place of Lightning's where the user asks for no others.

    Raises:
        UsageError: the Trainer does not take the arguments, alone or together.
    """
    hide_messages()
    loggers = [logger for logger in _as_list(arguments.get("logger")) if not isinstance(logger, bool)]
    is_training = metrics is not None
    metrics = metrics or MetricsFile()
    metrics.late = [logger for logger in loggers if logger.save_dir == ""]
    theirs = _as_list(arguments.get("callbacks"))
    # A ModelCheckpoint of the user's asks for the run folder in its setup, so ours, which makes it, comes before.
    late = [callback for callback in theirs if isinstance(callback, Checkpoint)]
    shown = {
        option: not is_quiet() and arguments.get(option) is not False
        for option in ("enable_progress_bar", "enable_model_summary")
    }
    ours: list[Callback] = [*callbacks]
    if shown["enable_progress_bar"] and not any(isinstance(callback, ProgressBar) for callback in theirs):
        ours.append(TrainingProgress(monitor))
    if shown["enable_model_summary"] and not any(isinstance(callback, ModelSummary) for callback in theirs):
        shown["enable_model_summary"] = False
        ours.append(ModelSize())
    try:
        trainer = Trainer(
            **arguments
            | {
                "callbacks": [*early, *(one for one in theirs if one not in late), *ours, *late],
                # `self.logger` of a module is the first: the user's, or else one that takes any call of `experiment`.
                "logger": [*(one for one in loggers if one not in metrics.late), metrics],
                "plugins": [*_as_list(arguments.get("plugins")), SafeCheckpointIO()],
                "default_root_dir": arguments.get("default_root_dir") or str(root),
                "enable_checkpointing": is_training,
            }
            | shown
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        raise UsageError(f"the trainer does not take its options: {one_line(f'{error}')}") from error
    go_on_from_nothing_else(trainer)
    return trainer


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
