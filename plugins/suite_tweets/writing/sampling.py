"""Draws tokens from the distributions that a language model gives.

Of each distribution over tokens a few can be cut off before one is drawn:

    p_i = softmax(logits / temperature)_i      over the top_k likeliest tokens,
                                               and of these over the fewest whose probability reaches top_p

(top_p: Holtzman et al., 2020, arXiv:1904.09751).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import RunError

_BLOCK = 64  # tokens, about the root of how many a vocabulary has
_LIKELIEST = 128  # tokens in which top_p is looked for first

_CONSTRAINTS = {
    "temperature": [Interval(float, 0)],
    "top_k": [Interval(int, 0)],
    "top_p": [Interval(float, 0, 1, closed="right")],
    "no_repeat": [Interval(int, 0)],
}


def in_blocks(logits: Tensor) -> Tensor:
    """Return a copy of logits (row, token) on the CPU with as many tokens more, never drawn, as ``draw`` likes."""
    rows, tokens = logits.shape
    copy = torch.empty(rows, -(-tokens // _BLOCK) * _BLOCK)
    copy[:, :tokens] = logits
    copy[:, tokens:] = -math.inf
    return copy


def filter_logits(logits: Tensor, sampling: "Sampling") -> Tensor:
    """Return logits (row, token) divided by the temperature, those cut off -inf; the largest of each row is 0.

    Of equal logits that top_k, top_p or a temperature of 0 must choose between, any may stay.

    Example:
        >>> filter_logits(torch.tensor([[0.0, 2.0, 1.0]]), Sampling(top_k=2)).tolist()
        [[-inf, 0.0, -1.0]]
    """
    scaled = logits - logits.amax(dim=1, keepdim=True)
    if sampling.temperature == 0:
        return torch.full_like(scaled, -math.inf).scatter(1, scaled.argmax(dim=1, keepdim=True), 0.0)
    if sampling.temperature != 1:
        scaled = scaled / max(sampling.temperature, torch.finfo(scaled.dtype).tiny)
    if 0 < sampling.top_k < scaled.shape[1]:
        largest, tokens = scaled.topk(sampling.top_k, dim=1)
        scaled = torch.full_like(scaled, -math.inf).scatter(1, tokens, largest)
    return scaled if sampling.top_p == 1 else _nucleus(scaled, sampling.top_p)


def _nucleus(scaled: Tensor, top_p: float) -> Tensor:
    """Return scaled logits, -inf but for the fewest likeliest tokens of each row whose probability reaches top_p."""
    probabilities = scaled.softmax(dim=1)
    size = _LIKELIEST
    while True:  # mostly few tokens are enough, and to find them costs less than to sort all
        largest, tokens = probabilities.topk(min(size, probabilities.shape[1]), dim=1)
        reached = largest.cumsum(dim=1, dtype=torch.float64)
        if size >= probabilities.shape[1] or bool((reached[:, -1] >= top_p).all()):
            break
        size *= 8
    before = torch.cat((torch.zeros_like(reached[:, :1]), reached[:, :-1]), dim=1)
    nucleus = scaled.gather(1, tokens).masked_fill(before >= top_p, -math.inf)
    return torch.full_like(scaled, -math.inf).scatter(1, tokens, nucleus)


def draw(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Return a token of each row of logits (row, token) of ``filter_logits``, drawn with its probability.

    The inverse of the cumulated weights exp(logits), in two steps, a block of tokens and then the token in it:
    to cumulate all of them would take longer than the rest. Two random numbers a row, where ``torch.multinomial``
    takes one a token.

    Raises:
        RunError: the logits are no numbers.
    """
    if logits.shape[1] % _BLOCK:
        logits = in_blocks(logits)
    weights = logits.exp().view(len(logits), -1, _BLOCK)  # row block token
    cumulated = weights.sum(dim=2).cumsum(dim=1, dtype=torch.float64)  # row block
    total = cumulated[:, -1:]
    if not bool(total.isfinite().all()):
        raise RunError("the network gives numbers that are no probabilities (nan): its training went astray")
    # 24 random bits times a float64 stay below the total: a weight of 0 is never drawn, here nor below.
    block = torch.searchsorted(cumulated, torch.rand(len(logits), 1, generator=generator).double() * total, right=True)
    within = weights[torch.arange(len(logits)), block[:, 0]].cumsum(dim=1, dtype=torch.float64)
    # A second random number, not the rest of the first: two sums of the same weights differ in their last digits.
    chance = torch.rand(len(logits), 1, generator=generator).double() * within[:, -1:]
    return (block * _BLOCK + torch.searchsorted(within, chance, right=True))[:, 0]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is drawn from the model's distribution.

    Attributes:
        temperature: logits are divided by it: below 1 likelier tokens gain, at 0 the likeliest is taken.
        top_k: only so many of the likeliest tokens; 0: all.
        top_p: only the fewest likeliest tokens whose probability reaches it.
        no_repeat: a run of this many words occurs only once in a text (``repeats``); 0: runs may be repeated.

    Raises:
        UsageError: a value is out of its range.

    Example:
        >>> Sampling(temperature=0.8, top_p=0.95)
        Sampling(temperature=0.8, top_k=0, top_p=0.95, no_repeat=0)
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    no_repeat: int = 0

    @property
    def always_the_same(self) -> bool:
        """Whether the same beginning always gives the same text."""
        return self.temperature == 0 or self.top_k == 1

    def __post_init__(self) -> None:
        check(_CONSTRAINTS, vars(self))
