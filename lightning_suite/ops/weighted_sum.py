"""Adds up the weighted values of each sequence of a packed batch, head by head: s = sum_i w_i v_i.

The sequences lie end to end (`lightning_suite.ragged`). docs/derivations/ragged_segments.md derives the gradients of
the ops over sequences, and says how they are computed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite import sequences
from lightning_suite.offsets import offsets_of
from lightning_suite.ops import _compiled, _segments

COMPILED = _compiled.find("weighted_sum")
TAKES_WANTED = _compiled.takes(COMPILED, "weighted_sum_backward", "for_values")
"""Whether the compiled backward pass can leave out a gradient that nobody wants."""


def weighted_sum(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Return the sum over the weighted values of each sequence, head by head; an empty one sums to 0.

    Half precision is added up in float32.

    Args:
        values: (value, head, dim) of all sequences, end to end.
        weights: (value, head).
        offsets: (sequence + 1,) int64 or int32, where each sequence begins; its last is the number of values.

    Returns:
        (sequence, head, dim), of the wider dtype of the two, which autocast may have made different.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, or the offsets do not divide the values into
            sequences, which in a compiled graph is a RuntimeError, and on a GPU stops the kernel.

    Example:
        >>> values, weights = torch.tensor([[[1.0]], [[3.0]]]), torch.tensor([[0.5], [0.5]])
        >>> weighted_sum(values, weights, torch.tensor([0, 2])).tolist()
        [[[2.0]]]
    """
    arguments = {"values": (values, "(value, head, dim)"), "weights": (weights, "(value, head)")}
    offsets = _segments.check("weighted_sum", arguments, offsets)
    if weights.shape != values.shape[:2]:
        raise ValueError(
            f"weighted_sum: weights must be of shape (value, head), here {tuple(values.shape[:2])}, "
            f"got {tuple(weights.shape)}"
        )
    dtype = torch.promote_types(values.dtype, weights.dtype)
    values, weights = values.to(dtype), weights.to(dtype)
    return _segments.compute(
        "weighted_sum",
        COMPILED,
        [values, weights],
        offsets,
        lambda: torch.ops.lightning_suite.weighted_sum(values, weights, offsets),
        lambda: reference(values, weights, offsets),
    )


def reference(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """Return the sums in plain torch; arguments are not checked."""
    value, head, dim = values.shape
    sequence = offsets.shape[0] - 1
    dtype = torch.promote_types(values.dtype, weights.dtype)
    wide = torch.promote_types(dtype, torch.float32)
    values, weights = values.to(wide), weights.to(wide)
    if torch.compiler.is_exporting():
        weighted = values * weights[:, :, None]
        sums = values.new_zeros(sequence, head, dim)
        return sums.index_add(0, sequences.segments(offsets, value), weighted).to(dtype)
    if values.numel() == 0:
        return (values.new_zeros(sequence, head, dim) + values.sum() + 0 * weights.sum()).to(dtype)
    # Row i * head + j holds value i of head j. A bag is one head of one sequence: every head-th row of it.
    size = sequences.lengths(offsets).repeat_interleave(head)  # (sequence head)
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
    return total.view(sequence, head, dim).to(dtype)


def example(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    values, offsets = _segments.example(device, 4, 150)
    return values, values[:, :, 0].sigmoid(), offsets


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(values: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    return values.new_empty(offsets.shape[0] - 1, *values.shape[1:])


def _fake_backward(
    grad_sums: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Tensor,
    for_values: bool = True,
    for_weights: bool = True,
) -> tuple[Tensor, Tensor]:
    grad_values = values.new_empty(values.shape[0] if for_values else 0, *values.shape[1:])
    return grad_values, weights.new_empty(weights.shape[0] if for_weights else 0, weights.shape[1])


def _save(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, grad_sums: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
    values, weights, offsets = ctx.saved_tensors
    if torch.is_grad_enabled():
        slopes = grad_sums[sequences.segments(offsets, values.shape[0])]
        return slopes * weights[:, :, None], (slopes * values).sum(-1), None
    for_values, for_weights, _ = ctx.needs_input_grad
    wanted = (for_values, for_weights) if TAKES_WANTED else ()
    of_values, of_weights = torch.ops.lightning_suite.weighted_sum_backward(
        grad_sums, values, weights, offsets, *wanted
    )
    return of_values if for_values else None, of_weights if for_weights else None, None


_compiled.register(
    COMPILED, "weighted_sum", fake_forward=_fake_forward, fake_backward=_fake_backward, save=_save, backward=_backward
)
