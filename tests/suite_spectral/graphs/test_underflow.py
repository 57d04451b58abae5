import warnings

import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve


def far_blobs() -> tuple[Tensor, Tensor]:
    """Two blobs in five dimensions, twenty widths apart and far from the origin."""
    points = torch.randn(300, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 50 + 1e4
    points[150:, 0] += 1000
    return points, torch.arange(300) // 150


def test_a_width_far_too_small_is_said_with_one_that_does() -> None:
    points, classes = far_blobs()
    with pytest.warns(RuntimeWarning, match="too small: the weights of 300 of 300 points") as said:
        found = solve(points, Settings(n_clusters=2, affinity="rbf", sigma=0.7))
    assert found.clustering.n_components == 300
    words = next(str(one.message) for one in said if "too small" in str(one.message)).split()
    wide = float(words[words.index("With") + 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        better = solve(points, Settings(n_clusters=2, affinity="rbf", sigma=wide))
    assert adjusted_rand_score(classes, better.clustering.labels) == 1


def test_one_point_without_edges_is_no_cluster_of_two() -> None:
    points, classes = far_blobs()
    points = torch.cat([points, torch.full((1, 5), 9e4, dtype=torch.float64)])
    with pytest.warns(RuntimeWarning, match="weights of 1 of 301 points"):
        found = solve(points, Settings(n_clusters=2, affinity="rbf", sigma=40.0))
    assert adjusted_rand_score(classes, found.clustering.labels[:300]) > 0.9


def test_a_width_that_does_changes_nothing() -> None:
    points, _ = far_blobs()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert solve(points, Settings(n_clusters=2, affinity="rbf")).clustering.n_components == 1
