"""Which files a folder of jets holds, and how names and columns distinguish the classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.spelling import did_you_mean
from suite_recnn.labels import classes_of
from suite_recnn.sources.reading import SUFFIXES


class JetFile(NamedTuple):
    """A file, and what its name says about the jets in it.

    Attributes:
        path: of the file.
        label: the number of the class of all its jets, None where a column says it.
        part: the part of the data that the file is, None where it is to be divided.
    """

    path: Path
    label: int | None
    part: str | None


def jet_files(path: Path, classes: Sequence[str], options: str = "--data.classes") -> list[JetFile]:
    """Return the files of the classes, or those of the parts; of a path that is a file, this file.

    Args:
        path: a file, or a folder with CLASS_* for each class, or with train.*, val.* and test.*.
        classes: the beginnings of their files' names, by label.
        options: that name the classes, for messages.

    Raises:
        UsageError: the path does not exist, or the folder has neither files of all classes nor of parts.
    """
    if not path.exists():
        raise UsageError(f"--data.path {path}: there is no such file or folder")
    if path.is_file():
        return [JetFile(path, None, None)]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
    signal_first = classes[::-1]
    # The order of the files is that of the jets: files of the class with the shortest name come first.
    named = [file for name in sorted(signal_first, key=len) for file in files if f"{file.stem}_".startswith(f"{name}_")]
    by_class = [JetFile(file, class_of(file.stem, classes), None) for file in dict.fromkeys(named)]
    if {file.label for file in by_class} == set(range(len(classes))):
        return by_class
    by_part = [JetFile(file, None, part) for file in files if (part := part_of(file.stem))]
    if by_part:
        return by_part
    known = sorted({file.stem.split("_")[0] for file in files})
    raise UsageError(
        f"--data.path {path}: expected files {' and '.join(f'{name}_*' for name in signal_first)} ({options}), or "
        f"train.*, val.* and test.*, ending in {', '.join(SUFFIXES)}; "
        f"there are {', '.join(file.name for file in files[:6]) or 'none such'}."
        + "".join(did_you_mean(name, known) for name in signal_first if name not in known)
    )


def class_of(stem: str, classes: Sequence[str]) -> int | None:
    """Return the number of the class that a file's name begins with, the longest such; None for any other name.

    Example:
        >>> [class_of(stem, ["top_bkg", "top"]) for stem in ("top_bkg_1", "top_1", "topology")]
        [0, 1, None]
    """
    fitting = [name for name in classes if f"{stem}_".startswith(f"{name}_")]
    return classes.index(max(fitting, key=len)) if fitting else None


def part_of(stem: str) -> str | None:
    """Return the part that a file's name begins with, None for any other name.

    Example:
        >>> part_of("val_file"), part_of("train"), part_of("w_eflow_s1")
        ('validation', 'train', None)
    """
    word = stem.lower().split("_")[0]
    return {"train": "train", "val": "validation", "validation": "validation", "test": "test"}.get(word)


def labels_of(
    file: JetFile, columns: Mapping[str, NDArray[Any]], jets: int, classes: Sequence[str], *, named: bool
) -> NDArray[np.int64]:
    """Return the number of each jet's class, -1 for a jet of none: (jet,).

    Args:
        file: of the jets.
        columns: (jet,) values by name.
        jets: the number of jets.
        classes: by number, as the columns name them; see `suite_recnn.labels.classes_of`.
        named: whether the user has named a column ``label``, which then counts more than ``sample``.

    Raises:
        DataError: neither the file's name nor a column distinguishes the classes.
    """
    if file.label is not None:
        return np.full(jets, file.label)
    return classes_of(columns, classes, file.path, named=named)
