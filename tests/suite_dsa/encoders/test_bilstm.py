"""The packed BiLSTM equals torch's own on padded sentences, each read by itself."""

import pytest
import torch
from torch import Tensor

from lightning_suite import ragged
from suite_dsa.encoders.bilstm import BiLSTM

OFFSETS = torch.tensor([0, 3, 4, 4, 11])


def one_by_one(bilstm: BiLSTM, words: Tensor, offsets: Tensor) -> Tensor:
    """The states of sentences that torch's LSTM reads in batches of one."""
    parts = [part for part in ragged.split(words, offsets) if len(part)]
    return torch.cat([bilstm.lstm(part[:, None])[0][:, 0] for part in parts])


def test_it_equals_torch_s_lstm_on_each_sentence_in_values_and_gradients() -> None:
    bilstm = BiLSTM(6, hidden_dim=4, dropout=0.3).double().eval()
    words = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    sources = [words, *bilstm.parameters()]
    expected, actual = one_by_one(bilstm, words, OFFSETS), bilstm(words, OFFSETS)
    torch.testing.assert_close(expected, actual)
    weight = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((expected * weight).sum(), sources), torch.autograd.grad((actual * weight).sum(), sources)
    )


def test_dropout_drops_the_same_units_in_all_words_of_a_sentence() -> None:
    states = BiLSTM(6, hidden_dim=400, dropout=0.3).train()(torch.randn(11, 6), OFFSETS)
    for sentence in (states[:3], states[4:]):
        dropped = (sentence == 0).all(0)
        assert torch.equal(dropped, (sentence == 0).any(0))
        assert dropped.double().mean().item() == pytest.approx(0.3, abs=0.06)
    assert not torch.equal(states[0] == 0, states[4] == 0)


@pytest.mark.parametrize("offsets", [[0], [0, 0, 0]])
def test_sentences_of_no_words_have_no_states(offsets: list[int]) -> None:
    states = BiLSTM(6, hidden_dim=4, dropout=0.0)(torch.empty(0, 6, requires_grad=True), torch.tensor(offsets))
    assert states.shape == (0, 8)
    states.sum().backward()
