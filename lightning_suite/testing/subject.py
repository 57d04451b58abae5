"""The plugin that is checked: its smallest settings, and the trainings that several checks look at."""

import contextlib
import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.resolve import resolve
from lightning_suite.recipes import recipe_files, recipe_of
from lightning_suite.testing.outcome import NotApplicable, NotRun

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
"""What every check asks of the Trainer: one process on the CPU that says nothing."""

QUIET: dict[str, Any] = {"callbacks": None, "profiler": None}
"""What evaluation and prediction do without; limits of the smallest settings hold for them too."""

LIMITS: dict[str, Any] = {
    "limit_train_batches": 8,
    "limit_val_batches": 4,
    "limit_test_batches": 4,
    "check_val_every_n_epoch": 1,
    "val_check_interval": None,
}
"""What the default recipe is cut down to where there is no recipe ``check``."""

EPOCHS = 2
"""Epochs of the training that most checks look at: one to be interrupted in, and one before."""

LEARNING_EPOCHS = 10
"""Epochs in which the loss must fall, where no recipe ``check`` says how many it needs."""


class Subject:
    """One plugin under test.

    Trainings are done when a check first asks for them and kept in ``folder``; one that fails is not tried again.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = find.reference(name)
        self.folder = folder
        self._kept: dict[str, Any] = {}
        self._predicted_data: dict[str, LightningDataModule] = {}

    @cached_property
    def plugin(self) -> Plugin:
        """Its record."""
        return find.get(self.name)

    @cached_property
    def recipe(self) -> str | None:
        """The recipe the checks train with; None for a plugin without recipes."""
        names = list(recipe_files(self.plugin))
        return "check" if "check" in names else next(iter(names), None)

    def classes(self) -> tuple[type, type]:
        """Its LightningModule and its LightningDataModule.

        Raises:
            NotRun: they cannot be imported.
        """
        try:
            return resolve(self.plugin, "module"), resolve(self.plugin, "data")  # type: ignore[return-value]
        except BrokenPlugin as error:
            raise NotRun("record_is_complete") from error

    def settings(self, trainer: Mapping[str, Any] | None = None, **data: Any) -> "Settings":
        """The smallest settings, with these changes to the Trainer's arguments and to the data module's.

        Raises:
            NotRun: the plugin or its recipe cannot be read.
        """
        from lightning_suite.options import parse

        self.classes()
        try:
            start = dict(recipe_of(self.plugin, self.recipe)) if self.recipe else {}
            read = parse(self.plugin, [], start=start | {"recipe": self.recipe}, name=self.name)
        except (BrokenPlugin, UsageError) as error:
            raise NotRun("recipes_parse") from error
        limits = {} if self.recipe == "check" else LIMITS
        return replace(
            read,
            trainer=read.trainer | PLAIN | limits | {"max_epochs": EPOCHS} | dict(trainer or {}),
            data=read.data | data,
        )

    def once(self, what: str, make: Callable[[], Value]) -> Value:
        """What ``make`` returns or raises, made the first time it is asked for."""
        if what not in self._kept:
            try:
                self._kept[what] = make()
            except Exception as error:
                self._kept[what] = error
        if isinstance(self._kept[what], Exception):
            raise self._kept[what]
        kept: Value = self._kept[what]
        return kept

    def fit(self, what: str, settings: "Settings", *callbacks: Any, run: "Run | None" = None) -> "Run":
        """Trains into a folder that is called by what the run is for."""
        from lightning_suite.training import fit

        return fit(self.plugin, settings, root=self.folder / what, run=run, callbacks=callbacks)[0]

    def first_fit(self) -> "Run":
        """The training that most checks look at; raises what it raises."""
        return self.once("first", lambda: self.fit("first", self.settings()))

    def trained(self) -> "Run":
        """The same, for the checks that need one which works.

        Raises:
            NotRun: it fails.
        """
        try:
            return self.first_fit()
        except NotRun:
            raise
        except Exception as error:
            raise NotRun("checkpoint_is_safe" if unsafe(error) else "fits") from error

    def watched(self) -> "Watch":
        """A training that may last long enough to learn something, as the watch on it has seen it.

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
        """The weights at the end of a run."""
        from lightning_suite.checkpoint import read

        found: dict[str, Tensor] = read(run.last)["state_dict"]
        return found

    def takes_steps(self, run: "Run") -> bool:
        """Whether an optimizer took part in a run: a method without gradients has none."""
        from lightning_suite.checkpoint import read

        return bool(read(run.last)["optimizer_states"])

    def evaluated(self, stage: Literal["validate", "test"], *callbacks: Any) -> dict[str, float]:
        """What the best checkpoint reaches on the data of a stage.

        Raises:
            NotApplicable: the plugin has no such data or step.
            NotRun: training fails.
        """
        from lightning_suite import training

        run, settings = self.trained(), self.settings()
        built = training.seeded(self.plugin, settings)
        if not training.has_stage(built, stage):
            names = {"validate": "val_dataloader and validation_step", "test": "test_dataloader and test_step"}
            raise NotApplicable(f"the classes do not define both {names[stage]}")
        training.restore_into(built.model, run)
        trainer = training.trainer_of(built.trainer | QUIET, run.folder, callbacks)
        results = getattr(trainer, stage)(built.model, datamodule=built.data, verbose=False)
        return {name: float(value) for result in results for name, value in result.items()}

    def predict_settings(self, **data: Any) -> "Settings":
        """Settings to predict with.

        Raises:
            NotApplicable: there is nothing to predict.
            NotRun: training fails.
        """
        from pytorch_lightning.utilities.model_helpers import is_overridden

        from lightning_suite.training import seeded

        self.trained()
        settings = self.settings(**data)
        if "predict_path" in settings.data and settings.data["predict_path"] is None:
            raise NotApplicable("no recipe called check says what to predict: data.predict_path in check.yaml")
        built = seeded(self.plugin, settings)
        if not is_overridden("predict_dataloader", built.data):
            raise NotApplicable("the data module defines no predict_dataloader")
        return settings

    def predicted(self, what: str, step: str = "predict_step", *callbacks: Any, **data: Any) -> Path:
        """The file of what the best checkpoint predicts; JSON lines, or an array of embeddings.

        Raises:
            NotApplicable: there is nothing to predict.
            NotRun: training fails.
        """

        def predict() -> Path:
            from lightning_suite import training
            from lightning_suite.predictions import Predictions

            settings = self.predict_settings(**data)
            built = training.seeded(self.plugin, settings)
            training.restore_into(built.model, self.trained())
            if step != "predict_step":
                built.model.predict_step = getattr(built.model, step)  # type: ignore[method-assign]
            output = Predictions(self.folder / f"{what}{'.jsonl' if step == 'predict_step' else '.npy'}", step)
            trainer = training.trainer_of(built.trainer | QUIET, self.folder, [output, *callbacks])
            trainer.predict(built.model, datamodule=built.data, return_predictions=False)
            self._predicted_data[what] = built.data
            return output.path

        return self.once(f"predicted {what}", predict)

    def predicted_data(self, what: str) -> "LightningDataModule":
        """The data module that gave the inputs of a prediction, set up."""
        return self._predicted_data[what]


def unsafe(error: BaseException) -> bool:
    """Whether training ended because its checkpoint could not be read back safely."""
    from lightning_suite.checkpoint import SafeCheckpointIO

    writes, traceback = SafeCheckpointIO.save_checkpoint.__code__, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code is writes:
            return True
        traceback = traceback.tb_next
    return False


def difference(left: "Mapping[str, Tensor]", right: "Mapping[str, Tensor]") -> tuple[float, str]:
    """The largest distance of two sets of weights, and the name of the tensor that has it; 0 where bits are equal.

    Distances are relative to the largest weight of the tensor where that is above 1.
    """
    import torch

    if left.keys() != right.keys():
        return math.inf, sorted(left.keys() ^ right.keys())[0]
    worst, where = 0.0, ""
    for name, weights in left.items():
        if torch.equal(weights, right[name]):
            continue
        if weights.shape != right[name].shape:
            return math.inf, name
        far = (weights.double() - right[name].double()).abs().max().item()
        far = math.inf if math.isnan(far) else far / max(1.0, weights.double().abs().max().item())
        if far > worst or not where:
            worst, where = far, name
    return worst, where


def plain(settings: "Settings") -> dict[str, Any]:
    """Settings as plain values, to compare them."""
    return asdict(settings)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keeps warnings and Lightning's messages from the terminal: they are about a training that nobody wants."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def mute() -> Iterator[None]:
    """Keeps what a plugin prints from the lines of ``suite check``."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
