import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs, make_circles
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.settings import Settings
from suite_spectral.shares.landmark_route import is_by_shares, solve_share
from suite_spectral.shares.share import Share
from suite_spectral.solving.solution import Solution

Together = Callable[[int, Callable[[Any], Any]], list[Any]]
Shape = tuple[Tensor, Tensor]


def settings(n_clusters: int | None, **changes: Any) -> Settings:
    return Settings(**{"n_clusters": n_clusters, "route": "landmarks", "landmarks": 60, "n_init": 3, **changes})


def circles(n: int = 1500) -> Shape:
    points, labels = make_circles(n, noise=0.05, factor=0.5, random_state=0)
    return torch.from_numpy(points), torch.from_numpy(labels)


def far_blobs() -> Shape:
    points, labels = make_blobs(900, centers=[[0, 0], [6, 0], [99, 0]], random_state=0)
    return torch.from_numpy(points).float(), torch.from_numpy(labels)


def with_a_loose_one() -> Shape:
    points, labels = make_blobs([600, 500, 5], centers=[[0, 0], [9, 0], [99, 0]], random_state=0)
    return torch.from_numpy(points), torch.from_numpy(labels)


def solved(points: Tensor, chosen: Settings, group: Any = None) -> Solution:
    share = Share.alone(len(points)) if group is None else Share.of(group, len(points))
    return solve_share(points[share.rows], share, chosen, seed=3)


CASES: dict[str, tuple[Callable[[], Shape], Settings]] = {
    "one component": (circles, settings(2)),
    "two components, three clusters": (far_blobs, settings(3)),
    "unit rows": (circles, settings(2, rows="njw")),
    "more components than clusters": (lambda: (far_blobs()[0] * 1000, far_blobs()[1]), settings(2, sigma=1e-3)),
    "a loose component": (with_a_loose_one, settings(2, landmarks=300)),
    "more vectors than clusters": (circles, settings(2, n_components=4)),
    "a number of clusters by the gap": (far_blobs, settings(None, max_clusters=8)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_number_of_processes_fits_the_same_bits(case: str, together: Together) -> None:
    make, chosen = CASES[case]
    points, _ = make()
    expected = solved(points, chosen)
    for size in (2, 3, 4):
        found = together(size, lambda group: solved(points, chosen, group))
        for solution in found:
            assert solution.line == expected.line
            assert solution.clustering.ncut == expected.clustering.ncut
            for name, value in expected.fitted.state().items():
                assert torch.equal(solution.fitted.state()[name], value), name
        labels = torch.cat([solution.clustering.labels for solution in found])
        assert torch.equal(labels, expected.clustering.labels)


@pytest.mark.parametrize("make", [circles, far_blobs])
def test_the_clusters_are_found(make: Callable[[], Shape]) -> None:
    points, expected = make()
    found = solved(points, settings(int(expected.max()) + 1, landmarks=150)).clustering.labels
    assert adjusted_rand_score(expected, found) > 0.98


def test_points_of_a_loose_component_join_the_nearest_cluster_and_one_process_warns(together: Together) -> None:
    points, expected = with_a_loose_one()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = together(2, lambda group: solved(points, settings(2, landmarks=300), group))
    said = [str(warning.message) for warning in caught if "too small for clusters" in str(warning.message)]
    assert len(said) == 1
    assert "5 points" in said[0]
    labels = torch.cat([solution.clustering.labels for solution in found])
    right = expected == 1  # on whose side the loose ones lie
    assert set(labels[expected == 2].tolist()) == set(labels[right].tolist()) == {1}


def test_new_points_are_labelled_by_what_was_fitted_in_shares(together: Together) -> None:
    points, expected = circles()
    fitted = together(2, lambda group: solved(points, settings(2, landmarks=150), group))[1].fitted
    assert torch.equal(fitted.assign(points), fitted.labels)
    assert adjusted_rand_score(expected, fitted.labels) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fewer_distinct_points_than_clusters_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 3 distinct rows for 3 clusters, got 1"):
        solved(torch.zeros(50, 2), settings(3))


def test_what_can_be_held_in_shares() -> None:
    assert is_by_shares(settings(2))
    assert not any(
        is_by_shares(settings(2, **change)) for change in ({"route": "exact"}, {"affinity": "rbf"}, {"assign": "sign"})
    )


def test_a_share_may_be_empty(together: Together) -> None:
    points = torch.from_numpy(np.concatenate([np.random.default_rng(0).random((40, 2)), [[9.0, 9.0]] * 40]))
    expected = solved(points, settings(2, landmarks=10)).clustering.labels
    found = together(3, lambda group: solved(points, settings(2, landmarks=10), group).clustering.labels)
    assert sorted(len(labels) for labels in found) == [0, 0, 80]
    assert torch.equal(torch.cat(found), expected)
