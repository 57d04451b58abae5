import pytest
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.gaussian import GaussianGraph


def points(n: int = 40, dim: int = 3, centre: float = 0.0) -> Tensor:
    return torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + centre


def gaussian(points: Tensor, sigma: float) -> Tensor:
    return torch.exp(-torch.cdist(points, points).square() / (2 * sigma**2))


@pytest.mark.parametrize("budget", [1 << 20, 0], ids=["kept", "computed again"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_product_is_that_of_the_formula(budget: int, dtype: torch.dtype) -> None:
    block = torch.randn(40, 2, dtype=dtype, generator=torch.Generator().manual_seed(1))
    expected = gaussian(points(), 0.8).to(dtype) @ block
    torch.testing.assert_close(expected, GaussianGraph(points(), 0.8, budget).multiply(block), rtol=1e-5, atol=1e-5)


def test_the_self_tuning_graph_has_a_scale_for_each_point() -> None:
    scale = torch.linspace(0.5, 2, 40, dtype=torch.float64)
    expected = torch.exp(-torch.cdist(points(), points()).square() / (scale * scale[:, None]))
    product = GaussianGraph(points(), scale).multiply(torch.eye(40, dtype=torch.float64))
    torch.testing.assert_close(expected, product, rtol=1e-5, atol=1e-6)


def test_weights_are_kept_where_the_budget_allows_it() -> None:
    assert GaussianGraph(points(), 1.0, 4 * 40 * 40).kept is not None
    assert GaussianGraph(points(), 1.0, 4 * 40 * 40 - 1).kept is None


def test_degrees_are_the_sums_of_the_weights() -> None:
    torch.testing.assert_close(
        gaussian(points(), 1.0).sum(dim=1), GaussianGraph(points(), 1.0, 0).degrees(), rtol=1e-6, atol=0
    )


def test_columns_are_the_weights_with_some_points() -> None:
    chosen = torch.tensor([3, 0])
    for budget in (0, 1 << 20):
        columns = GaussianGraph(points(), 1.0, budget).columns(chosen)
        torch.testing.assert_close(gaussian(points(), 1.0)[:, chosen].float(), columns, rtol=1e-5, atol=1e-6)


def test_far_from_the_origin_nothing_is_lost() -> None:
    near, far = (GaussianGraph(points(centre=centre), 1.0).degrees() for centre in (0.0, 1e5))
    torch.testing.assert_close(near, far, rtol=1e-4, atol=0)


def test_the_points_may_be_computed_many_rows_at_a_time_or_one() -> None:
    one = points(1500, 2)
    torch.testing.assert_close(gaussian(one, 1.0).sum(dim=1), GaussianGraph(one, 1.0, 0).degrees(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_a_width_that_is_not_above_0_is_refused(sigma: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        GaussianGraph(points(), sigma)


@pytest.mark.parametrize("own", [False, True], ids=["one width", "self-tuning"])
def test_blobs_that_lie_very_many_widths_apart_keep_their_weights(own: bool) -> None:
    some = torch.cat([points(20), points(20, centre=1e5)])
    width: float | Tensor = torch.full((40,), 2**0.5, dtype=torch.float64) if own else 1.0
    graph = GaussianGraph(some, width)
    torch.testing.assert_close(gaussian(some, 1.0).float(), graph.kept, atol=1e-5, rtol=0)
