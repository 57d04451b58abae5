"""Writes metrics.csv: everything a module logs, a row for each step, written when an epoch ends."""

import csv
from argparse import Namespace
from functools import cache
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_info, rank_zero_only

from lightning_suite.files import atomic_write


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
        """Set the file to write to, and read the rows that are in it."""
        self.path = path
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                self.rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]

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
        """Drop all rows after the first ``rows``."""
        del self.rows[rows:]

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
