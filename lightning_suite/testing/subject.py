"""The plugin under test: its smallest settings, and the trainings that several checks share."""

import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.resolve import resolve
from lightning_suite.recipes import recipe_files, recipe_of
from lightning_suite.testing.outcome import ContractFailure, NotApplicable, NotRun

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule
    from torch import Tensor

    from lightning_suite.options import Settings
    from lightning_suite.run import Run
    from lightning_suite.testing.callbacks import Watch

Value = TypeVar("Value")

PLAIN: dict[str, Any] = {
    "accelerator": "cpu",
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
    "log_every_n_steps": 1,
    "max_time": None,
    "max_steps": -1,
}
"""Arguments of the Trainer in every check: one process on the CPU that prints nothing."""

QUIET: dict[str, Any] = {"callbacks": None, "profiler": None}
"""Arguments of the Trainer in evaluation and prediction, beside those of training."""

LIMITS: dict[str, Any] = {
    "limit_train_batches": 8,
    "limit_val_batches": 4,
    "limit_test_batches": 4,
    "check_val_every_n_epoch": 1,
    "val_check_interval": None,
}
"""Limits of the default recipe where there is no recipe ``check``."""

EPOCHS = 2
"""Epochs of the training that most checks share: one to be interrupted in, and one before."""

LEARNING_EPOCHS = 10
"""Epochs in which the loss must fall, where no recipe ``check`` says how many it needs."""


class Subject:
    """One plugin under test.

    A training happens when the first check needs it and is kept in ``folder``; one that fails is not repeated.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name: str = find.reference(name)
        self.folder = folder
        self._results: dict[str, Any] = {}
        self._predicted_data: dict[str, LightningDataModule] = {}

    @cached_property
    def plugin(self) -> Plugin:
        """The record of the plugin."""
        return find.get(self.name)

    @cached_property
    def recipe(self) -> str | None:
        """The name of the recipe that the checks train with; None for a plugin without recipes."""
        names = list(recipe_files(self.plugin))
        return "check" if "check" in names else next(iter(names), None)

    def classes(self) -> tuple[type, type]:
        """Return the plugin's LightningModule and LightningDataModule.

        Raises:
            NotRun: they cannot be imported.
        """
        try:
            return resolve(self.plugin, "module"), resolve(self.plugin, "data")  # type: ignore[return-value]
        except BrokenPlugin as error:
            raise NotRun("record_is_complete") from error

    def settings(self, trainer: Mapping[str, Any] | None = None, **data: Any) -> "Settings":
        """Return the smallest settings, with these changes to the arguments of the Trainer and of the data module.

        Raises:
            NotRun: the plugin or its recipe cannot be read.
        """
        from lightning_suite.options import parse

        self.classes()
        try:
            start = dict(recipe_of(self.plugin, self.recipe)) if self.recipe else {}
            settings = parse(self.plugin, [], start=start | {"recipe": self.recipe}, name=self.name)
        except (BrokenPlugin, UsageError) as error:
            raise NotRun("recipes_parse") from error
        limits = {} if self.recipe == "check" else LIMITS
        return replace(
            settings,
            trainer=settings.trainer | PLAIN | limits | {"max_epochs": EPOCHS} | dict(trainer or {}),
            data=settings.data | data,
        )

    def once(self, what: str, make: Callable[[], Value]) -> Value:
        """Return or raise what ``make`` does; it is called the first time only."""
        if what not in self._results:
            try:
                self._results[what] = make()
            except Exception as error:
                self._results[what] = error
        if isinstance(self._results[what], Exception):
            raise self._results[what]
        result: Value = self._results[what]
        return result

    def fit(self, what: str, settings: "Settings", *callbacks: Any, run: "Run | None" = None) -> "Run":
        """Train into a folder that is named after the purpose of the run, and return the run."""
        from lightning_suite.training import fit

        return fit(self.plugin, settings, root=self.folder / what, run=run, callbacks=callbacks)[0]

    def first_fit(self) -> "Run":
        """Return the training that most checks share, or raise what it raises."""
        return self.once("first", lambda: self.fit("first", self.settings()))

    def trained(self) -> "Run":
        """Return the same training, for checks that need one that works.

        Raises:
            NotRun: training fails.
        """
        try:
            return self.first_fit()
        except NotRun:
            raise
        except Exception as error:
            raise NotRun("checkpoint_is_safe" if unsafe(error) else "fits") from error

    def watched(self) -> "Watch":
        """Return the losses and parameters of a training that is long enough to learn something.

        Raises:
            NotRun: training fails.
        """
        self.trained()

        def train() -> "Watch":
            from lightning_suite.testing.callbacks import Watch

            watch = Watch()
            epochs = LEARNING_EPOCHS
            if self.recipe == "check":
                epochs = recipe_of(self.plugin, "check").get("trainer", {}).get("max_epochs", epochs)
            self.fit("watched", self.settings({"max_epochs": epochs}), watch)
            return watch

        return self.once("watched", train)

    def weights(self, run: "Run") -> "dict[str, Tensor]":
        """Return the weights at the end of a run."""
        from lightning_suite.checkpoint import read

        weights: dict[str, Tensor] = read(run.last)["state_dict"]
        return weights

    def takes_steps(self, run: "Run") -> bool:
        """Return whether a run had an optimizer: a method without gradients has none."""
        from lightning_suite.checkpoint import read

        return bool(read(run.last)["optimizer_states"])

    def evaluated(self, stage: Literal["validate", "test"], *callbacks: Any) -> dict[str, float]:
        """Return the metrics of the best checkpoint on the data of a stage.

        Raises:
            NotApplicable: the plugin has no such data or step.
            NotRun: training fails.
        """
        from lightning_suite import building

        run, settings = self.trained(), self.settings()
        built = building.seeded(self.plugin, settings)
        if not building.has_stage(built, stage):
            names = {"validate": "val_dataloader and validation_step", "test": "test_dataloader and test_step"}
            raise NotApplicable(f"the classes do not define both {names[stage]}")
        building.restore_into(built.model, run)
        trainer = building.trainer_of(built.trainer | QUIET, run.folder, callbacks)
        results = getattr(trainer, stage)(built.model, datamodule=built.data, verbose=False)
        return {name: float(value) for result in results for name, value in result.items()}

    def predict_settings(self, **data: Any) -> "Settings":
        """Return settings to predict with.

        Raises:
            NotApplicable: there is nothing to predict.
            NotRun: training fails.
        """
        from pytorch_lightning.utilities.model_helpers import is_overridden

        from lightning_suite.building import seeded

        self.trained()
        settings = self.settings(**data)
        if "predict_path" in settings.data and settings.data["predict_path"] is None:
            raise NotApplicable("no recipe called check says what to predict: data.predict_path in check.yaml")
        built = seeded(self.plugin, settings)
        if not is_overridden("predict_dataloader", built.data):
            raise NotApplicable("the data module defines no predict_dataloader")
        return settings

    def predicted(self, what: str, step: str = "predict_step", *callbacks: Any, **data: Any) -> Path:
        """Return the file of the best checkpoint's predictions, JSON lines, or of its embeddings, an array.

        Raises:
            NotApplicable: there is nothing to predict.
            NotRun: training fails.
        """

        def predict() -> Path:
            from lightning_suite import building
            from lightning_suite.predictions import Predictions

            settings = self.predict_settings(**data)
            built = building.seeded(self.plugin, settings)
            building.restore_into(built.model, self.trained())
            if step != "predict_step":
                built.model.predict_step = getattr(built.model, step)  # type: ignore[method-assign]
            output = Predictions(self.folder / f"{what}{'.jsonl' if step == 'predict_step' else '.npy'}", step)
            trainer = building.trainer_of(built.trainer | QUIET, self.folder, [output, *callbacks])
            trainer.predict(built.model, datamodule=built.data, return_predictions=False)
            self._predicted_data[what] = built.data
            return output.path

        return self.once(f"predicted {what}", predict)

    def untouched_data(self) -> "LightningDataModule":
        """Return a data module that has read nothing, and knows no file to predict."""
        from lightning_suite.building import seeded

        return seeded(self.plugin, self.settings(predict_path=None)).data

    def predicted_data(self, what: str) -> "LightningDataModule":
        """Return the data module that gave the inputs of a prediction, after its setup."""
        return self._predicted_data[what]


def unsafe(error: BaseException) -> bool:
    """Return whether training ended because its checkpoint could not be read back safely."""
    from lightning_suite.checkpoint import SafeCheckpointIO

    writes = SafeCheckpointIO.save_checkpoint.__code__
    return any(frame.f_code is writes for frame, _ in traceback.walk_tb(error.__traceback__))


def difference(left: "Mapping[str, Tensor]", right: "Mapping[str, Tensor]") -> tuple[float, str]:
    """Return the largest difference of two sets of weights and the tensor that has it; 0 and "" for equal bits.

    Differences are relative to the largest weight of the tensor where that is above 1.
    """
    import torch

    if left.keys() != right.keys():
        return math.inf, sorted(left.keys() ^ right.keys())[0]
    largest, tensor = 0.0, ""
    for name, weights in left.items():
        if torch.equal(weights, right[name]):
            continue
        if weights.shape != right[name].shape:
            return math.inf, name
        distance = (weights.double() - right[name].double()).abs().max().item()
        distance = math.inf if math.isnan(distance) else distance / max(1.0, weights.double().abs().max().item())
        if distance > largest or not tensor:
            largest, tensor = distance, name
    return largest, tensor


def refuse_difference(left: "Mapping[str, Tensor]", right: "Mapping[str, Tensor]", expected: str, advice: str) -> None:
    """Raise ContractFailure where two sets of weights are not equal bit for bit.

    Args:
        left: weights by name.
        right: those that should be the same.
        expected: what the plugin promises.
        advice: what to do where it does not hold.
    """
    distance, tensor = difference(left, right)
    if tensor:
        raise ContractFailure(expected, f"{tensor} differs by {distance:.1g}", advice)
