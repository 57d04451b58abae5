"""The searches agree with each other, refuse what they cannot do, and say what "auto" means."""

import sys

import numpy as np
import pytest
import torch

from lightning_suite.errors import UsageError
from suite_spectral.graphs.neighbours import automatic_search, nearest, nearest_to

CPU = torch.device("cpu")


def cloud(n, dim, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, dim)))


@pytest.mark.parametrize("search", ["tree", "blocked"])
def test_an_exact_search_finds_the_nearest_of_all_distances(search):
    points = cloud(2500, 5)
    expected = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    values, indices = expected.topk(6, largest=False)
    actual = nearest(points, 6, search=search)
    assert torch.equal(indices, actual.indices)
    torch.testing.assert_close(values, actual.distances)


@pytest.mark.parametrize("search", ["tree", "blocked"])
def test_an_exact_search_for_new_points_finds_the_nearest_of_all_distances(search):
    points, queries = cloud(2500, 5), cloud(1200, 5, seed=1)
    expected = torch.cdist(queries, points, compute_mode="donot_use_mm_for_euclid_dist")
    values, indices = expected.topk(6, largest=False)
    actual = nearest_to(queries, points, 6, search=search)
    assert torch.equal(indices, actual.indices)
    torch.testing.assert_close(values, actual.distances)


def test_the_approximate_search_finds_most_neighbours():
    pytest.importorskip("faiss")
    points = cloud(5000, 20)
    exact, actual = nearest(points, 10, search="blocked"), nearest(points, 10, search="approximate")
    same = (exact.indices[:, :, None] == actual.indices[:, None]).any(2)
    assert same.double().mean() > 0.8  # without clusters; the recall on real ones is in the module


def test_the_approximate_search_gives_the_same_answer_for_the_same_seed():
    pytest.importorskip("faiss")
    points = cloud(2000, 20)
    first, second = (nearest(points, 10, search="approximate", seed=3) for _ in range(2))
    assert torch.equal(first.indices, second.indices)


def test_the_approximate_search_fills_up_where_its_cells_hold_too_few_points():
    pytest.importorskip("faiss")
    points = cloud(300, 20)
    found = nearest(points, 290, search="approximate")
    assert all(len(set(row)) == 290 for row in found.indices.tolist())
    assert int(found.indices.min()) >= 0


def test_without_faiss_the_approximate_search_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UsageError, match=r"100 points in 20 dimensions .*lightning-suite\[spectral\]"):
        nearest(cloud(100, 20), 5, search="approximate")


@pytest.mark.parametrize("search", ["tree", "blocked", "approximate"])
def test_a_point_is_never_its_own_neighbour_among_many_duplicates(search):
    if search == "approximate":
        pytest.importorskip("faiss")
    points = cloud(4, 3).repeat(50, 1)
    found = nearest(points, 6, search=search)
    assert not (found.indices == torch.arange(200)[:, None]).any()
    assert float(found.distances.max()) == 0
    assert all(len(set(row)) == 6 for row in found.indices.tolist())


@pytest.mark.parametrize("search", ["tree", "blocked"])
def test_two_points_are_each_the_neighbour_of_the_other(search):
    found = nearest(torch.tensor([[0.0], [3.0]]), 1, search=search)
    assert found.indices.tolist() == [[1], [0]]
    assert found.distances.tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize("search", ["tree", "blocked"])
def test_constant_columns_change_nothing(search):
    points = cloud(300, 3)
    wider = torch.cat([torch.full((300, 2), 1e6, dtype=torch.float64), points], dim=1)
    assert torch.equal(nearest(points, 5, search=search).indices, nearest(wider, 5, search=search).indices)


@pytest.mark.parametrize("search", ["tree", "blocked"])
def test_points_without_a_coordinate_are_all_at_distance_zero(search):
    found = nearest(torch.zeros(5, 0), 2, search=search)
    assert found.distances.tolist() == [[0.0, 0.0]] * 5
    assert not (found.indices == torch.arange(5)[:, None]).any()


def test_a_query_that_is_one_of_the_points_is_its_own_nearest():
    points = cloud(50, 3)
    assert torch.equal(torch.arange(50), nearest_to(points, points, 2).indices[:, 0])


def test_distances_of_float32_points_are_float32_and_else_float64():
    assert nearest(cloud(20, 2).float(), 2).distances.dtype == torch.float32
    assert nearest(cloud(20, 2), 2).distances.dtype == torch.float64
    assert nearest((cloud(20, 2) * 10).int(), 2).distances.dtype == torch.float64


def test_no_neighbours_of_no_query_have_a_shape_nevertheless():
    assert nearest_to(torch.zeros(0, 2), torch.zeros(5, 2), 3).indices.shape == (0, 3)
    assert nearest(torch.zeros(4, 2), 0).distances.shape == (4, 0)


def test_as_many_neighbours_as_points_are_refused_with_both_numbers():
    with pytest.raises(UsageError, match="5 points have 4 neighbours each, but 5 were asked for"):
        nearest(cloud(5, 2), 5)


def test_more_neighbours_of_new_points_than_points_are_refused():
    with pytest.raises(UsageError, match="6 neighbours were asked for, but there are only 5 points"):
        nearest_to(cloud(3, 2), cloud(5, 2), 6)


def test_another_number_of_columns_is_refused():
    with pytest.raises(UsageError, match="must have the 2 columns of the points, got 3"):
        nearest_to(cloud(3, 3), cloud(5, 2), 1)


def test_a_missing_number_is_refused_with_its_place():
    points = cloud(5, 2)
    points[3, 1] = torch.nan
    with pytest.raises(UsageError, match="row 3, column 1 is nan"):
        nearest(points, 2)


def test_an_unknown_search_is_refused():
    with pytest.raises(UsageError, match="got 'fast'"):
        nearest(cloud(5, 2), 2, search="fast")


def test_a_vector_is_refused_with_its_shape():
    with pytest.raises(UsageError, match=r"shape \(point, dim\), got torch.float64 of shape \(5,\)"):
        nearest(torch.zeros(5, dtype=torch.float64), 2)


def test_auto_is_a_tree_in_few_dimensions_and_blocks_in_many():
    assert automatic_search(1_000_000, 2, CPU) == "tree"
    assert automatic_search(10_000, 784, CPU) == "blocked"


def test_auto_is_approximate_for_a_million_points_in_ten_dimensions():
    assert automatic_search(1_000_000, 10, CPU) == "approximate"


def test_auto_on_a_graphics_card_is_blocked():
    assert automatic_search(1_000_000, 2, torch.device("cuda")) == "blocked"


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_points_whose_squared_distances_cannot_be_told_apart_are_refused(scale: float) -> None:
    points = torch.arange(12.0, dtype=torch.float64).reshape(6, 2) * scale
    with pytest.raises(UsageError, match=r"nearest: points .* scale all of them by a power of ten"):
        nearest(points, 2)
