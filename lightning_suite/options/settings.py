"""The settings of a run: the value of every option, as config.yaml and checkpoints hold them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from lightning_suite.errors import RunError, UsageError
from lightning_suite.options.config import flat, nested
from lightning_suite.options.renaming import renamed_options
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.spelling import no_such


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every option of one run.

    Attributes:
        plugin: name, module:attribute or file.py:attribute
        recipe: named settings of the plugin
        seed: seed of Python, numpy and torch
        monitor: metric that chooses best.ckpt
        mode: whether its smallest or its largest value is best
        checkpoint_every: optimizer steps after which last.ckpt is written within an epoch; 0: only after each epoch
        model: arguments of the plugin's LightningModule
        data: arguments of the plugin's LightningDataModule
        trainer: arguments of the Trainer

    Example:
        >>> settings = Settings(plugin="dsa", model={"heads": 2}, trainer={"max_epochs": 1})
        >>> settings.seed, settings.monitor
        (0, 'val_loss')
    """

    plugin: str
    recipe: str | None = None
    seed: int = 0
    monitor: str = "val_loss"
    mode: Literal["min", "max"] = "min"
    checkpoint_every: int = 1000
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"--seed: expected a number from 0 to {2**32 - 1}, got {self.seed}")
        if self.checkpoint_every < 0:
            raise UsageError(f"--checkpoint_every: expected 0 or more, got {self.checkpoint_every}")

    def as_yaml(self) -> str:
        """Return the text of config.yaml."""
        return yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)


ONE_PROCESS = {
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "callbacks": None,
    "logger": False,
    "profiler": None,
    "fast_dev_run": False,
    "overfit_batches": 0.0,
    "limit_val_batches": None,
    "limit_test_batches": None,
    "limit_predict_batches": None,
}
"""Options of the Trainer for evaluation: no limits of a trial run, and one process. Lightning repeats samples to give
several processes equally many, and metrics would count these twice."""


def for_evaluation(settings: Settings) -> Settings:
    """Return the settings of a run, changed to use one process and all of the data."""
    return replace(settings, trainer=settings.trainer | ONE_PROCESS)


def stored_settings(values: Mapping[str, Any], where: str | Path) -> Settings:
    """Return the settings that a run folder or a checkpoint holds, with old names of options replaced by new ones.

    Raises:
        RunError: a name is unknown or missing, or a value has another type.
        PluginError: their plugin is not installed, or broken.
    """
    expected = asdict(Settings(plugin="", recipe=""))
    wrong = [] if "plugin" in values else ["it has no 'plugin'"]
    for name, value in values.items():
        if name not in expected:
            wrong.append(no_such("setting", name, expected, "a run has"))
        elif not isinstance(value, type(expected[name])) and (name, value) != ("recipe", None):
            wrong.append(f"{name}: expected {type(expected[name]).__name__}, got {value!r:.60}")
    if wrong:
        raise RunError(f"{where} does not hold the settings of a run: {wrong[0]}")
    return Settings(**nested(renamed_options(find.get(values["plugin"]).renamed, flat(values), f"in {where}")))


def settings_of(run: Run) -> Settings:
    """Return the settings of a run.

    Raises:
        RunError: there are none, or they are not the settings of a run.
        PluginError: their plugin is not installed, or broken.
    """
    return stored_settings(run.settings(), run.settings_file)
