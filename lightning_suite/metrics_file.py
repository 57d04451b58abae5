"""Writes metrics.csv: everything a module logs, a row for each step, written when an epoch ends."""

import contextlib
import csv
from argparse import Namespace
from functools import cache
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_info, rank_zero_only, rank_zero_warn

from lightning_suite.files import atomic_write, write_bytes


class MetricsFile(Logger):
    """Writes logged values to one CSV file; a new column appears when a new name is logged.

    Unlike Lightning's CSVLogger it keeps the rows of an interrupted run; ``cut`` drops those after the checkpoint that
    training goes on from.

    Attributes:
        path: the file; None: nothing is written.
        rows: what has been logged, with the step.
        late: loggers of the user's that write into the run folder, and have to wait until it is there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.rows: list[dict[str, Any]] = []
        self.late: list[Logger] = []

    def open(self, path: Path) -> None:
        """Set the file to write to, and read the rows that are in it; those that are damaged are empty until ``cut``.

        A damaged file is kept beside the new one.
        """
        self.path = path
        self.rows = []
        if not path.is_file():
            return
        content = path.read_bytes()
        columns, *lines = [_cells(line) for line in content.splitlines()] or [[]]
        for cells in lines:
            row = dict(zip(columns, cells, strict=False)) if len(cells) == len(columns) else {}
            self.rows.append({name: cell for name, cell in row.items() if cell} if _is_whole(row) else {})
        if damaged := sum(not row for row in self.rows):
            write_bytes(kept := path.with_suffix(".damaged.csv"), content)
            rank_zero_warn(f"{path}: {damaged} of {len(self.rows)} rows are damaged and left out; {kept} keeps them")

    @property
    def name(self) -> str:
        """Return nothing, so that a ModelCheckpoint of the user's writes beside our checkpoints."""
        return ""

    @property
    def version(self) -> str:
        """Return nothing: a run folder holds one file."""
        return ""

    @property
    def save_dir(self) -> str:
        """Return the run folder; other loggers and profilers of Lightning write into it too."""
        return str(self.path.parent) if self.path else ""

    @property
    def experiment(self) -> Any:
        """Return what takes the pictures and texts that a module gives to ``self.logger.experiment``, and drops them.

        They are kept by the logger that ``--trainer.logger tensorboard`` adds.
        """
        return _Anything()

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: config.yaml holds the settings."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row."""
        self.rows.append({"step": step} | {name: float(value) for name, value in metrics.items()})

    @rank_zero_only
    def save(self) -> None:
        """Write the whole file again: it is small, and a reader never sees half of it."""
        if self.path is None or not (self.rows or self.path.is_file()):
            return
        columns = ["step", *sorted({name for row in self.rows for name in row} - {"step"})]
        with atomic_write(self.path, newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)

    def cut(self, rows: int) -> None:
        """Drop all rows after the first ``rows``, and the damaged ones."""
        self.rows = [row for row in self.rows[:rows] if row]

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is not yet written."""
        self.save()


class _Anything:
    """Has every attribute, item and method, and does nothing but say so."""

    def __getattr__(self, name: str) -> "_Anything":
        if name.startswith("__"):
            raise AttributeError(name)
        _say_once(f"the module uses self.logger.experiment.{name}: --trainer.logger tensorboard keeps that")
        return self

    def __getitem__(self, index: Any) -> "_Anything":
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> "_Anything":
        return self


@cache
def _say_once(message: str) -> None:
    rank_zero_info(message)


def _cells(line: bytes) -> list[str]:
    """Return the cells of a line; none where it is no text."""
    try:
        return next(csv.reader([line.decode("utf-8")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _is_whole(row: dict[str, str]) -> bool:
    """Return whether a row holds a step and numbers alone, as it was written."""
    with contextlib.suppress(ValueError):
        return "step" in row and bool([float(cell) for cell in row.values() if cell])
    return False
