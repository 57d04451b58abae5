"""The finest level in shares beside the same in one process, to the last bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.eigen import multilevel as multilevel_module
from suite_spectral.eigen.finest import take_part
from suite_spectral.eigen.lobpcg import Lowest
from suite_spectral.eigen.multilevel import multilevel
from suite_spectral.graphs.neighbour_graph import neighbour_graph

Together = Callable[[int, Callable[[Any], Any]], list[Any]]
Problem = tuple[scipy.sparse.csr_array, Tensor]


def cube(n: int = 700, dim: int = 2, neighbours: int = 10) -> Problem:
    """S of the graph of neighbours of points in a square or cube, and the roots of the degrees."""
    points = torch.rand(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = neighbour_graph(points, neighbours).scipy()
    root = np.sqrt(weights.sum(axis=1))
    scale = scipy.sparse.diags_array(1 / root)
    return scipy.sparse.csr_array(scale @ weights @ scale), torch.from_numpy(root)


def solved(problem: Problem, group: Any = None, **options: Any) -> Lowest | None:
    matrix, root = problem

    def alone() -> Lowest:
        return multilevel(matrix, root, 3, tolerance=1e-3, seed=1, group=group, **options)

    if group is None:
        return alone()
    answer: list[Lowest] = []
    group.first_says(lambda: answer.append(alone()), lambda: take_part(group))
    return answer[0] if group.rank == 0 else None


@pytest.mark.parametrize(
    "case",
    ["plane", "many dimensions", "regularised", "warm", "by torch", "no coarser level", "few aggregates"],
)
def test_any_number_of_processes_finds_the_same_bits(
    case: str, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multilevel_module, "ORDERED", 600)
    if case == "by torch":
        monkeypatch.setattr("suite_spectral.eigen.blocks.compiled_blocks", lambda: None)
    if case == "no coarser level":
        monkeypatch.setattr("suite_spectral.eigen.coarsening.HARDLY", 0)
    problem = cube(dim=6 if case in ("many dimensions", "by torch") else 2)
    if case == "few aggregates":  # fewer than vectors: the others are drawn
        problem = cube(neighbours=150)
    options: dict[str, Any] = {"accurate": 2}
    n = len(problem[1])
    if case == "regularised":
        problem = 0.9 * problem[0], problem[1]
        options["added"] = torch.full((n,), 0.3 / n**0.5, dtype=torch.float64)
    if case == "warm":
        options["warm"] = torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    expected = solved(problem, **options)
    assert expected is not None
    for size in (2, 3, 4):
        found, *others = together(size, lambda group: solved(problem, group, **options))
        assert others == [None] * (size - 1)
        assert found.steps == expected.steps
        for name in ("values", "vectors", "residuals"):
            assert torch.equal(getattr(found, name), getattr(expected, name)), name


def test_points_too_few_to_be_ordered_are_solved_by_the_first_alone(together: Together) -> None:
    problem = cube(500)
    expected = solved(problem)

    def without_others(group: Any) -> Any:
        return group.first_says(lambda: multilevel(*problem, 3, tolerance=1e-3, seed=1, group=group), _unasked)

    assert expected is not None
    for found in together(2, without_others):
        assert torch.equal(found.vectors, expected.vectors)


def _unasked() -> None:
    raise AssertionError("nothing is shared")
