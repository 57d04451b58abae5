import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from suite_spectral import SpectralClustering
from suite_spectral.clusters.choosing import choose
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.loose_components import core_of, labels_with_loose
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.nearest_neighbours import NearestNeighbours
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve

MakeSettings = Callable[..., Settings]


def planted(n: int, groups: int, strays: int, seed: int = 0) -> tuple[SparseGraph, np.ndarray]:
    """A network of communities, with nodes that have no edge and a pair with one; and the community of each node."""
    draw = np.random.default_rng(seed)
    classes = np.arange(n) % groups
    inside = np.where(classes[:, None] == classes, 24 * groups / n, 3 / n)
    upper = np.triu(draw.random((n, n)) < inside / 2, 1)
    weights = scipy.sparse.block_diag([upper + upper.T, np.zeros((strays, strays)), [[0.0, 1.0], [1.0, 0.0]]])
    return SparseGraph.from_scipy(weights), classes


def blobs_with_a_far_group(n: int = 240) -> tuple[Tensor, Tensor]:
    """Two blobs that touch, and eight points far to the right, which the neighbour graph leaves alone."""
    random = torch.Generator().manual_seed(0)
    points = torch.randn(n + 8, 2, generator=random, dtype=torch.float64)
    points[n // 2 : n, 0] += 4
    points[n:] = points[n:] / 10 + torch.tensor([60.0, 0])
    return points, torch.tensor([0] * (n // 2) + [1] * (n // 2) + [1] * 8)


def test_stray_nodes_of_a_network_are_not_its_clusters() -> None:
    graph, classes = planted(600, 4, 12)
    with pytest.warns(RuntimeWarning, match=r"13 components are too small for clusters .14 points"):
        found = cluster(graph, Settings(n_clusters=4))
    assert adjusted_rand_score(classes, found.labels[:600]) > 0.95
    assert found.labels[600:].tolist() == [0] * 14
    assert found.n_components == 14


def test_the_cut_and_the_bound_are_those_of_the_whole_graph() -> None:
    graph, _ = planted(600, 4, 12)
    with pytest.warns(RuntimeWarning, match="too small"):
        found = cluster(graph, Settings(n_clusters=4))
    assert found.ncut == pytest.approx(ncut(graph, found.labels, 4))
    assert found.lower_bound == float(spectrum(Laplacian(graph), 4).values[:4].sum()) == 0


def test_a_loose_group_of_points_joins_the_nearest_cluster_and_so_do_new_points_near_it() -> None:
    points, classes = blobs_with_a_far_group()
    with pytest.warns(RuntimeWarning, match="nearest cluster"):
        found = solve(points, Settings(n_clusters=2, n_neighbors=8))
    assert adjusted_rand_score(classes, found.clustering.labels) > 0.85
    assert len(set(found.clustering.labels[240:].tolist())) == 1
    assert torch.equal(found.fitted.assign(points), found.clustering.labels)
    assert torch.equal(found.fitted.assign(points[240:] + 0.001), found.clustering.labels[240:])


@pytest.mark.parametrize("assign", ["sign", "ncut"])
def test_a_threshold_is_laid_between_the_points_that_are_not_loose(assign: str) -> None:
    points, classes = blobs_with_a_far_group()
    with pytest.warns(RuntimeWarning, match="nearest cluster"):
        found = solve(points, Settings(n_clusters=2, n_neighbors=8, assign=assign))  # type: ignore[arg-type]
    assert adjusted_rand_score(classes, found.clustering.labels) > 0.9
    new = found.fitted.assign(points[:240] + 1e-6)
    assert (new == found.clustering.labels[:240]).double().mean() > 0.95


def test_what_no_landmark_of_the_others_is_near_to_is_loose(settings: MakeSettings) -> None:
    points, classes = blobs_with_a_far_group(400)
    points[400:] *= 100
    with pytest.warns(RuntimeWarning, match="too small"):
        found = solve(points, settings(route="landmarks", landmarks=60))
    assert adjusted_rand_score(classes[:400], found.clustering.labels[:400]) > 0.9
    assert len(found.clustering.labels) == 408


def test_the_rule_for_the_graph_does_not_count_loose_points(settings: MakeSettings) -> None:
    points, _ = blobs_with_a_far_group()
    open_number = NearestNeighbours(None, "connectivity", "mean", "auto", None)
    tried = [replace(open_number, n_neighbors=5)]
    choice = choose(open_number, points, settings(n_neighbors=None), candidates=tried)
    assert all(candidate.smallest > 0.3 for candidate in choice.candidates)


def test_components_that_are_large_enough_are_clusters() -> None:
    weights = scipy.sparse.block_diag([np.ones((size, size)) for size in (30, 20, 10)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cluster(SparseGraph.from_scipy(weights), Settings(n_clusters=3))
    assert found.labels.bincount().tolist() == [30, 20, 10]


def test_a_graph_in_pieces_is_said_to_be_one() -> None:
    weights = scipy.sparse.block_diag([np.ones((3, 3))] * 40)
    with pytest.warns(RuntimeWarning, match="40 components, more than the 2 clusters"):
        cluster(SparseGraph.from_scipy(weights), Settings(n_clusters=2))


def test_regularisation_leaves_nothing_loose() -> None:
    graph, _ = planted(600, 4, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cluster(graph, Settings(n_clusters=4, regularisation=0.1)).core is None


def test_the_core_has_as_many_points_as_clusters() -> None:
    degrees = torch.tensor([50.0, 50, 1, 1])
    assert core_of(degrees, torch.tensor([0, 0, 1, 2]), 3) is None
    assert core_of(degrees, torch.tensor([0, 0, 1, 2]), 2).tolist() == [0, 1]  # type: ignore[union-attr]


def test_a_loose_component_stays_together() -> None:
    points = torch.tensor([[0.0], [1], [10], [11], [4], [7]])
    components = torch.tensor([0, 0, 0, 0, 1, 1])
    labels = labels_with_loose(torch.tensor([0, 0, 1, 1]), torch.arange(4), components, points)
    assert labels.tolist() == [0, 0, 1, 1, 0, 0]


def test_the_loose_points_are_listed_and_can_be_marked_as_noise() -> None:
    points, _ = blobs_with_a_far_group()
    with pytest.warns(RuntimeWarning, match="nearest cluster"):
        found = SpectralClustering(2, n_neighbors=8, random_state=0).fit(points.numpy())
    assert found.loose_.tolist() == list(range(240, 248))
    labels = found.labels_.copy()
    labels[found.loose_] = -1
    assert sorted(set(labels.tolist())) == [-1, 0, 1]
    assert SpectralClustering(2, n_neighbors=8, random_state=0).fit(points.numpy()[:240]).loose_.tolist() == []
