"""LSTM language model: a stack of LSTM layers between an embedding and a softmax over the tokens.

    e_t = E[w_{t-1}],    h_t^l = LSTM_l(h_t^{l-1}, state of layer l),    p(w_t) = softmax(W h_t^L + b)

The paper's models (section 6) drop numbers of h^l at random, others at every step. The modern form follows Merity,
Keskar and Socher (2018, arXiv:1708.02182): one mask for all steps of a sequence (Gal, Ghahramani, 2016,
arXiv:1512.05287), whole tokens dropped from the embedding, weights of the recurrence dropped, and W = E (Press, Wolf,
2017, arXiv:1608.05859).
"""

from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from suite_tweets.state import State
from suite_tweets.tokens import UNKNOWN


class SequenceDropout(nn.Dropout):
    """Drops the same numbers at all steps of a sequence ("variational", Gal and Ghahramani, 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        """(time, batch, dim) -> the same."""
        if not self.training or self.p == 0:
            return x
        return x * functional.dropout(torch.ones_like(x[:1]), self.p)


class TokenEmbedding(nn.Module):
    """Vectors of tokens; in training some tokens are dropped wherever they occur in the batch, the others scaled.

    Args:
        tokens: how many there are.
        dim: numbers of each.
        dropout: probability of dropping a token.
        once: tokens that stand for UNKNOWN after training, by their mean, where training never meets it.
    """

    dropout: float

    def __init__(self, tokens: int, dim: int, dropout: float, once: range) -> None:
        super().__init__()
        self.dropout, self.once = dropout, once
        self.weight: nn.Parameter = nn.Parameter(torch.empty(tokens, dim))
        nn.init.uniform_(self.weight, -0.1, 0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        """(time, batch) -> (time, batch, dim)."""
        vectors = functional.embedding(tokens, self.weight)
        if not self.training and len(self.once) and bool((tokens == UNKNOWN).any()):
            rare = self.weight[self.once.start : self.once.stop].mean(dim=0)
            return torch.where((tokens == UNKNOWN)[..., None], rare, vectors)
        if not self.training or self.dropout == 0:
            return vectors
        dropout_mask = functional.dropout(self.weight.new_ones(len(self.weight)), self.dropout)
        return vectors * dropout_mask[tokens][..., None]


class WeightDropLSTM(nn.LSTM):
    """One LSTM layer whose hidden-to-hidden weights are dropped, one mask for all steps (DropConnect)."""

    def __init__(self, input_dim: int, hidden_dim: int, weight_dropout: float) -> None:
        super().__init__(input_dim, hidden_dim)
        self.weight_dropout = weight_dropout

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> Any:  # type: ignore[override]
        """(time, batch, input_dim), state -> (time, batch, hidden_dim), state."""
        if not self.training or self.weight_dropout == 0:
            return super().forward(x, state)
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        weights = [self.get_parameter(name) for name in names]
        dropped = [weights[0], functional.dropout(weights[1], self.weight_dropout), *weights[2:]]
        output, hidden, cell = torch.lstm(x, state, dropped, True, 1, 0.0, True, False, False)
        return output, (hidden, cell)


class LanguageModel(nn.Module):
    """Embedding, LSTM layers with dropout after each, softmax.

    The defaults are those of `suite_tweets.module.TweetModel`: the paper's network, whose sizes it does not give.

    Args:
        tokens: how many there are.
        once: which of them stand for UNKNOWN, see `TokenEmbedding`.
        embedding_dim: numbers a token; None: as many as hidden_dim.
        hidden_dim: numbers of each LSTM layer.
        layers: LSTM layers.
        tied: the softmax uses the embedding's vectors; the last LSTM layer then has embedding_dim numbers.
        dropout: other masks at every step, or one for a whole sequence.
        token_dropout: dropout of whole tokens from the embedding.
        input_dropout: dropout before the first LSTM layer.
        hidden_dropout: dropout after every LSTM layer but the last.
        output_dropout: dropout after the last LSTM layer.
        weight_dropout: dropout of the hidden-to-hidden weights.

    Example:
        >>> network = LanguageModel(9, embedding_dim=4, hidden_dim=6, layers=2)
        >>> logits, _ = network(torch.zeros(5, 3, dtype=torch.int64))
        >>> logits.shape
        torch.Size([5, 3, 9])
    """

    def __init__(
        self,
        tokens: int,
        once: range = range(0),
        *,
        embedding_dim: int | None = None,
        hidden_dim: int = 256,
        layers: int = 1,
        tied: bool = False,
        dropout: Literal["step", "sequence"] = "step",
        token_dropout: float = 0.0,
        input_dropout: float = 0.0,
        hidden_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        embedding_dim = hidden_dim if embedding_dim is None else embedding_dim
        drop = {"step": nn.Dropout, "sequence": SequenceDropout}[dropout]
        widths = [embedding_dim, *[hidden_dim] * (layers - 1), embedding_dim if tied else hidden_dim]
        self.embedding: TokenEmbedding = TokenEmbedding(tokens, embedding_dim, token_dropout, once)
        self.drop_input = drop(input_dropout)
        self.lstms: nn.ModuleList = nn.ModuleList(
            WeightDropLSTM(before, after, weight_dropout) for before, after in pairwise(widths)
        )
        self.drops: nn.ModuleList = nn.ModuleList(
            [*(drop(hidden_dropout) for _ in range(layers - 1)), drop(output_dropout)]
        )
        self.softmax: nn.Linear = nn.Linear(widths[-1], tokens)
        nn.init.uniform_(self.softmax.weight, -0.1, 0.1)
        nn.init.zeros_(self.softmax.bias)
        if tied:
            self.softmax.weight = self.embedding.weight

    def initial_state(self, batch: int) -> State:
        """Return zeros, the state before anything is read."""
        weight = self.softmax.weight
        zeros = [weight.new_zeros(1, batch, lstm.hidden_size) for lstm in self.lstms if isinstance(lstm, nn.LSTM)]
        return tuple((zero, zero) for zero in zeros)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read on.

        Args:
            tokens: (time, batch) int64.
            state: after the tokens before them; None: nothing was read.

        Returns:
            Logits (time, batch, token) of the token after each, and the state after the last.
        """
        hidden, after = self.read(tokens, self.initial_state(tokens.shape[1]) if state is None else state)
        return self.logits(hidden), after

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., hidden_dim of the last layer) -> (..., token)."""
        logits: Tensor = self.softmax(hidden)
        return logits

    def read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return as ``forward`` does, but for the logits their input: (time, batch, hidden_dim of the last layer)."""
        hidden = self.drop_input(self.embedding(tokens))
        after = []
        for lstm, drop, before in zip(self.lstms, self.drops, state, strict=True):
            hidden, then = lstm(hidden, before)
            after.append(then)
            hidden = drop(hidden)
        return hidden, tuple(after)
