import pickle
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from suite_spectral.new_points.fitted import (
    Fitted,
    around_threshold,
    as_tensor,
    cluster_groups,
    from_tensor,
    nearest_cluster,
)
from suite_spectral.new_points.nystroem import Nystroem
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]


def test_rows_of_fitted_points_are_near_those_that_were_clustered(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(300)
    found = solve(points, settings(affinity="rbf", sigma=0.2))
    expected, actual = found.clustering.rows, found.fitted.embed(points)
    assert torch.allclose(expected, actual, atol=1e-3 * float(expected.abs().max()))


def test_a_new_point_belongs_to_a_cluster_of_its_own_component(settings: MakeSettings) -> None:
    generator = torch.Generator().manual_seed(0)
    blobs = [torch.randn(40, 2, generator=generator, dtype=torch.float64) + 40 * place for place in range(3)]
    found = solve(torch.cat(blobs), settings(n_clusters=5))
    assert found.clustering.n_components == 3
    for place, blob in enumerate(blobs):
        own = set(found.clustering.labels[40 * place : 40 * place + 40].tolist())
        assert set(found.fitted.assign(blob + 0.01).tolist()) <= own


def test_a_point_far_from_everything_has_a_cluster(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(100)
    for affinity in ("nearest_neighbors", "rbf"):
        found = solve(points, settings(affinity=affinity, sigma=0.2, weights="gaussian"))
        far = found.fitted.assign(torch.tensor([[1e6, 1e6]], dtype=torch.float64))
        assert 0 <= int(far) < 2


def test_sparse_features_that_were_fitted_have_their_labels(settings: MakeSettings) -> None:
    features = torch.rand(60, 30, generator=torch.Generator().manual_seed(0)).double()
    features[features < 0.8] = 0
    found = solve(features.to_sparse_csr(), settings(affinity="cosine", n_clusters=4))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    assert torch.equal(found.fitted.assign(features[order].to_sparse_csr()), found.clustering.labels[order])


@pytest.mark.parametrize("value", ["nearest_neighbors", 7, 0.25])
def test_what_is_no_tensor_comes_back_from_one(value: str | int | float) -> None:
    assert from_tensor(as_tensor(value)) == value
    assert type(from_tensor(as_tensor(value))) is type(value)


def test_what_was_fitted_says_what_it_was_fitted_with(settings: MakeSettings, arcs: Points) -> None:
    fitted = solve(arcs(60)[0], settings(weights="self-tuning", rows="njw")).fitted
    assert (fitted.affinity, fitted.rows) == ("nearest_neighbors", "njw")
    assert fitted.chosen == {"n_neighbors": 8, "weights": "self-tuning"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weights": "gaussian"},
        {"weights": "self-tuning"},
        {"affinity": "rbf"},
        {"affinity": "self-tuning"},
        {"affinity": "cosine"},
        {"regularisation": 0.5},
        {"route": "landmarks"},
        {"route": "landmarks", "affinity": "rbf"},
    ],
    ids=str,
)
def test_what_was_fitted_comes_back_from_its_state(
    changes: dict[str, Any], settings: MakeSettings, arcs: Points
) -> None:
    points = arcs(60)[0].abs()
    fitted = solve(points, settings(**changes)).fitted
    again = Fitted.from_state(fitted.state())
    new = arcs(30, seed=1)[0].abs()
    assert torch.equal(again.embed(new), fitted.embed(new))
    assert torch.equal(again.assign(points), fitted.assign(points))
    assert again.chosen == fitted.chosen


@pytest.mark.parametrize("name", ["affinity", "table", "weights_points", "labels"])
def test_a_state_that_lacks_something_names_it(name: str, settings: MakeSettings, arcs: Points) -> None:
    state = solve(arcs(60)[0], settings()).fitted.state()
    del state[name]
    with pytest.raises(KeyError, match=name):
        Fitted.from_state(state)


def test_only_clusters_of_the_heaviest_component_are_compared() -> None:
    centroids, groups = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([0, 1, 1])
    rows, votes = torch.tensor([[0.1], [0.1]]), torch.tensor([[0.4, 0.3, 0.3], [0.6, 0.4, 0.0]])
    assert nearest_cluster(rows, votes, centroids, groups).tolist() == [1, 0]


def test_a_cluster_belongs_to_the_component_of_most_of_its_points() -> None:
    labels, components = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 2, 2, 1, 1])
    assert cluster_groups(labels, components, 2).tolist() == [2, 1]


def test_a_threshold_lies_in_the_middle_of_two_centroids() -> None:
    entries = torch.tensor([0.0, 1.0, 3.0, 7.0]).double()
    centroids = around_threshold(entries, torch.tensor([1, 1, 0, 0]))
    assert centroids.mean() == 2
    assert centroids[1] < centroids[0]


def test_many_small_batches_of_fitted_points_are_looked_up(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(200)
    found = solve(points, settings(n_clusters=3))
    with patch.object(Nystroem, "rows_and_votes", side_effect=AssertionError("their labels are known")):
        batches = torch.cat([found.fitted.assign(batch) for batch in points.split(10)])
    assert torch.equal(batches, found.clustering.labels)


def test_one_search_tree_serves_all_batches_of_new_points(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(200)
    fitted = solve(points, settings()).fitted
    new = points + 0.01
    expected = fitted.assign(new)
    with patch("suite_spectral.graphs.neighbours._tree", side_effect=AssertionError("there is one already")):
        assert torch.equal(torch.cat([fitted.assign(batch) for batch in new.split(50)]), expected)


def test_what_is_kept_between_batches_is_not_pickled(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(200)
    fitted = solve(points, settings()).fitted
    before = len(pickle.dumps(fitted))
    fitted.assign(points + 0.01)
    assert len(pickle.dumps(fitted)) == before
    assert torch.equal(pickle.loads(pickle.dumps(fitted)).assign(points), fitted.labels)
