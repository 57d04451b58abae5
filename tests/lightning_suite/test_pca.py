import pytest
import torch

from lightning_suite.pca import principal_components


def test_the_components_are_those_of_a_singular_value_decomposition() -> None:
    points = torch.randn(40, 5, dtype=torch.float64) @ torch.diag(torch.tensor([5.0, 3, 2, 1, 0.5]).double())
    left, values, _ = torch.linalg.svd(points - points.mean(dim=0), full_matrices=False)
    components, shares = principal_components(points)
    torch.testing.assert_close(components.abs(), (left[:, :2] * values[:2]).abs())
    torch.testing.assert_close(shares, values[:2].square() / values.square().sum())


def test_more_dims_than_points_have_those_of_the_decomposition_too() -> None:
    points = torch.randn(6, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left, values, _ = torch.linalg.svd(points - points.mean(dim=0), full_matrices=False)
    components, shares = principal_components(points)
    torch.testing.assert_close(components.abs(), (left[:, :2] * values[:2]).abs())
    torch.testing.assert_close(shares, values[:2].square() / values.square().sum())


def test_the_largest_loading_is_positive_so_that_nothing_is_mirrored() -> None:
    points = torch.tensor([[0.0, 0.0], [1.0, 0.1], [2.0, 0.0]])
    for mirrored in (points, -points):
        components, _ = principal_components(mirrored)
        assert (components[2, 0] - components[0, 0]).sign() == (mirrored[2, 0] - mirrored[0, 0]).sign()


def test_points_of_one_number_have_zeros_as_second_component() -> None:
    components, shares = principal_components(torch.tensor([[1.0], [3.0]]))
    assert components.tolist() == [[-1, 0], [1, 0]]
    assert shares.tolist() == [1, 0]


def test_equal_points_explain_nothing() -> None:
    components, shares = principal_components(torch.ones(4, 3))
    assert not components.any()
    assert shares.tolist() == [0, 0]


def test_more_components_can_be_asked_for() -> None:
    components, shares = principal_components(torch.randn(10, 4), count=4)
    assert components.shape == (10, 4)
    assert shares.sum().item() == pytest.approx(1)


def test_principal_components_keep_distances_of_points_in_a_plane() -> None:
    plane = torch.randn(20, 2, dtype=torch.float64) @ torch.randn(2, 7, dtype=torch.float64)
    points, share = principal_components(plane)
    torch.testing.assert_close(torch.cdist(plane, plane), torch.cdist(points, points))
    assert share.sum().item() == pytest.approx(1)
