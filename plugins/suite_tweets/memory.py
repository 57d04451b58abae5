"""A cache of what an account wrote lately: words that were used are used again.

Beside the network stands a distribution over the tokens that were read last, each weighed by how much the network's
state before it resembles the state now (Grave, Joulin, Usunier: "Improving Neural Language Models with a Continuous
Cache", 2017, arXiv:1612.04426; with the network of Merity et al., section 6):

    p(w) = (1 - weight) p_network(w) + weight p_cache(w),
    p_cache(w) ~ sum of exp(flatness h_t . h_i) over the positions i < t of the window after which w stood

Nothing is trained; flatness and weight are chosen on the validation tweets. It measures how well tweets are predicted
when those before them are known; it writes no tweets.
"""

from typing import NamedTuple

import torch
from torch import Tensor

FLATNESSES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""What ``tuned`` tries; with a weight of 0 the cache is left out."""


class Memory(NamedTuple):
    """The tokens that were read last.

    Attributes:
        hidden: (token, hidden_dim) the network's last hidden state before each token.
        tokens: (token,) the tokens.
    """

    hidden: Tensor
    tokens: Tensor

    def and_then(self, later: "Memory") -> "Memory":
        """Return both, one after the other."""
        return Memory(torch.cat([self.hidden, later.hidden]), torch.cat([self.tokens, later.tokens]))

    def last(self, window: int) -> "Memory":
        """Return the last tokens of it, so many."""
        return Memory(self.hidden[-window:], self.tokens[-window:])


def cache_probability(read: Memory, before: Memory, *, window: int, flatness: float, together: int = 512) -> Tensor:
    """Return p_cache of tokens that were read.

    Args:
        read: the tokens, in their order.
        before: what was read before them.
        window: how far back the cache reaches, in tokens.
        flatness: how much the resemblance of states counts; 0: a cache of frequencies.
        together: tokens at a time; bounds the memory by this times (window + this) numbers.

    Returns:
        (token,) double; 0 for a token with nothing before it.
    """
    probabilities = [torch.empty(0, dtype=torch.float64, device=read.tokens.device)]
    past = before.last(window)
    for begin in range(0, len(read.tokens), together):
        now = Memory(read.hidden[begin : begin + together], read.tokens[begin : begin + together])
        known = past.and_then(now)
        age = torch.arange(len(now.tokens), device=now.tokens.device)[:, None] + len(past.tokens)
        age = age - torch.arange(len(known.tokens), device=now.tokens.device)  # token, known
        scores = flatness * now.hidden.float() @ known.hidden.float().T
        shares = scores.masked_fill((age <= 0) | (age > window), -torch.inf).softmax(dim=1).nan_to_num()
        probabilities.append((shares * (known.tokens == now.tokens[:, None])).sum(dim=1).double())
        past = known.last(window)
    return torch.cat(probabilities)


def mixed_nats(nats: Tensor, cache: Tensor, weight: float) -> Tensor:
    """Return -ln p of tokens by network and cache, from -ln p by the one and p by the other, each (token,) double."""
    return -((1 - weight) * (-nats).exp() + weight * cache).log()


def tuned(nats: Tensor, read: Memory, before: Memory, *, window: int) -> tuple[float, float]:
    """Return the flatness and the weight that predict tokens best, to be used on those that come after them.

    Args:
        nats: (token,) double, -ln p of each by the network.
        read: the tokens.
        before: what was read before them.
        window: how far back the cache reaches, in tokens.
    """
    tried = []
    for flatness in FLATNESSES:
        cache = cache_probability(read, before, window=window, flatness=flatness)
        tried += [(float(mixed_nats(nats, cache, weight).sum()), flatness, weight) for weight in WEIGHTS]
    _, flatness, weight = min(tried)
    return flatness, weight


class Cache:
    """A cache that is asked about texts in their order, and remembers each of them for the next.

    Attributes:
        window: how far back it reaches, in tokens.
        flatness: how much the resemblance of states counts.
        weight: of the cache beside the network.
    """

    flatness: float
    weight: float

    def __init__(self, nats: Tensor, read: Memory, before: Memory, *, window: int) -> None:
        """Choose flatness and weight on tokens, as ``tuned``, and remember them."""
        self.window = window
        self.flatness, self.weight = tuned(nats, read, before, window=window)
        self._memory = before.and_then(read).last(window)

    def probability(self, read: Memory) -> Tensor:
        """Return p_cache of further tokens, (token,) double, and remember them."""
        cache = cache_probability(read, self._memory, window=self.window, flatness=self.flatness)
        self._memory = self._memory.and_then(read).last(self.window)
        return cache

    def nats(self, nats: Tensor, read: Memory) -> Tensor:
        """Return -ln p by network and cache of further tokens, from -ln p by the network, each (token,) double."""
        return mixed_nats(nats, self.probability(read), self.weight)
