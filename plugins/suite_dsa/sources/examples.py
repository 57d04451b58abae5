"""Labelled sentences and pairs in memory, and what their labels mean."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, final

from lightning_suite.errors import DataError

SST_FINE = ("very negative", "negative", "neutral", "positive", "very positive")
SST_BINARY = ("negative", "positive")
NLI_LABELS = ("contradiction", "entailment", "neutral")

NO_MAJORITY = "-"
"""SNLI's label of a pair on which its readers did not agree."""

NO_LABEL = "-1"
"""GLUE's label of a sentence whose class is not published."""


_MOST_STEPS = 20  # half stars from 0 to 10 are 21 classes


class Example(NamedTuple):
    """One sentence or pair with its label, and its file and line."""

    texts: tuple[str, ...]
    label: str | None
    path: Path
    line: int


@final
class Unlabelled(DataError):
    """A file holds sentences without labels: it can be predicted, and nothing else.

    Attributes:
        examples: where labels say that there are none, all examples; nothing where there are no labels at all.
    """

    examples: Sequence[Example] = ()

    def of(self, examples: Sequence[Example]) -> "Unlabelled":
        """Return the error with these examples."""
        self.examples = examples
        return self


@dataclass
class Table:
    """The examples of one or more files.

    Attributes:
        examples: in the order of the files.
        labels: the classes in their order, where the format defines them.
        dropped: the number of examples that were left out, by reason.
        unused: the names of the columns that were not read.
        unlabelled: the examples that were left out because they have no label.
    """

    examples: list[Example] = field(default_factory=list)
    labels: tuple[str, ...] | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    unused: tuple[str, ...] = ()
    unlabelled: list[Example] = field(default_factory=list)

    def classes(self) -> list[str]:
        """Return the classes in their order: those of the format, else those that occur, sorted."""
        return list(self.labels or sorted({str(example.label) for example in self.examples}))

    def extend(self, other: "Table") -> None:
        """Append another table's examples."""
        self.labels = other.labels if not self.examples or self.labels == other.labels else None
        self.examples += other.examples
        self.dropped += other.dropped
        self.unused = tuple(dict.fromkeys((*self.unused, *other.unused)))


def class_name(label: object) -> str:
    """Return the name of the class that a label stands for: 1, 1.0 and "1.0" are one class.

    Example:
        >>> class_name(1.0), class_name(" 1.0 "), class_name("very good"), class_name("1.5")
        ('1', '1', 'very good', '1.5')
    """
    name = str(label).strip()
    return name.partition(".")[0] if name.endswith("0") and re.fullmatch(r"[+-]?\d+\.0+", name) else name


def refuse_non_classes(table: Table, classes: tuple[str, ...], path: Path) -> None:
    """Raise a DataError where the labels name no classes.

    They are measured numbers, as STS-B's similarities from 0 to 5 are, or nearly every example has one of its own, as
    where the columns of text and label are exchanged.

    Args:
        table: the examples of one file.
        classes: the declared classes; where there are some, the labels are what they seem.
        path: the file.
    """
    labels = {str(example.label) for example in table.examples}
    measured = sorted(label for label in labels if re.fullmatch(r"[+-]?\d*\.\d*[1-9]\d*", label))
    if not classes and len(labels) > _MOST_STEPS and len(measured) > len(labels) / 2:
        raise DataError(
            f"expected classes, got {len(labels)} different numbers, such as {measured[0]}: this plugin classifies. "
            "Make ranges of them, or name every one with --data.labels",
            path,
        )
    if not classes and len(labels) > max(_MOST_STEPS, len(table.examples) / 2):
        longest = max(labels, key=len)
        raise DataError(
            f"expected classes, got {len(labels):,} different labels of {len(table.examples):,} examples, such as "
            f"{longest[:40] + '…' if len(longest) > 40 else longest!r}. Is another column the label "
            "(--data.label_column), or are text and label exchanged? If they are classes, name them with --data.labels",
            path,
        )


def class_numbers(examples: Sequence[Example], classes: Sequence[str]) -> list[int]:
    """Return the position of each example's label among the classes.

    Raises:
        DataError: a label is not among the classes.

    Example:
        >>> class_numbers([Example(("a warm film",), "good", Path("reviews.csv"), 2)], ["bad", "good"])
        [1]
    """
    index = {class_name(name): i for i, name in enumerate(classes)} | {name: i for i, name in enumerate(classes)}
    numbers = []
    for example in examples:
        number = index.get(str(example.label))
        if number is None:
            known = ", ".join(map(repr, classes))
            raise DataError(f"expected one of the labels {known}, got {example.label!r}", example.path, example.line)
        numbers.append(number)
    return numbers


def without_unlabelled(table: Table, classes: tuple[str, ...] = ()) -> Table:
    """Return a table without the examples that have no label, which it counts; NLI's classes get their order.

    -1 means no label, unless the only other label is 1, or -1 is among the declared classes.

    Args:
        table: the examples of one file.
        classes: the declared classes.
    """
    labels = {example.label for example in table.examples}
    reasons = {NO_LABEL: "without label"} if NO_LABEL not in classes and labels != {NO_LABEL, "1"} else {}
    if any(len(example.texts) == 2 for example in table.examples[:1]):
        reasons[NO_MAJORITY] = "without majority label"
    labelled = [example for example in table.examples if example.label not in reasons]
    unlabelled = [example._replace(label=None) for example in table.examples if example.label in reasons]
    dropped = Counter(reasons[str(example.label)] for example in table.examples if example.label in reasons)
    is_nli = {example.label for example in labelled} <= set(NLI_LABELS)  # also where one of the three is absent
    names = table.labels or (NLI_LABELS if is_nli else None)
    dropped += table.dropped
    return replace(table, examples=labelled, labels=names, dropped=dropped, unlabelled=unlabelled)
