"""Reads lines of a label and a text, and the other formats without named columns."""

from collections import defaultdict
from pathlib import Path

from lightning_suite.errors import DataError
from lightning_suite.text_files import bare_name, is_blank, numbered_lines
from suite_dsa.sources.columns import DELIMITERS, LABEL_COLUMNS, TEXT_COLUMNS
from suite_dsa.sources.examples import NO_LABEL, SST_BINARY, SST_FINE, Example, Table, class_name
from suite_dsa.sources.trees import phrases_of

_MOST_LABELS = 100  # a file with more different first words does not begin its lines with labels
_SURE = 10  # this many texts of one class do not all begin with one of two words

Lines = list[tuple[int, str]]


def read_label_text(path: Path, *, classes: tuple[str, ...] = (), encoding: str | None = None) -> Table:
    """Return the examples of lines of label and text, with a space or, in every line, a tab between them.

    Args:
        path: the file; in ``stsa.*`` and ``derived.*`` the labels are SST's numbers.
        classes: the declared classes, which may have several words; by default a label before a space is one word.
        encoding: of a file that is not Unicode.

    Raises:
        DataError: lines do not begin with labels, or it is ambiguous where the labels end.
    """
    lines = [(line, text) for line, text in numbered_lines(path, encoding=encoding)]
    filled = [(line, text) for line, text in lines if not is_blank(text)]
    name = bare_name(path)
    sst = () if not name.startswith(("stsa.", "derived.")) else SST_BINARY if ".binary." in name else SST_FINE
    table = Table(labels=sst or None)
    if len(filled) < len(lines):
        table.dropped["blank lines"] = len(lines) - len(filled)
    if sst:
        pairs = [_sst_label(text, sst, path, line) for line, text in filled]
    elif filled and all("\t" in text for _, text in filled):
        pairs = [_tab_label(text, path, line) for line, text in filled]
    elif classes:
        pairs = [_declared_label(text, classes, path, line) for line, text in filled]
    else:
        pairs = [_spaced_label(text, path, line) for line, text in filled]
        _refuse_table(pairs, filled, path)
        _refuse_several_words(pairs, filled, path)
    labels: set[str] = set()
    for (line, _), (label, text) in zip(filled, pairs, strict=True):
        labels.add(label)
        if len(labels) > _MOST_LABELS:
            raise DataError(
                "expected lines of label, space and text, as the name ends in none of .tsv, .csv and .jsonl, got more "
                f"than {_MOST_LABELS} different first words. A table needs a name that ends in .tsv or .csv",
                path,
                line,
            )
        table.examples.append(Example((text,), class_name(label), path, line))
    return table


def read_trees(path: Path, phrases: bool, *, encoding: str | None = None) -> Table:
    """Return the sentences of SST's trees, or every phrase that differs in text or class.

    Raises:
        DataError: a line is not one whole tree.
    """
    table = Table(labels=SST_FINE)
    seen: set[tuple[int, str]] = set()
    for line, text in numbered_lines(path, encoding=encoding):
        if is_blank(text):
            table.dropped["blank lines"] += 1
            continue
        nodes = phrases_of(text, path, line)
        for label, phrase in nodes if phrases else nodes[-1:]:
            if phrases and (label, phrase) in seen:
                continue
            seen.add((label, phrase))
            table.examples.append(Example((phrase,), SST_FINE[label], path, line))
    return table


def read_infersent(path: Path, *, encoding: str | None = None) -> Table:
    """Return the pairs of InferSent's three parallel files, of which ``path`` is ``s1.*``.

    Raises:
        DataError: the files have different numbers of lines, or a label is missing.
    """
    table = Table()
    paths = [path, *(path.with_name(part + path.name.removeprefix("s1")) for part in ("s2", "labels"))]
    columns = [list(numbered_lines(part, encoding=encoding)) for part in paths]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        counts = ", ".join(f"{part.name} {length}" for part, length in zip(paths, lengths, strict=True))
        raise DataError(f"expected three files of equal length, got lines: {counts}", path)
    for (line, premise), (_, hypothesis), (_, label) in zip(*columns, strict=True):
        if not label.strip():
            raise DataError("expected a label, got a blank line", paths[2], line)
        table.examples.append(Example((premise, hypothesis), class_name(label), path, line))
    return table


def read_rated(path: Path, neutral_band: float) -> Table:
    """Return rated snippets as two classes, by the sign of the mean rating, without those in the band around 0.

    Raises:
        DataError: a line is not id, tab, rating, tab and text.
    """
    table = Table(labels=SST_BINARY)
    for line, text in numbered_lines(path):
        fields = text.split("\t", 2)
        try:
            rating = float(fields[1])
            sentence = fields[2]
        except (IndexError, ValueError):
            raise DataError(f"expected id, tab, rating, tab and text, got {text[:60]!r}", path, line) from None
        if abs(rating) <= neutral_band:
            table.dropped["neutral"] += 1
        else:
            table.examples.append(Example((sentence,), SST_BINARY[rating > 0], path, line))
    return table


def _sst_label(text: str, classes: tuple[str, ...], path: Path, line: int) -> tuple[str, str]:
    label, _, sentence = text.partition(" ")
    if label not in map(str, range(len(classes))):
        raise DataError(f"expected a class 0 to {len(classes) - 1} and a space, got {text[:40]!r}", path, line)
    return classes[int(label)], sentence


def _spaced_label(text: str, path: Path, line: int) -> tuple[str, str]:
    label, _, sentence = text.partition(" ")
    if not label.strip():
        raise DataError(f"expected a label, a space and the text, got {text[:40]!r}", path, line)
    return label, sentence


def _tab_label(text: str, path: Path, line: int) -> tuple[str, str]:
    label, *sentence = text.split("\t")
    if len(sentence) != 1:
        hint = "If it is a table with a header, give it a name that ends in .tsv"
        raise DataError(f"expected a label, one tab and the text, got {len(sentence)} tabs. {hint}", path, line)
    if not label.strip():
        raise DataError("expected a label before the tab", path, line)
    return label, sentence[0]


def _declared_label(text: str, classes: tuple[str, ...], path: Path, line: int) -> tuple[str, str]:
    word = text.partition(" ")[0]
    names = {*classes, NO_LABEL, *([word] if class_name(word) in classes else [])}
    fitting = [name for name in names if text == name or text.startswith(f"{name} ")]
    if not fitting:
        raise DataError(
            f"expected one of the labels {', '.join(map(repr, classes))} and a space, got {text[:40]!r}", path, line
        )
    label = max(fitting, key=len)
    return label, text[len(label) + 1 :]


def _refuse_table(pairs: list[tuple[str, str]], lines: Lines, path: Path) -> None:
    """Raise a DataError where labels hold what separates the fields of a table, as in 'good,a warm film'."""
    header = {name.casefold() for name in pairs[0]} if pairs else set()
    if header & set(LABEL_COLUMNS) and header & set(TEXT_COLUMNS):
        raise DataError("seems to name columns: leave this line out, or separate fields by tabs", path, lines[0][0])
    for mark, name in DELIMITERS.items():
        marked = [line for (line, _), (label, _) in zip(lines, pairs, strict=True) if mark in label]
        if (mark == "\t" and marked) or len(marked) > len(lines) / 2:
            line, text = next((line, text) for line, text in lines if line == marked[0])
            raise DataError(
                f"expected a label, a space and the text, got {name} in what would be the label: {text[:40]!r}. A "
                "table begins with a line that names its columns, such as label and text",
                path,
                line,
            )


def _refuse_several_words(pairs: list[tuple[str, str]], lines: Lines, path: Path) -> None:
    """Raise a DataError where labels seem to have several words, as in 'very negative a dull film'."""
    seconds: defaultdict[str, list[str]] = defaultdict(list)
    for label, text in pairs:
        seconds[label].append(text.partition(" ")[0])
    if len(seconds) > _MOST_LABELS:
        return
    for (line, _), (label, _) in zip(lines, pairs, strict=True):
        follows = sorted(set(seconds[label]) - {""})
        others = {name for name in seconds if name != label and not class_name(name).lstrip("+-").isdecimal()}
        of_labels = bool(follows) and set(follows) <= others
        always = len(seconds[label]) >= _SURE and len(follows) <= 2 and all(word.isalpha() for word in follows)
        if label.isalpha() and "" not in seconds[label] and (of_labels or always):
            shown = " or ".join(map(repr, follows[:3]))
            raise DataError(
                f"the label {label!r} is always followed by {shown}: do labels of this file have several words? Name "
                f"them all, as in --data.labels '[\"{label} {follows[0]}\", ...]', or put a tab between label and text",
                path,
                line,
            )
