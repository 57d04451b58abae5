"""Sentences without learnt weights: the maximum of the words, or the last states of a bidirectional LSTM."""

from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_suite import ragged

AttentionName = Literal["dynamic", "static", "max", "last"]


class Pooling(Protocol):
    """A module that makes a sentence of its words."""

    output_dim: int

    def __call__(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the sentences: (word, input_dim), (sentence + 1,) -> (sentence, output_dim)."""
        ...

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return how much of the sentence is each word's: (word, head), adding up to 1 over a sentence."""
        ...


class MaxPooling(nn.Module):
    """The greatest value of each feature over the words; a word's weight is the share of features it is greatest in.

    Conneau et al. (2017, arXiv:1705.02364) show what their BiLSTM attends to in this way.

    Example:
        >>> words, offsets = torch.tensor([[1.0, 5.0], [3.0, 2.0], [4.0, 4.0]]), torch.tensor([0, 2, 3])
        >>> MaxPooling(2)(words, offsets).tolist(), MaxPooling(2).weights(words, offsets).tolist()
        ([[3.0, 5.0], [4.0, 4.0]], [[0.5], [0.5], [1.0]])
    """

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.output_dim = input_dim

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        return ragged.segment_max(words, offsets)

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        sentence = ragged.segments(offsets, len(words))
        greatest = (words == self(words, offsets)[sentence]).to(words.dtype)  # word input_dim
        shared = greatest / ragged.segment_sum(greatest, offsets)[sentence]  # words of equal value share the feature
        result: Tensor = shared.mean(1, keepdim=True)
        return result


class LastState(nn.Module):
    """The states of a bidirectional LSTM that have read the whole sentence: the last forward, the first backward.

    Example:
        >>> words, offsets = torch.tensor([[1.0, 5.0], [3.0, 2.0], [4.0, 4.0]]), torch.tensor([0, 2, 3])
        >>> LastState(2)(words, offsets).tolist(), LastState(2).weights(words, offsets).tolist()
        ([[3.0, 5.0], [4.0, 4.0]], [[0.5], [0.5], [1.0]])
    """

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.output_dim = input_dim

    def ends(self, words: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows of the first and last words (sentence,); for a sentence of no words the number of words."""
        empty, none = offsets[1:] == offsets[:-1], words.shape[0]
        return offsets[:-1].where(~empty, none), (offsets[1:] - 1).where(~empty, none)

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        first, last = self.ends(words, offsets)
        ahead, back = functional.pad(words, (0, 0, 0, 1)).chunk(2, dim=1)
        return torch.cat([ahead[last], back[first]], dim=1)

    def weights(self, words: Tensor, offsets: Tensor) -> Tensor:
        ends = torch.cat(self.ends(words, offsets))
        return 0.5 * ends.bincount(minlength=len(words) + 1)[:-1, None].to(words.dtype)
