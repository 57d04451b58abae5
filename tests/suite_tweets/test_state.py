"""A state can be cut from its graph, and shared out by texts."""

import pytest
import torch
from torch import Tensor

from suite_tweets.state import State, detached, of_columns


@pytest.fixture
def state() -> State:
    return tuple((torch.randn(1, 4, 3, requires_grad=True) * 2, torch.randn(1, 4, 3) + 1) for _ in range(2))


def flat(state: State) -> list[Tensor]:
    return [tensor for layer in state for tensor in layer]


def test_a_detached_state_has_the_same_numbers_and_no_graph(state: State) -> None:
    cut = detached(state)
    assert any(tensor.requires_grad for tensor in flat(state))
    assert not any(tensor.requires_grad for tensor in flat(cut))
    assert all(torch.equal(one, other) for one, other in zip(flat(state), flat(cut), strict=True))


def test_the_state_of_some_texts_is_theirs_in_the_order_asked(state: State) -> None:
    some = of_columns(state, torch.tensor([2, 0]))
    for whole, part in zip(flat(state), flat(some), strict=True):
        assert part.shape == (1, 2, 3)
        assert torch.equal(part[0, 0], whole[0, 2])
        assert torch.equal(part[0, 1], whole[0, 0])
