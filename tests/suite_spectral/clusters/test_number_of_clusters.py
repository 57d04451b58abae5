"""The number of clusters by the gaps between eigenvalues."""

import warnings

import pytest
import torch
from sklearn.datasets import make_blobs

from lightning_suite.errors import UsageError
from suite_spectral.clusters.number_of_clusters import clusters_of, eigengap_clusters, relative_gaps
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve


def test_gaps_are_relative_to_the_larger_eigenvalue() -> None:
    gaps = relative_gaps(torch.tensor([0.0, 0.1, 0.4], dtype=torch.float64))
    torch.testing.assert_close(gaps, torch.tensor([1.0, 0.75], dtype=torch.float64))


def test_a_gap_between_zeros_is_none() -> None:
    assert relative_gaps(torch.tensor([0.0, 1e-17, 0.5])).tolist() == [0, 1]


def test_the_number_of_clusters_is_that_of_the_largest_gap() -> None:
    assert eigengap_clusters(torch.tensor([0.0, 0.01, 0.012, 0.3, 0.4]), 4) == 3


def test_one_cluster_is_never_the_answer() -> None:
    assert eigengap_clusters(torch.tensor([0.0, 0.5, 0.6, 0.61]), 3) == 2


def test_components_are_the_clusters() -> None:
    assert eigengap_clusters(torch.tensor([0.0, 1e-16, 2e-16, 0.3, 0.4]), 4) == 3


def test_a_component_may_hold_two_clusters() -> None:
    assert eigengap_clusters(torch.tensor([0.0, 1e-16, 2e-16, 1e-3, 0.3, 0.31]), 5) == 4


def test_units_of_the_eigenvalues_do_not_count() -> None:
    values = torch.tensor([0.0, 1e-16, 0.02, 0.025, 0.3, 0.31, 0.5])
    assert eigengap_clusters(values, 6) == eigengap_clusters(values / 50, 6) == 4


@pytest.mark.parametrize("k", [3, 5, 8, 10])
def test_far_blobs_in_ten_dimensions_are_counted(k: int) -> None:
    points = torch.from_numpy(make_blobs(60 * k, 10, centers=k, cluster_std=2.0, random_state=0)[0])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="the number of clusters")
        assert solve(points, Settings()).clustering.n_clusters == k


@pytest.mark.parametrize("k", [2, 3, 5])
def test_long_clusters_are_counted(k: int) -> None:
    """Within each the eigenvalues are those of a path, and a few of them are still small."""
    along = torch.linspace(0, 4, 120)
    points = torch.cat([torch.stack([along, torch.full_like(along, 1.0 + number)], 1) for number in range(k)])
    points += 0.05 * torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    assert solve(points, Settings()).clustering.n_clusters == k


def test_a_number_that_is_undecided_is_said_to_be() -> None:
    values = torch.tensor([0.0, 0.001, 0.201, 0.202, 1.0, 1.01], dtype=torch.float64)
    pairs = Spectrum(values, torch.eye(6).double(), torch.zeros(6), torch.zeros(6).long(), "none")
    with pytest.warns(RuntimeWarning, match="undecided: 4 by the largest eigengap, and 2"):
        assert clusters_of(pairs, 4) == 4


def test_the_number_of_clusters_is_at_most_the_largest() -> None:
    assert eigengap_clusters(torch.tensor([0.0, 0.1, 0.11, 0.12, 0.9]), 3) <= 3


def test_too_few_eigenvalues_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 3 eigenvalues, got 2"):
        eigengap_clusters(torch.tensor([0.0, 0.1]), 5)


def test_a_largest_number_of_one_cluster_is_refused() -> None:
    with pytest.raises(UsageError, match="max_clusters of 2 or more, got 1"):
        eigengap_clusters(torch.tensor([0.0, 0.1, 0.2]), 1)
