"""Attends to the words of each sentence with a weight vector made from that sentence: dynamic self-attention.

With x_i the i-th word of a sentence as one head sees it (Eq. 6) and q_i = 0 at first, r times over

    a = softmax(q),    z = tanh(sum_i a_i x_i),    q_i += x_i . z

and z is the sentence. The z of one iteration is the weight vector of the next. Algorithm 1 of Yoon, Lee and Lee
(2018), arXiv:1808.07383. In the first iteration all weights of a sentence of n words are 1 / n.
"""

import torch
from torch import Tensor

from lightning_suite import ragged


def _check(x: Tensor, offsets: Tensor, iterations: int) -> None:
    if x.dim() != 3 or not x.is_floating_point():
        kind = str(x.dtype).removeprefix("torch.")
        raise ValueError(
            "dsa_routing: x must be floating point of shape (word, head, head_dim), "
            f"got {kind} of shape {tuple(x.shape)}"
        )
    if offsets.device != x.device:
        raise ValueError(f"dsa_routing: offsets must be on the device of x, {x.device}, got {offsets.device}")
    if iterations < 1:
        raise ValueError(f"dsa_routing: iterations must be at least 1, got {iterations}")
    ragged.check(offsets, len(x), "dsa_routing")


def _route(x: Tensor, offsets: Tensor, iterations: int) -> tuple[Tensor, Tensor, Tensor]:
    """Algorithm 1; the outputs of the last iteration, its weights, and the vector that made them."""
    segment = ragged.segments(offsets, len(x))
    size = ragged.lengths(offsets)
    # A half-precision number cannot hold the length of a long sentence, so the division is in float32 at least.
    share = size.to(torch.promote_types(x.dtype, torch.float32)).reciprocal().to(x.dtype)  # sentence
    weights = share[segment][:, None].expand(x.shape[:2])  # word head
    vector = x.new_zeros(len(size), *x.shape[1:])  # sentence head head_dim
    z = ragged.weighted_sum(x, weights, offsets).tanh()
    scores: Tensor | None = None  # word head
    for _ in range(iterations - 1):
        vector = z
        agreement = (x * vector.index_select(0, segment)).sum(-1)
        scores = agreement if scores is None else scores + agreement
        weights = ragged.softmax(scores, offsets)
        z = ragged.weighted_sum(x, weights, offsets).tanh()
    return z, weights, vector


def dsa_routing(x: Tensor, offsets: Tensor, iterations: int = 2) -> Tensor:
    """Sentences from words by dynamic self-attention (Algorithm 1 of arXiv:1808.07383).

    Args:
        x: (word, head, head_dim) the words of all sentences, end to end, after Eq. 6.
        offsets: (sentence + 1,) int64, where each sentence begins; its last is the number of words.
        iterations: r, at least 1.

    Returns:
        (sentence, head, head_dim), each within (-1, 1); a sentence of no words is 0.

    Raises:
        ValueError: a shape, a dtype or a device is not the one above, the offsets do not cut the words into
            sentences, or iterations is less than 1.
    """
    _check(x, offsets, iterations)
    return _route(x, offsets, iterations)[0]


def dsa_routing_attention(x: Tensor, offsets: Tensor, iterations: int = 2) -> tuple[Tensor, Tensor]:
    """What `dsa_routing` attends to in its last iteration, and with which weight vector.

    Arguments and errors are those of `dsa_routing`.

    Returns:
        The weights (word, head), which add up to 1 over the words of a sentence; and the dynamic weight vector
        before the last iteration (sentence, head, head_dim), figure 2 of the paper: 0 where iterations is 1.
    """
    _check(x, offsets, iterations)
    _, weights, vector = _route(x, offsets, iterations)
    return weights, vector
