"""The exact search by blocks, checked against all distances written out."""

import numpy as np
import pytest
import torch

from suite_spectral.graphs import exact_neighbours, point_blocks
from suite_spectral.graphs.exact_neighbours import nearest_by_blocks, nearest_by_blocks_to, nearest_on_device
from suite_spectral.graphs.neighbour_candidates import Candidates


def all_distances(queries, points):
    away = queries[:, None].astype(np.float64) - points[None].astype(np.float64)
    return np.sqrt((away**2).sum(2))


def expected_neighbours(points, count):
    distances = all_distances(points, points)
    np.fill_diagonal(distances, np.inf)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return indices, np.take_along_axis(distances, indices, 1)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(point_blocks, "BLOCK", 32)


@pytest.mark.parametrize("dim", [1, 2, 9, 40])
def test_neighbours_are_those_of_all_distances(small_blocks, dim):
    points = np.random.default_rng(dim).normal(size=(500, dim))
    indices, distances = nearest_by_blocks(points, 7)
    expected = expected_neighbours(points, 7)
    assert np.array_equal(expected[0], indices)
    np.testing.assert_allclose(expected[1], distances, rtol=1e-12)


def test_neighbours_of_new_points_are_those_of_all_distances(small_blocks):
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(500, 9)), rng.normal(size=(300, 9))
    indices, distances = nearest_by_blocks_to(queries, points, 7)
    expected = all_distances(queries, points)
    assert np.array_equal(np.argsort(expected, axis=1)[:, :7], indices)
    np.testing.assert_allclose(np.sort(expected, axis=1)[:, :7], distances, rtol=1e-12)


def test_far_groups_are_told_apart_as_well_as_near_ones(small_blocks):
    rng = np.random.default_rng(1)
    points = rng.normal(size=(600, 12)) * 1e-3 + rng.integers(0, 4, size=(600, 1)) * 1000.0
    expected = expected_neighbours(points, 5)
    assert np.array_equal(expected[0], nearest_by_blocks(points, 5)[0])


def test_points_nearer_than_float32_tells_are_ordered_exactly(small_blocks):
    points = np.random.default_rng(2).normal(size=(400, 9)) * 1e-7
    points[:200] += 1.0
    expected = expected_neighbours(points, 6)
    assert np.array_equal(expected[0], nearest_by_blocks(points, 6)[0])


def test_a_large_offset_does_not_change_the_neighbours(small_blocks):
    points = np.random.default_rng(3).integers(0, 1000, size=(400, 9)).astype(np.float64) + 2.0**40
    assert np.array_equal(nearest_by_blocks(points - 2.0**40, 6)[0], nearest_by_blocks(points, 6)[0])


def test_among_equal_distances_the_lower_index_is_the_neighbour(small_blocks):
    points = np.random.default_rng(4).permutation(np.indices((18, 18)).reshape(2, -1).T).astype(np.float64)
    assert np.array_equal(expected_neighbours(points, 6)[0], nearest_by_blocks(points, 6)[0])


def test_many_ties_at_the_last_neighbour_do_not_change_the_distances(small_blocks):
    points = np.random.default_rng(5).integers(0, 2, size=(900, 10)).astype(np.uint8)
    expected = expected_neighbours(points, 4)[1]
    assert np.array_equal(expected, nearest_by_blocks(points, 4)[1])


def test_more_duplicates_than_neighbours_are_at_distance_zero_and_never_the_point_itself(small_blocks):
    points = np.repeat(np.random.default_rng(6).normal(size=(3, 8)), 300, axis=0)
    indices, distances = nearest_by_blocks(points, 5)
    assert not distances.any()
    assert not (indices == np.arange(900)[:, None]).any()
    assert all(len(set(row)) == 5 for row in indices.tolist())


def test_points_that_do_not_fit_into_the_budget_give_the_same_answer(small_blocks, monkeypatch):
    points = np.random.default_rng(7).normal(size=(300, 9))
    expected = nearest_by_blocks(points, 5)
    monkeypatch.setattr(point_blocks, "BUDGET", 1000)
    actual = nearest_by_blocks(points, 5)
    assert np.array_equal(expected[0], actual[0])
    assert np.array_equal(expected[1], actual[1])


def test_more_neighbours_than_a_block_has_points_are_found(small_blocks):
    points = np.random.default_rng(8).normal(size=(200, 9))
    assert np.array_equal(expected_neighbours(points, 150)[0], nearest_by_blocks(points, 150)[0])


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_other_types_of_numbers_give_the_neighbours_of_their_values(small_blocks, kind):
    points = np.random.default_rng(9).integers(0, 200, size=(300, 20)).astype(kind)
    assert np.array_equal(expected_neighbours(points, 5)[0], nearest_by_blocks(points, 5)[0])


def test_the_search_in_torch_alone_finds_the_same_neighbours(monkeypatch):
    monkeypatch.setattr(exact_neighbours, "BUDGET", 2**20)
    points = np.random.default_rng(10).normal(size=(500, 9))
    tensor = torch.from_numpy(points)
    indices, distances = nearest_on_device(tensor, tensor, 7, True)
    expected = nearest_by_blocks(points, 7)
    assert np.array_equal(expected[0], indices.numpy())
    np.testing.assert_allclose(expected[1], distances.numpy(), rtol=1e-12)


def test_the_search_in_torch_alone_looks_again_where_float32_leaves_the_answer_open():
    points = np.random.default_rng(11).normal(size=(300, 4)) * 1e-7
    points[:150] += 1.0
    tensor = torch.from_numpy(points)
    indices, _ = nearest_on_device(tensor, tensor, 6, True)
    assert np.array_equal(expected_neighbours(points, 6)[0], indices.numpy())


@pytest.mark.parametrize("structured", [True, False])
def test_few_pairs_are_resolved_one_by_one_in_many_dimensions(structured, monkeypatch):
    rng = np.random.default_rng(3)
    points = rng.normal(size=(150, 12_000)).astype(np.float32)
    if structured:
        points += 2 * rng.normal(size=(5, 12_000)).astype(np.float32)[rng.integers(0, 5, size=150)]
    pairs = []
    squares = Candidates.squares
    monkeypatch.setattr(Candidates, "squares", lambda *of: pairs.append(len(of[1])) or squares(*of))
    indices, _ = nearest_by_blocks(points, 9)
    assert np.array_equal(expected_by_products(points, 9), indices)
    assert sum(pairs) < 40 * len(points)


def expected_by_products(points, count):
    exact = points.astype(np.float64)
    norms = np.einsum("ij,ij->i", exact, exact)
    squares = norms[:, None] + norms - 2 * exact @ exact.T
    np.fill_diagonal(squares, np.inf)
    return np.argsort(squares, axis=1)[:, :count]
