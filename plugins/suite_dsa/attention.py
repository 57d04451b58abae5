"""Attention over words: with a weight vector made from the sentence (dynamic) or learnt (static)."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite import ragged
from lightning_suite.ops.dsa_routing import dsa_routing, dsa_routing_attention
from suite_dsa.dropout import SLOPE
from suite_dsa.initialisation import he_normal_
from suite_dsa.onednn_linear import Linear
from suite_dsa.pooling import Pooling


def split_heads(words: Tensor, heads: int) -> Tensor:
    """Return words split into heads: (word, head * head_dim) -> (word, head, head_dim).

    Example:
        >>> split_heads(torch.ones(5, 6), heads=2).shape
        torch.Size([5, 2, 3])
    """
    return words.view(words.shape[0], heads, words.shape[1] // heads)


class Attention(Pooling, Protocol):
    """A pooling that sums words by the weights of each head."""

    def vectors(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the weight vector each head attends with: (sentence, head, head_dim)."""
        ...


class DynamicSelfAttention(nn.Module):
    """Attention with a weight vector made from the sentence itself (Eq. 6, 7 and Algorithm 1).

    Args:
        input_dim: d_c.
        heads: m.
        head_dim: d_o.
        iterations: r.

    Example:
        >>> attention = DynamicSelfAttention(5, heads=2, head_dim=4, iterations=2)
        >>> words, offsets = torch.randn(7, 5), torch.tensor([0, 3, 7])
        >>> attention(words, offsets).shape, attention.weights(words, offsets).shape
        (torch.Size([2, 8]), torch.Size([7, 2]))
    """

    heads: int
    iterations: int
    output_dim: int

    def __init__(self, input_dim: int = 300, *, heads: int = 1, head_dim: int = 600, iterations: int = 2) -> None:
        super().__init__()
        self.heads, self.iterations, self.output_dim = heads, iterations, heads * head_dim
        self.project: Linear = Linear(input_dim, self.output_dim)
        he_normal_(self.project.weight, input_dim)
        nn.init.zeros_(self.project.bias)

    def project_words(self, words: Tensor) -> Tensor:
        """Return Eq. 6 but for its LeakyReLU, which the op takes: (word, input_dim) -> (word, head, head_dim)."""
        return split_heads(self.project(words), self.heads)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        return dsa_routing(self.project_words(words), offsets, self.iterations, SLOPE).flatten(1)

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        return dsa_routing_attention(self.project_words(words), offsets, self.iterations, SLOPE)[0]

    def vectors(self, words: Tensor, offsets: Tensor) -> Tensor:
        return dsa_routing_attention(self.project_words(words), offsets, self.iterations, SLOPE)[1]


class StaticSelfAttention(nn.Module):
    """Attention with a learnt weight vector for each head (Eq. 1), the paper's baseline.

    The words that are summed are those of Eq. 6, as in `DynamicSelfAttention`, so that both attentions sum the
    same words and differ in nothing but their weights; the W of Eq. 1 is an additional layer.

    Args:
        input_dim: d_c.
        heads: m.
        head_dim: d_o, and d_v of Eq. 1.
    """

    heads: int
    output_dim: int

    def __init__(self, input_dim: int = 300, *, heads: int = 1, head_dim: int = 600) -> None:
        super().__init__()
        self.heads, self.output_dim = heads, heads * head_dim
        self.project: Linear = Linear(input_dim, self.output_dim)
        self.score: Linear = Linear(input_dim, self.output_dim, bias=False)  # W of Eq. 1
        self.vector: nn.Parameter = nn.Parameter(torch.empty(heads, head_dim))  # v of Eq. 1
        for layer in (self.project, self.score):
            he_normal_(layer.weight, input_dim)
        he_normal_(self.vector, head_dim)
        nn.init.zeros_(self.project.bias)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        values = split_heads(functional.leaky_relu(self.project(words), SLOPE), self.heads)
        return ragged.weighted_sum(values, self.weights(words, offsets), offsets).flatten(1)

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        keys = split_heads(self.score(words).tanh(), self.heads)  # word head head_dim
        return ragged.softmax((keys * self.vector).sum(-1), offsets)

    def vectors(self, words: Tensor, offsets: Tensor) -> Tensor:
        return self.vector.expand(offsets.shape[0] - 1, *self.vector.shape)
