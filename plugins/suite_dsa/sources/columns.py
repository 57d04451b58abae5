"""Reads sentences and labels from named columns: CSV, TSV and JSON lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files import column_of, find_name, read_jsonl, read_table, suffix_of
from suite_dsa.sources.examples import class_name

TABLES = (".csv", ".tsv", ".tab")
OBJECTS = (".jsonl", ".ndjson")

TEXT_COLUMNS = ("text", "sentence", "phrase", "review")
PAIR_COLUMNS = (("premise", "hypothesis"), ("sentence1", "sentence2"))
LABEL_COLUMNS = ("gold_label", "label", "sentiment", "class")
"""The usual names; the first that a file has is used. Case, spaces and hyphens are ignored."""


class Columns(NamedTuple):
    """The names of columns from the options; None: one of the usual names."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


class UsedColumns(NamedTuple):
    """The names of the columns to read."""

    texts: tuple[str, ...]
    label: str | None


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


def read_rows(path: Path, columns: Columns, *, labelled: bool, encoding: str | None) -> Iterator[Row]:
    """Yield the rows of a table or of a file of JSON lines.

    Args:
        path: the file.
        columns: names of the columns.
        labelled: whether to read labels.
        encoding: of a file that is not Unicode.

    Raises:
        DataError: the file cannot be read, has no such columns, or a row has no text or label.
    """
    rows = _rows_of_objects if suffix_of(path) in OBJECTS else _rows_of_table
    return rows(path, columns, labelled, encoding)


def choose(names: Sequence[str], columns: Columns, labelled: bool, path: Path, line: int) -> UsedColumns:
    """Return which columns hold text and label.

    Raises:
        DataError: a named column is missing, or none has a usual name.
    """
    listed = ", ".join(names)

    def named(name: str, option: str) -> str:
        column = find_name(names, [name])
        if column is None:
            hint = did_you_mean(name, names)
            raise DataError(f"no column {name!r} (--data.{option}); columns: {listed}. {hint}".rstrip(), path, line)
        return column

    pairs = ([find_name(names, [first]), find_name(names, [second])] for first, second in PAIR_COLUMNS)
    pair = next(((first, second) for first, second in pairs if first and second), None)
    text = find_name(names, TEXT_COLUMNS)
    if columns.text is not None:
        texts: tuple[str, ...] = (named(columns.text, "text_column"),)
        if columns.pair is not None:
            texts = (*texts, named(columns.pair, "pair_column"))
    elif columns.pair is not None:
        first = pair[0] if pair else text
        if first is None:
            raise DataError("--data.pair_column needs --data.text_column beside it", path, line)
        texts = (first, named(columns.pair, "pair_column"))
    elif pair is not None:
        texts = pair
    elif text is not None:
        texts = (text,)
    elif len(names) == 1 and not labelled:
        texts = (names[0],)
    else:
        usual = " or ".join(map(repr, (*TEXT_COLUMNS, *(" and ".join(pair) for pair in PAIR_COLUMNS))))
        hint = "Name the column of the text with --data.text_column"
        raise DataError(f"expected a column {usual}; columns: {listed}. {hint}", path, line)
    if not labelled:
        return UsedColumns(texts, None)
    if columns.label is not None:
        return UsedColumns(texts, named(columns.label, "label_column"))
    label = find_name(names, LABEL_COLUMNS)
    if label is None:
        usual = " or ".join(map(repr, LABEL_COLUMNS))
        hint = "Name the column of the label with --data.label_column"
        raise DataError(f"expected a column {usual}; columns: {listed}. {hint}", path, line)
    return UsedColumns(texts, label)


def _rows_of_table(path: Path, columns: Columns, labelled: bool, encoding: str | None) -> Iterator[Row]:
    table = read_table(path, encoding=encoding)
    chosen = choose(table.header, columns, labelled, path, table.header_line)
    texts_at = [column_of(table, [name]) or 0 for name in chosen.texts]
    label_at = column_of(table, [chosen.label]) or 0 if chosen.label else 0
    for line, fields in table.rows:
        if not fields:
            yield Row(line, (), None)
            continue
        label = _class_of(fields[label_at], chosen, path, line) if labelled else None
        yield Row(line, tuple([fields[at] for at in texts_at]), label)


def _rows_of_objects(path: Path, columns: Columns, labelled: bool, encoding: str | None) -> Iterator[Row]:
    chosen = UsedColumns((), None)
    for line, row in read_jsonl(path, encoding=encoding):
        if not row:
            yield Row(line, (), None)
            continue
        chosen = chosen if chosen.texts else choose(list(row), columns, labelled, path, line)
        for name in chosen.texts:
            if not isinstance(row.get(name), str):
                raise DataError(f"expected text in {name!r}, got {row.get(name)!r:.60}", path, line)
        label = _class_of(row.get(chosen.label or ""), chosen, path, line) if labelled else None
        yield Row(line, tuple(row[name] for name in chosen.texts), label)


def _class_of(label: object, chosen: UsedColumns, path: Path, line: int) -> str:
    if not isinstance(label, str | int | float) or not (name := class_name(label)):
        raise DataError(f"expected a label in {chosen.label!r}, got {label!r:.60}", path, line)
    return name
