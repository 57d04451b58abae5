import numpy as np
import scipy.sparse
import torch

from suite_spectral.components import components
from suite_spectral.gaussian import GaussianGraph
from suite_spectral.graph import SparseGraph


def graph(n: int, *edges: tuple[int, int]) -> SparseGraph:
    weights = np.zeros((n, n))
    for first, second in edges:
        weights[first, second] = weights[second, first] = 1
    return SparseGraph.from_scipy(scipy.sparse.csr_array(weights))


def test_the_largest_component_comes_first() -> None:
    assert components(graph(5, (0, 1), (2, 3), (3, 4))).tolist() == [1, 1, 0, 0, 0]


def test_components_of_equal_size_keep_the_order_of_their_points() -> None:
    assert components(graph(6, (0, 3), (1, 4), (2, 5))).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_point_without_edges_is_a_component() -> None:
    assert components(graph(3, (0, 2))).tolist() == [0, 1, 0]


def test_a_gaussian_graph_is_connected() -> None:
    assert components(GaussianGraph(torch.tensor([[0.0], [1e3]]), 1.0)).tolist() == [0, 0]
