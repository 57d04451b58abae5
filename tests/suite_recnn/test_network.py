from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite_recnn import forests
from suite_recnn.cells import GatedCell, SimpleCell
from suite_recnn.forests import FEATURES, ForestData, JetBatch
from suite_recnn.network import CNN, FCN, LSTM, JetNetwork, RecNN, RobustScaler, build_network

NETWORKS = {
    "recnn": lambda: RecNN(SimpleCell(8, 12), 12),
    "gated": lambda: RecNN(GatedCell(8, 12), 12),
    "fcn": FCN,
    "lstm": LSTM,
    "cnn": lambda: CNN(0.8),
}


@pytest.fixture
def batch(make_jets) -> JetBatch:
    return batch_of(make_jets([50, 1, 12, 2]))


def batch_of(jets) -> JetBatch:
    forest = forests.build_trees(jets, "cambridge-aachen", "center")
    return ForestData(forest, np.arange(len(forest)), None).batch(range(len(forest)))


def built(name: str, batch: JetBatch) -> JetNetwork:
    torch.manual_seed(0)
    network = NETWORKS[name]()
    network.scaler.set(batch.features.median(0).values, batch.features.std(0))
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_three_hidden_layers_and_a_logit_a_jet(name, batch) -> None:
    network = built(name, batch)
    layers = network.layers(batch)
    assert len(layers) == 3
    assert all(layer.shape[0] == 4 and layer.dim() == 2 for layer in layers.values())
    assert network(batch).shape == (4,)
    assert network(batch).isfinite().all()


def test_the_layers_have_the_widths_of_the_paper(batch) -> None:
    widths = {name: [layer.shape[1] for layer in built(name, batch).layers(batch).values()] for name in NETWORKS}
    assert widths["fcn"] == [102, 12, 6]
    assert widths["lstm"] == [70, 50, 20]
    assert widths["cnn"] == [8 * 9 * 9, 128, 64]


def test_the_recursive_network_has_the_size_of_the_paper() -> None:
    def numbers(network: JetNetwork) -> int:
        return sum(weight.numel() for weight in network.parameters())

    d = 70
    dense = 2 * (d * d + d) + d + 1
    assert numbers(RecNN(SimpleCell(7, d), d)) == (7 * d + d) + (3 * d * d + d) + dense == 25341
    assert numbers(RecNN(GatedCell(7, d), d)) == 25341 + (9 * d * d + 3 * d) + (16 * d * d + 4 * d) == 148331


@pytest.mark.parametrize("name", NETWORKS)
def test_the_logit_of_a_jet_does_not_depend_on_the_others_in_the_batch(name, make_jets) -> None:
    jets = make_jets([50, 1, 12, 2])
    together = batch_of(jets)
    network = built(name, together)
    alone = [network(batch_of(jets.take(np.array([place])))) for place in range(4)]
    torch.testing.assert_close(torch.cat(alone), network(together), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_weight_learns_something(name, batch) -> None:
    network = built(name, batch)
    network(batch).square().sum().backward()
    still = [label for label, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


@pytest.mark.parametrize("cell", [SimpleCell, GatedCell])
def test_a_cell_of_seven_features_does_not_see_the_mass(cell, batch) -> None:
    network = RecNN(cell(7, 12), 12)
    other = batch._replace(features=torch.cat([batch.features[:, :7], batch.features[:, 7:] + 1], dim=1))
    torch.testing.assert_close(network(other), network(batch))
    network = RecNN(cell(8, 12), 12)
    assert not torch.allclose(network(other), network(batch))


@pytest.mark.parametrize("name", ["recnn", "gated"])
def test_the_embedding_of_a_jet_is_that_of_its_root(name, batch) -> None:
    network = built(name, batch)
    nodes = network.nodes(batch)
    assert nodes.shape == (len(batch.features), 12)
    torch.testing.assert_close(network.layers(batch)["embedding"], nodes[batch.offsets[1:] - 1])


def test_the_recursion_is_that_of_the_paper(batch) -> None:
    network = built("recnn", batch).double()
    cell, x = network.cell, network.scaler(batch.features.double())

    def embed(node: int) -> torch.Tensor:
        own = cell.own(x[node]).relu()
        left, right = batch.children[node].tolist()
        return own if left < 0 else cell.inner(torch.cat([embed(left), embed(right), own])).relu()

    expected = torch.stack([embed(root) for root in batch.roots().tolist()])
    actual = network.layers(SimpleNamespace(features=batch.features.double(), **_rest(batch)))["embedding"]
    torch.testing.assert_close(actual, expected)


def _rest(batch: JetBatch) -> dict:
    return {"children": batch.children, "offsets": batch.offsets, "roots": batch.roots}


@pytest.mark.parametrize("name", ["fcn", "lstm"])
def test_only_the_thirty_hardest_constituents_are_seen(name, make_jets) -> None:
    jets = make_jets([50])
    network = built(name, batch_of(jets))
    first = batch_of(jets)
    changed = first.features.clone()
    changed[30:50] = 0
    torch.testing.assert_close(network(first._replace(features=changed)), network(first))
    changed[29] = 0
    assert not torch.allclose(network(first._replace(features=changed)), network(first))


@pytest.mark.parametrize(("pool", "divisor"), [("mean", 99), ("sum", 100)])
def test_all_nodes_are_pooled_beside_the_root(pool, divisor, batch) -> None:
    torch.manual_seed(0)
    network = RecNN(SimpleCell(8, 12), 12, pool=pool)
    nodes, embedding = network.nodes(batch), network.layers(batch)["embedding"]
    assert embedding.shape == (4, 24)
    torch.testing.assert_close(embedding[:, :12], nodes[batch.roots()])
    torch.testing.assert_close(embedding[0, 12:], nodes[:99].sum(0) / divisor)  # 50 constituents


def test_the_dense_layers_see_a_normalised_embedding(batch) -> None:
    network = RecNN(SimpleCell(8, 12), 12, layer_norm=True)
    layers = network.layers(batch)
    seen = network.norm(layers["embedding"])
    torch.testing.assert_close(seen.mean(1), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(layers["dense_1"], network.dense_1(seen).relu())


def test_units_are_dropped_in_training_alone(batch) -> None:
    network = RecNN(SimpleCell(8, 12), 12, dropout=0.5)
    assert (network.layers(batch)["dense_1"] != network.layers(batch)["dense_1"]).any()
    network.eval()
    torch.testing.assert_close(network(batch), network(batch), rtol=0, atol=0)


OPTIONS = {
    **{"hidden_dim": 4, "mass": False, "image_radius": 0.8},
    **{"mass_waves": 0, "pool": "root", "layer_norm": False, "dropout": 0.0},
}


@pytest.mark.parametrize("network", ["recnn", "gated", "fcn", "lstm", "cnn"])
@pytest.mark.parametrize(("classes", "shape"), [(0, (3,)), (2, (3,)), (4, (3, 4))])
def test_two_classes_share_an_output_and_more_have_one_each(network, classes, shape, make_jets) -> None:
    forest = forests.build_trees(make_jets([5, 1, 8]), "kt", "center")
    batch = forests.ForestData(forest, np.arange(3), None).batch(range(3))
    assert build_network(OPTIONS | {"network": network}, 8, classes)(batch).shape == shape


def test_a_network_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="recnn, gated, fcn, lstm, cnn, got 'rnn'"):
        build_network(OPTIONS | {"network": "rnn"}, 8, 2)


def test_waves_of_the_mass_come_before_the_features_and_are_those_of_splittings(batch) -> None:
    network = RecNN(SimpleCell(6 + 7, 12), 12, waves=3)
    network.scaler.set(batch.features.median(0).values, batch.features.std(0))
    inputs, root = network.inputs(batch), batch.roots()[0]
    torch.testing.assert_close(inputs[:, 6:], network.scaler(batch.features))
    log_mass = batch.features[root, FEATURES.index("log_mass")]
    expected = torch.stack([wave(w * log_mass) for wave in (torch.cos, torch.sin) for w in (2, 4, 8)])
    torch.testing.assert_close(inputs[root, :6], expected)
    assert not inputs[:50, :6].any()  # the constituents of the first jet
    assert network(batch).isfinite().all()


def test_features_are_scaled_by_asinh_to_the_last_digits_and_so_are_gradients() -> None:
    sizes = torch.logspace(-30, 38, 200)
    features = torch.cat([-sizes, torch.zeros(1), sizes]).unsqueeze(1)
    scaler = RobustScaler(feature_dim=1)

    scaled = scaler(features)

    torch.testing.assert_close(scaled.double(), torch.asinh(features.double()), rtol=3e-7, atol=0.0)
    (gradient,) = torch.autograd.grad(scaler(features.requires_grad_()).sum(), features)
    torch.testing.assert_close(gradient, (1 + features.double().square()).rsqrt().float())
