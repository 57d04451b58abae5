"""What a run says of itself, read at once: no torch, and no settings that are not asked for."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning_suite import run_lock
from lightning_suite.errors import RunError
from lightning_suite.run import KEY, Run
from lightning_suite.yaml_files import LARGEST, read_options

GROUPS = ("\nmodel:", "\ndata:", "\ntrainer:")
"""Where the groups of options begin in config.yaml, in the order in which fit writes them, after all other settings."""


@dataclass(frozen=True)
class RunRecord:
    """A run, as its folder describes it.

    Attributes:
        run: its files.
        plugin: the name of its plugin.
        recipe: its recipe; None: without one.
        seed: its seed.
        status: "running", "finished", "interrupted" or "failed"; "killed" where it says that it is running and its
            process is gone; "unknown" without a run.json.
        metrics: the metrics of its best checkpoint by name.
        entries: all of run.json.
    """

    run: Run
    plugin: str
    recipe: str | None
    seed: int
    status: str
    metrics: Mapping[str, float]
    entries: Mapping[str, Any]

    @classmethod
    def of(cls, run: Run) -> "RunRecord":
        """Return what a run, or a checkpoint that lies alone, says of itself; the latter needs torch.

        Raises:
            RunError: a file of it is missing or damaged.
        """
        if run.settings_file != run.checkpoint:
            try:
                return read_record(run.folder, run)
            except RunError as error:
                raise RunError(f"{run.folder}: {error}") from error
        described = run.read_checkpoint()[KEY]
        entries = {name: described.get(name) for name in ("plugin", "api", "versions", "ops", "data_fingerprint")}
        settings = described["settings"]
        recipe, seed = settings.get("recipe"), settings.get("seed", 0)
        return cls(run, settings.get("plugin", ""), recipe, seed, "unknown", {}, entries)

    def __fspath__(self) -> str:
        """Return the same as text: functions that take a run folder take this record."""
        return str(self.path)

    @property
    def path(self) -> Path:
        """Return the run folder, or the checkpoint that lies alone."""
        return self.run.checkpoint if self.run.settings_file == self.run.checkpoint else self.run.folder

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return all settings of the run.

        Raises:
            RunError: they cannot be read.
        """
        return self.run.settings()

    @property
    def best(self) -> Mapping[str, Any]:
        """Return what chose the best checkpoint: ``monitor``, ``mode``, and where known ``value`` and ``epoch``."""
        best = self.entries.get("best")
        return best if isinstance(best, Mapping) else {}

    @property
    def started(self) -> str:
        """Return when training began, in UTC as ISO 8601 has it; empty where the run does not say."""
        return str(self.entries.get("started", ""))


def record_of(run: "str | os.PathLike[str] | Run | RunRecord") -> RunRecord:
    """Return what a run says of itself, whether its path, its files or its record is given.

    Raises:
        UsageError: there is no run at the path.
        RunError: a file of it is missing or damaged.
    """
    if isinstance(run, RunRecord):
        return run
    return RunRecord.of(run if isinstance(run, Run) else Run.at(Path(run)))


def read_record(folder: Path, run: Run | None = None) -> RunRecord:
    """Return the record of a run folder.

    Raises:
        RunError: it is none, or damaged; the message leaves the folder out.
    """
    run = run or Run.in_folder(folder)
    try:
        head, entries = _head(folder / "config.yaml"), _entries(run)
    except OSError as error:
        raise RunError(f"{Path(error.filename or '').name} cannot be read: {error.strerror}") from error
    plugin, recipe, seed = entries.get("plugin", head.get("plugin")), head.get("recipe"), head.get("seed", 0)
    if "plugin" not in head or not isinstance(plugin, str):
        raise RunError("config.yaml is of another program: it names no plugin")
    if not isinstance(recipe, str | None) or not isinstance(seed, int):
        raise RunError(f"config.yaml is damaged: recipe {recipe!r:.40}, seed {seed!r:.40}")
    metrics = entries.get("metrics", {})
    if not isinstance(metrics, dict) or not all(isinstance(value, int | float) for value in metrics.values()):
        raise RunError("run.json is damaged: its metrics are not numbers by name")
    status = str(entries.get("status", "unknown"))
    if status == "running" and not run_lock.is_held(folder):
        status = "killed"
    return RunRecord(run, plugin, recipe, seed, status, {name: _number(metrics[name]) for name in metrics}, entries)


def _head(config: Path) -> dict[str, Any]:
    """Return the settings before the groups of options, which are most of a file and slow to read.

    Where it does not look as fit writes it, the whole file is read, and found to be damaged if it is.
    """

    def before_the_groups(text: str) -> str:
        places = [text.find(group) for group in GROUPS]
        is_whole = -1 < places[0] < places[1] < places[2] and text.endswith("\n")
        return text[: places[0]] if is_whole else text

    if not config.is_file():
        raise RunError("config.yaml is missing: the training never began, or the file was lost")
    try:
        return read_options(config, before_the_groups)
    except ValueError as error:
        raise RunError(f"config.yaml is damaged: {str(error).removeprefix(str(config)).lstrip(': ')}") from error


def _entries(run: Run) -> dict[str, Any]:
    file = run.folder / "run.json"
    if file.is_file() and file.stat().st_size > LARGEST:
        raise RunError(f"run.json is damaged: it has {file.stat().st_size} bytes")
    try:
        return run.record
    except RunError as error:
        raise RunError(str(error).removeprefix(f"{file.parent}{os.sep}")) from error


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return math.inf
