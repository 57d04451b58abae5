"""Reads labelled sentences and pairs of sentences from the formats in which they are published.

=====================  ===============================================================================================
``*.tsv *.csv``        a header line and named columns; tabs, commas, semicolons or bars between fields; CoLA's without
``*.jsonl``            one object a line with named fields (among them SNLI's ``snli_1.0_*.jsonl``)
trees                  SST's Penn-Treebank trees, ``(3 (2 It) (4 works))``: a class 0..4 at every node
label text             ``label``, one space or one tab, the text; SST's ``stsa.*`` (Kim, 2014) and ``derived.*`` too
``s1.* s2.* labels.*`` InferSent's three parallel files; the path is that of the first
rated                  id, tab, mean rating, tab, text: the movie-review snippets of VADER (Hutto, Gilbert, 2014)
``hf:NAME:SPLIT``      a split of a data set of the Hugging Face hub, where the package ``datasets`` is installed
=====================  ===============================================================================================

A file of another name that begins with an object, or with a line that names the columns of text and label, is read as
such: SNLI, MultiNLI and SICK are published as .txt too. Files may be compressed and in any encoding
(``lightning_suite.text_files``). Every reader keeps the order of the file, numbers the lines of its examples, and
counts what it leaves out.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from lightning_suite.errors import DataError
from lightning_suite.text_files import bare_name, is_blank, numbered_lines
from suite_dsa.sources.columns import Columns, first_line, has_columns, read_rows
from suite_dsa.sources.examples import (
    SST_BINARY,
    SST_FINE,
    Example,
    Table,
    Unlabelled,
    refuse_non_classes,
    without_unlabelled,
)
from suite_dsa.sources.hub import HUB, read_hub
from suite_dsa.sources.label_text import read_infersent, read_label_text, read_trees
from suite_dsa.sources.trees import phrases_of


def read(
    path: Path,
    columns: Columns,
    classes: int | None,
    phrases: bool,
    *,
    labels: tuple[str, ...] = (),
    encoding: str | None = None,
) -> Table:
    """Return the labelled examples of one file; its name gives the format, its first line shows trees.

    Args:
        path: the file, or ``hf:NAME:SPLIT``.
        columns: the names of the columns of TSV, CSV, JSONL and the hub.
        classes: 2 or 5 classes of SST, of other files at most so many; None: those of the file.
        phrases: of trees, every phrase that differs in text or class, not only the whole sentence.
        labels: the declared classes, or none.
        encoding: of a file that is not Unicode.

    Raises:
        DataError: the file cannot be read as labelled sentences, or holds no example.
        Unlabelled: it has no labels.
        UsageError: the encoding does not exist, or a package is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "reviews.csv")
        >>> _ = path.write_text("Text;Label\\na warm, witty film;good\\n", encoding="utf-16")
        >>> [(example.texts, example.label) for example in read(path, Columns(), None, phrases=False).examples]
        [(('a warm, witty film',), 'good')]
    """
    if str(path).startswith(HUB):
        table = read_hub(path, columns)
    elif bare_name(path).startswith("s1."):
        table = without_unlabelled(read_infersent(path, encoding=encoding), labels)
    elif has_columns(path, columns, encoding):
        table = without_unlabelled(_read_columns(path, columns, encoding), labels)
    elif first_line(path, encoding).lstrip().startswith("("):
        table = read_trees(path, phrases, encoding=encoding)
    else:
        table = without_unlabelled(read_label_text(path, classes=labels, encoding=encoding), labels)
    if table.labels == SST_FINE and classes == len(SST_BINARY):
        table = _without_neutral(table)
    found = len(table.labels or {example.label for example in table.examples})
    is_sst = table.labels in (SST_FINE, SST_BINARY)
    if classes is not None and (found > classes or (is_sst and found < classes)):
        raise DataError(f"expected {classes} classes (--data.classes), got {found}", path)
    if not table.examples:
        left_out = ", ".join(f"{count} {reason}" for reason, count in table.dropped.items()) or "nothing"
        message = f"holds no labelled example (left out: {left_out})"
        if table.unlabelled or table.dropped["without label"]:
            raise Unlabelled(message, path).of(table.unlabelled)
        raise DataError(message, path)
    refuse_non_classes(table, labels, path)
    return table


def read_unlabelled(
    path: Path, columns: Columns, width: int | None, *, encoding: str | None = None
) -> list[tuple[str, ...]]:
    """Return the inputs of a file, one for every line or row, in its order; labels are ignored.

    TSV, CSV and JSONL as in ``read``, ``stsa.*`` and ``trees.*`` files without their labels; any other file is text,
    one input a line, with a tab between the two sentences of a pair. A blank line is an empty sentence.

    Args:
        path: the file.
        columns: names of the columns of TSV, CSV and JSONL.
        width: 1 for sentences, 2 for pairs; None lets the file decide.
        encoding: of a file that is not Unicode.

    Raises:
        DataError: the file cannot be read, is empty, or has another number of sentences in a row.
        UsageError: the encoding does not exist, or a package is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "sentences.txt")
        >>> _ = path.write_text("a warm film\\n\\na dull one\\n")
        >>> read_unlabelled(path, Columns(), None)
        [('a warm film',), ('',), ('a dull one',)]
    """
    name = bare_name(path)
    rows: list[tuple[int, tuple[str, ...]]]
    if str(path).startswith(HUB):
        rows = [(one.line, one.texts) for one in read_hub(path, columns, labelled=False).examples]
    elif has_columns(path, columns, encoding):
        rows = [(row.line, row.texts) for row in read_rows(path, columns, labelled=False, encoding=encoding)[1]]
    else:
        lines = list(numbered_lines(path, encoding=encoding))
        if name.startswith("trees."):
            rows = [(line, () if is_blank(text) else (phrases_of(text, path, line)[-1][1],)) for line, text in lines]
        elif name.startswith("stsa."):
            rows = [(line, (text.partition(" ")[2],)) for line, text in lines]
        else:
            width = width or (2 if all(text.count("\t") == 1 for _, text in lines) else 1)
            rows = [(line, tuple(text.split("\t")) if width == 2 else (text,)) for line, text in lines]
            rows = [(line, texts if any(texts) else ()) for line, texts in rows]
    if not rows:
        raise DataError("expected at least one row below the header, got none", path)
    width = width or next((len(texts) for _, texts in rows if texts), 1)
    for line, texts in rows:
        if texts and len(texts) != width:
            need = "a pair of sentences with a tab between them" if width == 2 else "one sentence"
            raise DataError(f"expected {need}, got {len(texts)} sentences", path, line)
    return [texts or ("",) * width for _, texts in rows]


def _read_columns(path: Path, columns: Columns, encoding: str | None) -> Table:
    chosen, rows = read_rows(path, columns, labelled=True, encoding=encoding)
    table = Table(unused=chosen.unused)
    for row in rows:
        if row.texts:
            table.examples.append(Example(row.texts, row.label, path, row.line))
        else:
            table.dropped["blank lines"] += 1
    return table


def _without_neutral(table: Table) -> Table:
    binary = {"very negative": "negative", "negative": "negative", "positive": "positive", "very positive": "positive"}
    opinions = [example._replace(label=binary[example.label]) for example in table.examples if example.label in binary]
    dropped = table.dropped + Counter({"neutral": len(table.examples) - len(opinions)})
    return replace(table, examples=opinions, labels=SST_BINARY, dropped=dropped)
