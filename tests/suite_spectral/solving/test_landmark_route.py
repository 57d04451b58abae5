from collections.abc import Callable
from typing import Any

import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import ncut
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.settings import Settings
from suite_spectral.solving.building import affinity_of
from suite_spectral.solving.landmark_route import landmarks_for, solve_by_landmarks
from suite_spectral.solving.routes import solve

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]
Agreement = Callable[[Tensor, Tensor], float]


@pytest.mark.parametrize("changes", [{"assign": "median"}, {"assign": "sign"}, {"n_clusters": None}], ids=str)
def test_the_arcs_are_found_by_their_landmarks(
    changes: dict[str, Any], settings: MakeSettings, arcs: Points, agreement: Agreement
) -> None:
    points, classes = arcs(300)
    found = solve(points, settings(route="landmarks", **changes))
    assert agreement(found.clustering.labels, classes) > 0.99
    assert torch.equal(found.fitted.assign(points), found.clustering.labels)


@pytest.mark.parametrize(
    ("n", "clusters", "expected"), [(1000, 2, 80), (100, 2, 50), (100, 60, 61), (4, 4, 4), (2, None, 2)]
)
def test_at_most_every_second_point_is_a_landmark(
    n: int, clusters: int | None, expected: int, settings: MakeSettings
) -> None:
    assert landmarks_for(settings(n_clusters=clusters), n) == expected


def test_the_line_says_how_many_landmarks_there_are(settings: MakeSettings, arcs: Points) -> None:
    assert "5 nearest of 30 landmarks" in solve(arcs(60)[0], settings(route="landmarks")).line


def test_the_cut_is_that_of_the_landmarks_own_graph(settings: MakeSettings, arcs: Points) -> None:
    found = solve(arcs(200)[0], settings(route="landmarks"))
    assert found.clustering.ncut == ncut(found.graph, found.clustering.labels, 2)
    assert found.clustering.lower_bound <= found.clustering.ncut + 1e-12


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "rbf"])
def test_beside_the_exact_answer_it_is_measured_on_the_exact_graph(
    affinity: str, settings: MakeSettings, arcs: Points
) -> None:
    points, _ = arcs(200)
    given = settings(affinity=affinity, weights="gaussian", sigma=0.2)
    exact = solve(points, given)
    found = solve_by_landmarks(points, affinity_of(given), given, beside=exact)
    assert found.graph is exact.graph
    assert found.clustering.ncut == ncut(exact.graph, found.clustering.labels, 2)
    assert found.clustering.lower_bound == exact.clustering.lower_bound


def test_of_many_points_some_pairs_are_measured_and_the_line_says_so(
    settings: MakeSettings, arcs: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suite_spectral.graphs.gaussian_affinity.MEASURED", 50)
    found = solve(arcs(200)[0], settings(route="landmarks", affinity="rbf", sigma=0.2))
    assert found.graph.n == 50
    assert "Ncut of 50 points" in found.line


def test_a_graph_is_refused(settings: MakeSettings) -> None:
    with pytest.raises(UsageError, match="expected points, got a graph"):
        solve(SparseGraph.from_scipy(scipy.sparse.eye_array(4)), settings(route="landmarks"))
