"""Tables: named columns of numbers, texts or labels, in pyarrow's arrays.

Cells of text files are read as text first, so that one wrong cell in a million is found with its line instead of
turning its column into something else.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files import find_name
from suite_spectral.data_settings import Column

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "none", "?")
"""Cells that say that there is no number."""

SEEN = 1000
"""Rows that decide whether a column with a wrong cell was meant to be numbers."""


class Numbers(NamedTuple):
    """Numbers of a table.

    Attributes:
        values: (row, column) float32 or float64; NaN where a cell was missing.
        names: (column,) of the columns.
        left_out: of the columns that are no numbers, each with its first wrong cell.
    """

    values: NDArray[Any]
    names: list[str]
    left_out: list[str]


def no_line(row: int) -> int | None:
    """Return None: the format has no lines."""
    return None


@final
class Table:
    """Named columns of one length.

    Attributes:
        path: of the file.
        names: (column,) a number as text where the file names no columns.
        line: gives the line of the file on which a row begins; None for a format that has no lines.
        without_header: whether the first line of the file was taken for a row.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        columns: Sequence[Any],
        line: Callable[[int], int | None] = no_line,
        without_header: bool = False,
    ) -> None:
        self.path = path
        self.names: list[str] = list(names)
        self.line = line
        self.without_header = without_header
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0]) if self._columns else 0

    def find(self, column: Column) -> int | None:
        """Return the number of a column; None where there is none.

        A name counts as it is written, else but for capitals, spaces and hyphens.

        Raises:
            DataError: there are two of the name.
        """
        name = str(column)
        if self.names.count(name) > 1:
            raise DataError(f"there are {self.names.count(name)} columns {name!r}; give the number, from 0", self.path)
        if name not in self.names and name.isdecimal():
            return int(name) if int(name) < len(self.names) else None
        alike = find_name(self.names, [name])
        return None if alike is None else self.names.index(alike)

    def index(self, column: Column) -> int:
        """Return the number of a column.

        Raises:
            DataError: there is none, or there are two of the name.
        """
        number = self.find(column)
        if number is None:
            shown = ", ".join(repr(_short(name)) for name in self.names[:20]) + (" ..." if len(self.names) > 20 else "")
            raise DataError(
                f"there is no column {str(column)!r}; there are {len(self.names)}: {shown}. "
                f"{did_you_mean(str(column), self.names)}".rstrip(),
                self.path,
            )
        return number

    def numbers(self, wanted: Sequence[Column] | None, without: Sequence[Column] = ()) -> Numbers:
        """Return the columns that are numbers: those that are wanted, or all but some.

        Raises:
            DataError: a wanted column is not made of numbers, or one is but for a few cells, or none is.
        """
        skipped = {self.index(column) for column in without}
        chosen = [i for i in range(len(self.names)) if i not in skipped] if wanted is None else map(self.index, wanted)
        parts: list[NDArray[Any]] = []
        names: list[str] = []
        left_out: list[str] = []
        for column in chosen:
            values = _as_numbers(self._columns[column])
            if values is None:
                left_out.append(self._described(column, wanted is not None))
                continue
            parts.append(values)
            name, width = self.names[column], values.shape[1]
            names += [name] if width == 1 else [f"{name}[{i}]" for i in range(width)]
        if not parts:
            raise DataError(
                f"no column is made of numbers; there are {', '.join(left_out[:10]) or 'none'}. "
                "Texts are read with --data.text_column, edges in .csv and .tsv files with --data.read_as graph",
                self.path,
            )
        return Numbers(np.concatenate(parts, axis=1), names, left_out)

    def texts(self, column: Column) -> list[str]:
        """Return a column as text, '' for a missing cell.

        Raises:
            DataError: there is no such column, or there are two of the name.
        """
        import pyarrow

        values = self._columns[self.index(column)]
        if pyarrow.types.is_floating(values.type):  # a class 1.0 is the class 1
            numbers = values.to_pylist()
            return ["" if cell is None else str(int(cell)) if cell == int(cell) else str(cell) for cell in numbers]
        try:
            values = values.cast(pyarrow.large_string())
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, pyarrow.ArrowTypeError):
            return ["" if cell is None else str(cell) for cell in values.to_pylist()]
        return ["" if cell is None else cell for cell in values.to_pylist()]

    def _described(self, column: int, wanted: bool) -> str:
        """Return name and first wrong cell of a column that is not made of numbers.

        Raises:
            DataError: it should be.
        """
        name = self.names[column]
        row, cell = _first_wrong(self._columns[column])
        if wanted:
            hint = (
                "; if the first line names the columns: --data.header true" if self.without_header and not row else ""
            )
            raise DataError(f"column {name!r}: expected numbers, got {_short(cell)!r}{hint}", self.path, self.line(row))
        if _mostly_numbers(self._columns[column]):
            raise DataError(
                f"column {name!r} is made of numbers but for {_short(cell)!r}; correct it, or say with --data.columns "
                "which columns are meant",
                self.path,
                self.line(row),
            )
        return f"{_short(name)} ({repr(_short(cell)) if cell else 'empty'})"


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, as Python reads it, without the underscores that Python allows."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _short(cell: str) -> str:
    return cell if len(cell) <= 30 else f"{cell[:27]}..."


def _as_numbers(values: Any) -> NDArray[Any] | None:
    """A column as numbers (row, 1), a column of lists of one length as (row, length); None where it is neither."""
    import pyarrow
    from pyarrow import compute

    kind = values.type
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind) or pyarrow.types.is_fixed_size_list(kind):
        lengths = compute.unique(compute.list_value_length(values)).to_pylist()
        flat = _as_numbers(compute.list_flatten(values)) if len(lengths) == 1 and lengths[0] else None
        return None if flat is None or flat.shape[1] > 1 else flat.reshape(len(values), -1)
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        trimmed = compute.utf8_trim_whitespace(values)
        missing = compute.is_in(trimmed, value_set=pyarrow.array(MISSING, type=kind))
        values = compute.if_else(missing, pyarrow.scalar(None, type=kind), trimmed)
        if values.null_count == len(values):
            return None
    elif not (
        pyarrow.types.is_integer(kind)
        or pyarrow.types.is_floating(kind)
        or pyarrow.types.is_boolean(kind)
        or pyarrow.types.is_decimal(kind)
    ):
        return None
    single = kind in (pyarrow.float16(), pyarrow.float32())
    try:
        numbers = values.cast(pyarrow.float32() if single else pyarrow.float64())
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return None
    array: NDArray[Any] = numbers.to_numpy(zero_copy_only=False)
    return array.reshape(-1, 1)


def _mostly_numbers(values: Any) -> bool:
    """Whether nine in ten of the first cells are numbers; of names and classes some may be by chance."""
    cells = [cell.strip() for cell in values.slice(0, SEEN).to_pylist() if isinstance(cell, str)]
    filled = [cell for cell in cells if cell not in MISSING]
    return sum(map(is_number, filled)) > 0.9 * len(filled)


def _first_wrong(values: Any) -> tuple[int, str]:
    """The first cell that is no number, with its row; an empty one where all are missing."""
    for row, value in enumerate(values.to_pylist()):
        cell = "" if value is None else str(value).strip()
        if cell not in MISSING and not is_number(cell):
            return row, cell
    return 0, ""
