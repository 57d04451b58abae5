"""The convolution of Kim (2014, arXiv:1408.5882): features of the windows around each word, by several kernels.

With `suite_dsa.pooling.MaxPooling` it is his network: a feature's greatest value over the sentence is kept. His windows
lie within the sentence and the zeros around it, any number of which a window may hold; here there is one window a word,
centred on it (an even kernel reaches one word further to the right), with zeros beyond the sentence's ends.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lightning_suite import ragged
from suite_dsa.dropout import SentenceDropout
from suite_dsa.encoders.dense_cnn import PackedConv


class KimCNN(nn.Module):
    """One convolution of each kernel, side by side, with ReLU: (word, word_dim) -> (word, kernels * channels).

    Args:
        word_dim: width of a word.
        kernels: kernel sizes; Kim has 3, 4 and 5.
        channels: of each kernel; Kim has 100.
        dropout: of the features, the same ones in all words of a sentence: dropping a feature of all words drops its
            maximum, so that before the maximum it is Kim's dropout of the sentence, with rate 0.5.

    Example:
        >>> cnn = KimCNN(6, kernels=(3, 4), channels=5, dropout=0.5)
        >>> cnn(torch.randn(7, 6), torch.tensor([0, 3, 7])).shape
        torch.Size([7, 10])
    """

    def __init__(
        self, word_dim: int = 300, *, kernels: Sequence[int] = (3, 4, 5), channels: int = 100, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.kernels: tuple[int, ...] = tuple(kernels)
        self.layers: nn.ModuleList = nn.ModuleList(PackedConv(word_dim, channels, kernel) for kernel in kernels)
        self.drop: SentenceDropout = SentenceDropout(dropout)
        self.output_dim: int = len(self.kernels) * channels

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the features: (word, word_dim), (sentence + 1,) -> (word, kernels * channels)."""
        parts = [
            layer(words, ragged.windows(offsets, words.shape[0], kernel))
            for layer, kernel in zip(self.layers, self.kernels, strict=True)
        ]
        result: Tensor = self.drop(torch.cat(parts, dim=1).relu(), offsets)
        return result
