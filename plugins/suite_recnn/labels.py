"""Which class each jet of a file belongs to, by the file's columns.

The classes are values of the column ``sample``; or names of columns themselves, each 1 for the jets of its class, such
as JetClass's ``label_Tbqq`` and ``label_QCD``; or values of the column ``label``, texts or numbers; or ``label`` is 1
for signal and 0 for background, or the place of the class among more than two. A class whose name is a number, such as
``--data.signal 0``, always has the jets with that label.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError, UsageError


def class_names(classes: str | None, signal: str, background: str) -> tuple[str, ...]:
    """Return the names of the classes by number: background and signal, or three and more that are listed.

    Args:
        classes: with commas between them; None: signal and background.
        signal: the signal class.
        background: the background class.

    Raises:
        UsageError: they are not different, or fewer than three are listed.

    Example:
        >>> class_names(None, "w", "qcd"), class_names("w, top, qcd", "w", "qcd")
        (('qcd', 'w'), ('w', 'top', 'qcd'))
    """
    if classes is None:
        if signal == background:
            raise UsageError(f"--data.signal and --data.background must differ, both are {signal!r}")
        return background, signal
    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    if not len(names) == len(set(names)) >= 3:
        raise UsageError(
            f"--data.classes: expected three and more different classes with commas between them, got {classes!r}; "
            "two are --data.signal and --data.background"
        )
    return names


def classes_of(
    columns: Mapping[str, NDArray[Any]], classes: Sequence[str], path: Path, *, named: bool = False
) -> NDArray[np.int64]:
    """Return the number of each jet's class in ``classes``, -1 for a jet of none of them: (jet,).

    Args:
        columns: (jet,) values by name.
        classes: their names; two are background and signal, in this order.
        path: of the file, for messages.
        named: whether the user has named a column ``label``, which then counts more than ``sample``.

    Raises:
        DataError: no column distinguishes the classes, or a jet is of two of them.

    Example:
        >>> columns = {"label": np.array(["top", "qcd", "w", "top"])}
        >>> classes_of(columns, ["qcd", "top"], Path("jets.h5")).tolist()
        [1, 0, -1, 1]
        >>> classes_of({"label": np.array([8, 0, 7])}, ["0", "8"], Path("jets.h5")).tolist()
        [1, 0, -1]
    """
    sample, label = columns.get("sample"), columns.get("label")
    if not named and sample is not None and np.isin(sample, classes).any():
        return _places(sample, classes)
    if not named and set(classes) <= set(columns):
        return _only_one(columns, classes, path)
    if label is not None:
        are_places = all(not name.isdecimal() or int(name) == place for place, name in enumerate(classes))
        if label.dtype.kind in "biuf" and len(classes) == 2 and are_places and np.isin(label, (0, 1)).all():
            return label.astype(np.int64)
        texts = label.astype(np.int64).astype(np.str_) if label.dtype.kind in "biuf" else label
        if np.isin(texts, classes).any():
            return _places(texts, classes)
        if label.dtype.kind in "biuf" and np.isin(label, range(len(classes))).all():
            return label.astype(np.int64)
    raise DataError(
        f"{' and '.join(classes)} are not distinguished: expected a column `label` or `sample` with these values, a "
        f"column for each of them, or a `label` of 1 for signal and 0 for background (0, 1, 2 ... for more classes, in "
        f"their order); {_there_are(columns)}. "
        "--data.columns '{label: NAME}' says which column it is",
        path,
    )


def _places(values: NDArray[Any], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each value among the classes, -1 where it is none."""
    places = np.full(len(values), -1, dtype=np.int64)
    for place, name in enumerate(classes):
        places[values == name] = place
    return places


def _only_one(columns: Mapping[str, NDArray[Any]], classes: Sequence[str], path: Path) -> NDArray[np.int64]:
    """Return the class whose column is 1."""
    ones = np.stack([columns[name] == 1 for name in classes], axis=1)  # jet class
    several = np.flatnonzero(ones.sum(axis=1) > 1)
    if len(several):
        both = " and ".join(name for name, one in zip(classes, ones[several[0]], strict=True) if one)
        raise DataError(f"jet {several[0]}: {both} are 1; expected one class", path)
    return np.where(ones.any(axis=1), ones.argmax(axis=1), -1)


def _there_are(columns: Mapping[str, NDArray[Any]]) -> str:
    """Return the words for what could distinguish classes."""
    found = []
    for name in ("label", "sample"):
        if name in columns:
            values = np.unique(columns[name]).tolist()
            found.append(f"{name}: {', '.join(map(str, values[:10]))}{', ...' if len(values) > 10 else ''}")
    if ones := [name for name in columns if name.startswith("label_")]:
        found.append(", ".join(ones[:10]))
    return f"there are {'; '.join(found)}" if found else "there is no such column"
