from collections.abc import Callable
from typing import Any

import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.affinity import SimilarityGraph
from suite_spectral.graphs.edge_weights import median_sigma
from suite_spectral.graphs.gaussian_affinity import SCALES
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.settings import Settings
from suite_spectral.solving.building import affinity_of, measured, refuse_impossible
from suite_spectral.solving.routes import solve

MakeSettings = Callable[..., Settings]
Points = Callable[..., tuple[Tensor, Tensor]]


def build(content: Tensor, given: Settings) -> SimilarityGraph:
    return affinity_of(given).build(content)


def test_points_are_not_taken_for_a_graph(settings: MakeSettings, arcs: Points) -> None:
    with pytest.raises(UsageError, match="expected a graph, got points"):
        solve(arcs(30)[0], settings(affinity="precomputed"))


def test_a_graph_is_not_taken_for_points(settings: MakeSettings) -> None:
    with pytest.raises(UsageError, match="expected points, got a graph"):
        solve(SparseGraph.from_scipy(scipy.sparse.eye_array(4)), settings())


def test_fewer_points_than_neighbours_are_all_neighbours_and_the_line_says_so(
    settings: MakeSettings, arcs: Points
) -> None:
    assert "6 nearest neighbours (of 8 asked for)" in build(arcs(6)[0], settings()).line


def test_a_sigma_that_was_chosen_is_said_to_be_and_serves_landmarks_too(settings: MakeSettings, arcs: Points) -> None:
    asked = settings(affinity="rbf", sigma="stable")
    found = solve(points := arcs(60)[0], asked)
    sigma = found.fitted.chosen["sigma"]
    assert sigma in [scale * median_sigma(points) for scale in SCALES]
    assert f"sigma {sigma:.4g} (chosen)" in found.line
    assert (
        f"sigma {sigma:.4g} (chosen), by"
        in solve(points, settings(affinity="rbf", sigma="stable", route="landmarks")).line
    )


def test_a_sigma_is_chosen_for_all_pairs_only(settings: MakeSettings, arcs: Points) -> None:
    with pytest.raises(UsageError, match="affinity rbf, not for 'nearest_neighbors'"):
        solve(arcs(30)[0], settings(sigma="stable"))


def test_neighbours_that_were_chosen_are_said_to_be(settings: MakeSettings, arcs: Points) -> None:
    found = solve(arcs(60)[0], settings(n_neighbors=None))
    assert f"{found.fitted.chosen['n_neighbors']} nearest neighbours (chosen)" in found.line


@pytest.mark.parametrize(
    ("changes", "name", "shape"),
    [
        ({}, "scale", None),
        ({"weights": "gaussian"}, "scale", ()),
        ({"weights": "self-tuning"}, "scale", (30,)),
        ({"affinity": "rbf"}, "sigma", ()),
        ({"affinity": "self-tuning"}, "sigma", (30,)),
    ],
    ids=str,
)
def test_the_scale_is_kept_for_new_points(
    changes: dict[str, Any], name: str, shape: tuple[int, ...] | None, settings: MakeSettings, arcs: Points
) -> None:
    scale = build(arcs(30)[0], settings(**changes)).weights.state().get(name)
    assert (None if scale is None else torch.as_tensor(scale).shape) == shape


@pytest.mark.parametrize("changes", [{"n_neighbors": None}, {"affinity": "rbf", "sigma": "stable"}], ids=str)
def test_what_was_chosen_is_measured_with_and_not_chosen_again(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settings: MakeSettings, arcs: Points
) -> None:
    points, _ = arcs(100)
    found = solve(points, settings(**changes))
    monkeypatch.setattr("suite_spectral.solving.routes.choose", None)
    graph = measured(points, settings(**changes), found.fitted)
    assert torch.equal(graph.degrees(), found.graph.degrees())


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
    changes: dict[str, Any], settings: MakeSettings, arcs: Points
) -> None:
    points, _ = arcs(80)
    found = solve(points, settings(**changes))
    block = torch.rand(80, 2, generator=torch.Generator().manual_seed(0)).double()
    graph = measured(points, settings(**changes), found.fitted)
    assert torch.allclose(graph.multiply(block), found.graph.multiply(block))


def test_by_landmarks_alone_it_is_their_graph(settings: MakeSettings, arcs: Points) -> None:
    points, _ = arcs(80)
    found = solve(points, settings(route="landmarks"))
    assert isinstance(measured(points, settings(route="landmarks"), found.fitted), LandmarkGraph)


@pytest.mark.parametrize("affinity", ["nearest_neighbors", "rbf"])
def test_the_better_of_both_routes_is_measured_on_the_exact_graph(affinity: str, settings: MakeSettings) -> None:
    points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0)).double()
    given = settings(affinity=affinity, weights="gaussian", route="best_of", n_clusters=5, landmarks=60)
    found = solve(points, given)
    graph = measured(points, given, found.fitted)
    assert torch.allclose(graph.degrees(), found.graph.degrees())
    assert graph.n == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_clusters": 0}, "1 or more.*got 0"),
        ({"n_clusters": 31}, "31 clusters were asked for, and there are 30"),
        ({"n_clusters": 3, "assign": "sign"}, "assign 'sign' .*second eigenvector: it needs n_clusters 2, got 3"),
        ({"affinity": "self-tuning", "route": "landmarks"}, "landmarks are for the affinities .*, not 'self-tuning'"),
        ({"affinity": "cosine", "route": "best_of"}, "route 'best_of': landmarks are for .*, not 'cosine'"),
        ({"affinity": "precomputed", "route": "best_of"}, "not 'precomputed'; take route 'exact'"),
        ({"affinity": "pixels", "route": "landmarks"}, "not 'pixels'"),
        ({"n_clusters": 9, "route": "best_of", "landmarks": 8}, "landmarks: expected at least 9.*got 8"),
        ({"affinity": "rbf", "assign": "sign", "route": "landmarks"}, "degrees of all points"),
    ],
)
def test_what_cannot_be_clustered_is_refused(changes: dict[str, Any], said: str, settings: MakeSettings) -> None:
    with pytest.raises(UsageError, match=said):
        refuse_impossible(settings(**changes), 30)


def test_one_point_is_refused(settings: MakeSettings) -> None:
    with pytest.raises(UsageError, match="at least 2 points"):
        refuse_impossible(settings(n_clusters=1), 1)


@pytest.mark.parametrize("affinity", ["self-tuning", "cosine", "precomputed", "pixels"])
def test_the_exact_route_asks_nothing_of_landmarks(affinity: str, settings: MakeSettings) -> None:
    refuse_impossible(settings(affinity=affinity, n_clusters=3, landmarks=2), 30)
