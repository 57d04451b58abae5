"""What the runs below a folder say of themselves, read at once: no torch, and no settings that are not asked for."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning_suite import run_lock
from lightning_suite.errors import RunError, UsageError
from lightning_suite.progress import Task, progress
from lightning_suite.run import KEY, Run
from lightning_suite.yaml_files import LARGEST, read_options

DEEPEST = 20
"""Levels of folders below the first one that are searched."""

HOLDS_NONE = "holds no run"
"""Why a folder is left out in which nothing was found."""

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
                return _read(run.folder, run)
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


@dataclass(frozen=True)
class Runs:
    """The runs below a folder, in the order of their paths: what `runs` returns, to be gone through.

    Attributes:
        found: the runs.
        left_out: folders that are no run, each with the reason: damaged, of another program, not readable.
    """

    found: tuple[RunRecord, ...]
    left_out: Mapping[Path, str]

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def runs(folder: str | Path = "runs") -> Runs:
    """Return the runs in a folder and in all folders below it; nothing that is wrong with one of them is raised.

    Links and hidden folders are not followed, and nothing is searched for inside a run.

    Raises:
        UsageError: there is no such folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> run = Run.create(folder, "dsa", recipe="sst2")
        >>> _ = (run.folder / "config.yaml").write_text("plugin: dsa\\nrecipe: sst2\\nseed: 3\\n")
        >>> run.write_record({"status": "finished", "metrics": {"test_accuracy": 0.8}})
        >>> [(run.plugin, run.recipe, run.seed, run.metrics["test_accuracy"]) for run in runs(folder)]
        [('dsa', 'sst2', 3, 0.8)]
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder} to look for runs in. suite fit writes runs, into the folder runs."
        )
    found: list[RunRecord] = []
    left_out: dict[Path, str] = {}
    with progress("reading runs", unit="runs") as advance:
        below = _search(folder, DEEPEST, found, left_out, advance)
    if not found:
        left_out |= dict.fromkeys(below, HOLDS_NONE)
    return Runs(tuple(found), dict(sorted(left_out.items())))


def _search(folder: Path, levels: int, found: list[RunRecord], left_out: dict[Path, str], advance: Task) -> list[Path]:
    """Add the runs of a folder to ``found``; return the folders directly in it that hold none, if it holds none itself.

    Of the folders in which something is found, those beside it with nothing are added to ``left_out``.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        names = {entry.name for entry in entries}
        inside = [entry.path for entry in entries if entry.name[0] != "." and entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        left_out[folder] = error.strerror or type(error).__name__
        return []
    if names & {"config.yaml", "run.json"}:
        try:
            found.append(_read(folder))
        except RunError as error:
            left_out[folder] = str(error).partition("\n")[0]
        else:
            advance()
            return []
    if inside and not levels:
        left_out[folder] = f"is {DEEPEST} folders deep: what is below it was not searched"
        return []
    without = []
    for path in map(Path, inside):
        before = len(found) + len(left_out)
        _search(path, levels - 1, found, left_out, advance)
        if before == len(found) + len(left_out):
            without.append(path)
    if len(without) < len(inside):
        left_out |= dict.fromkeys(without, HOLDS_NONE)
        return []
    return without


def _read(folder: Path, run: Run | None = None) -> RunRecord:
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
