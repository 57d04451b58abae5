"""Files of tables: CSV, TSV, JSON lines and parquet, and lines of numbers with spaces between.

A column is asked for by its name, or by its number from 0. The first line of a CSV or TSV file is its header where a
name of it is asked for. Where columns are asked for by number alone, or not at all, it is one if none of its cells is a
number (of points: none in the columns that are asked for); but never where texts are asked for by number.

What a table is, ``lightning_suite.text_files`` says. pyarrow reads the large ones, at thirty times the speed, as long
as no quotation mark stands in them and every row is as wide as the first; all others, and all that is wrong with one,
are left to the former, so that both give the same answer.
"""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.needs import needs
from lightning_suite.text_files import find_name, read_jsonl, read_table, read_text
from suite_spectral.data_settings import Column
from suite_spectral.sources.tables import Table, is_number


class Wanted(NamedTuple):
    """The columns that are asked for, by which a header is recognised.

    Attributes:
        numbers: whose cells must be numbers, None for all columns that are numbers.
        texts: whose cells are texts.
        label: whose cells are labels.
    """

    numbers: Sequence[Column] | None = None
    texts: Sequence[Column] = ()
    label: Column | None = None


def read_csv(
    path: Path,
    wanted: Wanted | None = None,
    *,
    header: bool | None = None,
    encoding: str | None = None,
    content: bytes | None = None,
) -> Table:
    """Return the table of a CSV or TSV file.

    Args:
        path: the file.
        wanted: columns that will be asked for.
        header: whether the first line names the columns; None: by the rule above.
        encoding: of a file that is not Unicode.
        content: of the file, where it is at hand.

    Raises:
        DataError: the file is no table, or has no row.
        UsageError: pyarrow is not installed.
    """
    rows = read_table(path, has_header=False, encoding=encoding, content=content)
    _, first = next(rows.rows)
    if header is None:
        header = _has_header(first, wanted or Wanted())
    names = [name.strip() for name in first] if header else [str(i) for i in range(len(first))]
    text = read_text(path, encoding=encoding, content=content)
    columns = None if '"' in text else _plain_columns(text, rows.delimiter, len(first), header)
    if columns is None:
        table = read_table(path, delimiter=rows.delimiter, has_header=header, encoding=encoding, content=content)
        columns = _text_columns([fields for _, fields in table.rows if fields])
    if not columns or not len(columns[0]):
        raise DataError("there is a header, but no row", path)

    def line(row: int) -> int | None:  # read once more, for a message
        table = read_table(path, delimiter=rows.delimiter, has_header=bool(header), encoding=encoding, content=content)
        return next(islice((line for line, fields in table.rows if fields), row, None), None)

    return Table(path, names, columns, line, without_header=not header)


def read_spaced(path: Path, lines: Sequence[tuple[int, str]]) -> Table:
    """Return the table of lines of numbers, with spaces or commas between.

    Args:
        path: for messages.
        lines: their numbers and texts, none of them blank.

    Raises:
        DataError: there is no line, or one has no number, or another number of cells than the first.
        UsageError: pyarrow is not installed.
    """
    if not lines:
        raise DataError("has comments and no row; expected lines of numbers", path)
    rows = [" ".join(text.replace(",", " ").split()) for _, text in lines]
    if "" in rows:
        raise DataError("has commas and no number", path, lines[rows.index("")][0])
    width = rows[0].count(" ") + 1
    columns = _plain_columns("\n".join(rows), " ", width, header=False)
    if columns is None:
        for (line, _), row in zip(lines, rows, strict=True):
            if (cells := row.count(" ") + 1) != width:
                raise DataError(f"has {cells} fields, but the first row has {width}", path, line)
        columns = _text_columns([row.split(" ") for row in rows])
    return Table(path, [str(i) for i in range(width)], columns, lambda row: lines[row][0])


def read_json_table(path: Path, *, encoding: str | None = None, content: bytes | None = None) -> Table:
    """Return the table of a file of JSON lines: a row an object, a column a key.

    Raises:
        DataError: a line is no JSON object, or there is none.
        UsageError: pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    records = [(line, record) for line, record in read_jsonl(path, encoding=encoding, content=content) if record]
    if not records:
        raise DataError("holds blank lines only; expected one JSON object a line", path)
    columns = []
    names = list(dict.fromkeys(name for _, record in records for name in record))
    for name in names:
        values = [record.get(name) for _, record in records]
        try:
            columns.append(pyarrow.array(values))
        except (pyarrow.ArrowException, OverflowError, UnicodeError):  # of more than one type; half an emoji
            columns.append(pyarrow.array([None if value is None else _encodable(str(value)) for value in values]))
    return Table(path, names, columns, lambda row: records[row][0])


def read_parquet(path: Path, content: bytes) -> Table:
    """Return the table of a parquet file.

    Raises:
        DataError: it is none, or has no row.
        UsageError: pyarrow is not installed.
    """
    pyarrow = _pyarrow()
    from pyarrow import parquet

    try:
        table = parquet.read_table(pyarrow.BufferReader(content))
        table.validate(full=True)  # else a damaged text is found wherever it is first looked at
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"cannot be read as parquet: {error}", path) from error
    if table.num_rows == 0:
        raise DataError("there is no row", path)
    return Table(path, table.column_names, table.columns)


def _plain_columns(text: str, delimiter: str, width: int, header: bool) -> list[Any] | None:
    """The columns of a text without quotation marks; None where rows are of different widths or blank."""
    pyarrow = _pyarrow()
    from pyarrow import csv

    ragged: list[Any] = []

    def keep(row: Any) -> str:
        ragged.append(row)
        return "skip"

    start = re.search(r"^.*\S", text, re.MULTILINE)
    if start is None:  # a row that is no blank line has nothing but blanks, such as U+2028
        return None
    data = text[start.start() :].encode("utf-8") + b"\n"
    names = [str(i) for i in range(width)]  # pyarrow converts by name, and two columns may have the same
    try:
        table = csv.read_csv(
            pyarrow.BufferReader(data),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=min(len(data) + 1, 2**31 - 1),
                column_names=names,
                skip_rows_after_names=int(header),
            ),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False, invalid_row_handler=keep),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.large_string()), strings_can_be_null=False
            ),
        )
    except pyarrow.ArrowInvalid:
        return None
    return None if ragged else list(table.columns)


def _encodable(text: str) -> str:
    """Return a text with U+FFFD for each half of a surrogate pair, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text_columns(rows: Sequence[Sequence[str]]) -> list[Any]:
    pyarrow = _pyarrow()
    return [pyarrow.array(column, pyarrow.large_string()) for column in zip(*rows, strict=True)]


def _has_header(first: Sequence[str], wanted: Wanted) -> bool:
    cells = [cell.strip() for cell in first]
    asked = [*(wanted.numbers or ()), *wanted.texts, *([] if wanted.label is None else [wanted.label])]
    if find_name(cells, (name for name in map(str, asked) if not name.isdecimal())) is not None:
        return True
    if wanted.texts and all(name.isdecimal() for name in map(str, wanted.texts)):
        return False
    points = [int(name) for name in map(str, wanted.numbers or ()) if name.isdecimal() and int(name) < len(cells)]
    return not any(is_number(cells[column]) for column in points or range(len(cells)))


def _pyarrow() -> Any:
    with needs("reading tables", "lightning-suite[spectral]"):
        import pyarrow
    return pyarrow
