"""Adds up the values of each sequence of a packed batch: s = sum_i v_i (`lightning_suite.ragged`).

docs/derivations/ragged_segments.md derives the gradients of the ops over sequences, and says how they are computed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite import sequences
from lightning_suite.ops import _compiled, _segments

COMPILED = _compiled.find("segment_sum")


def segment_sum(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the sum over the values of each sequence; an empty one sums to 0.

    Half precision is added up in float32.

    Args:
        values: (value, dim) of all sequences, end to end.
        offsets: (sequence + 1,) int64 or int32, where each sequence begins; its last is the number of values.

    Returns:
        (sequence, dim) of the dtype of the values.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, or the offsets do not divide the values into
            sequences, which in a compiled graph is a RuntimeError, and on a GPU stops the kernel.

    Example:
        >>> segment_sum(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 2, 2, 3])).tolist()
        [[3.0], [0.0], [3.0]]
    """
    offsets = _segments.check("segment_sum", {"values": (values, "(value, dim)")}, offsets)
    return _segments.compute(
        "segment_sum",
        COMPILED,
        [values],
        offsets,
        lambda: torch.ops.lightning_suite.segment_sum(values, offsets),
        lambda: reference(values, offsets),
    )


def reference(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the sums in plain torch; arguments are not checked."""
    if torch.compiler.is_exporting():
        sums = values.new_zeros(offsets.shape[0] - 1, values.shape[1])
        return sums.index_add(0, sequences.segments(offsets, values.shape[0]), values)
    # embedding_bag is torch's only packed sum with a fast backward pass; segment_reduce takes 8 times as long.
    if values.shape[0] == 0 or values.shape[1] == 0:  # embedding_bag needs a table that is not empty
        return values.new_zeros(len(offsets) - 1, values.shape[1]) + values.sum()
    rows = torch.arange(len(values), device=values.device)
    sums = functional.embedding_bag(rows, _segments.wide(values), offsets, mode="sum", include_last_offset=True)
    return sums.to(values.dtype)


def example(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    return _segments.example(device, 300)


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(values: Tensor, offsets: Tensor) -> Tensor:
    return values.new_empty(offsets.shape[0] - 1, values.shape[1])


def _fake_backward(grad_sums: Tensor, offsets: Tensor, values: int) -> Tensor:
    return grad_sums.new_empty(values, grad_sums.shape[1])


def _save(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    values, offsets = inputs
    ctx.save_for_backward(offsets)
    ctx.values = values.shape[0]


def _backward(ctx: Any, grad_sums: Tensor) -> tuple[Tensor, None]:
    (offsets,) = ctx.saved_tensors
    if torch.is_grad_enabled():
        return grad_sums[sequences.segments(offsets, ctx.values)], None
    return torch.ops.lightning_suite.segment_sum_backward(grad_sums, offsets, ctx.values), None


_compiled.register(
    COMPILED, "segment_sum", fake_forward=_fake_forward, fake_backward=_fake_backward, save=_save, backward=_backward
)
