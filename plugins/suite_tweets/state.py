"""What LSTM layers remember of the tokens they have read, for texts side by side and for several processes."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

State = tuple[tuple[Tensor, ...], ...]
"""Of each layer the hidden and the cell state, each (1, batch, hidden_dim); of n-grams, after the layers, their numbers
(1, batch, order)."""


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
    """Return the same numbers without the graph they came from: where backpropagation through time is cut."""
    return tuple(tuple(tensor.detach() for tensor in layer) for layer in state)


def of_columns(state: State, columns: Tensor) -> State:
    """Return the state of some of the texts, (column,) int64; its parts may lie on several devices."""
    return tuple(tuple(tensor.index_select(1, columns.to(tensor.device)) for tensor in layer) for layer in state)


def gathered(state: State, all_gather: Callable[[Tensor], Tensor]) -> list[list[Tensor]]:
    """Return the state of the readers of all processes, in their order, on the CPU; of each layer hidden and cell.

    Args:
        state: of the readers of this process, of which process r of n has r, r + n, ...
        all_gather: (1, batch, hidden_dim) -> (process, 1, batch, hidden_dim), the tensors of all processes.
    """
    # process 1 column dim -> 1 (column process) dim
    return [[all_gather(tensor).movedim(0, 2).flatten(1, 2).cpu() for tensor in layer] for layer in state]


def of_process(gathered: list[list[Tensor]], rank: int, processes: int) -> State:
    """Return one process's share of a state that was gathered."""
    return tuple(tuple(tensor[:, rank::processes].contiguous() for tensor in layer) for layer in gathered)
