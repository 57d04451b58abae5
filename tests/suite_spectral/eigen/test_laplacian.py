import math

import numpy as np
import pytest
import scipy.sparse
import torch

from lightning_suite.errors import DataError, UsageError
from suite_spectral.eigen.laplacian import Laplacian, components
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import SparseGraph

WEIGHTS = torch.tensor([[0.0, 2, 1, 0], [2, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]], dtype=torch.float64)
"""A path of three points, one with a loop, and a point by itself."""


def graph() -> SparseGraph:
    return SparseGraph.from_scipy(scipy.sparse.csr_array(WEIGHTS.numpy()))


def test_the_product_is_that_of_the_definition() -> None:
    degrees = WEIGHTS[:3, :3].sum(dim=1)
    expected = WEIGHTS[:3, :3] / (degrees * degrees[:, None]).sqrt()
    similarity = Laplacian(graph()).similarity(torch.eye(4, dtype=torch.float64))
    torch.testing.assert_close(expected, similarity[:3, :3])


def test_a_point_without_edges_has_a_row_of_zeros() -> None:
    assert not Laplacian(graph()).similarity(torch.eye(4, dtype=torch.float64))[3].any()


@pytest.mark.parametrize("regularisation", [0.0, 0.5])
def test_the_roots_of_the_degrees_are_the_eigenvector_of_0(regularisation: float) -> None:
    laplacian = Laplacian(graph(), regularisation)
    root = laplacian.root[:, None]
    torch.testing.assert_close(root, laplacian.similarity(root))


def test_regularisation_adds_the_same_weight_between_all_points() -> None:
    tau = 0.5 * float(WEIGHTS.sum(dim=1).mean())
    whole = WEIGHTS + tau / 4
    degrees = whole.sum(dim=1)
    expected = whole / (degrees * degrees[:, None]).sqrt()
    torch.testing.assert_close(expected, Laplacian(graph(), 0.5).similarity(torch.eye(4, dtype=torch.float64)))


def test_a_block_of_float32_stays_so() -> None:
    assert Laplacian(graph(), 0.1).similarity(torch.ones(4, 1)).dtype == torch.float32


def test_negative_regularisation_is_refused() -> None:
    with pytest.raises(UsageError, match=r"0 or more.*got -1"):
        Laplacian(graph(), -1)


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_degrees_that_are_no_degrees_are_refused(weight: float) -> None:
    bad = WEIGHTS.clone()
    bad[0, 1] = bad[1, 0] = weight
    with pytest.raises(DataError, match=r"point [01] add up"):
        Laplacian(SparseGraph.from_scipy(scipy.sparse.csr_array(bad.numpy())))


def test_a_regularisation_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="regularisation: expected 0 or more"):
        Laplacian(graph(), math.nan)


def graph_with(n: int, *edges: tuple[int, int]) -> SparseGraph:
    weights = np.zeros((n, n))
    for first, second in edges:
        weights[first, second] = weights[second, first] = 1
    return SparseGraph.from_scipy(scipy.sparse.csr_array(weights))


def test_the_largest_component_comes_first() -> None:
    assert components(graph_with(5, (0, 1), (2, 3), (3, 4))).tolist() == [1, 1, 0, 0, 0]


def test_components_of_equal_size_keep_the_order_of_their_points() -> None:
    assert components(graph_with(6, (0, 3), (1, 4), (2, 5))).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_point_without_edges_is_a_component() -> None:
    assert components(graph_with(3, (0, 2))).tolist() == [0, 1, 0]


def test_a_gaussian_graph_is_connected() -> None:
    assert components(GaussianGraph(torch.tensor([[0.0], [5.0]]), 1.0)).tolist() == [0, 0]


def test_a_point_whose_weights_underflow_is_a_component() -> None:
    points = torch.tensor([[0.0], [1e3], [1.0], [-1e3]])
    assert components(GaussianGraph(points, 1.0)).tolist() == [0, 1, 0, 2]
    assert components(GaussianGraph(points[1::2], 1.0)).tolist() == [0, 1]
