from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor

from suite_spectral.new_points.fitted import Choices, assign, embed, empty
from suite_spectral.settings import Affinity, Settings
from suite_spectral.solving.routes import solve

Made = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]


def test_rows_of_fitted_points_are_near_those_that_were_clustered(settings: Made, arcs: Points) -> None:
    points, _ = arcs(300)
    found = solve(points, settings(affinity="rbf", sigma=0.2))
    expected, actual = found.clustering.rows, embed(found.fitted, points)
    assert torch.allclose(expected, actual, atol=1e-3 * float(expected.abs().max()))


def test_a_new_point_belongs_to_a_cluster_of_its_own_component(settings: Made) -> None:
    generator = torch.Generator().manual_seed(0)
    blobs = [torch.randn(40, 2, generator=generator, dtype=torch.float64) + 40 * place for place in range(3)]
    found = solve(torch.cat(blobs), settings(n_clusters=5))
    assert found.clustering.n_components == 3
    for place, blob in enumerate(blobs):
        own = set(found.clustering.labels[40 * place : 40 * place + 40].tolist())
        assert set(assign(found.fitted, blob + 0.01).tolist()) <= own


def test_a_point_far_from_everything_has_a_cluster(settings: Made, arcs: Points) -> None:
    points, _ = arcs(100)
    for affinity in ("nearest_neighbors", "rbf"):
        found = solve(points, settings(affinity=affinity, sigma=0.2, weights="gaussian"))
        far = assign(found.fitted, torch.tensor([[1e6, 1e6]], dtype=torch.float64))
        assert 0 <= int(far) < 2


def test_sparse_features_that_were_fitted_have_their_labels(settings: Made) -> None:
    features = torch.rand(60, 30, generator=torch.Generator().manual_seed(0)).double()
    features[features < 0.8] = 0
    found = solve(features.to_sparse_csr(), settings(affinity="cosine", n_clusters=4))
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    assert torch.equal(assign(found.fitted, features[order].to_sparse_csr()), found.clustering.labels[order])


@pytest.mark.parametrize("affinity", get_args(Affinity))
def test_choices_come_back_from_their_numbers(affinity: Affinity) -> None:
    chosen = Choices(affinity, 7, "self-tuning", "njw", by_landmarks=True, near=5)
    assert Choices.of(chosen.tensor()) == chosen


def test_what_was_fitted_says_what_it_was_fitted_with(settings: Made, arcs: Points) -> None:
    found = solve(arcs(60)[0], settings(weights="gaussian", rows="njw"))
    assert found.fitted.chosen == Choices("nearest_neighbors", 8, "gaussian", "njw")


def test_before_anything_is_fitted_there_are_no_clusters() -> None:
    assert empty().n_clusters == 0
