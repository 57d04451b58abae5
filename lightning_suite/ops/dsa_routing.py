"""Attends to the words of each sentence with a weight vector made from that sentence: dynamic self-attention.

With x_i the i-th word of a sentence as one head sees it (Eq. 6, LeakyReLU of a projection; the op can take LeakyReLU by
itself) and q_i = 0 at first, r times over

    a = softmax(q),    z = tanh(sum_i a_i x_i),    q_i += x_i . z

and z is the sentence. The z of one iteration is the weight vector of the next. Algorithm 1 of Yoon, Lee and Lee
(2018), arXiv:1808.07383. In the first iteration all weights of a sentence of n words are 1 / n.

docs/derivations/dsa_routing.md derives the backward pass and says what is saved for it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite import ragged
from lightning_suite.ops import _arguments, _compiled
from lightning_suite.ops.segment_softmax import reference as softmax
from lightning_suite.ops.weighted_sum import reference as weighted_sum

COMPILED = _compiled.find("dsa_routing")
TAKES_SLOPE = _compiled.takes(COMPILED, "dsa_routing", "negative_slope")
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def dsa_routing(x: Tensor, offsets: Tensor, iterations: int = 2, negative_slope: float = 1) -> Tensor:
    """Return the embeddings of sentences by dynamic self-attention to their words (Algorithm 1 of arXiv:1808.07383).

    Half precision is computed in float32. The compiled form has a first derivative, in backward mode; torch.func
    can transform `reference`, which is plain torch.

    Args:
        x: (word, head, head_dim) the words of all sentences, end to end, after Eq. 6; float32, float64, bfloat16 or
            float16.
        offsets: (sentence + 1,) int64 or int32, where each sentence begins; its last is the number of words.
        iterations: r, at least 1.
        negative_slope: that of a LeakyReLU which x goes through first, in [0, 1]; 1 takes x as it is. On a CPU this
            saves the memory and the time that LeakyReLU before the op takes.

    Returns:
        (sentence, head, head_dim) of x's dtype, each within [-1, 1]; a sentence of no words is 0.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, the offsets do not divide the words into
            sentences, iterations is less than 1, or negative_slope is outside [0, 1]. Offsets are checked while the
            kernel runs: in a compiled graph (torch.compile) wrong ones are a RuntimeError, and on a GPU they stop the
            kernel.

    Example:
        >>> words, offsets = torch.randn(5, 2, 3), torch.tensor([0, 3, 5])
        >>> dsa_routing(words, offsets).shape
        torch.Size([2, 2, 3])
    """
    return _route(x, offsets, iterations, negative_slope)[0]


def dsa_routing_attention(
    x: Tensor, offsets: Tensor, iterations: int = 2, negative_slope: float = 1
) -> tuple[Tensor, Tensor]:
    """Return what `dsa_routing` attends to in its last iteration, and with which weight vector.

    Arguments and errors are those of `dsa_routing`; gradients flow through both results.

    Returns:
        The weights (word, head), which add up to 1 over the words of a sentence; and the dynamic weight vector
        before the last iteration (sentence, head, head_dim), figure 2 of the paper: 0 where iterations is 1.
    """
    return _route(x, offsets, iterations, negative_slope)[1:]


def reference(
    x: Tensor, offsets: Tensor, iterations: int = 2, negative_slope: float = 1
) -> tuple[Tensor, Tensor, Tensor]:
    """Return Algorithm 1 in plain torch, which the compiled form must equal.

    Arguments are those of `dsa_routing`, and are not checked.

    Returns:
        The outputs of the last iteration (sentence, head, head_dim), its weights (word, head), and the vector that
        made them (sentence, head, head_dim).
    """
    segment = ragged.segments(offsets, x.shape[0])
    wide = _activated(x.to(torch.promote_types(x.dtype, torch.float32)), negative_slope)
    weights = _equal_weights(wide, offsets)
    vector = wide.new_zeros(offsets.shape[0] - 1, *x.shape[1:])  # sentence head head_dim
    z = weighted_sum(wide, weights, offsets).tanh()
    scores: Tensor | None = None  # word head
    for _ in range(iterations - 1):
        vector = z
        agreement = (wide * vector.index_select(0, segment)).sum(-1)
        scores = agreement if scores is None else scores + agreement
        weights = softmax(scores, offsets)
        z = weighted_sum(wide, weights, offsets).tanh()
    return z.to(x.dtype), weights.to(x.dtype), vector.to(x.dtype)


def example(device: torch.device) -> tuple[Tensor, Tensor, int]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    lengths = torch.arange(256) % 29 + 1
    x = 0.1 * torch.randn(int(lengths.sum()), 4, 150, generator=torch.Generator().manual_seed(0))
    return x.to(device), ragged.offsets_of(lengths).to(device), 2


def _activated(x: Tensor, negative_slope: float) -> Tensor:
    return x if negative_slope == 1 else functional.leaky_relu(x, negative_slope)


def _route(x: Tensor, offsets: Tensor, iterations: int, negative_slope: float) -> tuple[Tensor, Tensor, Tensor]:
    _check(x, offsets, iterations, negative_slope)
    offsets = offsets.long()
    if not _compiled.serves(COMPILED, x.device) or x.shape[2] == 0:
        if not _compiled.serves(COMPILED, x.device):
            _compiled.warn_of_fallback(COMPILED, x.device)
        ragged.check(offsets, x.shape[0], "dsa_routing")
        return reference(x, offsets, iterations, negative_slope)
    slope = (negative_slope,) if TAKES_SLOPE else ()
    if x.device.type == "cuda" or not slope:  # the kernel for CUDA does not know LeakyReLU
        x, slope = _activated(x, negative_slope), ()
    _compiled.refuse_forward_mode("dsa_routing", x)
    try:
        z, weights, vectors = torch.ops.lightning_suite.dsa_routing(x, offsets, iterations, *slope)
    except RuntimeError as error:
        _compiled.explain("dsa_routing", error)
        ragged.check(offsets, x.shape[0], "dsa_routing")  # the same message with and without the compiled form
        raise
    if iterations == 1:
        return z, _equal_weights(x, offsets), torch.zeros_like(z)
    return z, weights[-1].to(x.dtype), vectors[-1].to(x.dtype)


def _check(x: Tensor, offsets: Tensor, iterations: int, negative_slope: float) -> None:
    """Raise TypeError for what is no tensor, ValueError for a wrong shape, dtype, device or number.

    Values of tensors are not read.
    """
    _arguments.check_dense("dsa_routing", {"x": x, "offsets": offsets})
    if x.dim() != 3 or x.dtype not in DTYPES:
        known = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
        kind = str(x.dtype).removeprefix("torch.")
        raise ValueError(
            f"dsa_routing: x must be of shape (word, head, head_dim) and one of {known}, "
            f"got {kind} of shape {tuple(x.shape)}"
        )
    ragged.check_kind(offsets, x.device, "dsa_routing", "sentence")
    if not isinstance(iterations, int | torch.SymInt) or iterations < 1:
        raise ValueError(f"dsa_routing: iterations must be a whole number of at least 1, got {iterations!r}")
    if not 0 <= negative_slope <= 1:
        raise ValueError(f"dsa_routing: negative_slope must be in [0, 1], got {negative_slope!r}")


def _equal_weights(x: Tensor, offsets: Tensor) -> Tensor:
    """Return 1 / n for each of the n words of a sentence: (word, head)."""
    # A half-precision number cannot hold the length of a long sentence, so the division is in float32 at least.
    share = ragged.lengths(offsets).to(torch.promote_types(x.dtype, torch.float32)).reciprocal().to(x.dtype)
    return share[ragged.segments(offsets, x.shape[0])][:, None].expand(x.shape[:2])


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(
    x: Tensor, offsets: Tensor, iterations: int, negative_slope: float = 1
) -> tuple[Tensor, Tensor, Tensor]:
    words, heads, head_dim = x.shape
    sentences = offsets.shape[0] - 1
    wide = torch.promote_types(x.dtype, torch.float32)
    return (
        x.new_empty(sentences, heads, head_dim),
        x.new_empty(iterations - 1, words, heads, dtype=wide),
        x.new_empty(iterations - 1, sentences, heads, head_dim, dtype=wide),
    )


def _fake_backward(
    grad_z: Tensor | None, grad_weights: Tensor | None, grad_vectors: Tensor | None, x: Tensor, *saved: Any
) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    x, offsets, _, *ctx.slope = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(x, offsets, *output)


def _backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
    grad_x = None
    if any(grad is not None for grad in grads):
        grad_x = torch.ops.lightning_suite.dsa_routing_backward(*grads, *ctx.saved_tensors, *ctx.slope)
    return grad_x, None, None, *(None for _ in ctx.slope)


_compiled.register(
    COMPILED, "dsa_routing", fake_forward=_fake_forward, fake_backward=_fake_backward, save=_save, backward=_backward
)
