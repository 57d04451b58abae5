from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from suite_spectral.landmarks import LandmarkGraph
from suite_spectral.measuring import evenly, measured
from suite_spectral.routes import solve
from suite_spectral.settings import Settings

Made = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]


@pytest.mark.parametrize("changes", [{"n_neighbors": None}, {"affinity": "rbf", "sigma": "stable"}], ids=str)
def test_what_was_chosen_is_measured_with_and_not_chosen_again(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settings: Made, arcs: Points
) -> None:
    points, _ = arcs(100)
    found = solve(points, settings(**changes))
    monkeypatch.setattr("suite_spectral.building.choose_graph", None)
    monkeypatch.setattr("suite_spectral.building.choose_sigma", None)
    graph = measured(points, settings(**changes), found.fitted)
    assert torch.equal(graph.degrees(), found.graph.degrees())


def test_places_are_spread_evenly() -> None:
    assert evenly(9, 3).tolist() == [0, 4, 8]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"weights": "gaussian"},
        {"affinity": "rbf"},
        {"route": "landmarks"},
        {"route": "landmarks", "affinity": "rbf"},
    ],
    ids=str,
)
def test_the_cut_is_measured_on_the_graph_of_the_settings(
    changes: dict[str, Any], settings: Made, arcs: Points
) -> None:
    points, _ = arcs(80)
    found = solve(points, settings(**changes))
    block = torch.rand(80, 2, generator=torch.Generator().manual_seed(0)).double()
    graph = measured(points, settings(**changes), found.fitted)
    assert torch.allclose(graph.multiply(block), found.graph.multiply(block))


def test_by_landmarks_alone_it_is_their_graph(settings: Made, arcs: Points) -> None:
    points, _ = arcs(80)
    found = solve(points, settings(route="landmarks"))
    assert isinstance(measured(points, settings(route="landmarks"), found.fitted), LandmarkGraph)


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "rbf"])
def test_the_better_of_both_routes_is_measured_on_the_exact_graph(affinity: str, settings: Made) -> None:
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0)).double()
    given = settings(affinity=affinity, weights="gaussian", route="better", n_clusters=5, landmarks=60)
    found = solve(points, given)
    graph = measured(points, given, found.fitted)
    assert torch.allclose(graph.degrees(), found.graph.degrees())
    assert graph.n == 200
