from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_recnn import forests
from suite_recnn.cells import GatedCell, SimpleCell
from suite_recnn.forests import ForestData, JetBatch
from suite_recnn.interpretation.node_gradients import decision, node_gradients, relative_norms
from suite_recnn.jets import Jets
from suite_recnn.network import CNN, FCN, LSTM, JetNetwork, Pool, RecNN

CELLS = [SimpleCell, GatedCell]


POOLS: list[Pool] = ["root", "mean", "sum"]


@pytest.fixture
def batch(make_jets: Callable[..., Jets]) -> JetBatch:
    """Four jets, one of a single constituent, in float64."""
    forest = forests.build_trees(make_jets([30, 1, 7, 2]), "cambridge-aachen", "center")
    batch = ForestData(forest, np.arange(len(forest)), None).batch(range(len(forest)))
    return batch._replace(features=batch.features.double())


def built(cell: type, batch: JetBatch, **options: Any) -> RecNN:
    torch.manual_seed(1)
    network = RecNN(cell(7 + 2 * options.get("waves", 0), 6), 6, **options).double().eval()
    network.scaler.set(batch.features.median(0).values, batch.features.std(0))
    return network


def by_autograd(network: RecNN, batch: JetBatch) -> tuple[Tensor, Tensor]:
    """Logits and derivatives by all nodes, through a recursion in Python that autograd can follow."""
    cell, alone = network.cell, network.cell.alone(network.inputs(batch))
    nodes: list[Tensor] = []
    for node, (left, right) in enumerate(batch.children.tolist()):
        one = alone[node] if left < 0 else cell.step(torch.cat([nodes[left], nodes[right], alone[node]])[None])[0]
        one.retain_grad()
        nodes.append(one)
    logits = decision(network.logits_of(network.layers_above(torch.stack(nodes), batch)))
    torch.autograd.backward(logits.sum())
    zero = torch.zeros_like(nodes[0])
    return logits.detach(), torch.stack([zero if node.grad is None else node.grad for node in nodes])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pool", POOLS)
def test_the_derivative_by_every_node_is_that_of_autograd(cell: type, pool: Pool, batch: JetBatch) -> None:
    network = built(cell, batch, pool=pool, layer_norm=pool == "mean", waves=2 if pool == "sum" else 0)
    logits, gradients = by_autograd(network, batch)
    found = node_gradients(network, batch)
    assert (gradients.abs().sum(1) > 0).sum() > 30  # most nodes act on the logit
    torch.testing.assert_close(found.logits, logits)
    torch.testing.assert_close(found.gradients, gradients, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(found.logits, network(batch).detach())


@pytest.mark.parametrize("cell", CELLS)
def test_the_derivative_of_a_jet_does_not_depend_on_the_others(cell: type, batch: JetBatch) -> None:
    network = built(cell, batch)
    begin = int(batch.offsets[2])  # the jet of seven constituents
    rows = slice(begin, int(batch.offsets[3]))
    children = torch.where(batch.children[rows] >= 0, batch.children[rows] - begin, -1)
    alone = JetBatch(batch.features[rows], children, batch.offsets[2:4] - begin, None)
    together = node_gradients(network, batch).gradients[rows]
    torch.testing.assert_close(node_gradients(network, alone).gradients, together)


def test_gradients_of_weights_are_neither_used_nor_changed(batch: JetBatch) -> None:
    network = built(SimpleCell, batch)
    with torch.no_grad():
        node_gradients(network, batch)
    assert all(weight.grad is None for weight in network.parameters())


def test_of_more_classes_the_derivative_is_that_of_the_highest_logit(batch: JetBatch) -> None:
    network = built(GatedCell, batch)
    network.output = torch.nn.Linear(6, 3).double()
    logits, gradients = by_autograd(network, batch)
    torch.testing.assert_close(logits, network(batch).amax(1).detach())
    torch.testing.assert_close(node_gradients(network, batch).gradients, gradients, rtol=1e-10, atol=1e-14)


def test_the_saliency_of_the_root_is_one_and_that_of_no_derivative_is_unknown(batch: JetBatch) -> None:
    saliency = relative_norms(node_gradients(built(SimpleCell, batch), batch).gradients, batch.offsets)
    torch.testing.assert_close(saliency[batch.roots()], torch.ones(4, dtype=torch.float64))
    assert (saliency[:-1] != 1).any()
    assert relative_norms(torch.zeros(3, 2), torch.tensor([0, 3])).isnan().all()


@pytest.mark.parametrize("network", [FCN(), LSTM(), CNN(0.8)], ids=["fcn", "lstm", "cnn"])
def test_other_networks_are_refused(network: JetNetwork, batch: JetBatch) -> None:
    with pytest.raises(UsageError, match=f"got {type(network).__name__}: it does not read the clustering tree"):
        node_gradients(network, batch)
