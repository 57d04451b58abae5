"""What quotation marks mean in the rows of a table.

They enclose fields, and one within an enclosed field is written twice. Between tabs they are often no more than text.
"""

import csv
import io
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from lightning_suite.errors import DataError
from lightning_suite.text_files.lines import is_blank

_ANY_LENGTH = min(sys.maxsize, 2**31 - 1)
_MOST_LINES_OF_A_ROW = 10_000  # a mark that is text must not take in a file larger than the memory

Rows = Iterator[tuple[int, list[str]]]
"""The number of the line on which each row begins, from 1, and its fields."""


def quoted_rows(lines: Iterable[str], delimiter: str, path: str | Path) -> Rows:
    return parsed_rows(csv.reader(lines, delimiter=delimiter, strict=True), path)


def parsed_rows(reader: Any, path: str | Path) -> Rows:
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


def tab_separated_rows(lines: Iterator[str], path: str | Path, reread: Callable[[], Iterator[str]] | None) -> Rows:
    """Yield rows whose quotation marks may be mere text.

    They enclose fields if every mark of the file can be read so; otherwise where that gives a row the right width.

    Args:
        lines: of the file, with their ends.
        path: of the file.
        reread: returns an iterator over the lines once more; None where they can be read only once.
    """
    number, width = 0, 0
    for number, line in enumerate(lines, start=1):
        if '"' in line:
            break
        yield number, (fields := _fields(line))
        width = width or _width(fields)
    else:
        return
    marked = chain([line], lines)
    enclose = reread is not None and _marks_enclose_fields(islice(reread(), number - 1, None), width)
    for begin, fields in quoted_rows(marked, "\t", path) if enclose else _line_by_line(marked, width):
        yield number - 1 + begin, fields


def _marks_enclose_fields(lines: Iterable[str], width: int) -> bool:
    """Return whether all lines can be read as rows of one width in which quotation marks enclose fields.

    Lines that would be rows by themselves are joined by marks only if no field shows that marks are text too: one that
    holds a mark, and is not enclosed.

    Args:
        lines: the rest of the file.
        width: how many fields a row has; 0: as many as the first, which must be a single line.
    """
    lines_of_row: list[str] = []
    mark_is_text = joins_rows = False

    def watched() -> Iterator[str]:
        for line in lines:
            lines_of_row.append(line)
            if len(lines_of_row) > _MOST_LINES_OF_A_ROW:
                return
            yield line

    try:
        for _, fields in quoted_rows(watched(), "\t", ""):
            text = "".join(lines_of_row)
            if len(lines_of_row) == 1:
                width = width or _width(fields)
            elif not joins_rows:
                joins_rows = all(len(_fields(line)) in (0, width) for line in lines_of_row)
            if not mark_is_text and '"' in text:
                mark_is_text = any(_enclosed(field) not in text for field in fields if '"' in field)
            if (len(fields) != width and _width(fields)) or (mark_is_text and joins_rows):
                return False
            lines_of_row.clear()
    except DataError:
        return False
    return True


def _enclosed(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


def _line_by_line(lines: Iterator[str], width: int) -> Rows:
    """Yield rows of which each decides for itself whether its quotation marks enclose fields."""
    ahead: deque[str] = deque()
    number = 1
    while ahead or (following := next(lines, None)) is not None:
        line = ahead.popleft() if ahead else str(following)
        fields, taken = _fields(line), 1
        if any(field.startswith('"') for field in fields):
            unquoted = _one_row(line)
            if unquoted is None:
                taken, unquoted = _over_several_lines(line, width, ahead, lines)
            if unquoted is not None and (taken > 1 or len(unquoted) == width or len(fields) != width):
                fields = unquoted
        yield number, fields
        width = width or _width(fields)
        number += taken


def _over_several_lines(
    line: str, width: int, ahead: deque[str], source: Iterator[str]
) -> tuple[int, list[str] | None]:
    """Return how many lines a row takes that begins with this one, and its fields; None where that makes no row.

    A line that has the right width as it stands is a row of its own, unless none of the lines that would join it is.
    """
    alone = len(_fields(line))
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
        if is_row and (joining.startswith('"') if width == 1 else len(_fields(joining)) == usual):
            return 1, None
        text += joining
        taken += 1
    fields = _one_row(text)
    if fields is None or len(fields) != (width or len(fields)):
        return 1, None
    for _ in range(taken - 1):
        ahead.popleft()
    return taken, fields


def _fields(line: str) -> list[str]:
    """Return the fields of a line as it stands."""
    text = line.rstrip("\r\n")
    return text.split("\t") if text else []


def _one_row(text: str) -> list[str] | None:
    """Return the fields of a text that is one row, with quotation marks read as such; None where it is not."""
    try:
        rows = list(quoted_rows(io.StringIO(text, newline=""), "\t", ""))
    except DataError:
        return None
    return rows[0][1] if len(rows) == 1 else None


def _width(fields: list[str]) -> int:
    """Return how many fields a row has; 0 for a blank one."""
    return 0 if all(map(is_blank, fields)) else len(fields)
