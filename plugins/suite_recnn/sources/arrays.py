"""Jets from arrays of numpy or of an HDF5 file: padded, of lists, or parts of larger ones.

An array is (jet, constituent), padded with zeros or, in all components, with nan; or (jet,) of lists of different
lengths. ``DATASET[PART]`` names a part of a larger one: ``particles[2]`` the third value along the last axis of
(jet, constituent, 4), ``tracks[pt]`` a field of a compound type.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.offsets import offsets_of
from lightning_suite.progress import track
from suite_recnn.jets import Jets
from suite_recnn.sources.columns import choose, finished
from suite_recnn.sources.momenta import Origin, is_constituent, packed, same_counts

BLOCK = 16_384
"""Rows that are read at a time: 53 MB of the Top-Tagging set, so that its 1.2 million jets need no 4 GB at once."""

_WIDEST = 1_000  # parts of a last axis that can be named

Lists = dict[str, NDArray[Any]]
"""Values of each component of the momenta, those of all jets end to end."""
Block = Callable[[slice, Origin], tuple[Lists, NDArray[np.int64]]]
"""Reads some rows: the values of their constituents, and where each jet begins."""


class Column(NamedTuple):
    """An array or a part of it.

    Attributes:
        array: of numpy, or a dataset of h5py, which is read row by row.
        part: a field of a compound type, a position along the last axis, or None for the whole array.
        axes: the number of axes of the part.
    """

    array: Any
    part: int | str | None
    axes: int

    def rows(self, rows: slice) -> NDArray[Any]:
        """Return the values of some rows."""
        values: NDArray[Any]
        if isinstance(self.part, str):
            is_numpy = isinstance(self.array, np.ndarray)
            values = self.array[rows][self.part] if is_numpy else self.array.fields(self.part)[rows]
        elif self.part is not None:
            values = self.array[(rows, ..., self.part)]
        else:
            values = self.array[rows]
        return values


def columns_of(arrays: Mapping[str, Any]) -> dict[str, Column]:
    """Return all columns that can be named, whole arrays first.

    Example:
        >>> list(columns_of({"X": np.zeros((5, 30, 3)), "y": np.zeros(5)}))
        ['X', 'y', 'X[0]', 'X[1]', 'X[2]']
    """
    whole: dict[str, Column] = {}
    parts: dict[str, Column] = {}
    for name, array in arrays.items():
        if not array.ndim:
            continue
        if array.dtype.names:
            for field in array.dtype.names:
                kind = array.dtype[field]
                parts[f"{name}[{field}]"] = Column(array, field, _axes(array.ndim + len(kind.shape), kind.base))
            continue
        whole[name] = Column(array, None, _axes(array.ndim, array.dtype))
        if array.ndim > 1 and array.shape[-1] <= _WIDEST:
            axes = _axes(array.ndim - 1, array.dtype)
            parts |= {f"{name}[{k}]": Column(array, k, axes) for k in range(array.shape[-1])}
    return whole | parts


def _axes(axes: int, kind: np.dtype[Any]) -> int:
    """Return the number of axes, lists of numbers counted as one more; 0 for neither numbers nor one text a jet."""
    metadata: Mapping[str, Any] = kind.metadata or {}
    inner = metadata.get("vlen")  # h5py's mark of lists and texts of different lengths
    if isinstance(inner, np.dtype):  # of texts it is a type of Python's
        return axes + 1 if inner.kind in "iuf" else 0
    return axes if kind.kind in "biuf" or axes == 1 else 0


def read_mapped(
    path: Path,
    available: Mapping[str, Column],
    columns: Mapping[str, str],
    only: Collection[str] | None,
) -> Jets:
    """Return the jets of the columns that a mapping names, or whose names are recognised.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    lists = [name for name, column in available.items() if column.axes == 2]
    scalars = [name for name, column in available.items() if column.axes == 1 and not isinstance(column.part, int)]
    chosen = choose(path, columns, lists, scalars, list(available), only)
    momentum = {role: available[name] for role, name in chosen.momentum.items()}
    jets = len(next(iter(momentum.values())).array)
    for name in chosen.momentum.values():
        if available[name].axes != 2:
            raise DataError(
                f"column {name!r} has the shape {available[name].array.shape}; expected (jet, constituent), such as "
                "DATASET[2], the third value along the last axis of (jet, constituent, 4)",
                path,
            )
        if (count := len(available[name].array)) != jets:
            first = next(iter(chosen.momentum.values()))
            raise DataError(
                f"{jets} jets in column {first!r} and {count} in column {name!r}; expected equal numbers", path
            )

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        values = {role: column.rows(rows) for role, column in momentum.items()}
        if any(numbers.dtype == np.object_ for numbers in values.values()):
            return _unequal(values, origin)
        return padded(values, origin)

    read = in_blocks(path, jets, block, chosen.momentum, np.float64)
    of_jets = {name: available[column] for name, column in chosen.scalars.items()}
    if not columns:  # without a mapping, only the columns with one value for each jet
        of_jets = {name: column for name, column in of_jets.items() if len(column.array) == jets}
    values = {name: column.rows(slice(None)) for name, column in of_jets.items()}
    return Jets(read.momenta, read.offsets, finished(path, values, jets))


def padded(values: Mapping[str, NDArray[Any]], origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
    """Return the values of arrays (jet, constituent) without padding, which is zero, or nan in all components.

    Raises:
        DataError: the arrays have different widths.
    """
    (role, first), *others = values.items()
    for other, second in others:
        if second.shape != first.shape:
            raise DataError(
                f"column {origin.names[role]!r} is {first.shape[1]} constituents wide and column "
                f"{origin.names[other]!r} {second.shape[1]}; expected equal numbers",
                origin.path,
            )
    real = is_constituent(values)
    if np.isnan(first).any():
        real &= ~np.logical_and.reduce([np.isnan(numbers) for numbers in values.values()])
    return {role: numbers[real] for role, numbers in values.items()}, offsets_of(real.sum(axis=1))


def _unequal(values: Mapping[str, NDArray[Any]], origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
    """Return the values of arrays (jet,) of lists of different lengths."""
    offsets = {role: offsets_of([len(numbers) for numbers in lists]) for role, lists in values.items()}
    return {role: np.concatenate(list(lists)) for role, lists in values.items()}, same_counts(offsets, origin)


def in_blocks(
    path: Path,
    jets: int,
    block: Block,
    names: Mapping[str, str],
    precision: type[np.floating[Any]],
) -> Jets:
    """Return all jets, read block after block; finished blocks are held in this precision until the last is read."""

    def blocks() -> Iterator[tuple[Lists, NDArray[np.int64], Origin]]:
        for start in track(range(0, jets, BLOCK), f"reading {path.name}"):
            origin = Origin(path, names, first=start)
            yield *block(slice(start, min(start + BLOCK, jets)), origin), origin

    return joined(blocks(), precision)


def joined(blocks: Iterable[tuple[Lists, NDArray[np.int64], Origin]], precision: type[np.floating[Any]]) -> Jets:
    """Return the jets of all blocks, each given by the values of its constituents, its offsets and its origin."""
    parts: list[NDArray[np.floating[Any]]] = []
    counts: list[NDArray[np.int64]] = []
    for lists, offsets, origin in blocks:
        done = packed(lists, offsets, {}, origin)
        parts.append(done.momenta.astype(precision, copy=False))
        counts.append(done.counts())
    offsets = offsets_of(np.concatenate(counts) if counts else [])
    momenta = np.empty((int(offsets[-1]), 4))
    end = len(momenta)
    while parts:  # from the last, so that the memory of a part is released when it is copied
        part = parts.pop()
        momenta[end - len(part) : end] = part
        end -= len(part)
    return Jets(momenta, offsets)
