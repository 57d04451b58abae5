"""He's initialisation times the root of a layer's dropout rate, by both readings of the rate."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from lightning_suite import ragged
from suite_dsa.encoders.dense_cnn import DenseCNN
from suite_dsa.initialisation import Reading, gain_of
from suite_dsa.network import Classifier

PUBLISHED: dict[str, Any] = {
    **{"kernels": (3, 5), "layers": 4, "first_dim": 150, "layer_dim": 75, "compressed_dim": 300},
}


def published_cnn(reading: Reading, dropout: float = 0.2) -> DenseCNN:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        cnn = DenseCNN(300, dropout=dropout, gain=gain_of(dropout, reading), **PUBLISHED)
    return cnn.eval()


@pytest.mark.parametrize(
    ("reading", "dropout", "factor"),
    [
        ("drop", 0.2, math.sqrt(0.2)),
        ("drop", 0.0, 1.0),
        ("retain", 0.2, math.sqrt(0.8)),
        ("retain", 0.0, 1.0),
        ("none", 0.2, 1.0),
    ],
)
def test_layers_begin_as_he_says_times_the_root_of_their_rate(reading: Reading, dropout: float, factor: float) -> None:
    cnn = published_cnn(reading, dropout)
    for weight, fan_in in (
        (cnn.first.weight, 300),
        (cnn.blocks[1].layers[2].weight, 300 * 5),
        (cnn.compress.weight, 1050),
    ):
        assert weight.std().item() == pytest.approx(factor * math.sqrt(2 / fan_in), rel=0.02)
    assert not cnn.compress.bias.any()


def test_the_classifier_s_hidden_layers_have_the_factor_and_its_output_layer_has_not() -> None:
    hidden, output = [part for part in Classifier(500, 500, 1, 500, 0.4, 0.5).layers if isinstance(part, nn.Linear)]
    assert hidden.weight.std().item() == pytest.approx(0.5 * math.sqrt(2 / 500), rel=0.02)
    assert output.weight.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)


@pytest.mark.parametrize(("reading", "share"), [("drop", 0.03), ("retain", 0.29)])
def test_the_root_of_the_retained_share_lets_neighbours_count(reading: Reading, share: float) -> None:
    """The share of a compressed word's variance, at the start, that comes from layers which see its neighbours."""
    cnn = published_cnn(reading)
    words = torch.randn(2000, 300, generator=torch.Generator().manual_seed(0))
    windows = [ragged.windows(torch.arange(0, 2001, 20), 2000, kernel) for kernel in cnn.kernels]
    with torch.no_grad():
        firsts = cnn.first_layers(words, windows)
        blocks = [block(*both) for block, *both in zip(cnn.blocks, firsts, windows, strict=True)]
        seeing = blocks[0].shape[1] - cnn.first_dim  # a block's first layer, which sees one word, comes last
        weights = cnn.compress.weight.split([block.shape[1] for block in blocks] + [300], dim=1)
        neighbours = sum(
            block[:, :seeing] @ weight[:, :seeing].T for block, weight in zip(blocks, weights[:2], strict=True)
        )
        assert isinstance(neighbours, torch.Tensor)
        whole = torch.cat([*blocks, words], dim=1) @ cnn.compress.weight.T
    assert (neighbours.var() / whole.var()).item() == pytest.approx(share, abs=0.01)
