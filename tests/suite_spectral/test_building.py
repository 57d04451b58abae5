from collections.abc import Callable
from typing import Any

import pytest
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.affinities import median_sigma
from suite_spectral.building import build, image_of, width_of
from suite_spectral.choosing import SCALES
from suite_spectral.graph import SparseGraph
from suite_spectral.routes import solve
from suite_spectral.settings import Settings

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
