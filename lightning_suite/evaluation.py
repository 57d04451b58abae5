"""Evaluates the checkpoint of a run, and predicts with it."""

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.model_helpers import is_overridden

from lightning_suite import streams
from lightning_suite.building import has_stage, restore_into, seeded, trainer_of
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings, evaluation_settings
from lightning_suite.plugins import find
from lightning_suite.plugins.resolve import resolve
from lightning_suite.run import Run
from lightning_suite.tables import one_line

if TYPE_CHECKING:
    from lightning_suite.predictions import Predictions


@streams.lasting()
def evaluate(run: Run, stage: Literal["validate", "test"], changes: Settings | None = None) -> dict[str, float]:
    """Return the metrics of a run's checkpoint on its validation or test data, computed in one process.

    Args:
        run: the run.
        stage: which data.
        changes: settings in place of the run's own, for other data or another device; see ``for_evaluation``.

    Raises:
        RunError: the plugin has no such data or step, or the checkpoint does not fit the settings.
    """
    settings = changes or evaluation_settings(run)
    plugin = find.get(settings.plugin)
    with run.settings_named():
        built = seeded(plugin, settings)
    if not has_stage(built, stage):
        step = {"validate": "validation_step and val_dataloader", "test": "test_step and test_dataloader"}[stage]
        raise RunError(f"plugin {plugin.name!r} has nothing to {stage}: its classes do not define {step}.")
    restore_into(built.model, run)
    with run.settings_named():
        trainer = trainer_of(built.trainer, run.folder)
    results = getattr(trainer, stage)(built.model, datamodule=built.data, verbose=False)
    values = {name: float(value) for result in results for name, value in result.items()}
    if run.record and trainer.is_global_zero:
        run.write_record({"evaluations": run.record.get("evaluations", {}) | {stage: values}})
    return values


@streams.lasting()
def predict(run: Run, path: str | None, output: "Predictions", changes: Settings | None = None) -> int:
    """Write the predictions of a run's checkpoint in the order of the inputs, and return how many there were.

    Args:
        run: the run.
        path: the file of inputs; None: the data module's ``predict_dataloader`` knows what to read.
        output: the file that the predictions or embeddings are written to.
        changes: settings in place of the run's own; see ``for_evaluation``.

    Raises:
        UsageError: the plugin takes no file, needs one, or computes no embeddings.
    """
    settings = changes or evaluation_settings(run)
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
    with run.settings_named():
        built = seeded(plugin, settings)
    step = output.step_name
    if not is_overridden("predict_dataloader", built.data) or not callable(getattr(built.model, step, None)):
        raise UsageError(
            f"plugin {plugin.name!r} cannot predict this: its classes do not define predict_dataloader and {step}."
        )
    restore_into(built.model, run)
    with run.settings_named():
        trainer = trainer_of(built.trainer, run.folder, [output])
    if step != "predict_step":
        built.model.predict_step = getattr(built.model, step)  # type: ignore[method-assign]
    try:
        trainer.predict(built.model, datamodule=built.data, return_predictions=False)
    except MisconfigurationException as error:  # such as a module without forward, which predict_step calls
        raise UsageError(f"plugin {plugin.name!r} cannot predict this: {one_line(f'{error}')}") from error
    return output.rows
