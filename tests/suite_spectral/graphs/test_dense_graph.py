"""Graphs whose weights are a dense matrix, beside the same graphs with their edges stored one by one."""

import tracemalloc
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.metrics.pairwise import rbf_kernel

from suite_spectral.clusters.cuts import sweep
from suite_spectral.eigen import solvers
from suite_spectral.eigen.laplacian import Laplacian, components
from suite_spectral.eigen.lobpcg import lowest
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.estimator import SpectralClustering
from suite_spectral.estimator_graphs import given_graph
from suite_spectral.graphs import dense_graph
from suite_spectral.graphs.dense_graph import DenseGraph, differences, is_filled


def kernel(n: int, **options: Any) -> Any:
    return rbf_kernel(make_blobs(n, 4, centers=3, random_state=0, **options)[0], gamma=0.05)


@pytest.fixture(params=[2**22, 40])
def graph(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> DenseGraph:
    """In one part and in parts of two rows; of two components, the second with a point in the middle of the first."""
    monkeypatch.setattr(dense_graph, "TOGETHER", request.param)
    weights = torch.rand(20, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = weights + weights.T
    apart = torch.arange(20) % 7 == 2
    weights[apart[:, None] != apart] = 0
    return DenseGraph(weights)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("stored", [torch.float32, torch.float64])
def test_products_and_degrees_are_those_of_the_matrix(
    graph: DenseGraph, kind: torch.dtype, stored: torch.dtype
) -> None:
    block = torch.linspace(-1, 1, 60).reshape(20, 3).to(kind)
    same = DenseGraph(graph.matrix.to(stored))
    torch.testing.assert_close(same.multiply(block), (graph.matrix @ block.double()).to(kind), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(same.degrees(), same.matrix.double().sum(1))


def test_components_and_thresholds_are_those_of_the_stored_edges(graph: DenseGraph) -> None:
    assert components(graph).tolist() == components(graph.sparse()).tolist()
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(sweep(graph, order).ncuts, sweep(graph.sparse(), order).ncuts)
    torch.testing.assert_close(graph.part(order[:5]).matrix, graph.sparse().part(order[:5]).matrix.to_dense())


def test_where_the_iteration_does_not_end_all_eigenvalues_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solvers, "lowest", partial(lowest, limit=0))
    laplacian = Laplacian(DenseGraph(torch.from_numpy(kernel(600, cluster_std=4.0))))
    unit = torch.eye(600, dtype=torch.float64)
    expected = torch.linalg.eigvalsh(unit - laplacian.similarity(unit))[:4]
    torch.testing.assert_close(spectrum(laplacian, 3).values, expected.clamp_min(0), rtol=1e-9, atol=1e-12)


def test_a_filled_matrix_is_clustered_without_a_second_one_of_its_type() -> None:
    weights = kernel(700)
    SpectralClustering(3, affinity="precomputed").fit(kernel(501))  # has everything loaded that is loaded late
    tracemalloc.start()
    try:
        clusters = SpectralClustering(3, affinity="precomputed", random_state=0).fit(weights)
        largest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert largest < weights.nbytes / 2  # numpy's; torch has one of float32
    same = SpectralClustering(3, affinity="precomputed", random_state=0, eigen_solver="multilevel").fit(weights)
    np.testing.assert_array_equal(clusters.labels_, same.labels_)
    np.testing.assert_array_equal(clusters.predict(weights[:9]), clusters.labels_[:9])
    assert (clusters.affinity_matrix_ == weights).all()
    assert "all of 490,000 weights kept" in clusters.report_


def test_few_weights_are_stored_one_by_one() -> None:
    assert not is_filled(torch.eye(9)) and is_filled(torch.ones(9, 9))
    assert not isinstance(given_graph(torch.eye(9)), DenseGraph)


def test_halves_are_compared() -> None:
    assert differences(torch.tensor([[1.0, 2.0], [2.5, 1.0]])) == (0.5, 0.5)
    weights = torch.tensor([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    with pytest.warns(UserWarning, match="not symmetric"):
        graph = given_graph(weights)
    assert graph.matrix.tolist() == [[1.0, 2.0, 0.5], [2.0, 1.0, 1.0], [0.5, 1.0, 1.0]]
    with pytest.raises(ValueError, match="two different weights"):
        given_graph(weights + torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match="got -3"):
        given_graph(-3 * torch.ones(2, 2))
