"""The graph of an image follows the formula of Shi and Malik (2000)."""

import itertools
import math

import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.graphs import pixels
from suite_spectral.graphs.pixels import image_of, pixel_graph, scaled_pixels


def image(height, width, channels=3):
    return torch.rand(height, width, channels, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def expected_graph(picture, radius, sigma_color, sigma_position):
    height, width, channels = picture.shape
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).double()
    colours = picture.reshape(-1, channels).double()
    away = (places[:, None] - places).square().sum(2)
    unlike = (colours[:, None] - colours).square().sum(2)
    weights = torch.exp(-unlike / sigma_color**2 - away / sigma_position**2)
    return torch.where(away <= radius**2, weights, 0.0)


@pytest.mark.parametrize(
    ("height", "width", "radius"), [(7, 9, 2.0), (9, 7, 3.7), (3, 11, 5.0), (1, 6, 2.0), (1, 1, 5.0)]
)
def test_the_weights_are_those_of_the_formula(height, width, radius):
    picture = image(height, width)
    actual = pixel_graph(picture, radius=radius, sigma_color=0.3, sigma_position=2.0).matrix.to_dense()
    torch.testing.assert_close(expected_graph(picture, radius, 0.3, 2.0), actual)


def test_the_graph_is_exactly_symmetric():
    matrix = pixel_graph(image(8, 9)).matrix.to_dense()
    assert torch.equal(matrix, matrix.T)


def test_bands_of_rows_give_the_same_graph(monkeypatch):
    picture = image(12, 5)
    expected = pixel_graph(picture, sigma_color=0.4).matrix.to_dense()
    monkeypatch.setattr(pixels, "BUDGET", 1)
    assert torch.equal(expected, pixel_graph(picture, sigma_color=0.4).matrix.to_dense())


def test_the_columns_of_a_row_are_ascending():
    matrix = pixel_graph(image(6, 7), sigma_color=1.0).matrix
    columns, starts = matrix.col_indices().tolist(), matrix.crow_indices().tolist()
    rows = [columns[start:end] for start, end in itertools.pairwise(starts)]
    assert all(row == sorted(set(row)) for row in rows)


def test_a_grey_image_has_one_channel():
    matrix = pixel_graph(torch.tensor([[[0.0], [0.1]]]), sigma_color=0.1, sigma_position=4.0).matrix.to_dense()
    assert float(matrix[0, 1]) == pytest.approx(math.exp(-1 - 1 / 16), rel=1e-6)


def test_an_image_of_integers_is_taken_as_it_is():
    matrix = pixel_graph(torch.tensor([[[0], [1]]]), sigma_color=1.0).matrix.to_dense()
    assert float(matrix[0, 1]) == pytest.approx(math.exp(-1 - 1 / 16))


def test_another_shape_is_refused():
    with pytest.raises(UsageError, match=r"\(height, width, channel\), got shape \(4, 5\)"):
        pixel_graph(torch.zeros(4, 5))


def test_a_radius_that_is_not_positive_is_refused():
    with pytest.raises(UsageError, match="radius must be a positive number, got 0"):
        pixel_graph(image(4, 5), radius=0)


def test_a_value_that_is_not_a_number_is_refused():
    with pytest.raises(UsageError, match="finite"):
        pixel_graph(torch.full((2, 2, 1), torch.nan))


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


def test_places_and_channels_of_pixels_have_scales_of_their_own() -> None:
    assert scaled_pixels(torch.tensor([[2.0, 4.0, 0.5]]), 2.0, 0.1).tolist() == [[1, 2, 5]]
