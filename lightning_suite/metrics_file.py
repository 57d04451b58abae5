"""metrics.csv: everything a module logs, one row a step, on the disk as soon as an epoch ends."""

import csv
from argparse import Namespace
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only


class MetricsFile(Logger):
    """Writes logged values to one CSV file; a new column appears when a new name is logged.

    Unlike Lightning's CSVLogger it keeps the rows of an interrupted run: ``cut`` drops those that came after the
    checkpoint that training goes on from.
    """

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.rows: list[dict[str, Any]] = []

    def open(self, path: Path) -> None:
        """Takes the file to write to, with the rows that are already in it: before that the run has no folder."""
        self.path = path
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                self.rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]

    @property
    def name(self) -> str:
        """Nothing, so that a ModelCheckpoint of the user's writes beside our checkpoints."""
        return ""

    @property
    def version(self) -> str:
        """Nothing: a run folder holds one file."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run folder; other loggers and profilers of Lightning write beside it."""
        return str(self.path.parent) if self.path else ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Does nothing: config.yaml holds the settings."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Adds a row."""
        self.rows.append({"step": step} | {name: float(value) for name, value in metrics.items()})

    @rank_zero_only
    def save(self) -> None:
        """Writes the file anew; it is small, and a reader never sees half of it."""
        if self.path is None or not (self.rows or self.path.is_file()):
            return
        columns = ["step", *sorted({name for row in self.rows for name in row} - {"step"})]
        partial = self.path.with_name(self.path.name + ".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)
        partial.replace(self.path)

    def cut(self, rows: int) -> None:
        """Forgets all rows but the first ones."""
        del self.rows[rows:]

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Writes what is not yet written."""
        self.save()
