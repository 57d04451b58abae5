"""Points that move while that lowers the normalised cut, beside what trying every move by hand gives."""

import itertools
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse
import torch

from lightning_suite.compiled_loops import REQUIRE, compiled_loops
from lightning_suite.errors import UsageError
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.refinement import LESS, ROUNDS, refined, refined_reference
from suite_spectral.graphs.dense_graph import DenseGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve


def random_graph(n: int, seed: int, *, loops: bool = True) -> SparseGraph:
    draw = np.random.default_rng(seed)
    upper = np.triu(draw.random((n, n)) * (draw.random((n, n)) < 6 / n), 0 if loops else 1)
    return SparseGraph.from_scipy(scipy.sparse.csr_array(upper + upper.T))


def of_each(graph: SparseGraph, labels: torch.Tensor, point: int, k: int) -> list[float]:
    """Return the normalised cut with a point in each of its neighbours' clusters, infinite in another."""
    there = labels[graph.matrix.to_dense()[point] > 0].tolist()
    cuts = []
    for c in range(k):
        moved = labels.clone()
        moved[point] = c
        kept = len(moved.unique()) == len(labels.unique()) and bool(graph.volumes(moved, k)[labels[point]] > 0)
        cuts.append(ncut(graph, moved, k) if c == labels[point] or (c in there and kept) else np.inf)
    return cuts


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_a_round_makes_the_best_move_of_each_point_in_order(seed: int, loops: bool) -> None:
    n, k = 24, 3
    graph = random_graph(n, seed, loops=loops)
    labels = torch.from_numpy(np.random.default_rng(seed).integers(k, size=n))
    expected = labels.clone()
    for point in range(n):
        cuts = of_each(graph, expected, point, k)
        if min(cuts) < cuts[int(expected[point])] - LESS:
            expected[point] = int(np.argmin(cuts))
    assert not torch.equal(expected, labels)
    actual = refined_reference(graph.scipy(), graph.degrees().numpy(), labels.numpy(), k, 1)
    np.testing.assert_array_equal(expected, actual)


@pytest.mark.parametrize("seed", range(5))
def test_in_the_end_no_move_of_one_point_lowers_the_cut(seed: int) -> None:
    n, k = 40, 4
    graph = random_graph(n, seed)
    labels = torch.from_numpy(np.random.default_rng(seed).integers(k, size=n))
    found = refined(graph, labels, k)
    assert ncut(graph, found, k) < ncut(graph, labels, k)
    for point in range(n):
        cuts = of_each(graph, found, point, k)
        assert min(cuts) >= cuts[int(found[point])] - 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_each_round_lowers_the_cut_and_no_cluster_is_emptied(seed: int) -> None:
    n, k = 60, 20
    graph = random_graph(n, seed)
    labels = np.concatenate([np.arange(k), np.random.default_rng(seed).integers(k, size=n - k)])
    cuts = []
    for rounds in range(6):
        found = refined_reference(graph.scipy(), graph.degrees().numpy(), labels, k, rounds)
        assert len(np.unique(found)) == k
        cuts.append(ncut(graph, torch.from_numpy(found), k))
    assert cuts[0] > cuts[1]
    assert all(after <= before + 1e-12 for before, after in itertools.pairwise(cuts))


@pytest.mark.parametrize("k", [2, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_the_compiled_labels_are_the_reference_s(seed: int, k: int) -> None:
    graph = random_graph(400, seed)
    labels = np.random.default_rng(seed).integers(k, size=400)
    expected = refined_reference(graph.scipy(), graph.degrees().numpy(), labels, k, ROUNDS)
    assert (expected != labels).any()
    np.testing.assert_array_equal(expected, refined(graph, torch.from_numpy(labels), k))


def test_a_filled_matrix_is_a_graph_too() -> None:
    weights = random_graph(30, 0).matrix.to_dense()
    labels = torch.arange(30) % 3
    expected = refined(SparseGraph.from_scipy(scipy.sparse.csr_array(weights.numpy())), labels, 3)
    assert refined(DenseGraph(weights), labels, 3).tolist() == expected.tolist()


def test_points_without_edges_stay_where_they_are() -> None:
    graph = SparseGraph.from_scipy(scipy.sparse.csr_array((4, 4)))
    assert refined(graph, torch.tensor([0, 1, 1, 0]), 2).tolist() == [0, 1, 1, 0]


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "suite_spectral._cuts", None)
    monkeypatch.delenv(REQUIRE, raising=False)
    compiled_loops.cache_clear()
    yield
    compiled_loops.cache_clear()


def test_without_the_compiled_form_the_reference_serves(not_compiled: None) -> None:
    graph = random_graph(50, 0)
    labels = torch.arange(50) % 4
    with pytest.warns(RuntimeWarning, match=r"suite_spectral\._cuts was not compiled"):
        found = refined(graph, labels, 4)
    expected = refined_reference(graph.scipy(), graph.degrees().numpy(), labels.numpy(), 4, ROUNDS)
    np.testing.assert_array_equal(expected, found)


def test_clusters_are_refined_where_that_is_asked_for() -> None:
    graph = random_graph(300, 1)
    settings = {"n_clusters": 4, "affinity": "precomputed"}
    plain, better = (cluster(graph, Settings(**settings, refine=refine)) for refine in (None, "ncut"))
    assert better.ncut < plain.ncut
    assert better.ncut == ncut(graph, better.labels, 4)
    assert (better.labels.bincount().diff() <= 0).all()  # the largest first
    for number in range(4):
        inside = better.labels[better.core] if better.core is not None else better.labels
        rows = better.rows if better.core is None else better.rows[better.core]
        torch.testing.assert_close(rows[inside == number].mean(dim=0), better.centroids[number])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"affinity": "rbf"}, "refine 'ncut' moves points along edges that are stored: .* got 'rbf'"),
        ({"route": "landmarks"}, "route 'landmarks': refine 'ncut' moves points along the edges of the graph"),
        ({"route": "best_of"}, "route 'best_of': refine 'ncut' moves points"),
    ],
)
def test_where_no_edges_are_stored_it_is_refused(settings: dict[str, str], said: str) -> None:
    points = torch.rand(30, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(UsageError, match=said):
        solve(points, Settings(n_clusters=2, refine="ncut", **settings))


def test_a_graph_without_stored_edges_is_refused() -> None:
    graph = GaussianGraph(torch.rand(30, 2, generator=torch.Generator().manual_seed(0)), 0.3)
    with pytest.raises(UsageError, match="refine 'ncut' moves points along edges that are stored, and none are here"):
        cluster(graph, Settings(n_clusters=2, refine="ncut"))
