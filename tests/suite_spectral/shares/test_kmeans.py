from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs

from lightning_suite.errors import UsageError
from suite_spectral.clusters import labelling, starts
from suite_spectral.shares.kmeans import kmeans, largest_first, mean_rows
from suite_spectral.shares.share import Share

Together = Callable[[int, Callable[[Any], Any]], list[Any]]


@pytest.mark.parametrize("n", [700, 9000])  # of the second a sample decides between the starts
def test_one_process_has_the_labels_of_the_whole(n: int) -> None:
    rows = make_blobs(n, centers=4, n_features=3, random_state=2)[0]
    expected = labelling.kmeans(torch.from_numpy(rows), 4, n_init=3, seed=1).labels
    assert kmeans(rows, Share.alone(n), 4, n_init=3, seed=1).tolist() == expected.tolist()


@pytest.mark.parametrize("n", [700, 9000])
def test_labels_are_the_same_for_any_number_of_processes(n: int, together: Together) -> None:
    rows = np.random.default_rng(0).random((n, 3))  # clusters without gaps between them: any rounding would show

    def labelled(group: Any) -> np.ndarray:
        share = Share.of(group, n)
        return share.joined(kmeans(rows[share.rows], share, 5, n_init=3))

    expected = kmeans(rows, Share.alone(n), 5, n_init=3)
    assert all((labels == expected).all() for size in (2, 3, 4) for labels in together(size, labelled))


def test_a_cluster_that_lost_its_rows_takes_the_farthest(together: Together) -> None:
    from suite_spectral.shares.kmeans import _settled

    rows = np.concatenate([np.zeros(200), np.ones(199), [50.0]])[:, None]
    start = np.array([[0.0], [0.4], [900.0]])  # no row is nearest to the last

    def labelled(group: Any) -> np.ndarray:
        share = Share.of(group, 400)
        return share.joined(_settled(rows[share.rows], share, start))

    for size in (1, 2, 3):
        for labels in together(size, labelled):
            assert [len(set(labels[part])) for part in (slice(200), slice(200, 399), slice(399, None))] == [1, 1, 1]
            assert len(set(labels.tolist())) == 3


def test_too_few_distinct_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 3 distinct rows for 3 clusters, got 2"):
        kmeans(np.repeat([[0.0], [1.0]], 50, axis=0), Share.alone(100), 3)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 3 points for 3 clusters, got 2"):
        kmeans(np.zeros((2, 1)), Share.alone(2), 3)


def test_the_largest_cluster_is_first_and_of_equal_ones_that_of_the_first_row(together: Together) -> None:
    labels = np.array([2] * 100 + [0] * 100 + [1] * 300)

    def ordered(group: Any) -> list[int]:
        share = Share.of(group, 500)
        return share.joined(largest_first(labels[share.rows], share, 3)).tolist()

    assert all(found == [1] * 100 + [2] * 100 + [0] * 300 for size in (1, 3) for found in together(size, ordered))


def test_means_are_those_of_the_clusters() -> None:
    means = mean_rows(np.array([[1.0], [3.0], [9.0]]), np.array([0, 0, 2]), Share.alone(3), 3)
    assert means.tolist() == [[2.0], [0.0], [9.0]]


def test_splits_and_mergers_give_the_same_labels_for_any_number_of_processes(
    together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((9000, 3)) + 9 * draw.standard_normal((8, 3))[draw.integers(0, 8, 9000)]
    monkeypatch.setattr(starts, "orthogonal", lambda *_: None)
    monkeypatch.setattr(starts, "spread", lambda *_: np.arange(8))  # a poor start, which moves improve

    def labelled(group: Any) -> np.ndarray:
        share = Share.of(group, len(rows))
        return share.joined(kmeans(rows[share.rows], share, 8, n_init=1))

    expected = kmeans(rows, Share.alone(len(rows)), 8, n_init=1)
    assert all((labels == expected).all() for size in (2, 3, 4) for labels in together(size, labelled))
    monkeypatch.setattr(starts, "IMPROVED", 0)
    assert (kmeans(rows, Share.alone(len(rows)), 8, n_init=1) != expected).any()
