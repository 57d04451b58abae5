from collections.abc import Callable

import numpy as np
import pytest
import torch

from lightning_suite.errors import UsageError
from suite_recnn import forests
from suite_recnn.cells import GatedCell, SimpleCell
from suite_recnn.forests import ForestData, JetBatch
from suite_recnn.interpretation.attribution import logits_of_scaled, saliency
from suite_recnn.jets import Jets
from suite_recnn.network import CNN, FCN, LSTM, JetNetwork, RecNN

NETWORKS: dict[str, Callable[[], JetNetwork]] = {
    "recnn": lambda: RecNN(SimpleCell(7, 6), 6),
    "gated": lambda: RecNN(GatedCell(7, 6), 6),
    "fcn": FCN,
    "lstm": LSTM,
}


@pytest.fixture
def batch(make_jets: Callable[..., Jets]) -> JetBatch:
    forest = forests.build_trees(make_jets([12, 1, 7, 2]), "cambridge-aachen", "center")
    batch = ForestData(forest, np.arange(len(forest)), None).batch(range(len(forest)))
    return batch._replace(features=batch.features.double())


def built(name: str, batch: JetBatch) -> JetNetwork:
    torch.manual_seed(1)
    network = NETWORKS[name]().double().eval()
    network.scaler.set(batch.features.median(0).values, batch.features.std(0))
    return network


def sums(values: torch.Tensor, batch: JetBatch) -> torch.Tensor:
    """The sum over the nodes of each jet."""
    return torch.stack([part.sum() for part in torch.split(values, batch.offsets.diff().tolist())])


@pytest.mark.parametrize("name", NETWORKS)
def test_integrated_gradients_add_up_to_what_the_features_change(name: str, batch: JetBatch) -> None:
    network = built(name, batch)
    explained = sums(saliency(network, batch, "integrated", steps=100), batch)
    baseline = logits_of_scaled(network, batch, torch.zeros_like(batch.features))
    difference = (network(batch) - baseline).detach()
    assert difference.abs().max() > 0.02
    torch.testing.assert_close(explained, difference, rtol=0, atol=5e-3 * float(difference.abs().max()))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_product_of_gradient_and_input_is_the_slope_along_the_input(name: str, batch: JetBatch) -> None:
    network = built(name, batch)
    scaled = network.scaler(batch.features)
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (logits_of_scaled(network, batch, (1 + sign * step) * scaled) for sign in (1, -1))
    slope = sums(saliency(network, batch, "gradient_input"), batch)
    torch.testing.assert_close(slope, (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["fcn", "lstm"])
def test_a_network_of_constituents_has_no_saliency_of_splittings(name: str, batch: JetBatch) -> None:
    values = saliency(built(name, batch), batch, "integrated", steps=4)
    inner = batch.children[:, 0] >= 0
    assert not values[inner].any()
    assert values[~inner].all()
    with pytest.raises(UsageError, match="does not read the clustering tree"):
        saliency(built(name, batch), batch, "relative")


def test_the_median_node_explains_nothing(batch: JetBatch) -> None:
    network = built("recnn", batch)
    medians = batch._replace(features=network.scaler.center.expand_as(batch.features))
    assert not saliency(network, medians, "gradient_input").any()


def test_an_image_has_no_derivative(batch: JetBatch) -> None:
    with pytest.raises(UsageError, match="--method integrated is not defined for a CNN"):
        saliency(CNN(0.8).double(), batch, "integrated")
