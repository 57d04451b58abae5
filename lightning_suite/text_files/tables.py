"""Tables as text: CSV, TSV and their relatives, with a header line or without.

Fields are apart by commas, semicolons, tabs or bars; which it is shows in the first lines. A field in quotation marks
may hold the delimiter, line breaks, and quotation marks written twice; it may be of any length. Between tabs quotation
marks are often no more than text. They enclose fields where every mark of the file can be read so; otherwise each line
decides, and one whose marks do not fit is taken as it stands.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.text_files.compression import suffix_of
from lightning_suite.text_files.lines import is_blank, lines_as_they_stand
from lightning_suite.text_files.quotation_marks import Rows, parsed_rows, quoted_rows, tab_separated_rows

DELIMITERS = ",;\t|"

_LINES_TO_LOOK_AT = 100


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
    if delimiter == "\t":
        rereadable = content is not None or Path(path).is_file()  # a pipe is not
        reread = partial(lines_as_they_stand, path, encoding, content) if rereadable else None
        rows = tab_separated_rows(chain(first, lines), path, reread)
    else:
        rows = quoted_rows(chain(first, lines), delimiter, path)
    begin, fields = next(((line, row) for line, row in rows if not all(map(is_blank, row))), (0, []))
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
            rows = (
                row for _, row in parsed_rows(csv.reader(text, delimiter=delimiter), "") if not all(map(is_blank, row))
            )
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
        elif not fields or (len(fields) == 1 and fields[0] and is_blank(fields[0])):
            yield line, []
        else:
            than = "the header has" if of == "header" else "the first row has"
            hint = "A text with the delimiter or a line break in it stands in quotation marks"
            raise DataError(f"has {len(fields)} fields, but {than} {width}. {hint}", path, line)
