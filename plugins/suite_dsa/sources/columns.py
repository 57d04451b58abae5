"""Sentences and labels by the names of their columns: CSV, TSV and JSON lines."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files import column_of, find_name, read_jsonl, read_table, suffix_of
from suite_dsa.sources.examples import class_name

TABLES = (".csv", ".tsv", ".tab")
OBJECTS = (".jsonl", ".ndjson")

TEXT_COLUMNS = ("text", "sentence", "phrase", "review")
PAIR_COLUMNS = (("premise", "hypothesis"), ("sentence1", "sentence2"))
LABEL_COLUMNS = ("gold_label", "label", "sentiment", "class")
"""The usual names, the first that is there; capitals, spaces and hyphens in them do not matter."""


class Columns(NamedTuple):
    """Names of columns as options give them; None stands for the usual names."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


class Chosen(NamedTuple):
    """Names of the columns of a file that are read."""

    texts: tuple[str, ...]
    label: str | None


class Row(NamedTuple):
    """A row of a file; of a blank line the texts are empty.

    Attributes:
        line: on which it begins.
        texts: the sentence or pair.
        label: None where labels are not asked for.
    """

    line: int
    texts: tuple[str, ...]
    label: str | None


def read_rows(path: Path, columns: Columns, *, labelled: bool, encoding: str | None) -> Iterator[Row]:
    """Yield the rows of a table or a file of JSON lines.

    Args:
        path: the file.
        columns: names of the columns.
        labelled: whether there must be labels.
        encoding: of a file that is not Unicode.

    Raises:
        DataError: the file cannot be read, has no such columns, or a row has no text or label.
    """
    fields = _objects if suffix_of(path) in OBJECTS else _records
    for line, chosen, row in fields(path, columns, labelled, encoding):
        if not row:
            yield Row(line, (), None)
            continue
        for name in chosen.texts:
            if not isinstance(row.get(name), str):
                raise DataError(f"expected text in {name!r}, got {row.get(name)!r:.60}", path, line)
        texts = tuple(row[name] for name in chosen.texts)
        label = row.get(chosen.label or "")
        if labelled and (not isinstance(label, str | int | float) or not str(label).strip()):
            raise DataError(f"expected a label in {chosen.label!r}, got {label!r:.60}", path, line)
        yield Row(line, texts, class_name(label) if labelled else None)


def choose(names: Sequence[str], columns: Columns, labelled: bool, path: Path, line: int) -> Chosen:
    """Return which columns hold text and label.

    Raises:
        DataError: none is known to, or the one that is named is not there.
    """
    listed = ", ".join(names)

    def named(name: str, option: str) -> str:
        column = find_name(names, [name])
        if column is None:
            hint = did_you_mean(name, names)
            raise DataError(f"no column {name!r} (--data.{option}); there are: {listed}. {hint}".rstrip(), path, line)
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
        usual = ", ".join(map(repr, (*TEXT_COLUMNS, *(" and ".join(pair) for pair in PAIR_COLUMNS))))
        hint = "Name the text's with --data.text_column"
        raise DataError(f"no column is called {usual}; there are: {listed}. {hint}", path, line)
    if not labelled:
        return Chosen(texts, None)
    if columns.label is not None:
        return Chosen(texts, named(columns.label, "label_column"))
    label = find_name(names, LABEL_COLUMNS)
    if label is None:
        usual = ", ".join(map(repr, LABEL_COLUMNS))
        hint = "Name the label's with --data.label_column"
        raise DataError(f"no column is called {usual}; there are: {listed}. {hint}", path, line)
    return Chosen(texts, label)


def _records(
    path: Path, columns: Columns, labelled: bool, encoding: str | None
) -> Iterator[tuple[int, Chosen, dict[str, Any]]]:
    table = read_table(path, encoding=encoding)
    chosen = choose(table.header, columns, labelled, path, table.header_line)
    wanted = [name for name in (*chosen.texts, chosen.label) if name]
    places = {name: column_of(table, [name]) or 0 for name in wanted}
    for line, fields in table.rows:
        yield line, chosen, {name: fields[place] for name, place in places.items()} if fields else {}


def _objects(
    path: Path, columns: Columns, labelled: bool, encoding: str | None
) -> Iterator[tuple[int, Chosen, dict[str, Any]]]:
    chosen = Chosen((), None)
    for line, row in read_jsonl(path, encoding=encoding):
        if row and not chosen.texts:
            chosen = choose(list(row), columns, labelled, path, line)
        yield line, chosen, row
