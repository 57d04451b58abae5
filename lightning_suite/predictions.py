"""Writes predictions while they are made: one row for each input, in the order of the inputs; the suffix is the format.

Half a surrogate pair, which JSON can hold and UTF-8 cannot, is written as JSON's escape of it.
"""

import contextlib
import csv
import json
from pathlib import Path
from typing import IO, Any

import numpy
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback

from lightning_suite.errors import UsageError
from lightning_suite.files import atomic_path, atomic_write
from lightning_suite.needs import needs

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
ARRAYS = (".npy", ".parquet")
UNPAIRED_SURROGATES = "backslashreplace"


class Predictions(Callback):
    """Writes what ``predict_step`` or ``embed_step`` returns to a file, which appears when it is complete.

    ``predict_step`` returns columns, ``dict[str, list | Tensor]`` with one entry for each input, or a tensor (batch,
    value_dim), whose columns are then numbered; ``embed_step`` returns a tensor (batch, embedding_dim).

    Attributes:
        path: the file.
        step_name: ``predict_step`` or ``embed_step``.
        rows: how many inputs have been written.

    Raises:
        UsageError: if the suffix is not one of the formats.

    Example:
        >>> import tempfile
        >>> output = Predictions(Path(tempfile.mkdtemp(), "out.csv"), "predict_step")
        >>> output.on_predict_batch_end(None, None, {"text": ["a", "b"], "p": torch.tensor([0.5, 1])}, None, 0)
        >>> output.on_predict_end(None, None)
        >>> output.path.read_text().split()
        ['text,p', 'a,0.5', 'b,1.0']
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
        self._open = contextlib.ExitStack()
        self._file: IO[str] | None = None  # rows of text are written as they come
        self._columns: dict[str, list[Any]] = {}  # the other formats are written at once
        self._arrays: list[numpy.ndarray[Any, Any]] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Make the folder, so that a path that cannot be written to costs no predictions."""
        self.path.parent.mkdir(parents=True, exist_ok=True)

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
        """Write the rows of a batch, or keep them for a format that is written at once."""
        self.rows += self._add_array(outputs) if self.step_name == "embed_step" else self._add_rows(outputs)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Complete the file and give it its name."""
        if self.path.suffix == ".npy":
            with atomic_write(self.path, "wb") as file:
                numpy.save(file, numpy.concatenate(self._arrays) if self._arrays else numpy.empty((0, 0), "float32"))
        elif self.path.suffix == ".parquet":
            _write_parquet(self.path, self._columns, self._arrays)
        else:
            self._text_file()  # without inputs it is empty
            self._open.close()

    def _add_array(self, outputs: torch.Tensor) -> int:
        self._arrays.append(outputs.detach().float().cpu().numpy())  # input embedding_dim
        return len(outputs)

    def _add_rows(self, outputs: Any) -> int:
        columns = {name: _plain(values) for name, values in _columns(outputs).items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        if self.path.suffix == ".parquet":
            for name, values in columns.items():
                self._columns.setdefault(name, []).extend(values)
        elif self.path.suffix == ".jsonl":
            self._text_file().writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            is_first = self._file is None
            delimiter = "\t" if self.path.suffix == ".tsv" else ","
            writer = csv.DictWriter(self._text_file(), columns, delimiter=delimiter)
            if is_first:
                writer.writeheader()
            writer.writerows(rows)
        return len(rows)

    def _text_file(self) -> IO[str]:
        if self._file is None:
            writing = atomic_write(self.path, newline="", errors=UNPAIRED_SURROGATES)
            self._file = self._open.enter_context(writing)
        return self._file


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
    with needs("writing .parquet", "pyarrow"):
        import pyarrow
        import pyarrow.parquet
    if arrays:
        columns = {"embedding": list(numpy.concatenate(arrays))}
    columns = {name: [_encodable(value) for value in values] for name, values in columns.items()}
    with atomic_path(path) as unfinished:
        pyarrow.parquet.write_table(pyarrow.table(columns), unfinished)


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", UNPAIRED_SURROGATES).decode() if isinstance(value, str) else value
