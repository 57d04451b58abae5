"""Loggers beside metrics.csv: short names, the run folder where none is named, and what has to be installed."""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import yaml

from lightning_suite.errors import UsageError

OPTION = "trainer.logger"

SHORT = {"tensorboard": "TensorBoardLogger", "wandb": "WandbLogger", "csv": "CSVLogger"}

IN_THE_RUN_FOLDER = ("TensorBoardLogger", "CSVLogger")
"""Loggers that must be told a folder; an empty one stands for that of the run."""

NEEDED: dict[str, tuple[str, ...]] = {
    "TensorBoardLogger": ("tensorboard", "tensorboardX"),
    "WandbLogger": ("wandb",),
    "MLFlowLogger": ("mlflow",),
    "CometLogger": ("comet_ml",),
    "NeptuneLogger": ("neptune",),
}
"""The packages of which a logger needs one."""


def completed_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by dotted name with loggers as the parser takes them; raises what ``completed`` does.

    Example:
        >>> completed_options({"trainer.logger": "csv"})
        {'trainer.logger': {'class_path': 'CSVLogger', 'init_args': {'save_dir': ''}}}
    """
    return {name: completed(value) if name.rstrip("+") == OPTION else value for name, value in options.items()}


def completed_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with loggers as the parser takes them; raises what ``completed`` does."""
    result: list[str] = []
    options = (f"--{OPTION}", f"--{OPTION}+")
    for word in words:
        option, equals, value = word.partition("=")
        if equals and option in options:
            result.append(f"{option}={_typed(value)}")
        else:
            result.append(_typed(word) if result and result[-1] in options else word)
    return result


def completed(logger: Any) -> Any:
    """Return the value of ``--trainer.logger`` with full names, and an empty folder for the loggers that need one.

    Raises:
        UsageError: a package that the logger needs is not installed.
    """
    if isinstance(logger, list):
        return [completed(one) for one in logger]
    if logger is True:
        return completed("tensorboard")
    if isinstance(logger, str):
        path = SHORT.get(logger, logger)
        name = path.rpartition(".")[2]
        packages = NEEDED.get(name, ())
        if packages and not any(map(find_spec, packages)):
            raise UsageError(f"--{OPTION} {logger} needs {packages[0]}: pip install {packages[0]}")
        return {"class_path": path, "init_args": {"save_dir": ""}} if name in IN_THE_RUN_FOLDER else path
    if isinstance(logger, dict) and isinstance(logger.get("class_path"), str):
        named = completed(logger["class_path"])
        if isinstance(named, str):
            return logger | {"class_path": named}
        return logger | {**named, "init_args": named["init_args"] | (logger.get("init_args") or {})}
    return logger


def _typed(word: str) -> str:
    try:
        value = yaml.safe_load(word)
    except yaml.YAMLError:
        return word
    changed = completed(value)
    return word if changed == value else changed if isinstance(changed, str) else json.dumps(changed)
