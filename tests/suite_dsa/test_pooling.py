"""The maximum of words and the last states are those of each sentence by itself; their weights say whose they are."""

import pytest
import torch
from torch.autograd import gradcheck

from lightning_suite import ragged
from suite_dsa.pooling import LastState, MaxPooling

OFFSETS = torch.tensor([0, 3, 4, 4, 11])


def words(dim: int = 6) -> torch.Tensor:
    return torch.randn(11, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


def test_the_maximum_is_that_of_each_sentence_and_zero_for_one_of_no_words() -> None:
    expected = torch.stack([part.amax(0) if len(part) else part.sum(0) for part in ragged.split(words(), OFFSETS)])
    torch.testing.assert_close(expected, MaxPooling(6)(words(), OFFSETS))
    assert gradcheck(lambda x: MaxPooling(6)(x, OFFSETS), (words(),))


def test_the_last_states_have_read_the_whole_sentence() -> None:
    lstm = torch.nn.LSTM(5, 3, bidirectional=True).double()
    sentence = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    states, (last, _) = lstm(sentence)
    torch.testing.assert_close(last.flatten(), LastState(6)(states, torch.tensor([0, 7]))[0])


def test_the_last_state_of_a_sentence_is_its_own_and_zero_for_one_of_no_words() -> None:
    x = words()
    pooled = LastState(6)(x, OFFSETS)
    expected = torch.stack([torch.cat([x[2, :3], x[0, 3:]]), x[3], torch.zeros(6), torch.cat([x[10, :3], x[4, 3:]])])
    torch.testing.assert_close(expected, pooled, check_dtype=False)
    assert gradcheck(lambda x: LastState(6)(x, OFFSETS), (words(),))


@pytest.mark.parametrize("pooling", [MaxPooling(6), LastState(6)])
def test_weights_add_up_to_one_over_a_sentence(pooling: MaxPooling | LastState) -> None:
    weights = pooling.weights(words(), OFFSETS)
    assert weights.shape == (11, 1)
    expected = torch.tensor([[1.0], [1.0], [0.0], [1.0]], dtype=torch.float64)
    torch.testing.assert_close(expected, ragged.segment_sum(weights, OFFSETS))


def test_words_of_equal_value_share_the_maximum() -> None:
    x = torch.tensor([[1.0, 2.0], [1.0, 0.0]])
    assert MaxPooling(2).weights(x, torch.tensor([0, 2])).tolist() == [[0.75], [0.25]]
