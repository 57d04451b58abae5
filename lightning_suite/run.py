"""The run folder: written by fit, read by every other verb.

    runs/<plugin>/<date>-<recipe>/
      config.yaml    every setting, also the defaults: ``suite fit --config`` repeats the run with it
      run.json       versions, git commit, seed, machine, ops, data fingerprint, times, final metrics
      metrics.csv    everything the module logged, one row for each step
      checkpoints/   best.ckpt and last.ckpt
      figures/       pictures, with their numbers in a CSV file beside them

Nothing here imports torch until a checkpoint is opened, so that a verb learns the plugin of a folder at once.
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
from lightning_suite.files import remove_unfinished, write_text
from lightning_suite.spelling import did_you_mean
from lightning_suite.yaml_files import read_options

KEY = "lightning_suite"
"""The entry of a checkpoint that describes it: plugin, settings, versions."""


@dataclass(frozen=True)
class Run:
    """A run folder, or a single checkpoint that stands for one.

    Attributes:
        folder: the run folder; for a lone checkpoint, the folder it lies in.
        checkpoint: the checkpoint that verbs work with.

    Example:
        >>> import tempfile
        >>> run = Run.create(tempfile.mkdtemp(), "dsa", recipe=None)
        >>> run.write_record({"seed": 3})
        >>> run.record
        {'seed': 3}
    """

    folder: Path
    checkpoint: Path

    @classmethod
    def at(cls, path: str | Path) -> "Run":
        """Return the run at a path: a folder that ``suite fit`` wrote, or a checkpoint.

        Raises:
            UsageError: if nothing is there.
            RunError: if it is a folder of another kind.
        """
        path = Path(path).expanduser()
        if path.is_file():
            inside = path.parent.name == "checkpoints"
            return cls(path.parent.parent if inside else path.parent, path)
        if not path.is_dir():
            siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
            raise UsageError(
                f"no run folder and no checkpoint is at {path}. {did_you_mean(path.name, siblings)}".rstrip()
                + "\nsuite fit prints the path of the run it wrote."
            )
        if not (path / "config.yaml").is_file():
            raise RunError(f"{path} is not a run folder: it has no config.yaml. A run folder is what suite fit wrote.")
        best, last = path / "checkpoints" / "best.ckpt", path / "checkpoints" / "last.ckpt"
        return cls(path, best if best.is_file() else last)

    @classmethod
    def create(cls, root: str | Path, plugin: str, recipe: str | None) -> "Run":
        """Make a folder below ``root``; a second run of the same second gets a number, never the folder of the first.

        Raises:
            RunError: if there are 10,000 of that second.
        """
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
        raise RunError(f"{parent} already holds 10,000 runs called {stem}. Choose another folder with --runs.")

    def discard(self) -> None:
        """Remove the folder again where nothing has been written to it."""
        for folder in (self.folder / "checkpoints", self.folder / "figures", self.folder):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def remove_unfinished(self) -> None:
        """Remove the files that a killed training had begun to write."""
        for folder in (self.folder, self.folder / "checkpoints"):
            remove_unfinished(folder)

    @property
    def last(self) -> Path:
        """Return the path of the checkpoint that training goes on from."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """Return the path of the checkpoint with the best value of the monitored metric."""
        return self.folder / "checkpoints" / "best.ckpt"

    @property
    def record(self) -> dict[str, Any]:
        """Return the contents of run.json, nothing before fit has written it.

        Raises:
            RunError: if the file is damaged.
        """
        file = self.folder / "run.json"
        if not file.is_file():
            return {}
        try:
            return dict(json.loads(file.read_text(encoding="utf-8")))
        except ValueError as error:
            raise RunError(f"{file} is damaged: {error}. It may be deleted; the checkpoints do not need it.") from error

    def write_record(self, changes: Mapping[str, Any]) -> None:
        """Add to run.json, or change what it says."""
        write_text(self.folder / "run.json", json.dumps(self.record | dict(changes), indent=2) + "\n")

    def write_settings(self, text: str) -> None:
        """Write config.yaml."""
        write_text(self.folder / "config.yaml", text)

    def settings(self) -> dict[str, Any]:
        """Return the settings of the run, from its folder or else from the checkpoint.

        Raises:
            RunError: if they cannot be read.
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
            raise RunError(f"{where}\nA checkpoint holds them too: copy one to another folder.") from error
        return values

    def read_checkpoint(self) -> dict[str, Any]:
        """Return the contents of the checkpoint, on the CPU.

        Raises:
            RunError: if there is none, it cannot be read safely, or lightning-suite did not write it.
        """
        from lightning_suite.checkpoint import read

        checkpoint = read(self.checkpoint)
        if KEY not in checkpoint:
            raise RunError(f"{self.checkpoint} does not say which plugin it is of: it was not written by suite fit.")
        return checkpoint


def plugin_of(path: str) -> str | None:
    """Return the plugin of the run or checkpoint at a path, None where there is none.

    Only a lone checkpoint costs an import of torch.
    """
    try:
        if Path(path).is_file() and Path(path).suffix != ".ckpt":
            return None  # an input, not a run
        return str(Run.at(path).settings()["plugin"])
    except (RunError, UsageError, KeyError):
        return None


def versions() -> dict[str, str]:
    """Return the installed versions of what a run depends on, without importing it."""
    known = {"python": platform.python_version()}
    for name in ("lightning-suite", "torch", "pytorch-lightning", "jsonargparse", "torchmetrics", "numpy"):
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            known[name] = "not installed"
    return known


def machine() -> dict[str, Any]:
    """Return what a run should say of its machine: system, processor, cores, threads, accelerators."""
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
    """Return the commit of the repository around the current folder, with ``-dirty`` when it has changes, or None."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip() + ("-dirty" if dirty.stdout.strip() else "")


def now() -> str:
    """Return the time as run.json writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
