"""Parts of a graph that hang on by one edge, beside those that are found by taking out each edge in turn."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score

from suite_spectral.clusters import clustering as clustering_module
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.loose_ends import LIKELY, NONE, ends_of, ends_taken, hosts_of, hosts_reference
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings


def graph_of(edges: np.ndarray, n: int) -> SparseGraph:
    half = scipy.sparse.coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(n, n)).tocsr()
    whole = half + half.T
    whole.data[:] = 1
    return SparseGraph.from_scipy(whole)


def communities(n: int, cliques: int) -> tuple[SparseGraph, torch.Tensor]:
    """Return two communities of n nodes, and cliques of four that hang on to node 0 of the first; and who is where."""
    draw = np.random.default_rng(0)
    sides = draw.integers(n, size=(2, 5 * n, 2)) + np.array([0, n])[:, None, None]
    between = np.stack([draw.integers(n, size=n), n + draw.integers(n, size=n)], 1)
    edges = [*sides, between]
    for number in range(cliques):
        first = 2 * n + 4 * number
        edges.append(np.array([(0, first), *((first + i, first + j) for i in range(4) for j in range(i))]))
    whole = np.concatenate(edges)
    truth = torch.zeros(2 * n + 4 * cliques, dtype=torch.int64)
    truth[n : 2 * n] = 1
    return graph_of(whole[whole[:, 0] != whole[:, 1]], len(truth)), truth


@pytest.mark.parametrize("regularisation", [0.0, 0.01])
def test_cliques_that_hang_on_by_one_edge_are_no_clusters(regularisation: float) -> None:
    graph, truth = communities(150, 3)
    settings = Settings(n_clusters=2, affinity="precomputed", regularisation=regularisation)
    with pytest.warns(RuntimeWarning, match="12 points hang on to the others by one edge"):
        clustering = cluster(graph, settings)
    assert adjusted_rand_score(truth, clustering.labels) > 0.9
    assert clustering.labels[-12:].tolist() == 12 * [int(clustering.labels[0])]
    assert clustering.core is not None and len(clustering.core) == 300
    assert clustering.rows.shape == (312, 2) and not bool(clustering.rows[-12:].any())
    assert math.isnan(clustering.lower_bound)  # of the whole graph no eigenvalues are known


def test_ends_stay_where_they_take_no_cluster() -> None:
    graph, _ = communities(150, 0)
    weights = graph.scipy().toarray()
    longer = np.zeros((301, 301))
    longer[:300, :300] = weights
    longer[0, 300] = longer[300, 0] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clustering = cluster(
            SparseGraph.from_scipy(longer), Settings(n_clusters=2, affinity="precomputed", regularisation=0.1)
        )
    assert clustering.core is None


@pytest.mark.parametrize("seed", range(6))
def test_the_ends_are_what_single_edges_hold(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = 40
    edges = draw.integers(n, size=(36, 2))
    graph = graph_of(edges[edges[:, 0] != edges[:, 1]], n)
    weights, degrees = graph.scipy(), graph.degrees()
    _, parts = connected_components(weights, directed=False)
    least = 0.1 * float(degrees.sum()) / 2  # of two clusters
    tops = {int(part): int(np.flatnonzero(parts == part)[degrees[parts == part].argmax()]) for part in np.unique(parts)}
    ends, hosts = np.zeros(n, dtype=bool), np.arange(n)
    sides = []
    for near, far in zip(*scipy.sparse.triu(weights, 1).nonzero(), strict=True):
        without = weights.tolil()
        without[near, far] = without[far, near] = 0
        _, left = connected_components(without.tocsr(), directed=False)
        if left[near] != left[far]:
            host, end = (near, far) if left[tops[parts[near]]] == left[near] else (far, near)
            inside = left == left[end]
            if float(degrees[inside].sum()) < least:
                sides.append((inside, host))
    for inside, host in sorted(sides, key=lambda side: side[0].sum()):  # the largest is written last
        ends |= inside
        hosts[inside] = host
    assert ends.any()
    components = torch.from_numpy(parts.astype(np.int64))
    smallest = torch.zeros(n, dtype=torch.int64)
    smallest[int(np.flatnonzero(ends)[0])] = 1  # a cluster of one point, in an end
    found = ends_taken(graph, degrees, components, smallest, 2)
    assert found is not None
    assert found.core.tolist() == np.flatnonzero(~ends).tolist()
    assert found.hosts.tolist() == hosts.tolist()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor | None]:
    """What each solution starts from."""
    starts: list[torch.Tensor | None] = []
    solve = clustering_module.spectrum

    def watched(*args: Any, **options: Any) -> Spectrum:
        starts.append(options["start"])
        return solve(*args, **options)

    monkeypatch.setattr(clustering_module, "spectrum", watched)
    return starts


def test_where_ends_would_take_a_cluster_the_others_alone_are_solved(starts: list[torch.Tensor | None]) -> None:
    graph, truth = communities(400, 3)
    with pytest.warns(RuntimeWarning, match="12 points hang on"):
        clustering = cluster(graph, Settings(n_clusters=2, affinity="precomputed", solver="multilevel"))
    assert starts == [None]
    assert adjusted_rand_score(truth, clustering.labels) > 0.95


def test_both_ways_to_notice_ends_lead_to_the_same_clusters(
    starts: list[torch.Tensor | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = communities(400, 3)
    settings = Settings(n_clusters=2, affinity="precomputed", solver="multilevel")
    with pytest.warns(RuntimeWarning, match="12 points hang on"):
        expected = cluster(graph, settings)
    monkeypatch.setattr(clustering_module, "LIKELY", 0.0)
    with pytest.warns(RuntimeWarning, match="12 points hang on"):
        clustering = cluster(graph, settings)
    first, second = starts[1:]
    assert first is None
    assert second is not None  # the others start from the eigenvectors with the ends
    assert second.shape[0] == graph.n - 12
    assert clustering.labels.tolist() == expected.labels.tolist()
    assert clustering.lower_bound <= clustering.ncut


def test_ends_that_take_no_cluster_are_solved_with_the_others_from_their_eigenvectors(
    starts: list[torch.Tensor | None],
) -> None:
    draw = np.random.default_rng(0)
    inside = draw.integers(150, size=(2, 750, 2)) + np.array([0, 150])[:, None, None]
    clique = np.array([(0, 300), *((300 + i, 300 + j) for i in range(4) for j in range(i))])
    edges = np.concatenate([*inside, [(1, 151), (2, 152), (3, 153)], clique])  # few between the two: a lower eigenvalue
    graph = graph_of(edges[edges[:, 0] != edges[:, 1]], 304)
    settings = Settings(n_clusters=2, affinity="precomputed", solver="multilevel")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clustering = cluster(graph, settings)
    first, second = starts
    assert first is None
    assert second is not None
    assert second.shape[0] == graph.n
    torch.testing.assert_close(second[300:], second[0].expand(4, -1))
    assert clustering.core is None
    assert adjusted_rand_score([0] * 150 + [1] * 150 + [0] * 4, clustering.labels) == 1
    assert clustering.lower_bound <= clustering.ncut


@pytest.mark.parametrize("seed", range(6))
def test_compiled_and_reference_find_the_same_ends(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = 60
    edges = draw.integers(n, size=(55, 2))
    half = scipy.sparse.coo_array((draw.integers(1, 5, len(edges)) / 4, tuple(edges.T)), shape=(n, n)).tocsr()
    weights = scipy.sparse.csr_array(half + half.T)  # with loops, and several components
    weights.indices, weights.indptr = weights.indices.astype(np.int32), weights.indptr.astype(np.int32)
    degrees = np.asarray(weights.sum(axis=1))
    components = connected_components(weights, directed=False)[1].astype(np.int64)
    expected, least = hosts_reference(weights, degrees, components, 20.0)
    assert (expected != np.arange(n)).any()
    actual, same = hosts_of(weights, degrees, components, 20.0)
    np.testing.assert_array_equal(expected, actual)
    assert same == pytest.approx(least, rel=1e-12)


def test_the_least_quotient_is_of_an_end_in_another_too() -> None:
    triangle = [(0, 1), (0, 2), (1, 2)]
    graph = graph_of(np.array([*triangle, (0, 3), (3, 4)]), 5)
    ends = ends_of(graph, graph.degrees(), torch.zeros(5, dtype=torch.int64), 1)
    assert ends is None  # a single cluster
    hosts, least = hosts_of(graph.scipy(), graph.degrees().numpy(), np.zeros(5, dtype=np.int64), 5.0)
    assert hosts.tolist() == [0, 1, 2, 0, 0]
    assert least == 1 / 3  # the edge to 3 and 4; that to 4 alone: 1
    assert hosts_of(graph.scipy(), graph.degrees().numpy(), np.zeros(5, dtype=np.int64), 0.5)[1] == NONE > LIKELY
