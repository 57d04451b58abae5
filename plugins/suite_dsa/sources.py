"""Labelled sentences and pairs of sentences, from the formats in which they are published.

=====================  ===============================================================================================
``*.tsv *.csv``        a header line; columns by name
``*.jsonl``            one object a line; columns by name (SNLI's ``snli_1.0_*.jsonl`` among them)
trees                  SST's Penn-Treebank trees, ``(3 (2 It) (4 works))``: a class 0..4 at every node
label text             ``label``, one space, the text; SST's ``stsa.*`` (Kim, 2014) and ``derived.*`` among them
``s1.* s2.* labels.*`` InferSent's three parallel files; the first of them is named
rated                  id, mean rating, text between tabs: the movie-review snippets of VADER (Hutto, Gilbert, 2014)
``hf:NAME:SPLIT``      a split of a data set of the Hugging Face hub, where the package ``datasets`` is installed
=====================  ===============================================================================================

Every reader keeps the order of the file, knows each example's line, and counts what it leaves out.
"""

import csv
import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lightning_suite.errors import DataError
from suite_dsa.lines import bare_name, numbered_lines
from suite_dsa.trees import phrases_of

SST_FINE = ("very negative", "negative", "neutral", "positive", "very positive")
SST_BINARY = ("negative", "positive")
NLI_LABELS = ("contradiction", "entailment", "neutral")

NO_MAJORITY = "-"
"""SNLI's label of a pair on which its readers did not agree."""

HUB = "hf:"

_TEXT_COLUMNS = ("text", "sentence", "phrase", "review")
_PAIR_COLUMNS = (("premise", "hypothesis"), ("sentence1", "sentence2"))
_LABEL_COLUMNS = ("gold_label", "label", "sentiment", "class")
_MOST_LABELS = 100  # more different first words than this: the lines of the file do not begin with labels


class Example(NamedTuple):
    """One sentence or pair with its label, and where it stands."""

    texts: tuple[str, ...]
    label: str | None
    path: Path
    line: int


class Columns(NamedTuple):
    """Names of columns as an option gives them; None stands for the usual names."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None


class _Places(NamedTuple):
    texts: tuple[str, ...]
    label: str | None


@dataclass
class Table:
    """The examples of one or more files.

    Attributes:
        examples: in the order of the files.
        labels: the classes in their order, where the format fixes them.
        dropped: how many were left out, by reason.
    """

    examples: list[Example] = field(default_factory=list)
    labels: tuple[str, ...] | None = None
    dropped: Counter[str] = field(default_factory=Counter)

    def extend(self, other: "Table") -> None:
        """Append another table's examples."""
        self.labels = other.labels if not self.examples or self.labels == other.labels else None
        self.examples += other.examples
        self.dropped += other.dropped


def read(path: Path, columns: Columns, classes: int | None, phrases: bool) -> Table:
    """The labelled examples of one file; the format is told by its name, for trees by its first line.

    Args:
        path: the file, or ``hf:NAME:SPLIT``.
        columns: names of the columns of TSV, CSV, JSONL and the hub.
        classes: 2 or 5 classes of SST; None leaves those of the file.
        phrases: of trees, every phrase that differs in text or class, not only the whole sentence.

    Raises:
        DataError: the file cannot be read as what it should be, or holds no example.
    """
    name = bare_name(path)
    if str(path).startswith(HUB):
        table = _read_hub(path, columns)
    elif name.startswith("s1."):
        table = _read_infersent(path)
    elif name.endswith((".tsv", ".csv", ".jsonl", ".ndjson")):
        table = _read_columns(path, columns)
    elif _first_line(path).lstrip().startswith("("):
        table = _read_trees(path, phrases)
    else:
        table = _read_label_text(path)
    if table.labels == SST_FINE and classes == len(SST_BINARY):
        table = _without_neutral(table)
    if table.labels in (SST_FINE, SST_BINARY) and classes not in (None, len(table.labels or ())):
        raise DataError(f"has {len(table.labels or ())} classes, not the {classes} that were asked for", path)
    if not table.examples:
        left_out = ", ".join(f"{count} {reason}" for reason, count in table.dropped.items()) or "nothing"
        raise DataError(f"holds no labelled example (left out: {left_out})", path)
    return table


def read_unlabelled(path: Path, columns: Columns, width: int | None) -> list[tuple[str, ...]]:
    """The inputs of a file, one for every line or row, in its order; labels are not looked at.

    TSV, CSV and JSONL as in ``read``, ``stsa.*`` and ``trees.*`` files without their labels; any other file is text,
    one input a line, the two sentences of a pair apart by a tab. A blank line is an empty sentence.

    Args:
        path: the file.
        columns: names of the columns of TSV, CSV and JSONL.
        width: 1 for sentences, 2 for pairs; None lets the file decide.

    Raises:
        DataError: the file cannot be read, is empty, or has not that many sentences a row.
    """
    name = bare_name(path)
    if name.endswith((".tsv", ".csv", ".jsonl", ".ndjson")):
        rows = [
            (line, _texts_of(row, places, path, line)) for line, row, places in _rows(path, columns, labelled=False)
        ]
    elif name.startswith("trees."):
        lines = list(numbered_lines(path))
        rows = [(line, (phrases_of(text, path, line)[-1][1] if text.strip() else "",)) for line, text in lines]
    elif name.startswith("stsa."):
        rows = [(line, (text.partition(" ")[2],)) for line, text in numbered_lines(path)]
    else:
        lines = list(numbered_lines(path))
        width = width or (2 if lines and all(text.count("\t") == 1 for _, text in lines) else 1)
        rows = [(line, tuple(text.split("\t")) if width == 2 else (text,)) for line, text in lines]
        rows = [(line, texts if any(texts) else ("",) * (width or 1)) for line, texts in rows]
    if not rows:
        raise DataError("holds no input: the file is empty", path)
    width = width or len(rows[0][1])
    for line, texts in rows:
        if len(texts) != width:
            need = "a pair of sentences, apart by a tab" if width == 2 else "one sentence"
            raise DataError(f"each input is {need}; here are {len(texts)}", path, line)
    return [texts for _, texts in rows]


def read_rated(path: Path, neutral_band: float) -> Table:
    """Rated snippets as two classes, the sign of the mean rating; ratings within the band around 0 are left out."""
    table = Table(labels=SST_BINARY)
    for line, text in numbered_lines(path):
        fields = text.split("\t", 2)
        try:
            rating = float(fields[1])
            sentence = fields[2]
        except (IndexError, ValueError):
            raise DataError("expected id, rating and text between tabs", path, line) from None
        if abs(rating) <= neutral_band:
            table.dropped["neutral"] += 1
        else:
            table.examples.append(Example((sentence,), SST_BINARY[rating > 0], path, line))
    return table


def _first_line(path: Path) -> str:
    for _, line in numbered_lines(path):
        if line.strip():
            return line
    raise DataError("the file is empty", path)


# Columns by name


def _read_columns(path: Path, columns: Columns) -> Table:
    table = Table()
    for line, row, places in _rows(path, columns, labelled=True):
        if not row:
            table.dropped["blank lines"] += 1
            continue
        _add(table, Example(_texts_of(row, places, path, line), _label_of(row, places, path, line), path, line))
    return _with_nli_labels(table)


def _rows(path: Path, columns: Columns, labelled: bool) -> Iterator[tuple[int, dict[str, Any], _Places]]:
    """Each row as a mapping from column to field, empty for a blank line, and which of them are text and label."""
    places: _Places | None = None
    json_lines = bare_name(path).endswith(("jsonl", "ndjson"))
    for line, row in _objects(path) if json_lines else _fields(path):
        if row and places is None:
            places = _places(list(row), columns, labelled, path, line if json_lines else 1)
        yield line, row, places or _Places(("",), None)


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in numbered_lines(path):
        if not text.strip():
            yield line, {}
            continue
        try:
            row = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DataError(f"not a JSON object: {error}", path, line) from None
        if not isinstance(row, dict) or not row:
            raise DataError(f"expected one JSON object a line, got {text[:60]!r}", path, line)
        yield line, row


def _fields(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    records = _csv_records(path) if bare_name(path).endswith(".csv") else _tsv_records(path)
    _, header = next(records, (1, []))
    if not header:
        raise DataError("the file is empty; expected a header line with the names of the columns", path, 1)
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"the header names the column {twice!r} more than once", path, 1)
    for line, fields in records:
        if len(fields) == len(header):
            yield line, dict(zip(header, fields, strict=True))
        elif not any(fields):
            yield line, {}
        else:
            raise DataError(f"has {len(fields)} fields, but the header names {len(header)} columns", path, line)


def _tsv_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """A line is a row. Quotation marks around a field are taken off where that leaves the number of columns right."""
    csv.field_size_limit(sys.maxsize)
    width = 0
    for line, text in numbered_lines(path):
        fields = text.split("\t")
        if '"' in text:
            try:
                unquoted = next(csv.reader([text], delimiter="\t", strict=True))
            except csv.Error:  # a field that merely begins with a quotation mark
                unquoted = fields
            fields = unquoted if len(unquoted) == width or len(fields) != width else fields
        width = width or len(fields)
        yield line, fields


def _csv_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows and the line each begins in; a quoted field may hold line breaks."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader((text + "\n" for _, text in numbered_lines(path)), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"not a CSV row: {error}", path, line) from None
        yield line, fields


def _places(names: Sequence[str], columns: Columns, labelled: bool, path: Path, line: int) -> _Places:
    """Which columns hold text and label."""

    def asked(name: str, option: str) -> str:
        if name not in names:
            raise DataError(f"no column {name!r} (--data.{option}); there are: {', '.join(names)}", path, line)
        return name

    pair = next((pair for pair in _PAIR_COLUMNS if set(pair) <= set(names)), None)
    text = next((name for name in _TEXT_COLUMNS if name in names), None)
    if columns.text is not None:
        texts: tuple[str, ...] = (asked(columns.text, "text_column"),)
        if columns.pair is not None:
            texts = (*texts, asked(columns.pair, "pair_column"))
    elif columns.pair is not None:
        first = pair[0] if pair else text
        if first is None:
            raise DataError("--data.pair_column needs --data.text_column beside it", path, line)
        texts = (first, asked(columns.pair, "pair_column"))
    elif pair is not None:
        texts = pair
    elif text is not None:
        texts = (text,)
    elif len(names) == 1 and not labelled:
        texts = (names[0],)
    else:
        usual = ", ".join(map(repr, (*_TEXT_COLUMNS, *(" and ".join(pair) for pair in _PAIR_COLUMNS))))
        raise DataError(
            f"no column is called {usual}; there are: {', '.join(names)}. Name the text's with --data.text_column",
            path,
            line,
        )
    if not labelled:
        return _Places(texts, None)
    if columns.label is not None:
        return _Places(texts, asked(columns.label, "label_column"))
    label = next((name for name in _LABEL_COLUMNS if name in names), None)
    if label is None:
        usual = ", ".join(map(repr, _LABEL_COLUMNS))
        raise DataError(
            f"no column is called {usual}; there are: {', '.join(names)}. Name the label's with --data.label_column",
            path,
            line,
        )
    return _Places(texts, label)


def _texts_of(row: dict[str, Any], places: _Places, path: Path, line: int) -> tuple[str, ...]:
    if not row:
        return ("",) * len(places.texts)
    for name in places.texts:
        if not isinstance(row.get(name), str):
            raise DataError(f"expected text in {name!r}, got {row.get(name)!r:.60}", path, line)
    return tuple(row[name] for name in places.texts)


def _label_of(row: dict[str, Any], places: _Places, path: Path, line: int) -> str:
    label = row.get(places.label or "")
    if not isinstance(label, str | int | float) or str(label).strip() == "":
        raise DataError(f"expected a label in {places.label!r}, got {label!r:.60}", path, line)
    return str(label).strip()


def _add(table: Table, example: Example) -> None:
    """Append the example, but for a pair without a majority label."""
    if example.label == NO_MAJORITY and len(example.texts) == 2:
        table.dropped["without majority label"] += 1
    else:
        table.examples.append(example)


def _with_nli_labels(table: Table) -> Table:
    """A file of pairs that uses NLI's classes has just these three, also when one does not occur in it."""
    if {example.label for example in table.examples} <= set(NLI_LABELS):
        table.labels = NLI_LABELS
    return table


# SST


def _read_trees(path: Path, phrases: bool) -> Table:
    table = Table(labels=SST_FINE)
    seen: set[tuple[int, str]] = set()
    for line, text in numbered_lines(path):
        if not text.strip():
            table.dropped["blank lines"] += 1
            continue
        nodes = phrases_of(text, path, line)
        for label, phrase in nodes if phrases else nodes[-1:]:
            if phrases and (label, phrase) in seen:
                continue
            seen.add((label, phrase))
            table.examples.append(Example((phrase,), SST_FINE[label], path, line))
    return table


def _read_label_text(path: Path) -> Table:
    name = bare_name(path)
    is_sst = name.startswith(("stsa.", "derived."))
    classes = SST_BINARY if ".binary." in name else SST_FINE
    table = Table(labels=classes if is_sst else None)
    labels: set[str] = set()
    for line, text in numbered_lines(path):
        if not text.strip():
            table.dropped["blank lines"] += 1
            continue
        label, _, sentence = text.partition(" ")
        if is_sst and label not in map(str, range(len(classes))):
            raise DataError(f"expected a class 0 to {len(classes) - 1} and a space, got {text[:40]!r}", path, line)
        labels.add(label)
        if len(labels) > _MOST_LABELS:
            raise DataError(
                "read as lines of label, space, text, as its name ends in none of .tsv, .csv, .jsonl; but more than "
                f"{_MOST_LABELS} different first words are hardly labels",
                path,
                line,
            )
        table.examples.append(Example((sentence,), classes[int(label)] if is_sst else label, path, line))
    return table


def _without_neutral(table: Table) -> Table:
    binary = {"very negative": "negative", "negative": "negative", "positive": "positive", "very positive": "positive"}
    kept = [example._replace(label=binary[example.label]) for example in table.examples if example.label in binary]
    dropped = table.dropped + Counter({"neutral": len(table.examples) - len(kept)})
    return Table(kept, SST_BINARY, dropped)


# Other formats


def _read_infersent(path: Path) -> Table:
    table = Table()
    paths = [path, *(path.with_name(part + path.name.removeprefix("s1")) for part in ("s2", "labels"))]
    columns = [list(numbered_lines(each)) for each in paths]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        counts = ", ".join(f"{each.name} {length}" for each, length in zip(paths, lengths, strict=True))
        raise DataError(f"the three files must have as many lines: {counts}", path)
    for (line, premise), (_, hypothesis), (_, label) in zip(*columns, strict=True):
        if not label.strip():
            raise DataError("expected a label, got a blank line", paths[2], line)
        _add(table, Example((premise, hypothesis), label.strip(), path, line))
    return _with_nli_labels(table)


def _read_hub(path: Path, columns: Columns) -> Table:
    """A split of a data set of the hub; ``hf:NAME:SPLIT`` or ``hf:NAME:CONFIGURATION:SPLIT``."""
    name, *parts = str(path).removeprefix(HUB).split(":")
    if not name or len(parts) not in (1, 2):
        raise DataError("expected hf:NAME:SPLIT or hf:NAME:CONFIGURATION:SPLIT, as hf:stanfordnlp/sst2:train", path)
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        raise DataError("needs the package 'datasets'. Install it with: pip install datasets", path) from None
    try:
        rows = datasets.load_dataset(name, *parts[:-1], split=parts[-1])
    except Exception as error:  # whatever the library and the network raise
        raise DataError(f"cannot be loaded: {type(error).__name__}: {error}", path) from error
    table = Table()
    places = _places(list(rows.column_names), columns, True, path, 1)
    label_column = str(places.label)
    names: Sequence[str] | None = getattr(rows.features[label_column], "names", None)
    for line, row in enumerate(_dicts(rows), start=1):
        label = row[label_column]
        if label is None or label == -1:
            table.dropped["without label"] += 1
            continue
        table.examples.append(
            Example(_texts_of(row, places, path, line), str(label) if names is None else names[label], path, line)
        )
    table.labels = None if names is None else tuple(names)
    return table


def _dicts(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    yield from rows
