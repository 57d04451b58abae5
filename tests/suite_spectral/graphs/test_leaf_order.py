import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.graphs.leaf_order import LeafOrder
from suite_spectral.graphs.neighbours import nearest


def points_of(n: int, dim: int = 2, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).to(dtype)


def test_leaves_bring_points_together_that_are_near() -> None:
    points = points_of(4000)
    leaves = LeafOrder(points)
    ordered = points[torch.from_numpy(leaves.order)]
    steps = (ordered[1:] - ordered[:-1]).norm(dim=1)
    assert float(steps.median()) < 0.05  # of points in any order .5
    assert sorted(leaves.order.tolist()) == list(range(4000))
    assert leaves.order[leaves.places].tolist() == list(range(4000))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neighbours_are_those_of_the_search_by_tree_whoever_else_is_asked(dtype: torch.dtype) -> None:
    points = points_of(700, 3, dtype)
    leaves, expected = LeafOrder(points), nearest(points, 5, search="tree")
    order = torch.from_numpy(leaves.order)
    for places in (slice(0, 700), slice(130, 411), slice(200, 200)):
        found = leaves.nearest(5, places)
        assert torch.equal(order[found.indices], expected.indices[order[places]])
        assert torch.equal(found.distances, expected.distances[order[places]])


def test_a_point_is_not_its_own_neighbour_among_more_duplicates_than_neighbours() -> None:
    points = points_of(300)
    points[:40] = points[0]
    leaves = LeafOrder(points)
    found = leaves.nearest(4, slice(0, 300))
    assert not (found.indices == torch.arange(300)[:, None]).any()
    assert int((found.distances[leaves.places[:40]] == 0).sum()) == 40 * 4


def test_points_that_are_not_finite_are_refused() -> None:
    points = points_of(30)
    points[7, 1] = torch.nan
    with pytest.raises(UsageError, match="row 7, column 1"):
        LeafOrder(points)
