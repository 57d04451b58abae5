"""Splits and mergers of the clusters of k-means, beside a search of every split and merger."""

from itertools import combinations

import numpy as np
import pytest

from suite_spectral.clusters import split_merge, starts
from suite_spectral.clusters.lloyd import Floats, Settled, lloyd, nearest_centres
from suite_spectral.clusters.split_merge import halved, moved, split_and_merged
from suite_spectral.clusters.starts import near_the_least


def caught(seed: int, count: int = 8, n: int = 400) -> tuple[Floats, Settled, Floats]:
    """Rows of some blobs, the clusters from a poor start, and weights."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((n, 3)) + 9 * draw.standard_normal((count, 3))[draw.integers(0, count, n)]
    weights = draw.random(n) + 0.1
    return rows, lloyd(rows, rows[draw.choice(n, count, replace=False)], weights), weights


def inertia_of(rows: Floats, weights: Floats) -> float:
    mean = np.average(rows, axis=0, weights=weights)
    return float(weights @ np.square(rows - mean).sum(axis=1))


def test_a_cluster_that_holds_two_is_split_and_two_that_share_one_are_merged() -> None:
    rows = np.concatenate([np.random.default_rng(0).random((50, 2)) + place for place in (0, 10, 20, 30)])
    found = split_and_merged(rows, lloyd(rows, np.array([[0.0, 0], [0, 1], [15, 15], [30, 30]])))
    assert all(len(set(found.labels[first : first + 50].tolist())) == 1 for first in (0, 50, 100, 150))
    assert len(set(found.labels.tolist())) == 4


@pytest.mark.parametrize("seed", range(20))
def test_the_inertia_never_rises_and_no_cluster_is_empty(seed: int) -> None:
    rows, settled, weights = caught(seed)
    found = split_and_merged(rows, settled, weights)
    assert found is settled or found.inertia < settled.inertia
    assert len(np.unique(found.labels)) == 8
    assert np.isfinite(found.centres).all()
    np.testing.assert_array_equal(found.labels, nearest_centres(rows, found.centres))


def test_poor_starts_are_improved() -> None:
    assert sum(split_and_merged(*case).inertia < 0.7 * case[1].inertia for case in map(caught, range(20))) > 5


@pytest.mark.parametrize("seed", range(6))
def test_the_move_is_the_best_of_every_pair_with_every_cluster(seed: int) -> None:
    rows, settled, weights = caught(seed, count=6)
    parts = [(rows[settled.labels == label], weights[settled.labels == label]) for label in range(6)]
    within = [inertia_of(*part) for part in parts]
    best, expected = -np.inf, np.empty(0)
    for one, other in combinations(range(6), 2):
        for split in set(range(6)) - {one, other}:
            together = [np.concatenate(pair) for pair in zip(parts[one], parts[other], strict=True)]
            net = within[one] + within[other] - inertia_of(together[0], together[1]) + halved(*parts[split])[0]
            if net > best:
                best, expected = net, settled.centres.copy()
                expected[one] = np.average(together[0], axis=0, weights=together[1])
                expected[[other, split]] = halved(*parts[split])[1]
    actual = moved(rows, settled, weights)
    if best < -split_merge.FUTILE * settled.inertia:
        assert actual is None
        return
    assert actual is not None
    np.testing.assert_allclose(expected, actual, rtol=1e-2, atol=1e-2)  # Lloyd's rounds end a little off the means


def test_halves_are_those_of_two_blobs_and_their_gain_what_the_inertia_falls_by() -> None:
    rows = np.concatenate([np.random.default_rng(1).random((30, 4)), np.random.default_rng(2).random((90, 4)) + 5])
    weights = np.random.default_rng(3).random(120) + 0.1
    gain, centres = halved(rows, weights)
    expected = inertia_of(rows, weights) - sum(
        inertia_of(rows[part], weights[part]) for part in (slice(30), slice(30, 120))
    )
    assert gain == pytest.approx(expected)
    assert (np.abs(centres[0] - centres[1]) > 4).all()


def test_weights_count_as_rows_that_are_there_so_often() -> None:
    rows, _, _ = caught(3)
    times = np.random.default_rng(4).integers(1, 4, len(rows))
    settled = lloyd(rows, rows[:8], times.astype(float))
    often = np.repeat(rows, times, axis=0)
    expected = split_and_merged(often, lloyd(often, rows[:8]))
    actual = split_and_merged(rows, settled, times.astype(float))
    assert actual.inertia < settled.inertia
    np.testing.assert_array_equal(expected.labels, np.repeat(actual.labels, times))


@pytest.mark.parametrize("count", [1, 2])
def test_one_and_two_clusters_stay_as_they_are(count: int) -> None:
    rows, _, _ = caught(0)
    settled = lloyd(rows, rows[:count])
    assert split_and_merged(rows, settled) is settled


@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_equal_rows_stay_together(distinct: int) -> None:
    rows = np.repeat(np.random.default_rng(0).random((distinct, 2)), 20, axis=0)
    settled = lloyd(rows, rows[[0, 20 % len(rows), 40 % len(rows), 0]])
    found = split_and_merged(rows, settled)
    assert len(np.unique(found.labels)) == distinct
    assert np.isfinite(found.centres).all()


def test_clear_clusters_stay_as_they_are() -> None:
    rows = np.concatenate([np.random.default_rng(0).random((50, 2)) + place for place in (0, 10, 20, 30)])
    settled = lloyd(rows, rows[[0, 50, 100, 150]])
    assert split_and_merged(rows, settled) is settled


def test_moves_of_equal_worth_are_the_same_each_time() -> None:
    rows = np.array([[10.0 * blob + number] for blob in range(6) for number in (0, 1)])
    settled = lloyd(rows, np.array([[0.0], [1], [15], [30], [31], [45]]))  # two places alike
    found = [split_and_merged(rows, settled) for _ in range(2)]
    assert settled.inertia == 202
    assert found[0].inertia == 3
    np.testing.assert_array_equal(found[0].labels, found[1].labels)


@pytest.mark.parametrize("scale", [2.0**-330, 2.0**330])
def test_numbers_far_from_one_are_clustered_as_others(scale: float) -> None:
    rows, settled, weights = caught(2)
    expected = split_and_merged(rows, settled, weights)
    start = lloyd(rows * scale, settled.centres * scale, weights)
    found = split_and_merged(rows * scale, start, weights)
    assert expected is not settled
    np.testing.assert_array_equal(expected.labels, found.labels)


def test_starts_are_still_there_beside_what_they_became(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _, _ = caught(1)
    monkeypatch.setattr(starts, "orthogonal", lambda *_: None)
    monkeypatch.setattr(starts, "spread", lambda *_: np.arange(8))  # a poor start

    def found() -> list[float]:
        near = near_the_least(rows, None, 8, 2, np.random.default_rng(3))
        return [settled.inertia for settled in near]

    improved = found()
    monkeypatch.setattr(starts, "IMPROVED", 0)
    as_they_were = found()
    assert set(as_they_were) < set(improved)
    assert improved == sorted(improved)
    assert min(improved) < min(as_they_were)
