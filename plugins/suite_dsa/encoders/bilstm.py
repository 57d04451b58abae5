"""Bidirectional LSTM: each word with what stands before it, and with what stands after it.

Torch's LSTM reads a `PackedSequence`: the first words of all sentences, then the second words, ..., the longest
sentence first. That is a permutation of words that lie end to end, so nothing is padded on the way.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lightning_suite import ragged
from suite_dsa.dropout import SentenceDropout


def by_position(offsets: Tensor, words: int) -> tuple[Tensor, Tensor]:
    """Return the order of words in a `PackedSequence`, and how many words each position has.

    Args:
        offsets: (sentence + 1,).
        words: the number of words.

    Returns:
        (word,) rows of the words, by position and then by length of the sentence; (position,) on the CPU.

    Example:
        >>> rows, sizes = by_position(torch.tensor([0, 1, 1, 4]), 4)
        >>> rows.tolist(), sizes.tolist()
        ([1, 0, 2, 3], [2, 1, 1])
    """
    sentence = ragged.segments(offsets, words)
    position = torch.arange(words, device=offsets.device) - offsets[sentence]
    longest_first = ragged.lengths(offsets).argsort(descending=True, stable=True)
    rank = longest_first.argsort()[sentence]
    return (position * len(offsets) + rank).argsort(), position.bincount().cpu()


class BiLSTM(nn.Module):
    """Bidirectional LSTM of one layer: (word, word_dim) -> (word, 2 * hidden_dim), the forward states first.

    Args:
        word_dim: width of a word.
        hidden_dim: units of each direction.
        dropout: of the states, the same units in all words of a sentence.

    Example:
        >>> BiLSTM(6, hidden_dim=4, dropout=0.2)(torch.randn(7, 6), torch.tensor([0, 3, 7])).shape
        torch.Size([7, 8])
    """

    def __init__(self, word_dim: int, *, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(word_dim, hidden_dim, bidirectional=True)
        self.drop = SentenceDropout(dropout)
        self.output_dim = 2 * hidden_dim

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the states: (word, word_dim), (sentence + 1,) -> (word, 2 * hidden_dim)."""
        if len(words) == 0:  # torch refuses to read nothing
            return words.new_zeros(0, self.output_dim) + words.sum()
        rows, sizes = by_position(offsets, len(words))
        states = self.lstm(PackedSequence(words[rows], sizes))[0].data
        result: Tensor = self.drop(states[rows.argsort()], offsets)
        return result
