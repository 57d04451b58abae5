from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from suite_spectral.network import FittedClusters
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve

MakeSettings = Callable[..., Settings]


def blobs(n: int = 60) -> Tensor:
    points = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    points[n // 2 :] += 8
    return points


@pytest.fixture(scope="module")
def network(settings: MakeSettings) -> FittedClusters:
    found = FittedClusters()
    found.take(solve(blobs(), settings()).fitted)
    return found


def test_nothing_is_fitted_at_first() -> None:
    assert not FittedClusters().is_fitted


def test_what_was_fitted_labels_new_points(network: FittedClusters) -> None:
    labels = network(torch.tensor([[0.1, -0.2], [8.3, 7.9], [0.4, 0.4]]))
    assert labels[0] == labels[2] != labels[1]


def test_fitted_points_have_their_labels_in_any_order(network: FittedClusters) -> None:
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    assert torch.equal(network(blobs()[order]), network.fitted_labels[order])


def test_there_is_a_row_for_each_point(network: FittedClusters) -> None:
    assert network.embed(blobs()[:7]).shape == (7, 2)


def test_no_points_have_no_labels(network: FittedClusters) -> None:
    assert network(torch.empty(0, 2)).shape == (0,)


def test_a_state_of_any_size_can_be_loaded(network: FittedClusters) -> None:
    other = FittedClusters()
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(blobs()), network(blobs()))


def test_a_fitted_network_can_take_up_a_larger_one(network: FittedClusters, settings: MakeSettings) -> None:
    other = FittedClusters()
    other.take(solve(blobs(40), settings()).fitted)
    other.load_state_dict(network.state_dict())
    assert len(other.fitted_labels) == 60


def test_what_was_fitted_is_read_from_the_buffers_once_and_again_after_they_change(
    network: FittedClusters, settings: MakeSettings
) -> None:
    other = FittedClusters()
    other.take(solve(blobs(40), settings(affinity="rbf", sigma=0.5)).fitted)
    first = other.fitted
    assert other.fitted is first
    other.load_state_dict(network.state_dict())
    assert other.fitted.affinity == "nearest_neighbors"
    assert other.float().fitted.centroids.dtype == torch.float32
    other.load_state_dict(FittedClusters().state_dict())
    assert not other.is_fitted


def test_a_state_is_saved_as_tensors_alone(network: FittedClusters, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "state.pt")
    other = FittedClusters()
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert other.is_fitted


def test_a_state_that_lacks_something_is_refused(network: FittedClusters) -> None:
    state = network.state_dict()
    del state["centroids"]
    with pytest.raises(RuntimeError, match="centroids"):
        FittedClusters().load_state_dict(state)


def test_there_is_nothing_to_learn(network: FittedClusters) -> None:
    assert list(network.parameters()) == []


def test_half_precision_around_it_changes_nothing(network: FittedClusters) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = network.embed(blobs() + 0.01)
    assert torch.equal(inside, network.embed(blobs() + 0.01))
