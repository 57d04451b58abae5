"""The run folder: written by fit, read by every other verb.

    runs/<plugin>/<date>-<recipe>/
      config.yaml    every value, resolved: giving it back to ``suite fit --config`` repeats the run
      run.json       versions, git commit, seed, machine, ops, data fingerprint, times, final metrics
      metrics.csv    everything the module logged, a row a step
      checkpoints/   best.ckpt and last.ckpt
      figures/       pictures, each with its numbers beside it

Nothing here imports torch until a checkpoint is opened, so that a verb can ask a folder for its plugin at once.
"""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lightning_suite.errors import RunError, UsageError
from lightning_suite.spelling import did_you_mean
from lightning_suite.yaml_files import read_options

KEY = "lightning_suite"
"""Where a checkpoint holds what it says of itself."""


@dataclass(frozen=True)
class Run:
    """A run folder, or the single checkpoint that was given in its place.

    Attributes:
        folder: the run folder; of a lone checkpoint, the folder it lies in.
        checkpoint: the checkpoint that verbs work with.
    """

    folder: Path
    checkpoint: Path

    @classmethod
    def at(cls, path: str | Path) -> "Run":
        """The run at a path: a folder that ``suite fit`` wrote, or a checkpoint.

        Raises:
            UsageError: nothing is there.
            RunError: what is there is neither.
        """
        path = Path(path).expanduser()
        if path.is_file():
            inside = path.parent.name == "checkpoints"
            return cls(path.parent.parent if inside else path.parent, path)
        if not path.is_dir():
            beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
            raise UsageError(
                f"no run folder and no checkpoint is at {path}. {did_you_mean(path.name, beside)}".rstrip()
                + "\nsuite fit prints the path of the run it wrote."
            )
        if not (path / "config.yaml").is_file():
            raise RunError(f"{path} is not a run folder: it has no config.yaml. A run folder is what suite fit wrote.")
        best, last = path / "checkpoints" / "best.ckpt", path / "checkpoints" / "last.ckpt"
        return cls(path, best if best.is_file() else last)

    @classmethod
    def create(cls, root: str | Path, plugin: str, recipe: str | None) -> "Run":
        """A new folder below ``root``; a second run of the same second gets a number, never the first one's folder."""
        root = Path(root).expanduser()
        stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{recipe or 'signature'}"
        parent = root / plugin
        parent.mkdir(parents=True, exist_ok=True)
        for count in range(1, 10_000):
            folder = parent / (stem if count == 1 else f"{stem}-{count}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            for name in ("checkpoints", "figures"):
                (folder / name).mkdir()
            return cls(folder, folder / "checkpoints" / "best.ckpt")
        raise RunError(f"{parent} already holds 10,000 runs called {stem}. Choose another place with --runs.")

    def discard(self) -> None:
        """Takes the folder away again while nothing has been written to it."""
        for folder in (self.folder / "checkpoints", self.folder / "figures", self.folder):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    @property
    def last(self) -> Path:
        """The checkpoint that training goes on from."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """The checkpoint with the best value of the monitored metric."""
        return self.folder / "checkpoints" / "best.ckpt"

    @property
    def record(self) -> dict[str, Any]:
        """The contents of run.json; empty before fit has written it."""
        file = self.folder / "run.json"
        if not file.is_file():
            return {}
        try:
            values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return dict(values)
        except ValueError as error:
            raise RunError(f"{file} is damaged: {error}. It may be deleted; the checkpoints do not need it.") from error

    def write_record(self, changes: Mapping[str, Any]) -> None:
        """Changes run.json in one step: a reader sees the old file or the new one."""
        _replace(self.folder / "run.json", json.dumps(self.record | dict(changes), indent=2) + "\n")

    def write_settings(self, text: str) -> None:
        """Writes config.yaml in one step."""
        _replace(self.folder / "config.yaml", text)

    def settings(self) -> dict[str, Any]:
        """The settings of the run: of its folder, or of the checkpoint where that stands alone.

        Raises:
            RunError: neither says them.
        """
        file = self.folder / "config.yaml"
        if not file.is_file():
            settings: dict[str, Any] = self.read_checkpoint()[KEY]["settings"]
            return settings
        try:
            values = read_options(file)
            _ = values["plugin"]
        except (OSError, ValueError, KeyError) as error:
            where = f"{file} does not hold the settings of a run: {error}"
            raise RunError(f"{where}\nA checkpoint holds them too: give one away from this folder.") from error
        return values

    def read_checkpoint(self) -> dict[str, Any]:
        """The contents of the checkpoint, on the CPU.

        Raises:
            RunError: there is none, it cannot be read safely, or lightning-suite did not write it.
        """
        from lightning_suite.checkpoint import read

        checkpoint = read(self.checkpoint)
        if KEY not in checkpoint:
            raise RunError(f"{self.checkpoint} does not say which plugin it is of: it was not written by suite fit.")
        return checkpoint


def plugin_of(path: str) -> str | None:
    """The plugin of the run or checkpoint at a path; None when there is no such thing.

    Only a lone checkpoint costs an import of torch.
    """
    try:
        if Path(path).is_file() and Path(path).suffix != ".ckpt":
            return None  # an input, not a run: a checkpoint that stands alone is opened to be asked
        return str(Run.at(path).settings()["plugin"])
    except (RunError, UsageError, KeyError):
        return None


def _replace(file: Path, text: str) -> None:
    """Writes a file in one step: a reader sees the old contents or the new ones."""
    partial = file.with_name(f"{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def versions() -> dict[str, str]:
    """Versions of what a run depends on; of what is installed, without importing it."""
    found = {"python": platform.python_version()}
    for name in ("lightning-suite", "torch", "pytorch-lightning", "jsonargparse", "torchmetrics", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """The machine a run is on: processor, cores, accelerators."""
    import torch

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "system": platform.system(),
        "processor": model,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerators": devices,
    }


def git_commit() -> str | None:
    """The commit of the repository the command was started in, ``-dirty`` when it has changes; None outside one."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("-dirty" if dirty.stdout.strip() else "")


def now() -> str:
    """The time, as run.json writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
