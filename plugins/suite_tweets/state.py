"""What LSTM layers remember of the tokens they have read, for texts side by side."""

from typing import Protocol

from torch import Tensor

State = tuple[tuple[Tensor, Tensor], ...]
"""Of each layer the hidden and the cell state, each (1, batch, hidden_dim)."""


class Reader(Protocol):
    """A network that reads tokens on and on: `network.LanguageModel`."""

    training: bool

    def initial_state(self, batch: int) -> State:
        """The state before anything is read."""
        ...

    def __call__(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(time, batch) tokens -> logits (time, batch, token) of the token after each, and the state after the last."""
        ...

    def train(self, mode: bool = True) -> object:
        """Turns dropout on or off."""
        ...


def detached(state: State) -> State:
    """The same numbers without the graph they came from: where backpropagation through time is cut."""
    return tuple((hidden.detach(), cell.detach()) for hidden, cell in state)


def of_columns(state: State, columns: Tensor) -> State:
    """The state of some of the texts, (column,) int64."""
    return tuple((hidden.index_select(1, columns), cell.index_select(1, columns)) for hidden, cell in state)
