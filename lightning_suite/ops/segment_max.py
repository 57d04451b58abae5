"""Takes the greatest of the values of each sequence of a packed batch, column by column (`lightning_suite.ragged`).

docs/derivations/ragged_segments.md derives the gradients of the ops over sequences, and says how they are computed.
"""

from typing import Any

import torch
from torch import Tensor

from lightning_suite import sequences
from lightning_suite.ops import _compiled, _segments

COMPILED = _compiled.find("segment_max")


def segment_max(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the greatest of each sequence's values, column by column; that of an empty sequence is 0.

    NaN counts as greatest. The gradient goes to the greatest value, of equal ones to the first.

    Args:
        values: (value, dim) of all sequences, end to end.
        offsets: (sequence + 1,) int64 or int32, where each sequence begins; its last is the number of values.

    Returns:
        (sequence, dim) of the dtype of the values.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, or the offsets do not divide the values into
            sequences, which in a compiled graph is a RuntimeError, and on a GPU stops the kernel.

    Example:
        >>> segment_max(torch.tensor([[1.0], [2.0], [-3.0]]), torch.tensor([0, 2, 2, 3])).tolist()
        [[2.0], [0.0], [-3.0]]
    """
    offsets = _segments.check("segment_max", {"values": (values, "(value, dim)")}, offsets)
    learns = values.requires_grad and torch.is_grad_enabled()
    return _segments.compute(
        "segment_max",
        COMPILED,
        [values],
        offsets,
        lambda: torch.ops.lightning_suite.segment_max(values, offsets, learns)[0],
        lambda: reference(values, offsets),
    )


def reference(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the greatest in plain torch; arguments are not checked."""
    count = values.shape[0]
    segment = sequences.segments(offsets, count)[:, None].expand_as(values)
    none = values.new_full((offsets.shape[0] - 1, values.shape[1]), -torch.inf)
    there = (sequences.lengths(offsets) > 0)[:, None]
    greatest = none.scatter_reduce(0, segment, values.detach(), "amax")
    if torch.compiler.is_exporting() or not (values.requires_grad and torch.is_grad_enabled()):
        return greatest.where(there, 0.0)
    if values.numel() == 0:
        return torch.zeros_like(none) + values.sum()
    # scatter_reduce would divide the gradient among equal ones: the first of them is looked for, and taken.
    rows = torch.arange(count, device=values.device)[:, None]
    equal = (values.detach() == greatest.gather(0, segment)) | values.detach().isnan()
    first = torch.full_like(none, count, dtype=torch.int64)
    first = first.scatter_reduce(0, segment, rows.where(equal, count), "amin")
    return values.gather(0, first.clamp(max=count - 1)).where(there, 0.0)


def example(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    return _segments.example(device, 300)


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(values: Tensor, offsets: Tensor, with_places: bool) -> tuple[Tensor, Tensor]:
    sizes = offsets.shape[0] - 1, values.shape[1]
    return values.new_empty(sizes), values.new_empty(sizes if with_places else (0, sizes[1]), dtype=torch.int32)


def _fake_backward(grad_greatest: Tensor, places: Tensor, offsets: Tensor, values: int) -> Tensor:
    return grad_greatest.new_empty(values, grad_greatest.shape[1])


def _save(ctx: Any, inputs: tuple[Tensor, Tensor, bool], output: tuple[Tensor, Tensor]) -> None:
    values, offsets, _ = inputs
    ctx.save_for_backward(output[1], offsets)
    ctx.values = values.shape[0]


def _backward(ctx: Any, grad_greatest: Tensor, _: Any) -> tuple[Tensor, None, None]:
    places, offsets = ctx.saved_tensors
    if torch.is_grad_enabled():
        there = sequences.lengths(offsets) > 0
        rows = (offsets[:-1, None] + places)[there]
        return grad_greatest.new_zeros(ctx.values, places.shape[1]).scatter(0, rows, grad_greatest[there]), None, None
    grad = torch.ops.lightning_suite.segment_max_backward(grad_greatest, places, offsets, ctx.values)
    return grad, None, None


_compiled.register(
    COMPILED, "segment_max", fake_forward=_fake_forward, fake_backward=_fake_backward, save=_save, backward=_backward
)
