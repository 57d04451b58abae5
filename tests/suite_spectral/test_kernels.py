"""The compiled loops, and what serves where they are missing."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from lightning_suite.compiled_loops import REQUIRE, compiled_loops
from lightning_suite.errors import OpsError
from suite_spectral.clusters.lloyd import lloyd, lloyd_reference, spread
from suite_spectral.graphs.approximate_neighbours import AWAY, by_columns
from suite_spectral.kernels import compiled_cells


@pytest.fixture
def not_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where the extension is missing."""
    monkeypatch.setitem(sys.modules, "suite_spectral._kernels", None)
    monkeypatch.delenv(REQUIRE, raising=False)
    compiled_loops.cache_clear()
    yield
    compiled_loops.cache_clear()


def test_without_them_the_references_serve_and_one_warning_says_so(not_compiled: None) -> None:
    rows = np.array([[0.0], [1.0], [10.0], [11.0]])
    with pytest.warns(RuntimeWarning, match=r"suite_spectral\._kernels was not compiled\. To repair it, compile it"):
        found = lloyd(rows, rows[:2])
    np.testing.assert_array_equal(lloyd_reference(rows, rows[:2], np.ones(4)).labels, found.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(spread(rows, 2, np.random.default_rng(0))) == 2


def test_without_them_it_fails_where_they_are_required(not_compiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE, "1")
    with pytest.raises(OpsError, match=r"LIGHTNING_SUITE_REQUIRE_OPS is 1, but .* was not compiled"):
        lloyd(np.ones((3, 1)), np.ones((1, 1)))


def test_the_nearest_columns_of_the_cells_of_a_query_are_found() -> None:
    kernels = compiled_cells()
    assert kernels is not None
    points = np.random.default_rng(1).standard_normal((500, 5)).astype(np.float32)
    cell = np.random.default_rng(0).integers(0, 9, 500)
    cell[cell == 4] = 5  # an empty cell
    columns, first, number = by_columns(points, cell, 9)
    cells = np.array([[0, 4, 7], [8, -1, 3]])
    found = number[kernels.nearest_in_cells(columns, first, points[:2], cells, 6, 1)]
    for query in range(2):
        inside = np.flatnonzero(np.isin(cell, cells[query]))
        squares = np.square(points[inside] - points[query]).sum(axis=1)
        np.testing.assert_array_equal(inside[squares.argsort(kind="stable")[:6]], found[query])


NEAREST = """
import numpy as np
from suite_spectral.graphs.approximate_neighbours import by_columns
from suite_spectral.kernels import compiled_cells
draw = np.random.default_rng(0)
points = draw.standard_normal((700, 7)).astype(np.float32)
columns, first, _ = by_columns(points, draw.integers(0, 9, 700), 9)
cells = np.stack([draw.permutation(9)[:4] for _ in range(50)])
print(compiled_cells().nearest_in_cells(columns, first, points[:50], cells, 6, 1).tolist())
"""


def test_every_instruction_set_finds_the_same_columns() -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", NEAREST],
            env=os.environ | {"LIGHTNING_SUITE_INSTRUCTION_SET": most},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for most in ("baseline", "x86-64-v3", "x86-64-v4")
    ]
    assert found[0].startswith("[[")
    assert found[0] == found[1] == found[2]


def test_too_few_points_in_the_cells_are_filled_up_with_none() -> None:
    kernels = compiled_cells()
    assert kernels is not None
    columns, first, _ = by_columns(np.zeros((2, 1), dtype=np.float32), np.array([0, 1]), 2)
    found = kernels.nearest_in_cells(columns, first, np.zeros((1, 1), np.float32), np.array([[1]]), 3, 1)
    assert found.tolist() == [[first[1], -1, -1]]
    assert (columns == AWAY).sum() == len(columns) - 2
