"""Sentence encoder with dynamic self-attention on a dense CNN, and its classifiers (arXiv:1808.07383).

Words of a batch lie end to end, (word, word_dim) with offsets (sentence + 1,): none is padding, and a convolution sees
zeros beyond the ends of its own sentence, which is the zero padding of section 3.1.

A convolution of kernel k is one matrix product, of all words with the k taps of the kernel side by side, followed by a
sum over each word's window: ``(word, channel) @ (channel, k * out)`` is wide enough to run at full speed, and the sum
moves only k * out numbers a word. The first layers of both kernels share their input and are one product as well.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite import ragged
from lightning_suite.ops.dsa_routing import dsa_routing, dsa_routing_attention
from suite_dsa.product import Linear, product, spare_rows

SLOPE = 0.01
"""LeakyReLU's slope below zero; the paper names none, this is torch's."""


def kept(shape: Sequence[int], rate: float, device: torch.device) -> Tensor:
    """1 where dropout keeps a number and 0 where it drops one, int16.

    Four decisions come out of one 64-bit random number, which is 6 times as quick on a CPU as a Bernoulli draw for
    each; the rate is met to 1 / 65536.
    """
    count = math.prod(shape)
    bits = torch.empty((count + 3) // 4, dtype=torch.int64, device=device).random_(-(2**63), None)
    least = round(rate * 65536) - 32768  # the least 16-bit number that is kept
    last_dropped = least - 1
    return bits.view(torch.int16)[:count].view(*shape).clamp_(last_dropped, least).sub_(last_dropped)


def he_(weight: Tensor, fan_in: int, rate: float) -> None:
    """He initialisation times the square root of the layer's dropout rate (appendix).

    The rate is the probability of dropping. A layer without dropout would start at zero and never learn, so there the
    factor is left out.
    """
    nn.init.normal_(weight, std=math.sqrt(2 / fan_in) * (math.sqrt(rate) if rate > 0 else 1.0))


def unit(words: Tensor) -> Tensor:
    """Words of length 1; a word of zeros stays zero."""
    return functional.normalize(words, dim=-1)


def by_head(words: Tensor, heads: int) -> Tensor:
    """(word, head * head_dim) -> (word, head, head_dim)."""
    return words.view(len(words), heads, words.shape[1] // heads)


def heuristic_matching(premise: Tensor, hypothesis: Tensor) -> Tensor:
    """concat[h, p, |h - p|, h * p] of Mou et al. (2016): (sentence, dim) twice -> (sentence, 4 * dim)."""
    return torch.cat([hypothesis, premise, (hypothesis - premise).abs(), hypothesis * premise], dim=-1)


class _DropoutLeakyReLU(torch.autograd.Function):
    """LeakyReLU(dropout(x)) with one mask for both ways."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, scale: float) -> Tensor:
        y = functional.leaky_relu(x, SLOPE).mul_(mask).mul_(scale)
        ctx.save_for_backward(y, mask)
        ctx.scale = scale
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        y, mask = ctx.saved_tensors  # y has the sign of x wherever the mask is 1
        slope = torch.ops.aten.leaky_relu_backward(grad, y, SLOPE, True)
        return slope.mul_(mask).mul_(ctx.scale), None, None


class _WindowSum(torch.autograd.Function):
    """Adds up over each word's window what its neighbours sent to their place in it.

    sums[i] = sum_j products[i + j - (width - 1) / 2, j], over the neighbours in the same sentence.
    """

    @staticmethod
    def forward(ctx: Any, products: Tensor, windows: ragged.Windows) -> Tensor:
        ctx.windows = windows
        table = products.view(
            len(products) * windows.width, products.shape[1] // windows.width
        )  # (word place) output_dim
        return functional.embedding_bag(windows.rows, table, windows.offsets, mode="sum", include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        rows = functional.pad(grad, (0, 0, 0, 1))  # the last is of those places that nobody's window reaches
        products = rows.index_select(0, ctx.windows.owners)  # (word place) output_dim
        return products.view(len(grad), ctx.windows.width * grad.shape[1]), None


class Dropout(nn.Module):
    """Dropout that is quick on a CPU."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        return x.mul(kept(x.shape, self.rate, x.device)).mul_(1 / (1 - self.rate))


class DropoutLeakyReLU(nn.Module):
    """What follows the convolution in a layer h: dropout, then LeakyReLU."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return functional.leaky_relu(x, SLOPE)
        mask = kept(x.shape, self.rate, x.device)
        result: Tensor = _DropoutLeakyReLU.apply(x, mask, 1 / (1 - self.rate))  # type: ignore[no-untyped-call]
        return result


class PackedConv(nn.Module):
    """1-D convolution over the words of each sentence, zeros beyond its ends: (word, input_dim) -> (word, output_dim).

    weight (kernel * output_dim, input_dim) holds the taps one under the other: tap j is
    ``nn.Conv1d.weight[:, :, j]``.
    """

    def __init__(self, input_dim: int, output_dim: int, kernel: int, rate: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(kernel * output_dim, input_dim))
        self.bias = nn.Parameter(torch.zeros(output_dim))
        he_(self.weight, input_dim * kernel, rate)

    def forward(self, words: Tensor, windows: ragged.Windows) -> Tensor:
        products = product(words, self.weight)  # word (place output_dim)
        sums: Tensor = _WindowSum.apply(products, windows)  # type: ignore[no-untyped-call]
        return sums + self.bias


class DenseBlock(nn.Module):
    """Phi_k but for its first layer (Eq. 3 and 4): each layer sees all before it.

    Args:
        first_dim: d_1.
        layer_dim: d_l.
        layers: L.
        kernel: k.
        rate: dropout of every layer.
    """

    def __init__(self, first_dim: int, layer_dim: int, layers: int, kernel: int, rate: float) -> None:
        super().__init__()
        self.kernel = kernel
        self.activate = DropoutLeakyReLU(rate)
        self.layers = nn.ModuleList(
            PackedConv(first_dim + layer * layer_dim, layer_dim, kernel, rate) for layer in range(layers - 1)
        )

    def forward(self, first: Tensor, offsets: Tensor) -> Tensor:
        """(word, first_dim), (sentence + 1,) -> (word, first_dim + (layers - 1) * layer_dim), the last layer first."""
        windows = ragged.windows(offsets, len(first), self.kernel)
        block = first
        for layer in self.layers:
            block = torch.cat([self.activate(layer(block, windows)), block], dim=1)
        return block


class DenseCNN(nn.Module):
    """CNN with dense connection, section 3.1: words in their surroundings, each of length 1.

    Args:
        word_dim: d_0.
        kernels: kernel sizes k, one function Phi_k each (Eq. 4); odd.
        layers: L.
        first_dim: d_1, of the layers of kernel 1 that come first (Eq. 2).
        layer_dim: d_l of the other layers (Eq. 3).
        compressed_dim: d_c (Eq. 5).
        rate: dropout of every layer.
    """

    def __init__(
        self,
        word_dim: int,
        *,
        kernels: Sequence[int],
        layers: int,
        first_dim: int,
        layer_dim: int,
        compressed_dim: int,
        rate: float,
    ) -> None:
        super().__init__()
        if layers < 1 or not kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"expected odd kernels and at least one layer, got kernels {kernels} and {layers} layers")
        self.first_dim = first_dim
        self.first = Linear(word_dim, len(kernels) * first_dim)  # Eq. 2, all kernels at once
        self.blocks = nn.ModuleList(DenseBlock(first_dim, layer_dim, layers, kernel, rate) for kernel in kernels)
        total = len(kernels) * (first_dim + (layers - 1) * layer_dim) + word_dim
        self.compress = Linear(total, compressed_dim)
        self.activate = DropoutLeakyReLU(rate)
        for layer in (self.first, self.compress):
            he_(layer.weight, layer.in_features, rate)
            nn.init.zeros_(layer.bias)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """(word, word_dim), (sentence + 1,) -> (word, compressed_dim)."""
        count = len(words)
        words = functional.pad(words, (0, 0, 0, spare_rows(words)))
        offsets = functional.pad(offsets, (0, 1), value=len(words))  # the spare words are a sentence of their own
        firsts = self.activate(self.first(words)).split(self.first_dim, dim=1)
        outputs = [block(first, offsets) for block, first in zip(self.blocks, firsts, strict=True)]
        return unit(self.activate(self.compress(torch.cat([*outputs, words], dim=1))))[:count]  # Eq. 5


class Attention(Protocol):
    """What makes a sentence out of its words."""

    output_dim: int

    def __call__(self, words: Tensor, offsets: Tensor) -> Tensor:
        """(word, input_dim), (sentence + 1,) -> (sentence, output_dim)."""
        ...

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        """How much each head attends to each word: (word, head), adding up to 1 over a sentence."""
        ...

    def vectors(self, words: Tensor, offsets: Tensor) -> Tensor:
        """The weight vector each head attends with: (sentence, head, head_dim)."""
        ...


class DynamicSelfAttention(nn.Module):
    """Attention with a weight vector made from the sentence itself (Eq. 6, 7 and Algorithm 1).

    Args:
        input_dim: d_c.
        heads: m.
        head_dim: d_o.
        iterations: r.
    """

    def __init__(self, input_dim: int, *, heads: int, head_dim: int, iterations: int) -> None:
        super().__init__()
        self.heads, self.iterations, self.output_dim = heads, iterations, heads * head_dim
        self.project = Linear(input_dim, self.output_dim)
        he_(self.project.weight, input_dim, rate=0)
        nn.init.zeros_(self.project.bias)

    def project_words(self, words: Tensor) -> Tensor:
        """Eq. 6: (word, input_dim) -> (word, head, head_dim)."""
        return by_head(functional.leaky_relu(self.project(words), SLOPE), self.heads)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        return dsa_routing(self.project_words(words), offsets, self.iterations).flatten(1)

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        return dsa_routing_attention(self.project_words(words), offsets, self.iterations)[0]

    def vectors(self, words: Tensor, offsets: Tensor) -> Tensor:
        return dsa_routing_attention(self.project_words(words), offsets, self.iterations)[1]


class StaticSelfAttention(nn.Module):
    """Attention with one learnt weight vector a head (Eq. 1), the paper's baseline.

    The words that are summed are those of Eq. 6, as in `DynamicSelfAttention`, so that both attentions give m * d_o
    numbers from the same words and differ in nothing but where the weights come from; the W of Eq. 1 comes on top.

    Args:
        input_dim: d_c.
        heads: m.
        head_dim: d_o, and d_v of Eq. 1.
    """

    def __init__(self, input_dim: int, *, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads, self.output_dim = heads, heads * head_dim
        self.project = Linear(input_dim, self.output_dim)
        self.score = Linear(input_dim, self.output_dim, bias=False)  # W of Eq. 1
        self.vector = nn.Parameter(torch.empty(heads, head_dim))  # v of Eq. 1
        for layer in (self.project, self.score):
            he_(layer.weight, input_dim, rate=0)
        he_(self.vector, head_dim, rate=0)
        nn.init.zeros_(self.project.bias)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        values = by_head(functional.leaky_relu(self.project(words), SLOPE), self.heads)
        return ragged.weighted_sum(values, self.weights(words, offsets), offsets).flatten(1)

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        keys = by_head(self.score(words).tanh(), self.heads)  # word head head_dim
        return ragged.softmax((keys * self.vector).sum(-1), offsets)

    def vectors(self, words: Tensor, offsets: Tensor) -> Tensor:
        return self.vector.expand(len(offsets) - 1, *self.vector.shape)


class SentenceEncoder(nn.Module):
    """Words to sentences: dropout on the words, the dense CNN, an attention.

    Args:
        cnn: the dense CNN.
        attention: `DynamicSelfAttention` or `StaticSelfAttention`, of the CNN's compressed words.
        word_rate: dropout of the word vectors.
    """

    def __init__(self, cnn: DenseCNN, attention: DynamicSelfAttention | StaticSelfAttention, word_rate: float) -> None:
        super().__init__()
        self.drop = Dropout(word_rate)
        self.cnn = cnn
        self.attention = attention
        self.output_dim = attention.output_dim

    def words(self, words: Tensor, offsets: Tensor) -> Tensor:
        """What the attention attends to: (word, word_dim), (sentence + 1,) -> (word, compressed_dim)."""
        result: Tensor = self.cnn(self.drop(words), offsets)
        return result

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """(word, word_dim), (sentence + 1,) -> (sentence, head * head_dim)."""
        result: Tensor = self.attention(self.words(words, offsets), offsets)
        return result


class Classifier(nn.Module):
    """Appendices A and B: an MLP with batch normalisation and dropout on the input of each hidden layer.

    Args:
        input_dim: numbers a sentence or pair.
        hidden_dim: of each hidden layer.
        hidden_layers: two for pairs (A), one for single sentences (B).
        classes: how many there are.
        rate: dropout on the input of each hidden layer.
    """

    def __init__(self, input_dim: int, hidden_dim: int, hidden_layers: int, classes: int, rate: float) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for layer in range(hidden_layers):
            width = hidden_dim if layer else input_dim
            hidden = nn.Linear(width, hidden_dim)
            he_(hidden.weight, width, rate)
            parts += [nn.BatchNorm1d(width), Dropout(rate), hidden, nn.LeakyReLU(SLOPE)]
        output = nn.Linear(hidden_dim if hidden_layers else input_dim, classes)
        he_(output.weight, output.in_features, rate=0)
        parts.append(output)
        for part in parts:
            if isinstance(part, nn.Linear):
                nn.init.zeros_(part.bias)
        self.layers = nn.Sequential(*parts)

    def forward(self, sentences: Tensor) -> Tensor:
        """(sentence, input_dim) -> logits (sentence, class)."""
        for part in self.layers:
            if isinstance(part, nn.BatchNorm1d) and part.training and len(sentences) == 1:
                # One sentence has no variance: it is normalised by what is known so far, and teaches nothing about it.
                sentences = functional.batch_norm(
                    sentences, part.running_mean, part.running_var, part.weight, part.bias, eps=part.eps
                )
            else:
                sentences = part(sentences)
        return sentences
