"""Writes predictions while they are made: one row for each input, in the order of the inputs; the suffix is the format.

Half a surrogate pair, which JSON can hold and UTF-8 cannot, is written as JSON's escape of it.
"""

import contextlib
import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback

from lightning_suite import parquet_files
from lightning_suite.errors import UsageError
from lightning_suite.files import atomic_path, atomic_write
from lightning_suite.needs import needs

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
ARRAYS = (".npy", ".parquet")
UNPAIRED_SURROGATES = "backslashreplace"

Writer = Callable[[Path, dict[str, list[Any]]], None]
"""Writes columns of equal lengths to a path."""


class Predictions(Callback):
    """Writes what ``predict_step`` or ``embed_step`` returns to a file, which appears when it is complete.

    ``predict_step`` returns columns, ``dict[str, list | Tensor]`` with one entry for each input, or a tensor (batch,
    value_dim), whose columns are then numbered; ``embed_step`` returns a tensor (batch, embedding_dim).

    Args:
        path: the file.
        step_name: ``predict_step`` or ``embed_step``.
        writers: of further formats of tables, by suffix: those of the data module.

    Attributes:
        path: the file.
        step_name: ``predict_step`` or ``embed_step``.
        rows: how many inputs have been written.

    Raises:
        UsageError: the suffix is not one of the formats.

    Example:
        >>> import tempfile
        >>> output = Predictions(Path(tempfile.mkdtemp(), "out.csv"), "predict_step")
        >>> output.on_predict_start(None, None)
        >>> output.on_predict_batch_end(None, None, {"text": ["a", "b"], "p": torch.tensor([0.5, 1])}, None, 0)
        >>> output.on_predict_end(None, None)
        >>> output.path.read_text().split()
        ['text,p', 'a,0.5', 'b,1.0']
    """

    def __init__(self, path: Path, step_name: str, writers: Mapping[str, Writer] | None = None) -> None:
        self._writers: dict[str, Writer] = {".parquet": _write_parquet, **(writers or {})}
        suffixes = ARRAYS if step_name == "embed_step" else tuple(dict.fromkeys([*TABLES, *self._writers]))
        if path.suffix not in suffixes:
            raise UsageError(
                f"--output {path}: expected a name that ends in {', '.join(suffixes)}, got {path.suffix!r}"
            )
        self.path = path
        self.step_name = step_name
        self.rows: int = 0
        self._names: list[str] = []
        self._file: Any = None  # open for the formats that are written row by row
        self._open = contextlib.ExitStack()
        self._waiting: list[Any] = []  # rows, or arrays of embeddings, of the formats that are written at once

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the file, so that a path that cannot be written to costs no predictions."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.suffix in (".csv", ".tsv", ".jsonl"):
            self._file = self._open.enter_context(atomic_write(self.path, newline="", errors=UNPAIRED_SURROGATES))

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Remove the unfinished file."""
        self._open.__exit__(type(exception), exception, exception.__traceback__)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the rows of a batch, or keep them for a format that is written at once.

        Raises:
            UsageError: ``predict_step`` returned other columns than before, or columns of different lengths.
        """
        if self.step_name == "embed_step":
            self._waiting.append(outputs.detach().float().cpu().numpy())  # input embedding_dim
            self.rows += len(outputs)
            return
        columns = {name: plain(values) for name, values in columns_of(outputs).items()}
        is_first = not self._names
        if is_first:
            self._names = list(columns)
        elif columns.keys() != set(self._names):
            raise UsageError(f"predict_step must return the columns {self._names} for every batch, got {[*columns]}")
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise UsageError(f"predict_step must return columns of one length, got {lengths}")
        rows = list(zip(*(columns[name] for name in self._names), strict=True))
        self.rows += len(rows)
        if self.path.suffix in self._writers:
            self._waiting += rows
        elif self.path.suffix == ".jsonl":
            objects = (dict(zip(self._names, row, strict=True)) for row in rows)
            self._file.writelines(json.dumps(values, ensure_ascii=False) + "\n" for values in objects)
        else:
            writer = csv.writer(self._file, delimiter="\t" if self.path.suffix == ".tsv" else ",")
            writer.writerows([self._names, *rows] if is_first else rows)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Complete the file and give it its name."""
        self._open.close()
        if self.path.suffix == ".npy":
            with atomic_write(self.path, "wb") as file:
                numpy.save(file, numpy.concatenate(self._waiting) if self._waiting else numpy.empty((0, 0), "float32"))
        elif self.path.suffix == ".parquet" and self.step_name == "embed_step":
            with atomic_path(self.path) as unfinished:
                _write_parquet(unfinished, {"embedding": [row for array in self._waiting for row in array]})
        elif self.path.suffix in self._writers:
            columns = {name: [_encodable(row[i]) for row in self._waiting] for i, name in enumerate(self._names)}
            with atomic_path(self.path) as unfinished:
                self._writers[self.path.suffix](unfinished, columns)


def columns_of(outputs: Any) -> dict[str, Any]:
    """Return the columns that a ``predict_step`` returned, those of a tensor numbered.

    Raises:
        UsageError: it is neither columns nor a tensor.
    """
    if isinstance(outputs, dict):
        return outputs
    if isinstance(outputs, torch.Tensor):
        values = outputs.reshape(len(outputs), -1)
        return {f"value_{i}": values[:, i] for i in range(values.shape[1])}
    raise UsageError(
        "predict_step must return columns, dict[str, list | Tensor], or a tensor (batch, value_dim); "
        f"got {type(outputs).__name__}"
    )


def plain(values: Any) -> list[Any]:
    """Return the values of a column as Python's own."""
    return values.detach().cpu().tolist() if isinstance(values, torch.Tensor) else list(values)


def _write_parquet(path: Path, columns: dict[str, list[Any]]) -> None:
    with needs("writing .parquet", "pyarrow"):
        import pyarrow
    parquet_files.write_table(path, pyarrow.table(columns))


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", UNPAIRED_SURROGATES).decode() if isinstance(value, str) else value
