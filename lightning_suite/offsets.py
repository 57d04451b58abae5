"""Offsets of sequences that are packed end to end in one array, for numpy arrays and torch tensors.

Sequence s is ``values[offsets[s]:offsets[s + 1]]``; ``offsets`` (sequence + 1,) begins with 0 and ends with the number
of values. Nothing here imports torch, so that a process that only needs numpy starts fast.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[Any]


@overload
def offsets_of(lengths: "Tensor") -> "Tensor": ...
@overload
def offsets_of(lengths: Array | Sequence[int]) -> NDArray[numpy.int64]: ...
def offsets_of(lengths: "Tensor | Array | Sequence[int]") -> "Tensor | NDArray[numpy.int64]":
    """Return the offsets of sequences of these lengths, int64: (sequence,) -> (sequence + 1,).

    Example:
        >>> offsets_of([2, 0, 3]).tolist()
        [0, 2, 2, 5]
    """
    if isinstance(lengths, numpy.ndarray | Sequence):
        return numpy.concatenate([[0], numpy.cumsum(lengths, dtype=numpy.int64)], dtype=numpy.int64)
    from torch.nn import functional

    return functional.pad(lengths.cumsum(0), (1, 0))


@overload
def select(offsets: "Tensor", chosen: "Tensor") -> "tuple[Tensor, Tensor]": ...
@overload
def select(offsets: Array, chosen: Array) -> tuple[NDArray[numpy.int64], NDArray[numpy.int64]]: ...
def select(offsets: Any, chosen: Any) -> tuple[Any, Any]:
    """Return the rows of the chosen sequences, in any order and also repeated, and their new offsets.

    Args:
        offsets: (sequence + 1,) of all sequences.
        chosen: (chosen,) numbers of sequences, or (sequence,) a mask of booleans.

    Returns:
        The rows of the chosen values (value,), and their offsets (chosen + 1,) int64.

    Example:
        >>> rows, offsets = select(numpy.array([0, 2, 2, 5]), numpy.array([2, 0]))
        >>> rows.tolist(), offsets.tolist()
        ([2, 3, 4, 0, 1], [0, 3, 5])
    """
    begins, ends = offsets[:-1][chosen], offsets[1:][chosen]
    lengths = ends - begins
    new = offsets_of(lengths)
    shift = begins - new[:-1]
    if isinstance(offsets, numpy.ndarray):
        return numpy.arange(new[-1]) + numpy.repeat(shift, lengths), new
    import torch

    count = int(new[-1])
    return torch.arange(count, device=offsets.device) + shift.repeat_interleave(lengths, output_size=count), new
