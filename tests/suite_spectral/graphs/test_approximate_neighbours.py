import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from suite_spectral.graphs import approximate_neighbours
from suite_spectral.graphs.approximate_neighbours import nearest_by_cells


def points_of(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim))


@pytest.mark.parametrize(("dim", "rows"), [(1, None), (10, None), (10, slice(500, 1300))])
def test_the_compiled_search_finds_what_faiss_finds(
    monkeypatch: pytest.MonkeyPatch, dim: int, rows: slice | None
) -> None:
    points = points_of(3000, dim)
    found = nearest_by_cells(points, None, 7, 0, rows)
    monkeypatch.setattr(approximate_neighbours, "FEW_DIM", 0)
    expected = nearest_by_cells(points, None, 7, 0, rows)
    assert (expected[0] == found[0]).mean() > 0.999  # rounding differs, and so may a cell
    np.testing.assert_allclose(expected[1], found[1], rtol=1e-6)


def test_of_very_many_cells_those_near_its_own_hold_the_nearest() -> None:
    points = points_of(20_000, 6)  # 565 cells
    expected = cKDTree(points).query(points[::20], 8)[1][:, 1:]
    found = nearest_by_cells(points, None, 7, 0)[0][::20]
    assert np.mean([len(np.intersect1d(*pair)) / 7 for pair in zip(expected, found, strict=True)]) > 0.99
    part = nearest_by_cells(points, None, 7, 0, slice(100, 150))[0][::20]
    np.testing.assert_array_equal(found[5:8], part)


def test_new_points_have_the_nearest_of_the_others() -> None:
    points, queries = points_of(2000, 3), points_of(300, 3, seed=1)
    squares = np.square(queries[:, None] - points).sum(axis=2)
    indices, distances = nearest_by_cells(points, queries, 4, 0)
    assert (np.sort(squares.argsort(axis=1)[:, :4]) == np.sort(indices)).mean() > 0.99
    np.testing.assert_allclose(np.sqrt(np.take_along_axis(squares, indices, 1)), distances)


def test_the_answer_does_not_depend_on_the_number_of_threads() -> None:
    points, before = points_of(3000, 8), torch.get_num_threads()
    answers = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        answers.append(nearest_by_cells(points, None, 5, 0))
    torch.set_num_threads(before)
    for indices, distances in answers[1:]:
        np.testing.assert_array_equal(answers[0][0], indices)
        np.testing.assert_array_equal(answers[0][1], distances)


def test_without_the_compiled_search_faiss_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_of(800, 4)
    monkeypatch.setattr(approximate_neighbours, "compiled_cells", lambda: None)
    assert nearest_by_cells(points, None, 3, 0)[0].shape == (800, 3)
