import math

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.cuts import ncut
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings, TwoWay


def blobs(*sizes: int, spread: float = 0.3) -> Tensor:
    random = torch.Generator().manual_seed(0)
    centres = [torch.tensor([4.0 * math.cos(2 * i), 4.0 * math.sin(2 * i)]) for i in range(len(sizes))]
    parts = [torch.randn(n, 2, generator=random) * spread + c for n, c in zip(sizes, centres, strict=True)]
    return torch.cat(parts).double()


def truth(*sizes: int) -> list[int]:
    return [i for i, size in enumerate(sizes) for _ in range(size)]


def test_far_blobs_are_the_clusters_the_largest_first() -> None:
    found = cluster(GaussianGraph(blobs(50, 40, 30), 1.0), Settings(n_clusters=3))
    assert found.labels.tolist() == truth(50, 40, 30)


def test_the_eigengap_tells_how_many_there_are() -> None:
    assert cluster(GaussianGraph(blobs(50, 40, 30), 1.0), Settings()).n_clusters == 3


@pytest.mark.parametrize("rows", ["plain", "njw", "random-walk"])
def test_every_scaling_of_the_rows_finds_them(rows: str) -> None:
    found = cluster(GaussianGraph(blobs(50, 40, 30), 1.0), Settings(n_clusters=3, rows=rows))  # type: ignore[arg-type]
    assert found.labels.tolist() == truth(50, 40, 30)


@pytest.mark.parametrize("assign", ["kmeans", "sign", "median", "ncut"])
def test_two_halves_are_found_by_every_threshold(assign: str) -> None:
    found = cluster(GaussianGraph(blobs(40, 40), 1.0), Settings(n_clusters=2, assign=assign))  # type: ignore[arg-type]
    assert found.labels.tolist() == truth(40, 40)


def test_the_normalised_cut_is_that_of_the_labels() -> None:
    graph = GaussianGraph(blobs(50, 40, 30, spread=1.0), 1.0)
    found = cluster(graph, Settings(n_clusters=3))
    assert found.ncut == pytest.approx(ncut(graph, found.labels, 3))


def test_the_bound_is_the_sum_of_the_smallest_eigenvalues_and_below_the_cut() -> None:
    graph = GaussianGraph(blobs(50, 40, 30, spread=1.0), 1.0)
    found = cluster(graph, Settings(n_clusters=3))
    expected = float(spectrum(Laplacian(graph), 3, solver="dense").values[:3].sum())
    assert found.lower_bound == pytest.approx(expected, rel=1e-3)
    assert found.lower_bound <= expected + 1e-9
    assert found.lower_bound < found.ncut


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1.0])
def test_the_bound_allows_for_what_the_solver_leaves_open(sigma: float) -> None:
    graph = GaussianGraph(blobs(300, 300, 300, spread=1.5), sigma)
    expected = float(spectrum(Laplacian(graph), 3, solver="dense").values[:3].sum())
    assert cluster(graph, Settings(n_clusters=3, solver="matrix-free", tolerance=0.1)).lower_bound <= expected + 1e-8


def test_a_regularised_graph_has_no_bound() -> None:
    settings = Settings(n_clusters=2, regularisation=0.1)
    assert math.isnan(cluster(GaussianGraph(blobs(50, 40), 1.0), settings).lower_bound)


def test_the_eigengap_is_that_behind_the_clusters() -> None:
    found = cluster(GaussianGraph(blobs(50, 40, 30), 1.0), Settings(n_clusters=3))
    values = found.spectrum.values
    assert len(values) == 4
    assert found.eigengap == pytest.approx(float(values[3] - values[2]))


def unconnected() -> SparseGraph:
    parts = [GaussianGraph(blobs(size, spread=1.0), 1.0).kept for size in (30, 20, 10)]
    return SparseGraph.from_scipy(scipy.sparse.block_diag([part.numpy() for part in parts if part is not None]))


def test_components_are_the_clusters_where_there_are_as_many() -> None:
    found = cluster(unconnected(), Settings(n_clusters=3))
    assert found.labels.tolist() == truth(30, 20, 10)
    assert (found.n_components, found.ncut) == (3, 0)


def test_no_cluster_reaches_over_two_components() -> None:
    found = cluster(unconnected(), Settings(n_clusters=5))
    owners = {label: {truth(30, 20, 10)[i] for i in (found.labels == label).nonzero()[:, 0]} for label in range(5)}
    assert all(len(owner) == 1 for owner in owners.values())


def test_an_unconnected_graph_is_answered_the_same_at_every_call() -> None:
    graph = unconnected()
    assert len({tuple(cluster(graph, Settings(n_clusters=5), seed=seed).labels.tolist()) for seed in range(5)}) == 1


def test_one_cluster_is_everything() -> None:
    found = cluster(GaussianGraph(blobs(20), 1.0), Settings(n_clusters=1))
    assert (found.labels.tolist(), found.ncut) == ([0] * 20, 0)


def test_more_clusters_than_points_are_refused() -> None:
    with pytest.raises(UsageError, match=r"from 1 to 20.*got 21"):
        cluster(GaussianGraph(blobs(20), 1.0), Settings(n_clusters=21))


def test_a_threshold_makes_two_clusters_and_no_more() -> None:
    with pytest.raises(UsageError, match="'sign' makes 2 clusters, got n_clusters 3"):
        cluster(GaussianGraph(blobs(20), 1.0), Settings(n_clusters=3, assign="sign"))


@pytest.mark.parametrize("assign", ["sign", "median", "ncut"])
def test_two_clusters_of_a_regularised_graph_are_on_two_sides_of_a_threshold(assign: TwoWay) -> None:
    draw = np.random.default_rng(0)
    weights = np.triu(draw.random((40, 40)) * (draw.random((40, 40)) < 0.12), 1) * draw.pareto(1, (40, 40))
    graph = SparseGraph.from_scipy(scipy.sparse.csr_array(weights + weights.T))
    found = cluster(graph, Settings(n_clusters=2, assign=assign, regularisation=0.5))
    entries = [found.rows[found.labels == label, 1] for label in (0, 1)]
    assert entries[0].max() < entries[1].min() or entries[1].max() < entries[0].min()


def test_more_components_than_clusters_may_be_chosen_are_refused() -> None:
    many = SparseGraph.from_scipy(scipy.sparse.block_diag([np.ones((3, 3))] * 7, format="csr"))
    with pytest.raises(UsageError, match=r"at most 6, and the graph has 7 components"):
        cluster(many, Settings(max_clusters=6))


def test_as_many_components_as_clusters_may_be_chosen_are_the_clusters() -> None:
    many = SparseGraph.from_scipy(scipy.sparse.block_diag([np.ones((3, 3))] * 7, format="csr"))
    assert cluster(many, Settings(max_clusters=7)).n_clusters == 7
