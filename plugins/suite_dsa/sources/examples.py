"""Labelled sentences and pairs in memory, and what their labels mean."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SST_FINE = ("very negative", "negative", "neutral", "positive", "very positive")
SST_BINARY = ("negative", "positive")
NLI_LABELS = ("contradiction", "entailment", "neutral")

NO_MAJORITY = "-"
"""SNLI's label of a pair on which its readers did not agree."""

NO_LABEL = "-1"
"""GLUE's label of a sentence whose class is kept secret."""


class Example(NamedTuple):
    """One sentence or pair with its label, and its file and line."""

    texts: tuple[str, ...]
    label: str | None
    path: Path
    line: int


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


def class_name(label: object) -> str:
    """Return the name of the class that a label stands for: 1, 1.0 and "1.0" are one class.

    Example:
        >>> class_name(1.0), class_name(" 1.0 "), class_name("very good"), class_name("1.5")
        ('1', '1', 'very good', '1.5')
    """
    name = str(label).strip()
    return name.partition(".")[0] if name.endswith("0") and re.fullmatch(r"[+-]?\d+\.0+", name) else name


def without_unlabelled(table: Table, classes: tuple[str, ...] = ()) -> Table:
    """Return a table without the examples that have no label, which are counted; NLI's classes get their order.

    -1 is no label where classes are counted from 0, or where nothing else occurs; it is a class beside 1 alone, and
    where it is named among the classes.

    Args:
        table: of one file.
        classes: those that are declared.
    """
    labels = {example.label for example in table.examples}
    reasons = {NO_LABEL: "without label"} if NO_LABEL not in classes and labels != {NO_LABEL, "1"} else {}
    if any(len(example.texts) == 2 for example in table.examples[:1]):
        reasons[NO_MAJORITY] = "without majority label"
    kept = [example for example in table.examples if example.label not in reasons]
    dropped = Counter(reasons[str(example.label)] for example in table.examples if example.label in reasons)
    is_nli = {example.label for example in kept} <= set(NLI_LABELS)  # just these three, also when one does not occur
    return Table(kept, table.labels or (NLI_LABELS if is_nli else None), table.dropped + dropped)
