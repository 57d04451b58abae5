"""Bidirectional LSTM: each word with what stands before it, and with what stands after it.

Torch's LSTM reads a `PackedSequence`: the first words of all sentences, then the second words, ..., the longest
sentence first. That is a permutation of words that lie end to end, so nothing is padded on the way.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from lightning_suite import ragged
from suite_dsa.dropout import SentenceDropout

DIRECTIONS = ("l0", "l0_reverse")
"""How the names of an LSTM's weights end."""


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


def states_by_loop(lstm: nn.LSTM, words: Tensor, offsets: Tensor) -> Tensor:
    """Return the states of a bidirectional LSTM of one layer by a loop over positions, as a graph can hold it.

    Both directions go side by side: at step t one is at word t of each sentence, the other at word t from its end.

    Args:
        lstm: has the weights.
        words: (word, word_dim).
        offsets: (sentence + 1,).

    Returns:
        (word, 2 * hidden_dim).

    Example:
        >>> lstm, words, offsets = nn.LSTM(3, 2, bidirectional=True), torch.randn(4, 3), torch.tensor([0, 4])
        >>> torch.allclose(states_by_loop(lstm, words, offsets), lstm(words)[0], atol=1e-6)
        True
    """
    from torch._higher_order_ops.while_loop import while_loop

    count, hidden = words.shape[0], lstm.hidden_size
    begins, sizes = offsets[:-1].clone(), ragged.lengths(offsets)
    parts = []
    for way in DIRECTIONS:
        bias = lstm.get_parameter(f"bias_ih_{way}") + lstm.get_parameter(f"bias_hh_{way}")
        parts.append(functional.linear(words, lstm.get_parameter(f"weight_ih_{way}"), bias))
    gates = functional.pad(torch.stack(parts), (0, 0, 0, 1))  # direction (word + 1) (4 hidden_dim)
    weights = torch.stack([lstm.get_parameter(f"weight_hh_{way}") for way in DIRECTIONS]).transpose(1, 2)

    def goes_on(step: Tensor, h: Tensor, c: Tensor, states: Tensor) -> Tensor:
        return (step < sizes).any()

    def one_step(step: Tensor, h: Tensor, c: Tensor, states: Tensor) -> tuple[Tensor, ...]:
        at = torch.stack([begins + step, begins + sizes - 1 - step]).where(step < sizes, count)
        at = at[:, :, None]  # direction sentence 1
        given = gates.gather(1, at.expand(-1, -1, 4 * hidden)) + h @ weights
        i, f, g, o = given.chunk(4, dim=2)  # input, forget, cell and output gate, in the order of torch's LSTM
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return step + 1, h, c, states.scatter(1, at.expand(-1, -1, hidden), h)

    before = words.new_zeros(2, sizes.shape[0], hidden)
    start = (offsets.new_zeros(()), before, before.clone(), words.new_zeros(2, count + 1, hidden))
    states: Tensor = while_loop(goes_on, one_step, start)[-1]  # type: ignore[no-untyped-call]
    return states[:, :-1].transpose(0, 1).flatten(1)


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

    def __init__(self, word_dim: int = 300, *, hidden_dim: int = 300, dropout: float = 0.2) -> None:
        super().__init__()
        self.lstm: nn.LSTM = nn.LSTM(word_dim, hidden_dim, bidirectional=True)
        self.drop: SentenceDropout = SentenceDropout(dropout)
        self.output_dim: int = 2 * hidden_dim

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        """Return the states: (word, word_dim), (sentence + 1,) -> (word, 2 * hidden_dim)."""
        if torch.compiler.is_exporting():
            return states_by_loop(self.lstm, words, offsets)
        if len(words) == 0:  # torch refuses to read nothing
            return words.new_zeros(0, self.output_dim) + words.sum()
        rows, sizes = by_position(offsets, len(words))
        states = self.lstm(PackedSequence(words[rows], sizes))[0].data
        result: Tensor = self.drop(states[rows.argsort()], offsets)
        return result
