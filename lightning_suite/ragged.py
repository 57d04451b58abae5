"""A batch of sequences of different lengths: values packed end to end, and offsets where the sequences begin.

Sequence s is ``values[offsets[s]:offsets[s + 1]]``; ``offsets`` (sequence + 1,) is int64 or int32, begins with 0,
never falls and ends with the number of values. There is no padding, so nothing has to be masked, and the cost of a
batch is that of its values, not of its longest sequence times the number of sequences. (Nested tensors of torch have
the same layout, but few operations support them, and none of those needed here.)

Sums, maxima, softmax and weighted sums are ops of `lightning_suite.ops`, which are here too: `segment_sum`,
`segment_max`, `softmax` (there `segment_softmax`) and `weighted_sum`. Attention within sequences is its
`ragged_attention`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.offsets import offsets_of as offsets_of
from lightning_suite.offsets import select as select
from lightning_suite.ops.segment_max import segment_max as segment_max
from lightning_suite.ops.segment_softmax import segment_softmax
from lightning_suite.ops.segment_sum import segment_sum as segment_sum
from lightning_suite.ops.weighted_sum import weighted_sum as weighted_sum
from lightning_suite.sequences import check as check
from lightning_suite.sequences import check_kind as check_kind
from lightning_suite.sequences import lengths as lengths
from lightning_suite.sequences import segments as segments

softmax = segment_softmax


class Windows(NamedTuple):
    """The values in the window around each value; no window reaches into another sequence.

    In a window of ``width`` w, position j of the window around value i holds value i + j - (w - 1) // 2: one of even
    width reaches one value further ahead than back, as torch's convolutions with padding "same".

    Attributes:
        rows: (pair,) ``value * width + position`` for the values that a window holds, window by window.
        offsets: (value + 1,) where the pairs of a window begin.
        owners: (value * width,) at ``v * width + j`` the value whose window holds value v at position j; the number of
            values where there is none.
        width: positions of a window.
    """

    rows: Tensor
    offsets: Tensor
    owners: Tensor
    width: int


def pack(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return values and offsets of sequences of shape (length, ...).

    Raises:
        ValueError: there is no sequence, so that dtype and width of the values are unknown.

    Example:
        >>> values, offsets = pack([torch.tensor([1, 2]), torch.tensor([3])])
        >>> values.tolist(), offsets.tolist()
        ([1, 2, 3], [0, 2, 3])
    """
    if not sequences:
        raise ValueError("ragged.pack: expected at least one sequence, got none")
    sizes = torch.tensor([len(sequence) for sequence in sequences], device=sequences[0].device)
    return torch.cat(list(sequences)), offsets_of(sizes)


def split(values: Tensor, offsets: Tensor) -> tuple[Tensor, ...]:
    """Return the sequences, as views: the inverse of `pack`.

    Example:
        >>> [sequence.tolist() for sequence in split(torch.tensor([1, 2, 3]), torch.tensor([0, 2, 3]))]
        [[1, 2], [3]]
    """
    return torch.split(values, lengths(offsets).tolist())


def windows(offsets: Tensor, values: int, width: int) -> Windows:
    """Return the windows of a width around the values; in a graph that is exported, only their ``owners``.

    Raises:
        ValueError: the width is not positive.

    Example:
        >>> pairs = windows(torch.tensor([0, 2]), 2, width=3)
        >>> pairs.offsets.tolist(), (pairs.rows // 3).tolist()
        ([0, 2, 4], [0, 1, 0, 1])
    """
    if width < 1:
        raise ValueError(f"ragged.windows: width must be positive, got {width}")
    positions = torch.arange(width, device=offsets.device)
    reach = positions - (width - 1) // 2
    at = torch.arange(values, device=offsets.device)[:, None]  # value 1
    segment = segments(offsets, values)
    begin, end = offsets[segment][:, None], offsets[segment + 1][:, None]  # value 1
    inside = at + reach  # value position
    within = (inside >= begin) & (inside < end)
    owner = at - reach  # value position
    owned = (owner >= begin) & (owner < end)
    owners = torch.where(owned, owner, values).flatten()
    if torch.compiler.is_exporting():  # how many pairs there are is known from values alone, which a graph cannot ask
        return Windows(rows=owners[:0], offsets=owners[:0], owners=owners, width=width)
    pairs = (inside * width + positions)[within]
    return Windows(rows=pairs, offsets=offsets_of(within.sum(1)), owners=owners, width=width)
