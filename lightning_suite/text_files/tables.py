"""Tables as text: CSV, TSV and their relatives, with a header line or without.

Fields are apart by commas, semicolons, tabs or bars; which it is shows in the first lines. A field in quotation marks
may hold the delimiter, line breaks, and quotation marks written twice; it may be of any length. Between tabs quotation
marks are often no more than text: there a line whose marks do not fit is taken as it stands.
"""

import csv
import io
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.text_files.compression import suffix_of
from lightning_suite.text_files.lines import lines_as_they_stand

DELIMITERS = ",;\t|"

_LINES_TO_LOOK_AT = 100
_ANY_LENGTH = min(sys.maxsize, 2**31 - 1)

Rows = Iterator[tuple[int, list[str]]]


class Table(NamedTuple):
    """A table that is being read.

    Attributes:
        path: of the file.
        delimiter: between fields.
        header: names of the columns, without the spaces around them; empty for a table without header.
        header_line: the number of its line.
        rows: the line on which each row begins, from 1, and its fields; none for a blank line.
    """

    path: str | Path
    delimiter: str
    header: list[str]
    header_line: int
    rows: Rows


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    has_header: bool = True,
    content: bytes | None = None,
) -> Table:
    r"""Return a table: its header, and an iterator over its rows, which reads the file as it goes.

    Args:
        path: the file; its suffix says which delimiter is likely where several are possible.
        encoding: of a file that is not Unicode.
        delimiter: between fields; None: by the first lines.
        has_header: whether the first line that is not blank names the columns.
        content: of the file, where it is at hand.

    Raises:
        DataError: at once or while rows are read: a row has not as many fields as the header (without one, the first
            row) or a quotation mark that never ends; there is no header; or as ``numbered_lines``.
        UsageError: there is no such encoding, or the library for .zst files is not installed.

    Example:
        >>> table = read_table("a.csv", content=b'id;text\r\n7;"one\r\ntwo"\r\n8;three\r\n')
        >>> table.delimiter, table.header
        (';', ['id', 'text'])
        >>> list(table.rows)
        [(2, ['7', 'one\r\ntwo']), (4, ['8', 'three'])]
    """
    lines = lines_as_they_stand(path, encoding, content)
    first = list(islice(lines, _LINES_TO_LOOK_AT))
    if delimiter is None:
        likely = "\t,;|" if suffix_of(path) in (".tsv", ".tab") else DELIMITERS
        delimiter = recognised_delimiter(first, likely)
    parsed = _tab_separated if delimiter == "\t" else _quoted
    rows = parsed(chain(first, lines), delimiter, path)
    begin, fields = next(((line, row) for line, row in rows if any(map(str.strip, row))), (0, []))
    if not fields:
        raise DataError("holds blank lines only; expected a table", path)
    if not has_header:
        return Table(
            path, delimiter, [], begin, _equally_wide(chain([(begin, fields)], rows), len(fields), "row", path)
        )
    header = [name.strip() for name in fields]
    return Table(path, delimiter, header, begin, _equally_wide(rows, len(header), "header", path))


def recognised_delimiter(lines: Sequence[str], likely: str = DELIMITERS) -> str:
    r"""Return which character separates the fields of a table's first lines.

    It is the one by which most rows have as many fields as the first, which must have several.

    Args:
        lines: with their ends.
        likely: the characters to choose from, the likeliest first.

    Example:
        >>> recognised_delimiter(["id;text\n", "1;one, two\n"])
        ';'
    """

    def share_of_equal_rows(delimiter: str) -> float:
        with io.StringIO("".join(lines), newline="") as text:
            rows = (row for _, row in _parsed(csv.reader(text, delimiter=delimiter), "") if any(map(str.strip, row)))
            widths = [len(row) for row in rows]
        return widths.count(widths[0]) / len(widths) if widths and widths[0] > 1 else 0.0

    return max(likely, key=share_of_equal_rows)


def find_name(names: Sequence[str], wanted: Iterable[str]) -> str | None:
    """Return the first wanted name that is there: as it is written, or but for capitals, spaces, hyphens, full stops.

    Example:
        >>> find_name(["ID", "Tweet Text", "text"], ["tweet_text", "text"])
        'Tweet Text'
    """
    alike = {_alike(name): name for name in reversed(names)}
    for name in wanted:
        if name and name in names:
            return name
        if name and _alike(name) in alike:
            return alike[_alike(name)]
    return None


def column_of(table: Table, wanted: Iterable[str]) -> int | None:
    """Return the number, from 0, of the first wanted column that the header names; None where it names none.

    Raises:
        DataError: the header names it more than once.

    Example:
        >>> column_of(read_table("a.csv", content=b"Text,Label"), ["label"])
        1
    """
    name = find_name(table.header, wanted)
    if name is None:
        return None
    if table.header.count(name) > 1:
        raise DataError(f"the header names the column {name!r} more than once", table.path, table.header_line)
    return table.header.index(name)


@cache
def _alike(name: str) -> str:
    return re.sub(r"[\s.-]+", "_", name.strip().casefold())


def _equally_wide(rows: Rows, width: int, of: str, path: str | Path) -> Rows:
    for line, fields in rows:
        if len(fields) == width:
            yield line, fields
        elif len(fields) < width and not any(map(str.strip, fields)):
            yield line, []
        else:
            than = "the header has" if of == "header" else "the first row has"
            hint = "A text with the delimiter or a line break in it stands in quotation marks"
            raise DataError(f"has {len(fields)} fields, but {than} {width}. {hint}", path, line)


def _quoted(lines: Iterable[str], delimiter: str, path: str | Path) -> Rows:
    return _parsed(csv.reader(lines, delimiter=delimiter, strict=True), path)


def _parsed(reader: Any, path: str | Path) -> Rows:
    """Yield what the reader does, and the line on which each row begins.

    The csv module's limit of 131,072 characters a field holds for the whole process: it is lifted only for each row.
    """
    while True:
        line = reader.line_num + 1
        before = csv.field_size_limit(_ANY_LENGTH)
        try:
            row = next(reader, None)
        except csv.Error as error:
            hint = 'A quotation mark within quotation marks is written twice (""), and each field ends with its own'
            raise DataError(f"the row that begins here is not CSV: {error}. {hint}", path, line) from None
        finally:
            csv.field_size_limit(before)
        if row is None:
            return
        yield line, row


def _tab_separated(lines: Iterable[str], delimiter: str, path: str | Path) -> Rows:
    """Yield rows whose quotation marks may be mere text: what they enclose counts where that gives the right width."""
    source = iter(lines)
    ahead: deque[str] = deque()
    number, width = 1, 0
    while ahead or (following := next(source, None)) is not None:
        line = ahead.popleft() if ahead else str(following)
        fields, taken = _fields(line, delimiter), 1
        if any(field.startswith('"') for field in fields):
            unquoted = _one_row(line, delimiter)
            if unquoted is None:
                taken, unquoted = _over_several_lines(line, delimiter, width, ahead, source)
            if unquoted is not None and (taken > 1 or len(unquoted) == width or len(fields) != width):
                fields = unquoted
        yield number, fields
        width = width or len(fields)
        number += taken


def _over_several_lines(
    line: str, delimiter: str, width: int, ahead: deque[str], source: Iterator[str]
) -> tuple[int, list[str] | None]:
    """Return how many lines a row takes that begins with this one, and its fields; None where that makes no row.

    A line that has the right width as it stands is a row of its own, unless none of the lines that would join it is.
    """
    alone = len(_fields(line, delimiter))
    usual = width or max(2, alone)
    is_row = alone == usual
    text, taken = line, 1
    while text.count('"') % 2:
        if len(ahead) < taken:
            following = next(source, None)
            if following is None:
                return 1, None
            ahead.append(following)
        joining = ahead[taken - 1]
        if is_row and (joining.startswith('"') if width == 1 else len(_fields(joining, delimiter)) == usual):
            return 1, None
        text += joining
        taken += 1
    fields = _one_row(text, delimiter)
    if fields is None or len(fields) != (width or len(fields)):
        return 1, None
    for _ in range(taken - 1):
        ahead.popleft()
    return taken, fields


def _fields(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line as it stands."""
    text = line.rstrip("\r\n")
    return text.split(delimiter) if text else []


def _one_row(text: str, delimiter: str) -> list[str] | None:
    """Return the fields of a text that is one row, with quotation marks read as such; None where it is not."""
    try:
        rows = list(_quoted(io.StringIO(text, newline=""), delimiter, ""))
    except DataError:
        return None
    return rows[0][1] if len(rows) == 1 else None
