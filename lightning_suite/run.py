"""The run folder, which fit writes and every other verb reads.

    runs/<plugin>/<date>-<recipe>/
      config.yaml    every setting, also the defaults: ``suite fit --config`` repeats the run with it
      run.json       versions, git commit, seed, machine, ops, data fingerprint, times, final metrics
      metrics.csv    everything the module logged, one row for each step
      checkpoints/   best.ckpt and last.ckpt
      .lock          while fit writes here: which process does
      figures/       pictures, with their numbers in a CSV file beside them; learning_curves.png in every run

Nothing here imports torch until a checkpoint is opened, so that a verb learns the plugin of a folder at once.
"""

import contextlib
import itertools
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightning_suite.errors import RunError, UsageError
from lightning_suite.files import write_text
from lightning_suite.plugins import requirements
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
            UsageError: nothing is there.
            RunError: it is a folder of another kind.
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
        run = cls.in_folder(path)
        return run if run.best.is_file() else replace(run, checkpoint=run.last)

    @classmethod
    def in_folder(cls, folder: Path) -> "Run":
        """Return the run whose files are, or will be, in a folder; its checkpoint is the best one."""
        return cls(folder, folder / "checkpoints" / "best.ckpt")

    @classmethod
    def create(cls, root: str | Path, plugin: str, recipe: str | None) -> "Run":
        """Make a new folder below ``root``; runs that begin in the same second are numbered.

        Raises:
            OSError: a folder cannot be made; none is left then.
        """
        root = Path(root).expanduser()
        stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{recipe or 'signature'}"
        parent = root / plugin
        parent.mkdir(parents=True, exist_ok=True)
        for name in itertools.chain([stem], (f"{stem}-{count}" for count in itertools.count(2))):
            with contextlib.suppress(FileExistsError):
                (parent / name).mkdir()
                break
        run = cls.in_folder(parent / name)
        with run.discarded_on_error():
            for folder in run._folders():
                folder.mkdir()
        return run

    def _folders(self) -> tuple[Path, Path]:
        return self.folder / "checkpoints", self.folder / "figures"

    def discard(self) -> None:
        """Remove the folder if nothing has been written to it."""
        for folder in (*self._folders(), self.folder):
            with contextlib.suppress(OSError):  # it was never made, or is not empty
                folder.rmdir()

    @contextlib.contextmanager
    def discarded_on_error(self) -> Iterator[None]:
        """Remove the new folder where what begins it fails, so that no folder is left that is not a run."""
        try:
            yield
        except BaseException:
            self.discard()
            raise

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
        """Return the contents of run.json; nothing before fit has written it, and for a lone checkpoint.

        Raises:
            RunError: the file is damaged.
        """
        file = self.folder / "run.json"
        if self._is_lone_checkpoint or not file.is_file():
            return {}
        try:
            return dict(json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError, RecursionError) as error:
            raise RunError(f"{file} is damaged: {error}. It may be deleted; the checkpoints do not need it.") from error

    def write_record(self, changes: Mapping[str, Any]) -> None:
        """Write entries of run.json; the others stay."""
        write_text(self.folder / "run.json", json.dumps(self.record | dict(changes), indent=2) + "\n")

    @property
    def results(self) -> list[Path]:
        """Return the tables that the test of a run that cannot predict wrote, such as of the clusters of a graph."""
        cannot = not self._is_lone_checkpoint and not self.record.get("predicts", True)
        return sorted(file for file in self.folder.glob("*.csv") if file.name != "metrics.csv") if cannot else []

    @property
    def settings_file(self) -> Path:
        """Return the file that holds the settings: config.yaml, or the checkpoint where that stands alone."""
        config = self.folder / "config.yaml"
        return config if config.is_file() and not self._is_lone_checkpoint else self.checkpoint

    @property
    def _is_lone_checkpoint(self) -> bool:
        """Return whether what else lies in the folder may be of another run."""
        return self.checkpoint.parent == self.folder

    def settings(self) -> dict[str, Any]:
        """Return the settings of the run, from its folder or else from the checkpoint.

        Raises:
            RunError: they cannot be read.
        """
        return self.stored()[0]

    def stored(self) -> tuple[dict[str, Any], Path, object]:
        """Return the settings of the run, the file that holds them, and the signature of the user who trained it.

        Raises:
            RunError: they cannot be read.
        """
        file = self.settings_file
        if file == self.checkpoint:
            described = self.read_checkpoint()[KEY]
            return described["settings"], file, described.get("signature")
        try:
            values = read_options(file)
            _ = values["plugin"]
        except (OSError, ValueError, KeyError) as error:
            where = f"{file} does not hold the settings of a run: {error}"
            raise RunError(f"{where}\nA checkpoint holds them too: copy one to another folder.") from error
        return values, file, self.record.get("signature")

    @contextlib.contextmanager
    def settings_named(self) -> Iterator[None]:
        """Say in the UsageErrors of the block where the settings stand that somebody may have to correct."""
        try:
            yield
        except UsageError as error:
            raise UsageError(
                f"{error}\nThe settings, other than what was typed, are those of {self.settings_file}"
            ) from error

    def read_checkpoint(self, plugin: str | None = None) -> dict[str, Any]:
        """Return the contents of the checkpoint, on the CPU.

        Args:
            plugin: of a checkpoint that a plain Trainer wrote: its settings are its hyperparameters.

        Raises:
            RunError: there is none, it cannot be read safely, or lightning-suite did not write it and no plugin is
                named.
            UsageError: lightning-suite wrote it, with another plugin.
        """
        from lightning_suite.checkpoint import read
        from lightning_suite.checkpoint_entries import refuse_misfits

        checkpoint = read(self.checkpoint)
        if KEY not in checkpoint and plugin is None:
            raise RunError(
                f"{self.checkpoint} does not say which plugin it is of: it was not written by suite fit.\n"
                "If a Trainer of your own wrote it: lightning_suite.load(CHECKPOINT, plugin=NAME)"
            )
        if KEY not in checkpoint:
            settings = {"plugin": plugin, "model": checkpoint.get("hyper_parameters", {})}
            checkpoint[KEY] = {"settings": settings}
        refuse_misfits(checkpoint, {KEY: {"settings": dict}}, self.checkpoint)
        if plugin not in (None, there := checkpoint[KEY]["settings"].get("plugin")):
            raise UsageError(f"{self.checkpoint} is of the plugin {there!r}, not of {plugin!r}: leave plugin out")
        return checkpoint


def stored_at(path: str) -> tuple[dict[str, Any], object] | None:
    """Return settings and signature of the run or checkpoint at a path, or None; a lone checkpoint imports torch."""
    try:
        if Path(path).is_file() and Path(path).suffix != ".ckpt":
            return None  # an input, not a run
        settings, _, signature = Run.at(path).stored()
    except (RunError, UsageError):
        return None
    return (settings, signature) if isinstance(settings.get("plugin"), str) else None


def versions(distribution: str = "") -> dict[str, str]:
    """Return the installed versions of what a run depends on, without importing it.

    Args:
        distribution: the one that brings the plugin of the run; empty where none does.
    """
    names = ("lightning-suite", "torch", "pytorch-lightning", "jsonargparse", "torchmetrics", "numpy")
    every = dict.fromkeys((*names, distribution) if distribution else names)
    installed = {name: requirements.version(name) or "not installed" for name in every}
    return {"python": platform.python_version()} | installed


def machine() -> dict[str, Any]:
    """Return system, processor, cores, threads and accelerators of this machine."""
    import torch

    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text() if cpuinfo.is_file() else "")
    return {
        "system": platform.system(),
        "processor": model[1].strip() if model else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerators": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
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
