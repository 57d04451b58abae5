"""Points of a large parquet file, whose row groups are read when their rows are asked for."""

from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from suite_spectral.sources.contents import Choice, Source
from suite_spectral.sources.tables import Numbers, Table


def of_row_groups(path: Path, choice: Choice, labelled: bool) -> Source | None:
    """Return the points of a parquet file; None where a column of it that is asked for is not stored as numbers.

    Raises:
        DataError: it is no parquet file, or has no row.
        UsageError: pyarrow is not installed.
    """
    with needs("reading tables", "lightning-suite[spectral]"):
        import pyarrow
        from pyarrow import parquet
    try:
        file = parquet.ParquetFile(path, memory_map=True)
        schema = file.schema_arrow
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"cannot be read as parquet: {error}", path) from error
    if file.metadata.num_rows == 0:
        raise DataError("there is no row", path)
    of_names = Table(path, schema.names, [])
    label = None if choice.label_column is None else of_names.find(choice.label_column)
    wanted = range(len(schema)) if choice.columns is None else [of_names.index(column) for column in choice.columns]
    used = [number for number in wanted if number != label]
    if not used or not all(_is_number(pyarrow, schema.types[number]) for number in used):
        return None
    content = RowGroups(path, file, used)
    labels = None
    if label is not None and labelled:
        labels = np.array(Table(path, ["label"], [file.read([schema.names[label]]).column(0)]).texts("label"))
    return Source("points", content, labels, [schema.names[number] for number in used])


@final
class RowGroups:
    """Points (point, dim) of a parquet file; rows are asked for by a slice or by their rising numbers, (row,) int64.

    Attributes:
        shape: (point, dim).
        dtype: float32 or float64.
        ndim: 2.
    """

    ndim = 2

    def __init__(self, path: Path, file: Any, columns: list[int]) -> None:
        self._path, self._file = path, file
        self._columns = [file.schema_arrow.names[number] for number in columns]
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._last: tuple[int, NDArray[Any]] = (-1, np.empty(0))
        self.dtype = self._group(0).dtype
        self.shape: tuple[int, int] = (int(self._starts[-1]), len(columns))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        numbers = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        values = np.empty((len(numbers), self.shape[1]), dtype=self.dtype)
        groups = np.searchsorted(self._starts, numbers, side="right") - 1
        for group in np.unique(groups).tolist():
            here = groups == group
            values[here] = self._group(group)[numbers[here] - self._starts[group]]
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def _group(self, number: int) -> NDArray[Any]:
        if self._last[0] != number:
            import pyarrow

            try:
                table = self._file.read_row_group(number, self._columns, use_threads=False)
                table.validate(full=True)
            except (pyarrow.ArrowException, OSError) as error:
                raise DataError(f"row group {number} cannot be read: {error}", self._path) from error
            numbers: Numbers = Table(self._path, table.column_names, table.columns).numbers(None)
            self._last = (number, numbers.values)
        return self._last[1]


def _is_number(pyarrow: Any, kind: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
