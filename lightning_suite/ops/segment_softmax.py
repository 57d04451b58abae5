"""Takes the softmax of scores within each sequence of a packed batch: p_i = exp(s_i) / sum_j exp(s_j).

The sequences lie end to end (`lightning_suite.ragged`). docs/derivations/ragged_segments.md derives the gradients of
the ops over sequences, and says how they are computed.
"""

from typing import Any

import torch
from torch import Tensor

from lightning_suite import sequences
from lightning_suite.ops import _compiled, _segments
from lightning_suite.ops.segment_sum import reference as sums_of

COMPILED = _compiled.find("segment_softmax")


def segment_softmax(scores: Tensor, offsets: Tensor) -> Tensor:
    """Return the softmax of the scores within their sequence, column by column.

    Half precision is computed in float32. A score of -inf has the share 0, unless all of its sequence are.

    Args:
        scores: (value, head) of all sequences, end to end.
        offsets: (sequence + 1,) int64 or int32, where each sequence begins; its last is the number of values.

    Returns:
        (value, head) of the dtype of the scores.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, or the offsets do not divide the scores into
            sequences, which in a compiled graph is a RuntimeError, and on a GPU stops the kernel.

    Example:
        >>> segment_softmax(torch.tensor([[0.0], [0.0], [5.0]]), torch.tensor([0, 2, 3])).tolist()
        [[0.5], [0.5], [1.0]]
    """
    offsets = _segments.check("segment_softmax", {"scores": (scores, "(value, head)")}, offsets)
    return _segments.compute(
        "segment_softmax",
        COMPILED,
        [scores],
        offsets,
        lambda: torch.ops.lightning_suite.segment_softmax(scores, offsets),
        lambda: reference(scores, offsets),
    )


def reference(scores: Tensor, offsets: Tensor) -> Tensor:
    """Return the softmax in plain torch; arguments are not checked."""
    wide = _segments.wide(scores)
    segment = sequences.segments(offsets, scores.shape[0])
    # The greatest score is subtracted only so that nothing overflows: it needs no gradient.
    top = wide.new_full((offsets.shape[0] - 1, scores.shape[1]), -torch.inf)
    top = top.scatter_reduce(0, segment[:, None].expand_as(wide), wide.detach(), "amax")
    exponential = (wide - top[segment]).exp()
    if scores.is_cpu:  # index_add is quick for so few columns, and on a CPU it adds in order
        sums = exponential.new_zeros(top.shape).index_add(0, segment, exponential)
    else:
        sums = sums_of(exponential, offsets)
    return (exponential / sums[segment]).to(scores.dtype)


def example(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    scores, offsets = _segments.example(device, 8)
    return 0.1 * scores, offsets


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(scores: Tensor, offsets: Tensor) -> Tensor:
    return torch.empty_like(scores, memory_format=torch.contiguous_format)


def _fake_backward(grad_shares: Tensor, shares: Tensor, offsets: Tensor) -> Tensor:
    return torch.empty_like(shares, memory_format=torch.contiguous_format)


def _save(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(output, inputs[1])


def _backward(ctx: Any, grad_shares: Tensor) -> tuple[Tensor, None]:
    shares, offsets = ctx.saved_tensors
    if torch.is_grad_enabled():
        means = sums_of(shares * grad_shares, offsets)
        return shares * (grad_shares - means[sequences.segments(offsets, shares.shape[0])]), None
    return torch.ops.lightning_suite.segment_softmax_backward(grad_shares, shares, offsets), None


_compiled.register(
    COMPILED,
    "segment_softmax",
    fake_forward=_fake_forward,
    fake_backward=_fake_backward,
    save=_save,
    backward=_backward,
)
