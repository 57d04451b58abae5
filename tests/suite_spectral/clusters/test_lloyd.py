"""k-means from one start: compiled, in numpy, and scikit-learn's, which knows nothing of either."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans

from suite_spectral.clusters.lloyd import Floats, Settled, lloyd, lloyd_reference, spread, spread_reference

Form = Callable[..., Settled]


def rows(n: int, dim: int, seed: int = 0) -> Floats:
    draw = np.random.default_rng(seed)
    return draw.standard_normal((n, dim)) + 3 * draw.integers(0, 3, (n, 1))


def unweighted(some: Floats, start: Floats) -> Settled:
    return lloyd_reference(some, start, np.ones(len(some)))


@pytest.fixture(params=[lloyd, unweighted])
def form(request: pytest.FixtureRequest) -> Form:
    return request.param


@pytest.mark.parametrize(("n", "dim", "count"), [(60, 1, 5), (400, 3, 4), (500, 7, 20), (200, 33, 37), (30, 2, 30)])
def test_the_compiled_clusters_are_the_reference_s_to_the_last_bit(n: int, dim: int, count: int) -> None:
    draw = np.random.default_rng(1)
    some, weights = rows(n, dim), draw.random(n) + 0.1
    start = some[draw.choice(n, count)]  # with rows that are there twice, whose clusters are empty at first
    expected, actual = lloyd_reference(some, start, weights), lloyd(some, start, weights)
    np.testing.assert_array_equal(expected.labels, actual.labels)
    np.testing.assert_array_equal(expected.centres, actual.centres)
    assert expected.inertia == actual.inertia


@pytest.mark.parametrize(("n", "dim", "count"), [(60, 1, 5), (500, 7, 20), (20, 2, 20)])
def test_the_compiled_spread_is_the_reference_s(n: int, dim: int, count: int) -> None:
    some, weights = rows(n, dim), np.random.default_rng(2).random(n) + 0.1
    draw = np.random.default_rng(3)
    first = int(np.searchsorted(np.cumsum(weights), draw.random() * weights.sum(), side="right"))
    expected = spread_reference(some, weights, first, draw.random((count - 1, 2 + int(np.log(count)))))
    np.testing.assert_array_equal(expected, spread(some, count, np.random.default_rng(3), weights))


def test_the_clusters_are_those_of_scikit_learn(form: Form) -> None:
    some = rows(600, 4)
    start = some[:6]
    expected = KMeans(6, init=start, n_init=1, tol=0).fit(some)
    actual = form(some, start)
    assert np.mean(expected.labels_ == actual.labels) > 0.99  # it stops a little earlier
    assert actual.inertia == pytest.approx(expected.inertia_, rel=1e-3)


def test_weights_count_as_rows_that_are_there_so_often() -> None:
    some, times = rows(50, 2), np.random.default_rng(4).integers(1, 4, 50)
    expected = lloyd(np.repeat(some, times, axis=0), some[:3])
    start = some[:3]
    actual = lloyd(some, start, times.astype(float))
    np.testing.assert_array_equal(expected.labels, np.repeat(actual.labels, times))
    np.testing.assert_allclose(expected.centres, actual.centres)
    assert actual.inertia == pytest.approx(expected.inertia)


def test_an_empty_cluster_takes_the_farthest_row(form: Form) -> None:
    found = form(np.array([[0.0], [1.0], [2.0], [50.0]]), np.array([[1.0], [900.0]]))
    assert found.labels.tolist() == [0, 0, 0, 1]


def test_of_fewer_distinct_rows_than_clusters_equal_rows_stay_together(form: Form) -> None:
    some = np.repeat([[0.0], [7.0]], 5, axis=0)
    found = form(some, np.array([[0.0], [0.0], [7.0]]))
    assert found.labels.tolist() == [0] * 5 + [2] * 5


def test_one_cluster_has_the_mean_for_its_centre(form: Form) -> None:
    some = rows(30, 3)
    np.testing.assert_allclose(some.mean(axis=0), form(some, some[:1]).centres[0])


def test_what_is_given_stays_as_it_was(form: Form) -> None:
    some = rows(100, 2)
    start = some[:4].copy()
    form(some, start)
    np.testing.assert_array_equal(some[:4], start)


def test_spread_rows_are_in_different_blobs() -> None:
    some = np.concatenate([rows(40, 2) / 100 + place for place in (0, 10, 20, 30)])
    assert sorted(spread(some, 4, np.random.default_rng(0)) // 40) == [0, 1, 2, 3]


def test_rows_without_weight_are_not_drawn() -> None:
    weights = np.zeros(20)
    weights[[3, 8]] = 1
    assert sorted(spread(rows(20, 1), 2, np.random.default_rng(0), weights).tolist()) == [3, 8]


@pytest.mark.parametrize(
    ("some", "start", "weights", "message"),
    [
        (np.ones((3, 2)), np.ones((2, 3)), None, r"got \(3, 2\) and \(2, 3\)"),
        (np.ones(3), np.ones((2, 3)), None, r"got \(3,\) and \(2, 3\)"),
        (np.ones((0, 2)), np.ones((1, 2)), None, r"got \(0, 2\) and \(1, 2\)"),
        (np.ones((3, 2)), np.ones((0, 2)), None, r"got \(3, 2\) and \(0, 2\)"),
        (np.ones((3, 2)), np.ones((1, 2)), np.ones(2), r"each of 3 rows, got \(2,\)"),
        (np.full((3, 2), np.nan), np.ones((1, 2)), None, "rows must be finite, got nan"),
        (np.ones((3, 2)), np.full((1, 2), np.inf), None, "centres must be finite, got inf"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(some: Any, start: Any, weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lloyd(some, start, weights)
