"""Aggregates: compiled, in torch, and in shares."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from suite_spectral.eigen.aggregation import aggregated, aggregated_in_shares, aggregated_reference
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.kernels import compiled
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows

Together = Callable[[int, Callable[[Any], Any]], list[Any]]
Form = Callable[..., tuple[np.ndarray, int]]


def laplacian(n: int, dim: int = 2, seed: int = 0) -> scipy.sparse.csr_array:
    """Of the graph of 8 neighbours of points in a cube, with weights that differ."""
    points = np.random.default_rng(seed).random((n, dim))
    distances, found = cKDTree(points).query(points, 8)
    one = scipy.sparse.csr_array((np.exp(-distances).ravel(), found.ravel(), np.arange(0, 8 * n + 1, 8)), shape=(n, n))
    weights = (one + one.T) / 2
    return scipy.sparse.csr_array(scipy.sparse.diags_array(weights.sum(axis=1)) - weights)


@pytest.fixture(params=[aggregated, aggregated_reference])
def form(request: pytest.FixtureRequest) -> Form:
    return request.param


@pytest.mark.parametrize(("n", "dim"), [(40, 1), (1500, 2), (1500, 6)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_compiled_aggregates_are_the_reference_s(n: int, dim: int, seed: int) -> None:
    matrix = laplacian(n, dim, seed)
    expected, count = aggregated_reference(matrix, matrix.diagonal(), seed)
    actual, same = aggregated(matrix, matrix.diagonal(), seed)
    assert (count, actual.dtype) == (same, expected.dtype)
    np.testing.assert_array_equal(expected, actual)


def in_shares(
    matrix: scipy.sparse.csr_array, seed: int, size: int, together: Together, kernels: Any = None
) -> tuple[np.ndarray, list[int]]:
    whole, n = SharedRows(sparse_rows(matrix, torch.float64)), matrix.shape[0]

    def part(group: Any) -> tuple[np.ndarray, list[int]]:
        share = Share.of(group, n)
        rows = whole.some(share.rows).among(share)
        return aggregated_in_shares(rows, matrix.diagonal()[share.rows], seed, share, kernels)

    parts = together(size, part)
    assert all(counts == parts[0][1] for _, counts in parts)
    return np.concatenate([aggregates for aggregates, _ in parts]), parts[0][1]


@pytest.mark.parametrize(("n", "dim"), [(40, 1), (700, 2), (700, 6)])  # 40 points: all in one process
@pytest.mark.parametrize("kernels", [compiled(), None], ids=["compiled", "torch"])
def test_any_number_of_processes_finds_the_compiled_aggregates(
    n: int, dim: int, kernels: Any, together: Together
) -> None:
    matrix = laplacian(n, dim)
    expected, count = aggregated(matrix, matrix.diagonal(), 3)
    for size in (2, 3, 4):
        found, counts = in_shares(matrix, 3, size, together, kernels)
        np.testing.assert_array_equal(expected, found)
        assert sum(counts) == count


@pytest.mark.parametrize("kernels", [compiled(), None], ids=["compiled", "torch"])
def test_points_without_edges_are_aggregates_of_the_last_process(kernels: Any, together: Together) -> None:
    ring = laplacian(300, 1)
    alone = scipy.sparse.eye_array(300)
    matrix = scipy.sparse.csr_array(scipy.sparse.block_diag([alone, ring]))
    expected, count = aggregated(matrix, matrix.diagonal(), 0)
    for size in (2, 3):
        found, counts = in_shares(matrix, 0, size, together, kernels)
        np.testing.assert_array_equal(expected, found)
        assert sum(counts) == count


def test_of_equally_strong_neighbours_the_first_is_joined_in_both_forms() -> None:
    n = 300  # a ring with equal weights
    ring = scipy.sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[1, -1], shape=(n, n)).tolil()
    ring[0, n - 1] = ring[n - 1, 0] = 1
    matrix = scipy.sparse.csr_array(2 * scipy.sparse.eye_array(n) - ring.tocsr())
    expected, _ = aggregated_reference(matrix, matrix.diagonal(), 2)
    np.testing.assert_array_equal(expected, aggregated(matrix, matrix.diagonal(), 2)[0])


def test_points_without_edges_are_aggregates_of_their_own(form: Form) -> None:
    matrix = scipy.sparse.csr_array(scipy.sparse.eye_array(4))
    found, count = form(matrix, np.ones(4), 0)
    assert (sorted(found.tolist()), count) == ([0, 1, 2, 3], 4)


def test_every_point_has_an_aggregate_that_hangs_together(form: Form) -> None:
    matrix = laplacian(1500)
    found, count = form(matrix, matrix.diagonal(), 0)
    assert set(found.tolist()) == set(range(count))
    for aggregate in range(count):
        inside = found == aggregate
        assert connected_components(matrix[inside][:, inside])[0] == 1


def test_aggregates_make_a_much_smaller_level(form: Form) -> None:
    matrix = laplacian(1500)
    assert form(matrix, matrix.diagonal(), 0)[1] < 1500 / 6


def test_a_star_becomes_one_aggregate(form: Form) -> None:
    n = 300
    star = scipy.sparse.lil_array((n, n))
    star[0, 1:] = star[1:, 0] = -1
    star.setdiag(1)
    assert form(star.tocsr(), np.ones(n), 0)[1] == 1
