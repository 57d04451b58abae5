"""Writes predictions while they are made: one row an input, in the order of the inputs, as the file's suffix says."""

import csv
import json
from pathlib import Path
from typing import IO, Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback

from lightning_suite.errors import UsageError

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
ARRAYS = (".npy", ".parquet")
UNPAIRED = "backslashreplace"


class Predictions(Callback):
    """Collects what ``predict_step`` or ``embed_step`` returns and writes it to a file, which appears when it is whole.

    ``predict_step`` returns columns, ``dict[str, list | Tensor]`` with one entry an input, or a tensor (batch,
    value_dim), whose columns are then numbered; ``embed_step`` returns a tensor (batch, embedding_dim).

    Attributes:
        path: the file.
        step_name: which of the two is asked.
        rows: how many inputs have been written.

    Raises:
        UsageError: the suffix is none of those that can be written.
    """

    def __init__(self, path: Path, step_name: str) -> None:
        suffixes = ARRAYS if step_name == "embed_step" else TABLES
        if path.suffix not in suffixes:
            raise UsageError(
                f"--output {path}: expected a name that ends in {', '.join(suffixes)}, got {path.suffix!r}"
            )
        self.path = path
        self.step_name = step_name
        self.rows = 0
        self._partial = path.with_name(path.name + ".partial")
        self._file: IO[str] | None = None
        self._columns: dict[str, list[Any]] = {}
        self._arrays: list[numpy.ndarray[Any, Any]] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Makes the folder, so that a place that cannot be written costs no predictions."""
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leaves no half a file behind."""
        if self._file is not None:
            self._file.close()
        self._partial.unlink(missing_ok=True)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Writes the rows of a batch, or keeps them for a format that is written at once."""
        if self.step_name == "embed_step":
            self._arrays.append(outputs.detach().float().cpu().numpy())  # input embedding_dim
            self.rows += len(outputs)
            return
        columns = {name: _plain(values) for name, values in _columns(outputs).items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        self.rows += len(rows)
        if self.path.suffix == ".parquet":
            for name, values in columns.items():
                self._columns.setdefault(name, []).extend(values)
            return
        first = self._file is None
        if self._file is None:
            # Half a surrogate pair, which JSON can hold and UTF-8 cannot, is written as JSON's escape of it.
            self._file = self._partial.open("w", newline="", encoding="utf-8", errors=UNPAIRED)
        if self.path.suffix == ".jsonl":
            self._file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(self._file, columns, delimiter="\t" if self.path.suffix == ".tsv" else ",")
            if first:
                writer.writeheader()
            writer.writerows(rows)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Gives the file its name."""
        if self._file is not None:
            self._file.close()
        elif self.path.suffix == ".npy":
            with self._partial.open("wb") as file:
                numpy.save(file, numpy.concatenate(self._arrays) if self._arrays else numpy.empty((0, 0), "float32"))
        elif self.path.suffix == ".parquet":
            _write_parquet(self._partial, self._columns, self._arrays)
        else:
            self._partial.write_text("", encoding="utf-8")
        self._partial.replace(self.path)


def _columns(outputs: Any) -> dict[str, Any]:
    if isinstance(outputs, dict):
        return outputs
    if isinstance(outputs, torch.Tensor):
        values = outputs.reshape(len(outputs), -1)
        return {f"value_{i}": values[:, i] for i in range(values.shape[1])}
    raise UsageError(
        "predict_step must return columns, dict[str, list | Tensor], or a tensor (batch, value_dim); "
        f"got {type(outputs).__name__}"
    )


def _plain(values: Any) -> list[Any]:
    return values.detach().cpu().tolist() if isinstance(values, torch.Tensor) else list(values)


def _write_parquet(path: Path, columns: dict[str, list[Any]], arrays: list[numpy.ndarray[Any, Any]]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError("writing .parquet needs pyarrow. Install it with: pip install pyarrow") from error
    if arrays:
        columns = {"embedding": list(numpy.concatenate(arrays))}
    columns = {name: [_writable(value) for value in values] for name, values in columns.items()}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def _writable(value: Any) -> Any:
    return value.encode("utf-8", UNPAIRED).decode() if isinstance(value, str) else value
