"""The settings of a run: the value of every option."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import yaml

from lightning_suite.errors import UsageError


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


ONE_PROCESS: dict[str, Any] = {
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
