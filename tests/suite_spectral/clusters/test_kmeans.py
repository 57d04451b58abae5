import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.clusters.kmeans import kmeans


def test_kmeans_finds_far_blobs_and_numbers_them_by_size() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(60, 2, generator=draw)
    rows[:10] += 50
    found = kmeans(rows, 2)
    assert found.labels.tolist() == [1] * 10 + [0] * 50
    torch.testing.assert_close(found.centroids[1], rows[:10].double().mean(dim=0))


def test_kmeans_gives_the_same_labels_for_the_same_seed_whatever_the_threads() -> None:
    from threadpoolctl import threadpool_limits

    rows = torch.rand(3000, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with threadpool_limits(1):
        first = kmeans(rows, 12, n_init=1, seed=3)
    with threadpool_limits(2):
        second = kmeans(rows, 12, n_init=1, seed=3)
    assert torch.equal(first.labels, second.labels)


def test_kmeans_of_fewer_distinct_rows_than_clusters_is_refused() -> None:
    with pytest.raises(UsageError, match="3 distinct rows for 3 clusters, got 2"):
        kmeans(torch.tensor([[0.0], [0.0], [1.0], [1.0]]), 3)


def test_kmeans_of_fewer_points_than_clusters_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 3 points for 3 clusters, got 2"):
        kmeans(torch.ones(2, 1), 3)


def test_kmeans_of_as_many_points_as_clusters_has_one_in_each() -> None:
    assert sorted(kmeans(torch.tensor([[0.0], [5.0], [9.0]]), 3).labels.tolist()) == [0, 1, 2]
