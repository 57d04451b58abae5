"""Reads sentences and labels from named columns: CSV, TSV and JSON lines."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files import column_of, find_name, is_blank, numbered_lines, read_jsonl, read_table, suffix_of
from suite_dsa.sources.examples import Unlabelled, class_name

DELIMITERS = {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a bar"}

TABLES = (".csv", ".tsv", ".tab")
OBJECTS = (".jsonl", ".ndjson")

TEXT_COLUMNS = ("text", "sentence", "phrase", "review")
PAIR_COLUMNS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),  # SNLI, MultiNLI, most tasks of GLUE
    ("sentence_a", "sentence_b"),  # SICK
    ("question1", "question2"),  # QQP
    ("question", "sentence"),  # QNLI
    ("#1 string", "#2 string"),  # MRPC
    ("text_a", "text_b"),
    ("text1", "text2"),
)
LABEL_COLUMNS = (
    *("gold_label", "label", "sentiment", "class"),
    *("entailment_label", "entailment_judgment"),  # SICK
    *("is_duplicate", "quality"),  # QQP, MRPC
)
"""The usual names; the first that a file has is used. Case, spaces and hyphens are ignored."""

COLA = ("source", "label", "mark", "sentence")
"""The columns of CoLA's files, which have no header: 1 or 0, and its author's mark, which is nothing or a star."""


_LONGEST_HEADER = 10_000  # characters; the csv module takes fields of thirteen times as many


class Columns(NamedTuple):
    """The names of columns from the options; None: one of the usual names."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


class UsedColumns(NamedTuple):
    """The names of the columns to read, and of those that are not."""

    texts: tuple[str, ...]
    label: str | None
    unused: tuple[str, ...] = ()


class Row(NamedTuple):
    """A row of a file; a blank line has no texts.

    Attributes:
        line: the line on which it begins.
        texts: the sentence or pair.
        label: the class; None where labels are not read.
    """

    line: int
    texts: tuple[str, ...]
    label: str | None


def read_rows(
    path: Path, columns: Columns, *, labelled: bool, encoding: str | None
) -> tuple[UsedColumns, Iterator[Row]]:
    """Return which columns of a table or of a file of JSON lines are read, and an iterator over its rows.

    Args:
        path: the file.
        columns: names of the columns.
        labelled: whether to read labels.
        encoding: of a file that is not Unicode.

    Raises:
        DataError: the file cannot be read, has no such columns, or a row has no text or label.
    """
    rows = _rows_of_objects if has_objects(path, encoding) else _rows_of_table
    return rows(path, columns, labelled, encoding)


def has_columns(path: Path, columns: Columns, encoding: str | None) -> bool:
    """Return whether a file has named columns: by its suffix, or else by its first line.

    SNLI, MultiNLI and SICK are published as tables whose names end in .txt.
    """
    return suffix_of(path) in TABLES or has_objects(path, encoding) or bool(_delimiter(path, columns, encoding))


def has_objects(path: Path, encoding: str | None) -> bool:
    """Return whether a file has a JSON object a line.

    Raises:
        DataError: it is one list of them.
    """
    if suffix_of(path) in (*OBJECTS, *TABLES):
        return suffix_of(path) in OBJECTS
    first = first_line(path, encoding).strip()
    if re.fullmatch(r"\[\s*(\{.*)?", first):
        raise DataError("expected one JSON object a line, got a list: write each object on a line of its own", path)
    try:
        return first.startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False  # a text may begin so


def first_line(path: Path, encoding: str | None) -> str:
    """Return the first line that is not blank, nothing where all are."""
    lines = (line for _, line in numbered_lines(path, encoding=encoding) if not is_blank(line))
    return next(lines, "")


def choose(names: Sequence[str], columns: Columns, labelled: bool, path: Path, line: int) -> UsedColumns:
    """Return which columns hold text and label.

    Raises:
        DataError: a named column is missing, or none has a usual name.
        Unlabelled: there is no column of labels, and none was asked for.
    """
    texts = _text_columns(names, columns, labelled, path, line)
    label = _label_column(names, columns, path, line) if labelled else None
    return UsedColumns(texts, label, tuple(name for name in names if name not in (*texts, label)))


def _text_columns(names: Sequence[str], columns: Columns, labelled: bool, path: Path, line: int) -> tuple[str, ...]:
    listed = ", ".join(names)

    def named(name: str, option: str) -> str:
        return _named(names, name, option, path, line)

    pairs = ([find_name(names, [first]), find_name(names, [second])] for first, second in PAIR_COLUMNS)
    pair = next(((first, second) for first, second in pairs if first and second), None)
    text = find_name(names, TEXT_COLUMNS)
    if columns.text is not None:
        texts: tuple[str, ...] = (named(columns.text, "text_column"),)
        return (*texts, named(columns.pair, "pair_column")) if columns.pair is not None else texts
    if columns.pair is not None:
        first = pair[0] if pair else text
        if first is None:
            raise DataError("--data.pair_column needs --data.text_column beside it", path, line)
        return (first, named(columns.pair, "pair_column"))
    if pair is not None:
        return pair
    if text is not None:
        return (text,)
    if len(names) == 1 and not labelled:
        return (names[0],)
    usual = " or ".join(map(repr, (*TEXT_COLUMNS, *(" and ".join(pair) for pair in PAIR_COLUMNS))))
    hint = "Name the column of the text with --data.text_column"
    raise DataError(f"expected a column {usual}; columns: {listed}. {hint}", path, line)


def _label_column(names: Sequence[str], columns: Columns, path: Path, line: int) -> str:
    if columns.label is not None:
        return _named(names, columns.label, "label_column", path, line)
    label = find_name(names, LABEL_COLUMNS)
    if label is None:
        usual = " or ".join(map(repr, LABEL_COLUMNS))
        hint = "Name the column of the label with --data.label_column"
        raise Unlabelled(f"expected a column {usual}; columns: {', '.join(names)}. {hint}", path, line)
    return label


def _named(names: Sequence[str], name: str, option: str, path: Path, line: int) -> str:
    """Return the column that an option names."""
    column = find_name(names, [name])
    if column is None:
        hint = did_you_mean(name, names)
        raise DataError(
            f"no column {name!r} (--data.{option}); columns: {', '.join(names)}. {hint}".rstrip(), path, line
        )
    return column


def _delimiter(path: Path, columns: Columns, encoding: str | None) -> str | None:
    """Return what separates the names in a file's first line, if it names the columns of text and label."""
    first = first_line(path, encoding)[:_LONGEST_HEADER]
    wanted = [(columns.text,)] if columns.text else [TEXT_COLUMNS, *([first] for first, _ in PAIR_COLUMNS)]
    labels = [columns.label] if columns.label else LABEL_COLUMNS
    for delimiter in DELIMITERS:
        names = next(csv.reader([first], delimiter=delimiter), [])
        if find_name(names, labels) and any(find_name(names, one) for one in wanted):
            return delimiter
    return None


def _rows_of_table(
    path: Path, columns: Columns, labelled: bool, encoding: str | None
) -> tuple[UsedColumns, Iterator[Row]]:
    delimiter = None if suffix_of(path) in TABLES else _delimiter(path, columns, encoding)
    table = read_table(path, encoding=encoding, delimiter=delimiter)
    if _is_cola(table.header):
        table = read_table(path, encoding=encoding, delimiter="\t", has_header=False)._replace(header=list(COLA))
    chosen = choose(table.header, columns, labelled, path, table.header_line)
    texts_at = [column_of(table, [name]) or 0 for name in chosen.texts]
    label_at = column_of(table, [chosen.label]) or 0 if chosen.label else 0

    def rows() -> Iterator[Row]:
        for line, fields in table.rows:
            if not fields:
                yield Row(line, (), None)
                continue
            label = _class_of(fields[label_at], chosen, path, line) if labelled else None
            yield Row(line, tuple([fields[at] for at in texts_at]), label)

    return chosen, rows()


def _is_cola(header: Sequence[str]) -> bool:
    """Return whether what should be a header is the first row of CoLA.

    Example:
        >>> _is_cola(["gj04", "0", "*", "They drank the pub."]), _is_cola(["id", "label", "mark", "text"])
        (True, False)
    """
    return len(header) == len(COLA) and header[1] in ("0", "1") and set(header[2]) <= {"*", "?"}


def _rows_of_objects(
    path: Path, columns: Columns, labelled: bool, encoding: str | None
) -> tuple[UsedColumns, Iterator[Row]]:
    objects = read_jsonl(path, encoding=encoding)
    first: list[tuple[int, dict[str, object]]] = []
    chosen = UsedColumns((), None)
    for line, row in objects:
        first.append((line, row))
        if row:
            chosen = choose(list(row), columns, labelled, path, line)
            break

    def rows() -> Iterator[Row]:
        for line, row in chain(first, objects):
            if not row:
                yield Row(line, (), None)
                continue
            for name in chosen.texts:
                if not isinstance(row.get(name), str):
                    raise DataError(f"expected text in {name!r}, got {row.get(name)!r:.60}", path, line)
            label = _class_of(row.get(chosen.label or ""), chosen, path, line) if labelled else None
            yield Row(line, tuple([str(row[name]) for name in chosen.texts]), label)

    return chosen, rows()


def _class_of(label: object, chosen: UsedColumns, path: Path, line: int) -> str:
    if not isinstance(label, str | int | float) or not (name := class_name(label)):
        raise DataError(f"expected a label in {chosen.label!r}, got {label!r:.60}", path, line)
    return name
