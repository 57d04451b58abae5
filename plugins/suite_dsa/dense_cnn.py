"""CNN with dense connection (section 3.1): words in their context.

Words of a batch are packed end to end without padding, (word, word_dim) with offsets (sentence + 1,); a convolution
sees zeros beyond the ends of its sentence, which is the zero padding of section 3.1.

A convolution of kernel k is one matrix product, of all words with the k taps of the kernel side by side, followed by a
sum over each word's window: ``(word, channel) @ (channel, k * out)`` is wide enough to run at full speed, and the sum
moves only k * out numbers a word. The first layers of both kernels share their input and are one product as well.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite import ragged
from suite_dsa.dropout import DropoutLeakyReLU
from suite_dsa.initialisation import he_normal_
from suite_dsa.onednn_linear import Linear, onednn_linear, padding_rows


def l2_normalize(words: Tensor) -> Tensor:
    """Return words of length 1; a word of zeros stays zero."""
    return functional.normalize(words, dim=-1)


class _WindowSum(torch.autograd.Function):
    """The sum over each word's window of what its neighbours sent through their taps of the kernel.

    sums[i] = sum_j products[i + j - (width - 1) / 2, j], over the neighbours in the same sentence.
    """

    @staticmethod
    def forward(ctx: Any, products: Tensor, windows: ragged.Windows) -> Tensor:
        ctx.windows = windows
        table = products.view(
            len(products) * windows.width, products.shape[1] // windows.width
        )  # (word tap) output_dim
        return functional.embedding_bag(windows.rows, table, windows.offsets, mode="sum", include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        rows = functional.pad(grad, (0, 0, 0, 1))  # the last row is for taps beyond a sentence's ends
        products = rows.index_select(0, ctx.windows.owners)  # (word tap) output_dim
        return products.view(len(grad), ctx.windows.width * grad.shape[1]), None


class PackedConv(nn.Module):
    """1-D convolution over the words of each sentence, zeros beyond its ends: (word, input_dim) -> (word, output_dim).

    weight (kernel * output_dim, input_dim) holds the taps one under the other: tap j is
    ``nn.Conv1d.weight[:, :, j]``.
    """

    def __init__(self, input_dim: int, output_dim: int, kernel: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(kernel * output_dim, input_dim))
        self.bias = nn.Parameter(torch.zeros(output_dim))
        he_normal_(self.weight, input_dim * kernel, gain)

    def forward(self, words: Tensor, windows: ragged.Windows) -> Tensor:
        products = onednn_linear(words, self.weight)  # word (tap output_dim)
        sums: Tensor = _WindowSum.apply(products, windows)  # type: ignore[no-untyped-call]
        return sums + self.bias


class DenseBlock(nn.Module):
    """The layers of Phi_k behind the first (Eq. 3 and 4): each layer sees all before it.

    Args:
        first_dim: d_1.
        layer_dim: d_l.
        layers: L.
        kernel: k.
        dropout: of every layer.
        gain: factor of the initialisation.
    """

    def __init__(self, first_dim: int, layer_dim: int, layers: int, kernel: int, dropout: float, gain: float) -> None:
        super().__init__()
        self.kernel = kernel
        self.activate = DropoutLeakyReLU(dropout)
        self.layers = nn.ModuleList(
            PackedConv(first_dim + layer * layer_dim, layer_dim, kernel, gain) for layer in range(layers - 1)
        )

    def forward(self, first: Tensor, offsets: Tensor) -> Tensor:
        """Return all layers side by side, the last first: (word, first_dim + (L - 1) * layer_dim).

        Args:
            first: (word, first_dim), the first layer.
            offsets: (sentence + 1,).
        """
        windows = ragged.windows(offsets, len(first), self.kernel)
        block = first
        for layer in self.layers:
            block = torch.cat([self.activate(layer(block, windows)), block], dim=1)
        return block


class DenseCNN(nn.Module):
    """CNN with dense connection, section 3.1: words in their context, each of length 1.

    Args:
        word_dim: d_0.
        kernels: kernel sizes k, one function Phi_k each (Eq. 4); odd.
        layers: L.
        first_dim: d_1, of the layers of kernel 1 that come first (Eq. 2).
        layer_dim: d_l of the other layers (Eq. 3).
        compressed_dim: d_c (Eq. 5).
        dropout: of every layer.
        gain: factor of the initialisation, which is He's.

    Example:
        >>> cnn = DenseCNN(6, kernels=(3, 5), layers=3, first_dim=4, layer_dim=3, compressed_dim=5, dropout=0.2)
        >>> cnn(torch.randn(7, 6), torch.tensor([0, 3, 7])).shape
        torch.Size([7, 5])
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
        dropout: float,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        if layers < 1 or not kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"expected odd kernels and at least one layer, got kernels {kernels} and {layers} layers")
        self.first_dim = first_dim
        self.first = Linear(word_dim, len(kernels) * first_dim)  # Eq. 2, all kernels at once
        self.blocks = nn.ModuleList(DenseBlock(first_dim, layer_dim, layers, kernel, dropout, gain) for kernel in kernels)
        total = len(kernels) * (first_dim + (layers - 1) * layer_dim) + word_dim
        self.compress = Linear(total, compressed_dim)
        self.activate = DropoutLeakyReLU(dropout)
        for layer in (self.first, self.compress):
            he_normal_(layer.weight, layer.in_features, gain)
            nn.init.zeros_(layer.bias)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the words: (word, word_dim), (sentence + 1,) -> (word, compressed_dim)."""
        count = len(words)
        words = functional.pad(words, (0, 0, 0, padding_rows(words)))
        offsets = functional.pad(offsets, (0, 1), value=len(words))  # the padding is a sentence of its own
        firsts = self.activate(self.first(words)).split(self.first_dim, dim=1)
        outputs = [block(first, offsets) for block, first in zip(self.blocks, firsts, strict=True)]
        return l2_normalize(self.activate(self.compress(torch.cat([*outputs, words], dim=1))))[:count]  # Eq. 5
