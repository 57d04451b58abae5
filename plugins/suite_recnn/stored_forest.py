"""Trees that stay on disk: those of many jets, of which only a batch at a time is in memory.

A tree is two pieces of two files, features and children, and is read with one call each: about 5 microseconds a jet
from the page cache, where a training step takes more than 100. The jets of a batch may be anywhere in the files, so
that a training draws from all jets alike and the order is that of trees in memory. (Mapped files would do the same, but
count as memory of the process while they stay mapped.)
"""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.offsets import offsets_of
from suite_recnn.forests import Forest

_TOGETHER = 4096
"""Jets that are read at once to look at some of their nodes."""


@final
class StoredForest:
    """The trees of several folders of the cache, in their order; trees that were not stored may be among them.

    Args:
        parts: folders with ``features.npy``, ``children.npy`` and ``offsets.npy``, and trees in memory.

    Attributes:
        offsets: (jet + 1,) where each tree begins among the nodes of all parts.

    Raises:
        OSError, ValueError: a file is absent or no array.
    """

    def __init__(self, parts: Sequence[Path | Forest]) -> None:
        self.parts = parts
        self._arrays = [[_array(part, name) for name in ("features", "children")] for part in parts]
        own = [part.offsets if isinstance(part, Forest) else np.load(part / "offsets.npy") for part in parts]
        self.offsets = offsets_of(np.concatenate([np.diff(offsets) for offsets in own]))
        self._first_jets = np.cumsum([0, *(len(offsets) - 1 for offsets in own)])
        weakref.finalize(self, _close, [a for pair in self._arrays for a in pair if isinstance(a, _StoredArray)])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredForest, (self.parts,)  # a worker process that does not inherit open files opens them again

    def select(self, jets: NDArray[np.int64]) -> Forest:
        """Return the trees of these numbers, in this order and also repeated.

        Raises:
            DataError: a file has become shorter since it was opened.
        """
        parts = np.searchsorted(self._first_jets, jets, side="right") - 1
        begins = self.offsets[:-1][jets]
        offsets = offsets_of(self.offsets[1:][jets] - begins)
        rows = begins - self.offsets[self._first_jets[parts]]
        places = list(zip(parts.tolist(), rows.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
        features = np.empty((offsets[-1], *self._arrays[0][0].shape[1:]), dtype=np.float32)
        children = np.empty((offsets[-1], 2), dtype=np.int32)
        for which, values in enumerate((features, children)):
            arrays = [pair[which] for pair in self._arrays]
            for part, row, begin, end in places:
                array = arrays[part]
                if isinstance(array, _StoredArray):
                    array.read(row, values[begin:end])
                else:
                    values[begin:end] = array[row : row + end - begin]
        return Forest(features, children, offsets)

    def ends(self, jets: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Return what ``Forest.ends`` does."""
        parts = []
        for begin in range(0, max(1, len(jets)), _TOGETHER):
            trees = self.select(jets[begin : begin + _TOGETHER])
            parts.append(trees.ends(np.arange(len(trees))))
        return [np.concatenate(values) for values in zip(*parts, strict=True)]


@final
class _StoredArray:
    """An .npy file that is open, of which rows are read."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            npy.read_magic(file)
            self.shape, _, dtype = npy.read_array_header_1_0(file)
            self._begin = file.tell()
        self._row_bytes = dtype.itemsize * int(np.prod(self.shape[1:]))
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY)

    def read(self, row: int, into: NDArray[Any]) -> None:
        """Read rows from this one on, as many as the array has."""
        if os.preadv(self.descriptor, [into.data], self._begin + row * self._row_bytes) != into.nbytes:
            raise DataError("has been cut short while it was used; expected the trees that were stored", self.path)


def _array(part: Path | Forest, name: str) -> "_StoredArray | NDArray[Any]":
    if isinstance(part, Forest):
        values: NDArray[Any] = getattr(part, name)
        return values
    return _StoredArray(part / f"{name}.npy")


def _close(arrays: Sequence[_StoredArray]) -> None:
    for array in arrays:
        os.close(array.descriptor)
