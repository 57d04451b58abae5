from collections.abc import Callable
from typing import Any

import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.choosing import SCALES
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.graphs.neighbour_graph import median_sigma
from suite_spectral.settings import Settings
from suite_spectral.solving.building import build, evenly, image_of, measured, width_of
from suite_spectral.solving.routes import solve

Made = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]


def test_an_image_with_a_hole_is_refused() -> None:
    pixels = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 0, 1]])
    with pytest.raises(UsageError, match="all 4 pixels of 2 rows"):
        image_of(pixels)


def test_an_image_is_put_together_from_its_pixels() -> None:
    rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    image = torch.rand(2, 3, 1)
    pixels = torch.cat([rows[..., None], columns[..., None], image], dim=2).reshape(6, 3)
    assert torch.equal(image_of(pixels), image)


def test_pixels_in_another_order_are_refused() -> None:
    pixels = torch.tensor([[0.0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    with pytest.raises(UsageError, match="row by row"):
        image_of(pixels)


def test_points_are_not_taken_for_a_graph(settings: Made, arcs: Points) -> None:
    with pytest.raises(UsageError, match="cannot be had of points"):
        build(arcs(30)[0], settings(affinity="precomputed"))


def test_a_graph_is_not_taken_for_points(settings: Made) -> None:
    with pytest.raises(UsageError, match="cannot be had of a graph"):
        build(SparseGraph.from_scipy(scipy.sparse.eye_array(4)), settings())


def test_fewer_points_than_neighbours_are_all_neighbours_and_the_line_says_so(settings: Made, arcs: Points) -> None:
    assert "6 nearest neighbours (of 8 asked for)" in build(arcs(6)[0], settings()).line


def test_a_sigma_that_was_chosen_is_said_to_be_and_serves_landmarks_too(settings: Made, arcs: Points) -> None:
    asked = settings(affinity="rbf", sigma="stable")
    sigma, said = width_of(points := arcs(60)[0], asked, 0, lambda words: None)
    assert said == "chosen"
    assert sigma in [scale * median_sigma(points) for scale in SCALES]
    assert f"sigma {sigma:.4g} (chosen)" in build(points, asked).line
    assert (
        f"sigma {sigma:.4g} (chosen), by"
        in solve(points, settings(affinity="rbf", sigma="stable", route="landmarks")).line
    )


def test_a_sigma_is_chosen_for_all_pairs_only(settings: Made, arcs: Points) -> None:
    with pytest.raises(UsageError, match="affinity rbf, not for 'nearest_neighbors'"):
        solve(arcs(30)[0], settings(sigma="stable"))


def test_neighbours_that_were_chosen_are_said_to_be(settings: Made, arcs: Points) -> None:
    built = build(arcs(60)[0], settings(n_neighbors=None))
    assert f"{built.n_neighbors} nearest neighbours (chosen)" in built.line


@pytest.mark.parametrize(
    ("changes", "scales"),
    [
        ({}, 0),
        ({"weights": "gaussian"}, 1),
        ({"weights": "self-tuning"}, 30),
        ({"affinity": "rbf"}, 1),
        ({"affinity": "self-tuning"}, 30),
    ],
    ids=str,
)
def test_the_scale_is_kept_for_new_points(changes: dict[str, Any], scales: int, settings: Made, arcs: Points) -> None:
    assert build(arcs(30)[0], settings(**changes)).scale.shape == (scales,)


@pytest.mark.parametrize("changes", [{"n_neighbors": None}, {"affinity": "rbf", "sigma": "stable"}], ids=str)
def test_what_was_chosen_is_measured_with_and_not_chosen_again(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settings: Made, arcs: Points
) -> None:
    points, _ = arcs(100)
    found = solve(points, settings(**changes))
    monkeypatch.setattr("suite_spectral.solving.building.choose_graph", None)
    monkeypatch.setattr("suite_spectral.solving.building.choose_sigma", None)
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
    given = settings(affinity=affinity, weights="gaussian", route="best_of", n_clusters=5, landmarks=60)
    found = solve(points, given)
    graph = measured(points, given, found.fitted)
    assert torch.allclose(graph.degrees(), found.graph.degrees())
    assert graph.n == 200
