"""A batch of sequences of different lengths: values packed end to end, and offsets where the sequences begin.

Sequence s is ``values[offsets[s]:offsets[s + 1]]``; ``offsets`` (sequence + 1,) is int64 or int32, begins with 0,
never falls and ends with the number of values. There is no padding, so nothing has to be masked, and the cost of a
batch is that of its values, not of its longest sequence times the number of sequences. (Nested tensors of torch have
the same layout, but few operations support them, and none of those needed here.) Attention within sequences is
`lightning_suite.ops.ragged_attention`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite.offsets import offsets_of as offsets_of
from lightning_suite.offsets import select as select


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


def check(offsets: Tensor, values: int, name: str) -> None:
    """Check that offsets divide a number of values into sequences.

    Args:
        offsets: (sequence + 1,).
        values: the number of values.
        name: the name of the function, for the message.

    Raises:
        ValueError: dtype, shape, first value, order or last value is wrong.

    Example:
        >>> check(torch.tensor([0, 3, 2]), 2, "mean")
        Traceback (most recent call last):
        ValueError: mean: offsets must never fall, but offset 2 is 2 after 3
    """
    check_kind(offsets, offsets.device, name)
    if offsets.is_meta:  # there are no values
        return
    if int(offsets[0]) != 0:
        raise ValueError(f"{name}: offsets must begin with 0, got {int(offsets[0])}")
    falls = (offsets[1:] < offsets[:-1]).nonzero()
    if len(falls):
        at = int(falls[0])
        raise ValueError(
            f"{name}: offsets must never fall, but offset {at + 1} is {int(offsets[at + 1])} after {int(offsets[at])}"
        )
    if int(offsets[-1]) != values:
        raise ValueError(f"{name}: the last offset must be the number of values, {values}, got {int(offsets[-1])}")


def check_kind(offsets: Tensor, device: torch.device, name: str, axis: str = "sequence") -> None:
    """Check device, dtype and shape of offsets, but not their values, as is possible in a compiled graph.

    Args:
        offsets: (sequence + 1,).
        device: the device of the values.
        name: the name of the function, for the message.
        axis: the function's word for a sequence.

    Raises:
        ValueError: device, dtype or shape is wrong.

    Example:
        >>> check_kind(torch.tensor([0.0, 2.0]), torch.device("cpu"), "mean")
        Traceback (most recent call last):
        ValueError: mean: offsets must be int64 or int32 of shape (sequence + 1,), got float32 of shape (2,)
    """
    if offsets.device != device:
        raise ValueError(f"{name}: offsets must be on the device of x, {device}, got {offsets.device}")
    if offsets.dtype not in (torch.int64, torch.int32) or offsets.dim() != 1 or offsets.numel() == 0:
        kind = str(offsets.dtype).removeprefix("torch.")
        raise ValueError(
            f"{name}: offsets must be int64 or int32 of shape ({axis} + 1,), got {kind} of shape {tuple(offsets.shape)}"
        )


def lengths(offsets: Tensor) -> Tensor:
    """Return the lengths of the sequences: (sequence + 1,) -> (sequence,).

    Example:
        >>> lengths(torch.tensor([0, 2, 2, 5])).tolist()
        [2, 0, 3]
    """
    return offsets.diff()


def segments(offsets: Tensor, values: int) -> Tensor:
    """Return the sequence that each value belongs to: (value,), ascending.

    Example:
        >>> segments(torch.tensor([0, 2, 2, 5]), 5).tolist()
        [0, 0, 2, 2, 2]
    """
    if torch.compiler.is_exporting():  # ONNX has no repeat_interleave: a value has as many ends before it
        ends = offsets.new_zeros(values + 1).index_add(0, offsets[1:], torch.ones_like(offsets[1:]))
        return ends.cumsum(0)[:values]
    sequence = torch.arange(len(offsets) - 1, device=offsets.device)
    return sequence.repeat_interleave(lengths(offsets), output_size=values)


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


def segment_sum(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the sum over the values of each sequence: (value, dim) -> (sequence, dim); an empty one sums to 0.

    Example:
        >>> segment_sum(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 2, 2, 3])).tolist()
        [[3.0], [0.0], [3.0]]
    """
    if torch.compiler.is_exporting():
        sums = values.new_zeros(offsets.shape[0] - 1, values.shape[1])
        return sums.index_add(0, segments(offsets, values.shape[0]), values)
    # embedding_bag is torch's only packed sum with a fast backward pass; segment_reduce takes 8 times as long.
    if len(values) == 0:  # embedding_bag needs a table that is not empty
        return values.new_zeros(len(offsets) - 1, values.shape[1]) + values.sum()
    rows = torch.arange(len(values), device=values.device)
    return functional.embedding_bag(rows, values, offsets, mode="sum", include_last_offset=True)


def segment_max(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the greatest of each sequence's values: (value, dim) -> (sequence, dim); that of an empty one is 0.

    Example:
        >>> segment_max(torch.tensor([[1.0], [2.0], [-3.0]]), torch.tensor([0, 2, 2, 3])).tolist()
        [[2.0], [0.0], [-3.0]]
    """
    # Without a gradient torch's scatter is three times as fast on a CPU; with one it takes twice as long.
    if torch.compiler.is_exporting() or not (values.requires_grad and torch.is_grad_enabled()):
        segment = segments(offsets, values.shape[0])[:, None].expand_as(values)
        greatest = values.new_full((offsets.shape[0] - 1, values.shape[1]), -torch.inf)
        greatest = greatest.scatter_reduce(0, segment, values, "amax")
        return greatest.where((lengths(offsets) > 0)[:, None], 0.0)
    if len(values) == 0:
        return segment_sum(values, offsets)
    rows = torch.arange(len(values), device=values.device)
    return functional.embedding_bag(rows, values, offsets, mode="max", include_last_offset=True)


def weighted_sum(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Return the sum over the weighted values of each sequence, head by head.

    Args:
        values: (value, head, dim).
        weights: (value, head).
        offsets: (sequence + 1,).

    Returns:
        (sequence, head, dim), of the wider dtype of the two, which autocast may have made different.

    Example:
        >>> values, weights = torch.tensor([[[1.0]], [[3.0]]]), torch.tensor([[0.5], [0.5]])
        >>> weighted_sum(values, weights, torch.tensor([0, 2])).tolist()
        [[[2.0]]]
    """
    value, head, dim = values.shape
    sequence = offsets.shape[0] - 1
    dtype = torch.promote_types(values.dtype, weights.dtype)
    values, weights = values.to(dtype), weights.to(dtype)
    if torch.compiler.is_exporting():
        weighted = values * weights[:, :, None]
        return values.new_zeros(sequence, head, dim).index_add(0, segments(offsets, value), weighted)
    if value == 0 or head == 0:
        return values.new_zeros(sequence, head, dim) + values.sum() + weights.sum()
    # Row i * head + j holds value i of head j. A bag is one head of one sequence: every head-th row of it.
    size = lengths(offsets).repeat_interleave(head)  # (sequence head)
    bags = offsets_of(size)
    first = (offsets[:-1, None] * head + torch.arange(head, device=values.device)).flatten()
    rows = torch.arange(value * head, device=values.device)
    rows = (rows - (bags[:-1]).repeat_interleave(size, output_size=len(rows))) * head
    rows = rows + first.repeat_interleave(size, output_size=len(rows))
    total = functional.embedding_bag(
        rows,
        values.reshape(value * head, dim),
        bags,
        mode="sum",
        per_sample_weights=weights.reshape(-1)[rows],
        include_last_offset=True,
    )
    return total.view(sequence, head, dim)


def softmax(scores: Tensor, offsets: Tensor) -> Tensor:
    """Return the softmax of the scores within their sequence, column by column: (value, head) -> (value, head).

    Example:
        >>> softmax(torch.tensor([[0.0], [0.0], [5.0]]), torch.tensor([0, 2, 3])).tolist()
        [[0.5], [0.5], [1.0]]
    """
    segment = segments(offsets, scores.shape[0])
    # The greatest score is subtracted only so that nothing overflows: it needs no gradient.
    top = scores.new_full((offsets.shape[0] - 1, scores.shape[1]), -torch.inf)
    top = top.scatter_reduce(0, segment[:, None].expand_as(scores), scores.detach(), "amax")
    exponential = (scores - top[segment]).exp()
    if scores.is_cpu:  # index_add is quick for so few columns, and on a CPU it adds in order
        return exponential / exponential.new_zeros(top.shape).index_add(0, segment, exponential)[segment]
    return exponential / segment_sum(exponential, offsets)[segment]


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
