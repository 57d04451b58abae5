"""Tables of points, texts or labels: CSV, TSV and parquet, by pyarrow.

A column is asked for by its name, or by its number from 0. The first line of a CSV or TSV file is its header where a
name of it is asked for. Where columns are asked for by number alone, or not at all, it is one if none of its cells is a
number (of points: none in the columns that are asked for); but never where texts are asked for by number. Cells are
read as text first, so that one wrong cell in a million is found with its line instead of turning its column into
something else.
"""

import csv
import io
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import did_you_mean

Column = int | str
"""A column, by its number from 0 or by its name."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "none", "?")
"""Cells that say that there is no number."""

SEEN = 1000
"""Rows by which it is told whether a column with a wrong cell was meant to be numbers."""

DELIMITERS = ",;\t|"


class Wanted(NamedTuple):
    """The columns that are asked for.

    Attributes:
        numbers: whose cells must be numbers, None for all columns that are numbers.
        texts: whose cells are texts.
        label: whose cells are labels.
    """

    numbers: Sequence[Column] | None = None
    texts: Sequence[Column] = ()
    label: Column | None = None


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


@final
class Table:
    """Named columns of one length.

    Attributes:
        path: of the file.
        names: (column,) a number as text where the file names no columns.
        n_rows: how many rows there are.
    """

    def __init__(self, path: Path, names: Sequence[str], columns: Sequence[Any], source: "_Lines | None") -> None:
        self.path = path
        self.names = list(names)
        self.n_rows = len(columns[0]) if columns else 0
        self._columns = columns
        self._source = source

    def line(self, row: int) -> int | None:
        """The line of the file in which a row ends; None for a format that has no lines."""
        return self._source.line(row) if self._source is not None else None

    def place(self, column: Column) -> int:
        """The number of a column.

        Raises:
            DataError: there is none, or there are two of the name.
        """
        name = str(column)
        if self.names.count(name) > 1:
            raise DataError(f"there are {self.names.count(name)} columns {name!r}; give the number, from 0", self.path)
        if name in self.names:
            return self.names.index(name)
        if name.isdecimal() and int(name) < len(self.names):
            return int(name)
        known = ", ".join(repr(_short(each)) for each in self.names[:20]) + (" ..." if len(self.names) > 20 else "")
        raise DataError(
            f"there is no column {name!r}; there are {len(self.names)}: {known}. "
            f"{did_you_mean(name, self.names)}".rstrip(),
            self.path,
        )

    def numbers(self, wanted: Sequence[Column] | None, without: Sequence[Column] = ()) -> Numbers:
        """Columns that are numbers: those that are wanted, or all but some.

        Raises:
            DataError: a wanted column is not made of numbers, or one is but for a few cells, or none is.
        """
        found: list[NDArray[Any]] = []
        names: list[str] = []
        left_out: list[str] = []
        skipped = {self.place(column) for column in without}
        chosen = [i for i in range(len(self.names)) if i not in skipped] if wanted is None else map(self.place, wanted)
        for place in chosen:
            values = _as_numbers(self._columns[place])
            if values is not None:
                found.append(values)
                width = values.shape[1]
                names += [self.names[place]] if width == 1 else [f"{self.names[place]}[{i}]" for i in range(width)]
                continue
            row, cell = _first_wrong(self._columns[place])
            if wanted is not None:
                raise DataError(
                    f"column {self.names[place]!r}: expected numbers, got {_short(cell)!r}"
                    + ("; if the first line names the columns: --data.header true" if self._is_first_line(row) else ""),
                    self.path,
                    self.line(row),
                )
            if _mostly_numbers(self._columns[place]):
                raise DataError(
                    f"column {self.names[place]!r} is made of numbers but for {_short(cell)!r}; correct it, or say "
                    "with --data.columns which columns are meant",
                    self.path,
                    self.line(row),
                )
            left_out.append(f"{_short(self.names[place])} ({repr(_short(cell)) if cell else 'empty'})")
        if not found:
            raise DataError(
                f"no column is made of numbers; there are {', '.join(left_out[:10]) or 'none'}. "
                "Texts are read with --data.text_column",
                self.path,
            )
        return Numbers(np.concatenate(found, axis=1), names, left_out)

    def texts(self, column: Column) -> list[str]:
        """A column as text, '' for a missing cell."""
        import pyarrow

        values = self._columns[self.place(column)]
        if pyarrow.types.is_floating(values.type):  # a class 1.0 is the class 1
            numbers = values.to_pylist()
            return ["" if each is None else str(int(each)) if each == int(each) else str(each) for each in numbers]
        try:
            values = values.cast(pyarrow.large_string())
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, pyarrow.ArrowTypeError):
            return ["" if each is None else str(each) for each in values.to_pylist()]
        return ["" if each is None else each for each in values.to_pylist()]

    def _is_first_line(self, row: int) -> bool:
        return row == 0 and self._source is not None and not self._source.header


class _Lines(NamedTuple):
    """What is needed to find the line of a row again, which is only done for a message."""

    text: str
    delimiter: str
    quoted: bool
    header: bool

    def line(self, row: int) -> int:
        reader = _reader(self.text, self.delimiter, self.quoted)
        records = (int(reader.line_num) for record in reader if record)
        return next(islice(records, row + self.header, None), int(reader.line_num))


def read_csv(path: Path, content: str, wanted: Wanted, *, delimiter: str | None, header: bool | None) -> Table:
    """The table in a text.

    Args:
        path: for messages.
        content: the text.
        wanted: columns that will be asked for, by which the header is told.
        delimiter: between cells; None: what the first line has most of.
        header: whether the first line names the columns; None: by the rule above.

    Raises:
        DataError: lines have different numbers of cells, or there is no row.
        UsageError: pyarrow is not there.
    """
    pyarrow = _pyarrow()
    import pyarrow.csv as arrow_csv

    start = next((line for line in io.StringIO(content) if line.strip()), "")
    if not start:
        raise DataError("the file is empty", path)
    if delimiter is None:
        delimiter = max(DELIMITERS, key=start.count)
    quoted = delimiter != "\t" or not any(line.count('"') % 2 for line in io.StringIO(content) if '"' in line)
    first = next(record for record in _reader(content, delimiter, quoted) if record)
    if header is None:
        header = _has_header(first, wanted)
    names = [name.strip() for name in first] if header else [str(i) for i in range(len(first))]
    lines = _Lines(content, delimiter, quoted, header)
    unique = [str(i) for i in range(len(first))]  # pyarrow converts by name, and two columns may have the same
    ragged: list[Any] = []

    def keep(row: Any) -> str:
        ragged.append(row)
        return "skip"

    if quoted and content.count('"') % 2:
        _refuse_open_quote(path, lines)
    data = content.encode("utf-8") + b"\n"
    try:
        table = arrow_csv.read_csv(
            pyarrow.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,  # only then has a ragged row its number
                block_size=min(len(data) + 1, 2**31 - 1),
                column_names=unique,
                skip_rows_after_names=int(header),
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                invalid_row_handler=keep,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(unique, pyarrow.large_string()),
                strings_can_be_null=False,
            ),
        )
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"cannot be read as a table: {error}", path) from error
    if ragged:
        row = ragged[0]
        raise DataError(
            f"expected {row.expected_columns} cells with {delimiter!r} between, got {row.actual_columns}: "
            f"{row.text[:60]!r}" + (f"; {len(ragged)} such lines in all" if len(ragged) > 1 else ""),
            path,
            _Lines(content, delimiter, quoted, header=False).line(row.number - 1),
        )
    if table.num_rows == 0:
        raise DataError("there is a header, but no row", path)
    return Table(path, names, table.columns, lines)


def read_parquet(path: Path, content: bytes) -> Table:
    """The table in a parquet file.

    Raises:
        DataError: it is none, or has no row.
        UsageError: pyarrow is not there.
    """
    pyarrow = _pyarrow()
    from pyarrow import parquet

    try:
        table = parquet.read_table(pyarrow.BufferReader(content))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"cannot be read as parquet: {error}", path) from error
    if table.num_rows == 0:
        raise DataError("there is no row", path)
    return Table(path, table.column_names, table.columns, None)


def is_number(cell: str) -> bool:
    """Whether a cell is a number, as Python reads it, without the underscores that Python allows."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _refuse_open_quote(path: Path, lines: _Lines) -> None:
    """A quote that is never closed takes all the lines behind it for one cell."""
    reader = _reader(lines.text, lines.delimiter, lines.quoted)
    begin, last = 0, 0
    for record in reader:
        begin, last = (last + 1, reader.line_num) if record else (begin, reader.line_num)
    if last > begin:
        raise DataError("a quote is opened here and never closed", path, begin)


def _short(cell: str) -> str:
    """A cell in a message."""
    return cell if len(cell) <= 30 else f"{cell[:27]}..."


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise UsageError(
            "reading tables needs pyarrow. Install it with: pip install lightning-suite[spectral]"
        ) from error
    return pyarrow


def _reader(text: str, delimiter: str, quoted: bool) -> Any:
    csv.field_size_limit(2**31 - 1)
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )


def _has_header(first: Sequence[str], wanted: Wanted) -> bool:
    cells = [cell.strip() for cell in first]
    asked = [*(wanted.numbers or ()), *wanted.texts, *([] if wanted.label is None else [wanted.label])]
    if any(name in cells and not name.isdecimal() for name in map(str, asked)):
        return True
    if wanted.texts and all(name.isdecimal() for name in map(str, wanted.texts)):
        return False
    points = [int(name) for name in map(str, wanted.numbers or ()) if name.isdecimal() and int(name) < len(cells)]
    return not any(is_number(cells[place]) for place in points or range(len(cells)))


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
    array: NDArray[Any] = numbers.to_numpy()
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
