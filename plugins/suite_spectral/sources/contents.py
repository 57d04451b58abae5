"""What a file holds, and which part of it is read."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from suite_spectral.data_settings import Column, DataSettings, ReadAs
from suite_spectral.settings import Kind


class Choice(NamedTuple):
    """What of a file is read, and how; None leaves it to the rules of ``suite_spectral.sources.reading``.

    Attributes:
        columns: of points.
        label_column: of labels; in an .npz file the array of them.
        text_column: of texts; several are joined.
        key: array of points in an .npz file.
        header: whether the first line of a table names its columns.
        read_as: what the file holds.
        encoding: of text that is not Unicode.
    """

    columns: Sequence[Column] | None = None
    label_column: Column | None = None
    text_column: Sequence[Column] | None = None
    key: str | None = None
    header: bool | None = None
    read_as: ReadAs | None = None
    encoding: str | None = None

    @classmethod
    def of(cls, settings: DataSettings) -> "Choice":
        """Return the choice that the settings make."""
        texts = settings.text_column
        return cls(
            settings.columns,
            settings.label_column,
            texts if texts is None or isinstance(texts, list) else [texts],
            settings.key,
            settings.header,
            settings.read_as,
            settings.encoding,
        )


class Source(NamedTuple):
    """What a file holds.

    Attributes:
        kind: what it is.
        content: points (point, dim), dense or csr; texts; W of a graph (node, node), csr.
        labels: (example,) of any type, or None.
        names: of the columns of points, or of the nodes; None where they are numbered.
        image_shape: height, width and channels of an image.
        remarks: what the user should know, a line each.
    """

    kind: Kind
    content: Any
    labels: NDArray[Any] | None = None
    names: list[str] | None = None
    image_shape: tuple[int, int, int] | None = None
    remarks: Sequence[str] = ()


class ClassLabels(NamedTuple):
    """Labels as numbers.

    Attributes:
        names: (class,) of the classes.
        numbers: (example,) int64, the number of each example's class; -1 for an example that is not used.
    """

    names: list[str]
    numbers: NDArray[np.int64]


def class_labels(labels: NDArray[Any]) -> ClassLabels:
    """Return the classes of labels, numbers in their order, words in that of the alphabet; 1.0 is the class 1.

    Example:
        >>> class_labels(np.array(["10", "9", "9.0"])).names
        ['9', '10']
    """
    values, places = np.unique(labels, return_inverse=True)
    texts = values.astype(np.str_).tolist()
    if values.dtype.kind == "f":
        texts = [str(int(value)) if np.isfinite(value) and value == np.round(value) else str(value) for value in values]
    unique, merged = np.unique([re.sub(r"^([-+]?\d+)\.0+$", r"\1", text) for text in texts], return_inverse=True)
    names: list[str] = unique.tolist()
    order = np.arange(len(names))
    with suppress(ValueError):  # words: as they are, sorted
        order = np.argsort([float(name) for name in names], kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return ClassLabels([names[index] for index in order], rank[merged[places]])


def labels_of_used(labels: ClassLabels, used: NDArray[np.int64], path: Path) -> ClassLabels:
    """Return the classes of the examples that are used.

    Raises:
        DataError: one of them has no label.
    """
    present = np.unique(labels.numbers[used])
    names = [labels.names[number] for number in present]
    for number, name in zip(present, names, strict=True):
        if name.strip().lower() in ("", "nan"):
            wrong = used[labels.numbers[used] == number]
            raise DataError(
                f"labels are missing: {len(wrong):,}, the first in row {int(wrong[0])}, counted from 0; fill them in, "
                f"or leave these points out with --data.noise_label {name!r}",
                path,
            )
    numbers = np.full(len(labels.numbers), -1, dtype=np.int64)
    numbers[used] = np.searchsorted(present, labels.numbers[used])
    return ClassLabels(names, numbers)
