"""Parts of a graph that hang on by one edge, beside those that are found by taking out each edge in turn."""

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
from suite_spectral.clusters.loose_ends import ends_taken
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
    if not regularisation:
        assert clustering.lower_bound <= clustering.ncut


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


def test_the_others_start_from_the_eigenvectors_with_the_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, truth = communities(400, 3)
    starts: list[torch.Tensor | None] = []
    solve = clustering_module.spectrum

    def watched(*args: Any, **options: Any) -> Spectrum:
        starts.append(options["start"])
        return solve(*args, **options)

    monkeypatch.setattr(clustering_module, "spectrum", watched)
    with pytest.warns(RuntimeWarning, match="12 points hang on"):
        clustering = cluster(graph, Settings(n_clusters=2, affinity="precomputed", solver="multilevel"))
    first, second = starts
    assert first is None
    assert second is not None
    assert second.shape[0] == graph.n - 12
    assert adjusted_rand_score(truth, clustering.labels) > 0.95
