"""CNN with dense connection (section 3.1): words in their context.

Words of a batch are packed end to end without padding, (word, word_dim) with offsets (sentence + 1,); a convolution
sees zeros beyond the ends of its sentence, which is the zero padding of section 3.1.

A convolution of kernel k is one matrix product, of all words with the k taps of the kernel side by side, followed by a
sum over each word's window: ``(word, channel) @ (channel, k * out)`` is wide enough to run at full speed, and the sum
moves only k * out numbers a word. First layers of kernel 1 share their input and are one product as well.
"""

from collections.abc import Sequence
from typing import Any, Literal

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
        self.weight: nn.Parameter = nn.Parameter(torch.empty(kernel * output_dim, input_dim))
        self.bias: nn.Parameter = nn.Parameter(torch.zeros(output_dim))
        he_normal_(self.weight, input_dim * kernel, gain)

    def forward(self, words: Tensor, windows: ragged.Windows) -> Tensor:
        products = onednn_linear(words, self.weight)  # word (tap output_dim)
        if torch.compiler.is_exporting():  # the same sums, in an operator that ONNX has
            count, channels = products.shape[0], products.shape[1] // windows.width
            taps = products.reshape(count * windows.width, channels)
            sums = products.new_zeros(count + 1, channels).index_add(0, windows.owners, taps)
            return sums[:-1] + self.bias
        summed: Tensor = _WindowSum.apply(products, windows)  # type: ignore[no-untyped-call]
        return summed + self.bias


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
        self.activate: DropoutLeakyReLU = DropoutLeakyReLU(dropout)
        self.layers: nn.ModuleList = nn.ModuleList(
            PackedConv(first_dim + layer * layer_dim, layer_dim, kernel, gain) for layer in range(layers - 1)
        )

    def forward(self, first: Tensor, windows: ragged.Windows) -> Tensor:
        """Return all layers side by side, the last first: (word, first_dim + (L - 1) * layer_dim).

        Args:
            first: (word, first_dim), the first layer.
            windows: of the kernel's width.
        """
        block = first
        for layer in self.layers:
            block = torch.cat([self.activate(layer(block, windows)), block], dim=1)
        return block


class DenseCNN(nn.Module):
    """CNN with dense connection, section 3.1: words in their context, each of length 1.

    The defaults are the paper's for single DSA on SST (appendix B), with word vectors of 300 numbers.

    Args:
        word_dim: d_0.
        kernels: kernel sizes k, one function Phi_k each (Eq. 4); odd.
        layers: L.
        first_dim: d_1, of the layers that come first (Eq. 2).
        first_kernel: their kernel: 1, as in Eq. 2; same: that of the layers behind them, which gives the number of
            parameters that the paper states.
        layer_dim: d_l of the other layers (Eq. 3).
        compressed_dim: d_c (Eq. 5).
        dropout: of every layer.
        gain: factor of the initialisation, which is He's.

    Example:
        >>> cnn = DenseCNN(6, kernels=(3, 5), layers=3, first_dim=4, layer_dim=3, compressed_dim=5, dropout=0.2)
        >>> cnn(torch.randn(7, 6), torch.tensor([0, 3, 7])).shape
        torch.Size([7, 5])
    """

    first_dim: int
    kernels: tuple[int, ...]
    output_dim: int

    def __init__(
        self,
        word_dim: int = 300,
        *,
        kernels: Sequence[int] = (3, 5),
        layers: int = 4,
        first_dim: int = 150,
        first_kernel: Literal[1, "same"] = 1,
        layer_dim: int = 75,
        compressed_dim: int = 300,
        dropout: float = 0.2,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        if layers < 1 or not kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"expected odd kernels and at least one layer, got kernels {kernels} and {layers} layers")
        self.first_dim, self.kernels, self.output_dim = first_dim, tuple(kernels), compressed_dim
        self.first: Linear | nn.ModuleList  # Eq. 2; of kernel 1 for all functions at once
        if first_kernel == "same":
            self.first = nn.ModuleList(PackedConv(word_dim, first_dim, kernel, gain) for kernel in kernels)
        else:
            self.first = Linear(word_dim, len(kernels) * first_dim)
        self.blocks: nn.ModuleList = nn.ModuleList(
            DenseBlock(first_dim, layer_dim, layers, kernel, dropout, gain) for kernel in kernels
        )
        total = len(kernels) * (first_dim + (layers - 1) * layer_dim) + word_dim
        self.compress: Linear = Linear(total, compressed_dim)
        self.activate: DropoutLeakyReLU = DropoutLeakyReLU(dropout)
        for layer in (self.first, self.compress):
            if isinstance(layer, Linear):
                he_normal_(layer.weight, layer.in_features, gain)
                nn.init.zeros_(layer.bias)

    def first_layers(self, words: Tensor, windows: Sequence[ragged.Windows]) -> list[Tensor]:
        """Return the first layer of each function Phi_k: (word, word_dim) -> (word, first_dim) each."""
        if isinstance(self.first, Linear):
            return list(self.activate(self.first(words)).split(self.first_dim, dim=1))
        return [self.activate(layer(words, around)) for layer, around in zip(self.first, windows, strict=True)]

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the words: (word, word_dim), (sentence + 1,) -> (word, compressed_dim)."""
        count, padding = words.shape[0], padding_rows(words)
        words = functional.pad(words, (0, 0, 0, padding))
        offsets = torch.cat([offsets, offsets[-1:] + padding])  # the padding is a sentence of its own
        windows = [ragged.windows(offsets, words.shape[0], kernel) for kernel in self.kernels]
        firsts = self.first_layers(words, windows)
        outputs = [block(*both) for block, *both in zip(self.blocks, firsts, windows, strict=True)]
        return l2_normalize(self.activate(self.compress(torch.cat([*outputs, words], dim=1))))[:count]  # Eq. 5
