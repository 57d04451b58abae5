"""Tweets as rows of a table: CSV, with commas, semicolons or tabs, and a header line that names the columns."""

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lightning_suite.errors import DataError
from suite_tweets.sources.columns import Columns, find_columns, first_of
from suite_tweets.sources.identifiers import identifier_of_column
from suite_tweets.sources.times import time_of_column
from suite_tweets.tweets import Tweet

_Quoting = Literal[0, 3]  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE


def read_table(text: str, columns: Columns, path: str, delimiters: str) -> list[Tweet]:
    """Return the tweets of a table, a row each.

    Args:
        text: the whole table.
        columns: as asked for.
        path: of the file, for a message.
        delimiters: that are tried; the first of those that make most columns is taken.

    Raises:
        DataError: it is no table with a column of texts; with the line, where there is one.
    """
    delimiter = find_delimiter(text, columns, delimiters)
    if delimiter is None:
        delimiter = max(delimiters, key=lambda character: len(_header(text, character)))
    header = _header(text, delimiter)
    if not header:
        raise DataError("holds blank lines only; expected a header line with the names of the columns", path)
    names = find_columns(header, columns, "the header line names the columns", path, None)
    for name in names:
        if name and header.count(name) > 1:
            raise DataError(f"the header names the column {name!r} more than once", path, 1)
    text_at, time_at, id_at = (header.index(name) if name else None for name in names)
    assert text_at is not None
    return [
        Tweet(
            identifier_of_column(row[id_at] if id_at is not None else None, names.id, "", path, line),
            time_of_column(row[time_at] if time_at is not None else None, names.time, "", path, line),
            row[text_at],
        )
        for line, row in _rows(text, delimiter, len(header), path)
    ]


def find_delimiter(text: str, columns: Columns, delimiters: str) -> str | None:
    """Return the delimiter with which the header names a column of texts, None where none does.

    Of several it is the first that makes most columns.
    """
    headers = {character: _header(text, character) for character in delimiters}
    fitting = [character for character, header in headers.items() if first_of(header, columns.texts) is not None]
    return max(fitting, key=lambda character: len(headers[character]), default=None)


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field; it holds for the whole process, so it is put back."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _header(text: str, delimiter: str) -> list[str]:
    """Return the fields of the first line that is not blank, without the spaces around them."""
    with _fields_of_any_length():
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [name.strip() for name in next((row for row in rows if any(field.strip() for field in row)), [])]


def _rows(text: str, delimiter: str, width: int, path: str) -> list[tuple[int, list[str]]]:
    """Return the rows after the header, each with the number of the line on which it begins.

    With tabs between fields quotation marks are often no more than text: where they do not make rows of the right
    width, a line is a row and every character stands for itself.
    """
    try:
        return _parsed_rows(text, delimiter, width, path, csv.QUOTE_MINIMAL)
    except DataError:
        if delimiter != "\t" or '"' not in text:
            raise
        try:
            return _parsed_rows(text, delimiter, width, path, csv.QUOTE_NONE)
        except DataError:
            pass
        raise


def _parsed_rows(text: str, delimiter: str, width: int, path: str, quoting: _Quoting) -> list[tuple[int, list[str]]]:
    rows: list[tuple[int, list[str]]] = []
    header_read = False
    line = 1
    with _fields_of_any_length():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
        try:
            for row in reader:
                blank = not row or (len(row) == 1 < width and not row[0].strip())
                if not header_read:
                    header_read = any(field.strip() for field in row)
                elif len(row) == width:
                    rows.append((line, row))
                elif not blank:
                    hint = "A text with the delimiter or a line break in it stands in quotation marks"
                    raise DataError(f"has {len(row)} fields, but the header has {width}. {hint}", path, line)
                line = reader.line_num + 1
        except csv.Error as error:
            hint = 'A quotation mark within quotation marks is written twice (""), and each field ends with its own'
            raise DataError(f"the row that begins here is not CSV: {error}. {hint}", path, line) from None
    return rows
