"""The network: the state that is carried, and the four kinds of dropout."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite_tweets.network import (
    LanguageModel,
    SequenceDropout,
    TokenEmbedding,
    WeightDropLSTM,
)
from suite_tweets.state import State
from suite_tweets.tokens import UNKNOWN

DROPOUTS = ["token_dropout", "input_dropout", "hidden_dropout", "output_dropout", "weight_dropout"]


def model(tokens: int = 11, once: range = range(0), **settings: Any) -> LanguageModel:
    sizes = {"embedding_dim": 6, "hidden_dim": 5, "layers": 2, "tied": False, "dropout": "step"}
    return LanguageModel(tokens, once, **(sizes | dict.fromkeys(DROPOUTS, 0.0) | settings))


def flat(state: State) -> list[Tensor]:
    return [tensor for layer in state for tensor in layer]


# Shapes and weights


@pytest.mark.parametrize(("time", "batch"), [(4, 3), (1, 3), (4, 1), (1, 1)])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_every_token_read_has_logits_of_all_tokens(time: int, batch: int, tied: bool, layers: int) -> None:
    network = model(tied=tied, layers=layers)
    logits, state = network(torch.randint(11, (time, batch)), network.initial_state(batch))
    last = 6 if tied else 5
    assert logits.shape == (time, batch, 11)
    assert [tensor.shape for tensor in flat(state)] == [(1, batch, 5)] * 2 * (layers - 1) + [(1, batch, last)] * 2


def test_nothing_read_is_a_state_of_zeros() -> None:
    state = model(layers=3).initial_state(4)
    assert len(state) == 3
    assert all(tensor.shape == (1, 4, 5) and not tensor.any() for tensor in flat(state))


def test_tied_weights_are_one_tensor() -> None:
    network = model(tied=True)
    assert network.softmax.weight is network.embedding.weight
    assert (
        len([name for name, _ in network.named_parameters() if name.endswith(("embedding.weight", "softmax.weight"))])
        == 1
    )


def test_weights_that_are_not_tied_are_two() -> None:
    network = model(tied=False)
    assert network.softmax.weight is not network.embedding.weight


def test_a_tied_network_of_one_layer_has_logits_in_the_space_of_the_embedding() -> None:
    network = model(tied=True, layers=1, hidden_dim=99)
    (lstm,) = network.lstms
    assert isinstance(lstm, nn.LSTM)
    assert lstm.hidden_size == 6


# The state


@pytest.mark.parametrize("tied", [False, True])
def test_reading_step_by_step_is_reading_at_once(tied: bool) -> None:
    network = model(tied=tied, **dict.fromkeys(DROPOUTS, 0.3)).eval()
    tokens = torch.randint(11, (7, 3))
    expected, after = network(tokens, network.initial_state(3))
    state, parts = network.initial_state(3), []
    for part in tokens.split([1, 3, 1, 2]):
        logits, state = network(part, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts), expected)
    for one, other in zip(flat(state), flat(after), strict=True):
        torch.testing.assert_close(one, other)


def test_what_was_read_before_matters() -> None:
    network = model().eval()
    tokens = torch.randint(11, (7, 1))
    _, state = network(tokens[:4], network.initial_state(1))
    carried, _ = network(tokens[4:], state)
    fresh, _ = network(tokens[4:], network.initial_state(1))
    assert not torch.allclose(carried, fresh)


def test_columns_of_a_batch_do_not_see_each_other() -> None:
    network = model().eval()
    tokens = torch.randint(11, (5, 3))
    together, _ = network(tokens, network.initial_state(3))
    for i in range(3):
        alone, _ = network(tokens[:, i : i + 1], network.initial_state(1))
        torch.testing.assert_close(alone[:, 0], together[:, i])


def test_a_token_changes_nothing_before_it() -> None:
    network = model().eval()
    one = torch.randint(11, (6, 1))
    other = one.clone()
    other[4] = (other[4] + 1) % 11
    (before, _), (changed, _) = (network(tokens, network.initial_state(1)) for tokens in (one, other))
    assert torch.equal(before[:4], changed[:4])
    assert not torch.allclose(before[4:], changed[4:])


# Dropout


def test_sequence_dropout_drops_the_same_numbers_at_every_step() -> None:
    dropped = SequenceDropout(0.5)(torch.ones(20, 4, 30))
    assert (dropped == dropped[:1]).all()
    assert 0.3 < (dropped == 0).float().mean() < 0.7


def test_sequence_dropout_drops_other_numbers_in_every_column() -> None:
    dropped = SequenceDropout(0.5)(torch.ones(1, 2, 60))
    assert not torch.equal(dropped[:, 0], dropped[:, 1])


def test_step_dropout_drops_other_numbers_at_every_step() -> None:
    dropped = nn.Dropout(0.5)(torch.ones(2, 1, 60))
    assert not torch.equal(dropped[0], dropped[1])


@pytest.mark.parametrize("kind", [SequenceDropout, nn.Dropout])
def test_what_dropout_keeps_is_scaled_to_the_same_mean(kind: Any) -> None:
    dropped = kind(0.2)(torch.ones(5, 7, 100))
    assert torch.allclose(dropped[dropped != 0], torch.tensor(1 / 0.8))


@pytest.mark.parametrize("kind", [SequenceDropout, nn.Dropout])
def test_dropout_changes_nothing_outside_training_or_at_rate_zero(kind: Any) -> None:
    x = torch.randn(5, 7, 10)
    assert torch.equal(kind(0.5).eval()(x), x)
    assert torch.equal(kind(0.0)(x), x)


@pytest.mark.parametrize(("name", "kind"), [("step", nn.Dropout), ("sequence", SequenceDropout)])
def test_dropout_of_the_kind_and_rate_asked_for_follows_every_layer(name: str, kind: type[nn.Module]) -> None:
    network = model(dropout=name, layers=3, input_dropout=0.1, hidden_dropout=0.2, output_dropout=0.3)
    drops = [network.drop_input, *network.drops]
    assert all(type(drop) is kind for drop in drops)
    assert [drop.p for drop in drops] == [0.1, 0.2, 0.2, 0.3]


@pytest.mark.parametrize("rate", DROPOUTS)
@pytest.mark.parametrize("dropout", ["step", "sequence"])
def test_each_rate_changes_training_and_not_evaluation(rate: str, dropout: str) -> None:
    network = model(dropout=dropout, **{rate: 0.5})
    tokens, start = torch.randint(11, (6, 3)), network.initial_state(3)
    one, other = (network(tokens, start)[0] for _ in range(2))
    assert not torch.allclose(one, other)
    network.eval()
    one, other = (network(tokens, start)[0] for _ in range(2))
    assert torch.equal(one, other)


def test_a_network_without_dropout_says_the_same_in_training() -> None:
    network = model()
    tokens, start = torch.randint(11, (6, 3)), network.initial_state(3)
    assert torch.equal(network(tokens, start)[0], network.eval()(tokens, start)[0])


# Dropout of tokens


def test_a_dropped_token_is_dropped_wherever_it_occurs_in_the_batch() -> None:
    embedding = TokenEmbedding(40, 6, 0.5, range(0))
    tokens = torch.arange(40).repeat(3)[torch.randperm(120)].view(30, 4)
    vectors = embedding(tokens)
    dropped = (vectors == 0).all(dim=2)
    share = [dropped[tokens == token].float().mean().item() for token in range(40)]
    assert set(share) == {0.0, 1.0}


def test_tokens_that_remain_are_scaled() -> None:
    embedding = TokenEmbedding(40, 6, 0.5, range(0))
    vectors = embedding(torch.arange(40)[:, None])[:, 0]
    remaining = (vectors != 0).any(dim=1)
    torch.testing.assert_close(vectors[remaining], 2 * embedding.weight[remaining])


def test_gradients_reach_only_the_tokens_that_remain() -> None:
    embedding = TokenEmbedding(40, 6, 0.5, range(0))
    vectors = embedding(torch.arange(40)[:, None])
    vectors.sum().backward()
    remaining = (vectors[:, 0] != 0).any(dim=1)
    assert embedding.weight.grad is not None
    assert torch.equal((embedding.weight.grad != 0).any(dim=1), remaining)


def test_the_unknown_word_reads_as_the_mean_of_words_seen_once() -> None:
    embedding = TokenEmbedding(9, 6, 0.0, range(6, 9)).eval()
    vectors = embedding(torch.tensor([[UNKNOWN, 3], [7, UNKNOWN]]))
    rare = embedding.weight[6:9].mean(dim=0)
    torch.testing.assert_close(
        vectors, torch.stack([torch.stack([rare, embedding.weight[3]]), torch.stack([embedding.weight[7], rare])])
    )


def test_the_unknown_word_has_a_vector_of_its_own_where_training_meets_it() -> None:
    embedding = TokenEmbedding(9, 6, 0.0, range(0)).eval()
    assert torch.equal(embedding(torch.tensor([[UNKNOWN]]))[0, 0], embedding.weight[UNKNOWN])


# Dropout of weights


def test_without_dropout_it_is_an_ordinary_lstm() -> None:
    ours, plain = WeightDropLSTM(6, 5, 0.0), nn.LSTM(6, 5)
    plain.load_state_dict(ours.state_dict())
    x, start = torch.randn(4, 3, 6), (torch.randn(1, 3, 5), torch.randn(1, 3, 5))
    (expected, (hidden, cell)), (output, (own_hidden, own_cell)) = plain(x, start), ours(x, start)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close((own_hidden, own_cell), (hidden, cell))


def test_in_evaluation_it_is_an_ordinary_lstm_at_any_rate() -> None:
    ours, plain = WeightDropLSTM(6, 5, 0.7).eval(), nn.LSTM(6, 5)
    plain.load_state_dict(ours.state_dict())
    x, start = torch.randn(4, 3, 6), (torch.randn(1, 3, 5), torch.randn(1, 3, 5))
    torch.testing.assert_close(ours(x, start)[0], plain(x, start)[0])


def test_training_drops_and_scales_the_recurrent_weights_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, plain = WeightDropLSTM(6, 5, 0.5), nn.LSTM(6, 5)
    mask = (torch.rand(20, 5) > 0.5) * 2.0
    weights = ours.state_dict()
    plain.load_state_dict(weights | {"weight_hh_l0": weights["weight_hh_l0"] * mask})

    def by_the_mask(x: Tensor, rate: float) -> Tensor:
        assert rate == 0.5
        return x * mask

    monkeypatch.setattr("suite_tweets.network.functional.dropout", by_the_mask)
    x, start = torch.randn(4, 3, 6), (torch.randn(1, 3, 5), torch.randn(1, 3, 5))
    expected, (hidden, cell) = plain(x, start)
    output, (own_hidden, own_cell) = ours(x, start)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close((own_hidden, own_cell), (hidden, cell))


def test_dropped_weights_are_as_they_were_after_training() -> None:
    lstm = WeightDropLSTM(6, 5, 0.5)
    before = {name: tensor.clone() for name, tensor in lstm.state_dict().items()}
    lstm(torch.randn(4, 3, 6), (torch.zeros(1, 3, 5), torch.zeros(1, 3, 5)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in lstm.state_dict().items())


def test_gradients_reach_the_recurrent_weights_that_remain() -> None:
    lstm = WeightDropLSTM(6, 5, 0.5)
    output, _ = lstm(torch.randn(4, 3, 6), (torch.zeros(1, 3, 5), torch.zeros(1, 3, 5)))
    output.sum().backward()
    gradient = lstm.weight_hh_l0.grad
    assert gradient is not None
    assert 0.2 < (gradient != 0).float().mean() < 0.8


def test_gradients_reach_every_weight_of_the_network() -> None:
    network = model(tied=True, dropout="sequence", weight_dropout=0.3, hidden_dropout=0.2)
    logits, _ = network(torch.randint(11, (6, 8)), network.initial_state(8))
    logits.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())
