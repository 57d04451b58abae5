import math

import numpy as np
import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.graphs.edge_weights import edge_scale, median_sigma, weights_to
from suite_spectral.graphs.neighbours import nearest


def cloud(n, dim, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, dim)))


def dense(graph):
    return graph.matrix.to_dense()


def test_the_median_sigma_is_near_the_median_of_all_distances():
    points = cloud(400, 5)
    expected = float(torch.pdist(points).median())
    assert median_sigma(points, seed=1) == pytest.approx(expected, rel=0.02)


def test_the_median_sigma_of_equal_points_is_one():
    assert median_sigma(torch.ones(9, 2)) == 1.0


def test_the_median_sigma_of_mostly_equal_points_is_that_of_the_others():
    points = torch.zeros(100, 1)
    points[0] = 4.0
    assert median_sigma(points) == 4.0


def test_weights_to_points_of_the_graph_are_those_of_their_neighbours():
    points = cloud(200, 3)
    found = nearest(points, 9)
    indices, values = weights_to(points, points, 10, weights="gaussian", scale=0.7)
    assert torch.equal(indices[:, 1:], found.indices)
    torch.testing.assert_close(values[:, 1:], torch.exp(-(found.distances**2) / (2 * 0.7**2)))


def test_connectivity_weights_to_new_points_are_ones():
    _, values = weights_to(cloud(4, 3), cloud(20, 3), 5, weights="connectivity", scale=None)
    assert torch.equal(torch.ones(4, 5, dtype=torch.float64), values)


def test_self_tuning_weights_to_new_points_follow_their_formula():
    points, queries = cloud(200, 3), cloud(20, 3, seed=1)
    scale = edge_scale(nearest(points, 9), weights="self-tuning")
    indices, values = weights_to(queries, points, 10, weights="self-tuning", scale=scale)
    distances = torch.cdist(queries, points).sort(dim=1)[0]
    expected = math.exp(-(float(distances[4, 2]) ** 2) / float(distances[4, 6] * scale[indices[4, 2]]))
    assert float(values[4, 2]) == pytest.approx(expected)


def test_the_weights_of_a_new_point_that_equals_its_neighbours_do_not_depend_on_the_other_new_points():
    points = torch.cat([torch.zeros(12, 2), cloud(30, 2) + 5])
    scale = edge_scale(nearest(points, 9), weights="self-tuning")
    queries = torch.cat([torch.zeros(1, 2), cloud(20, 2, seed=1)])
    alone, among = (
        weights_to(rows, points, 10, weights="self-tuning", scale=scale)[1][0] for rows in (queries[:1], queries)
    )
    assert torch.equal(torch.ones(10, dtype=torch.float64), alone)
    assert torch.equal(alone, among)


def test_weights_to_a_point_far_from_all_are_not_all_zero():
    _, values = weights_to(torch.tensor([[1e6]]), torch.tensor([[0.0], [1.0]]), 2, weights="gaussian", scale=1.0)
    assert values.tolist() == [[1.0, 0.0]]


def test_a_scale_that_is_not_that_of_the_weights_is_refused():
    with pytest.raises(UsageError, match=r"must be a tensor \(9,\), got 2.0"):
        weights_to(cloud(2, 2), cloud(9, 2), 3, weights="self-tuning", scale=2.0)


def test_of_few_points_the_median_distance_is_that_of_all_pairs():
    points = torch.randn(57, 300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = sorted(float((points[i] - points[j]).norm()) for i in range(57) for j in range(i))
    assert median_sigma(points) == pytest.approx(expected[(len(expected) - 1) // 2], rel=1e-12)
