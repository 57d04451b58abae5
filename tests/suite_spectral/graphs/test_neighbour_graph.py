"""Neighbour graphs are scikit-learn's where it has them, symmetric always, and follow their formulas."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph

from lightning_suite.errors import UsageError
from suite_spectral.graphs.edge_weights import edge_scale
from suite_spectral.graphs.neighbour_graph import _symmetric_on_device, graph_of, neighbour_graph
from suite_spectral.graphs.neighbours import nearest

MNIST = Path(__file__).parents[4] / "shared/data/spectral/mnist10k.npz"


def cloud(n, dim, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, dim)))


def scikit_graph(points, n_neighbors):
    directed = kneighbors_graph(points.numpy(), n_neighbors, include_self=True)
    return (0.5 * (directed + directed.T)).toarray()


def dense(graph):
    return graph.matrix.to_dense()


@pytest.mark.parametrize("search", ["tree", "blocked"])
@pytest.mark.parametrize("dim", [1, 2, 8, 30])
def test_the_default_graph_is_that_of_scikit_learn(dim, search):
    points = cloud(1200, dim)
    assert np.array_equal(scikit_graph(points, 10), dense(neighbour_graph(points, 10, search=search)).numpy())


def test_the_graph_of_float32_points_is_that_of_scikit_learn():
    points = cloud(1200, 12).float()
    assert np.array_equal(scikit_graph(points, 10), dense(neighbour_graph(points, 10)).numpy())


def test_the_graph_of_the_digits_is_that_of_scikit_learn():
    points = torch.from_numpy(load_digits().data + cloud(1797, 64).numpy() * 1e-6)  # no ties
    assert np.array_equal(scikit_graph(points, 10), dense(neighbour_graph(points, 10)).numpy())


@pytest.mark.skipif(not MNIST.exists(), reason="../shared/data/spectral/mnist10k.npz is absent")
def test_the_graph_of_handwritten_digits_is_that_of_scikit_learn():
    points = torch.from_numpy(np.load(MNIST)["X"][:3000])
    assert np.array_equal(scikit_graph(points.double(), 10), dense(neighbour_graph(points, 10)).numpy())


@pytest.mark.parametrize("weights", ["connectivity", "gaussian", "self-tuning"])
@pytest.mark.parametrize("mutual", ["either", "both", "mean"])
def test_every_graph_is_symmetric_with_a_diagonal_of_ones(weights, mutual):
    matrix = dense(neighbour_graph(cloud(300, 4), 8, weights=weights, mutual=mutual))
    assert torch.equal(matrix, matrix.T)
    assert torch.equal(matrix.diagonal(), torch.ones(300, dtype=torch.float64))


@pytest.mark.parametrize("weights", ["connectivity", "gaussian", "self-tuning"])
def test_the_mean_graph_is_the_mean_of_the_other_two(weights):
    points = cloud(300, 4)
    mean, either, both = (
        dense(neighbour_graph(points, 8, weights=weights, mutual=m)) for m in ("mean", "either", "both")
    )
    torch.testing.assert_close((either + both) / 2, mean)


def test_the_mutual_graph_joins_only_neighbours_of_each_other():
    points = torch.tensor([[0.0], [1.0], [3.0]])  # 1 is nearest to 2, but 0 is nearest to 1
    assert dense(neighbour_graph(points, 2, mutual="both")).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert dense(neighbour_graph(points, 2, mutual="either")).tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]


def test_gaussian_weights_follow_their_formula():
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    matrix = dense(neighbour_graph(points, 2, weights="gaussian", sigma=2.5))
    assert float(matrix[0, 1]) == pytest.approx(math.exp(-25 / (2 * 2.5**2)))


def test_sigma_left_open_is_the_median_distance_to_the_last_neighbour():
    found = nearest(cloud(101, 3), 4)
    assert edge_scale(found, weights="gaussian") == float(found.distances[:, -1].median())


def test_self_tuning_weights_follow_their_formula():
    points = cloud(200, 3)
    found = nearest(points, 9)
    matrix = dense(neighbour_graph(points, 10, weights="self-tuning", mutual="either"))
    j = int(found.indices[5, 2])
    expected = math.exp(-(float(found.distances[5, 2]) ** 2) / float(found.distances[5, 6] * found.distances[j, 6]))
    assert float(matrix[5, j]) == pytest.approx(expected)


def test_self_tuning_with_fewer_than_seven_neighbours_takes_the_last():
    found = nearest(cloud(50, 3), 3)
    assert torch.equal(found.distances[:, 2], edge_scale(found, weights="self-tuning"))


@pytest.mark.parametrize("weights", ["gaussian", "self-tuning"])
def test_duplicates_are_joined_with_weight_one(weights):
    points = cloud(5, 3).repeat(12, 1)
    matrix = dense(neighbour_graph(points, 10, weights=weights, mutual="either"))
    assert bool(matrix.isfinite().all())
    assert set(matrix.unique().tolist()) == {0.0, 1.0}
    assert float(matrix[:5].sum()) >= 5 * 10


def test_distances_whose_squares_underflow_still_weigh():
    points = cloud(40, 3) * 1e-170
    points[0] = 1.0  # the others are one for the search
    assert bool(dense(neighbour_graph(points, 10, weights="self-tuning")).isfinite().all())


def test_edges_whose_weight_underflows_are_not_stored():
    points = torch.tensor([[0.0], [1.0], [1000.0], [1001.0]])
    graph = neighbour_graph(points, 4, weights="gaussian", sigma=1.0)
    assert graph.matrix.values().numel() == 8


@pytest.mark.parametrize("weights", ["connectivity", "gaussian", "self-tuning"])
@pytest.mark.parametrize("mutual", ["either", "both", "mean"])
def test_the_graph_made_in_torch_alone_is_the_same(weights, mutual):
    points = torch.cat([cloud(200, 4), cloud(10, 4).repeat(4, 1)])
    found = nearest(points, 7)
    scale = edge_scale(found, weights=weights)
    values = None
    if weights == "gaussian":
        values = torch.exp(-((found.distances / scale) ** 2) / 2)
    elif weights == "self-tuning":
        values = torch.exp(-(found.distances / scale[:, None]) * (found.distances / scale[found.indices]))
    expected = graph_of(found, weights=weights, scale=scale, mutual=mutual)
    actual = _symmetric_on_device(found.indices, values, mutual)
    assert expected.matrix.values().numel() == actual.matrix.values().numel()
    torch.testing.assert_close(dense(expected), dense(actual))


def test_one_neighbour_is_the_point_itself():
    assert torch.equal(torch.eye(6, dtype=torch.float64), dense(neighbour_graph(cloud(6, 2), 1)))


def test_all_points_as_neighbours_make_the_complete_graph():
    assert torch.equal(torch.ones(6, 6, dtype=torch.float64), dense(neighbour_graph(cloud(6, 2), 6)))


def test_two_points_can_be_joined():
    assert dense(neighbour_graph(torch.tensor([[1], [5]]), 2)).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_more_neighbours_than_points_are_refused_with_both_numbers():
    with pytest.raises(UsageError, match=r"n_neighbors=7 .* number of points, 6"):
        neighbour_graph(cloud(6, 2), 7)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_a_sigma_that_is_not_positive_is_refused(sigma):
    with pytest.raises(UsageError, match="sigma must be a positive number, got"):
        neighbour_graph(cloud(6, 2), 3, weights="gaussian", sigma=sigma)


def test_a_sigma_for_other_weights_is_refused():
    with pytest.raises(UsageError, match=r"sigma=2\.0 belongs to weights='gaussian', got weights='connectivity'"):
        neighbour_graph(cloud(6, 2), 3, sigma=2.0)


def test_unknown_choices_are_refused():
    with pytest.raises(UsageError, match="got 'cosine'"):
        neighbour_graph(cloud(6, 2), 3, weights="cosine")
    with pytest.raises(UsageError, match="got 'any'"):
        neighbour_graph(cloud(6, 2), 3, mutual="any")
