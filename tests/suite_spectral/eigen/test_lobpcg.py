import pytest
import torch
from torch import Tensor

from suite_spectral.eigen import blocks
from suite_spectral.eigen.lobpcg import allowance, allowed_residual, distinct, lowest


def problem(n: int = 60, gap: float = 0.2) -> tuple[Tensor, Tensor]:
    """L with the eigenvalues 0, 0.01, 0.02, 0.03, then 0.03 + gap to 2, and its eigenvectors."""
    turns, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    values = torch.cat([torch.tensor([0.0, 0.01, 0.02, 0.03]), torch.linspace(0.03 + gap, 2, n - 4)]).double()
    return (turns * values) @ turns.T, turns


def solved(matrix: Tensor, null: Tensor, wanted: int, width: int = 6, tolerance: float = 1e-6, limit: int = 300):  # type: ignore[no-untyped-def]
    start = torch.randn(len(matrix), width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return lowest(
        lambda block: block - matrix @ block,
        start,
        null,
        wanted,
        precondition=lambda block: block,
        tolerance=tolerance,
        limit=limit,
    )


def test_the_lowest_eigenpairs_are_found() -> None:
    matrix, turns = problem()
    found = solved(matrix, turns[:, 0], 3)
    torch.testing.assert_close(torch.tensor([0.01, 0.02, 0.03], dtype=torch.float64), found.values[:3])
    overlap = (turns[:, 1:4].T @ found.vectors[:, :3]).abs()
    torch.testing.assert_close(torch.eye(3, dtype=torch.float64), overlap, atol=1e-4, rtol=0)


def test_the_vectors_are_orthonormal_and_orthogonal_to_the_known_one() -> None:
    matrix, turns = problem()
    found = solved(matrix, turns[:, 0], 3)
    whole = torch.cat([turns[:, :1], found.vectors], 1)
    torch.testing.assert_close(torch.eye(7, dtype=torch.float64), whole.T @ whole, atol=1e-10, rtol=0)


def test_the_residuals_are_those_of_the_vectors() -> None:
    matrix, turns = problem()
    found = solved(matrix, turns[:, 0], 3, tolerance=1e-2)
    expected = (matrix @ found.vectors - found.vectors * found.values).norm(dim=0)
    torch.testing.assert_close(expected, found.residuals, rtol=1e-4, atol=1e-10)


def test_they_are_small_against_the_gap() -> None:
    matrix, turns = problem(gap=1e-3)
    found = solved(matrix, turns[:, 0], 3, tolerance=1e-2)
    assert float(found.residuals[:3].max()) <= 1e-2 * float(allowance(found.values, 3))


def test_a_preconditioner_saves_steps() -> None:
    matrix, turns = problem(200)
    inverse = torch.linalg.inv(matrix + 1e-3 * torch.eye(200))
    start = torch.randn(200, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    arguments = (lambda block: block - matrix @ block, start, turns[:, 0], 3)
    plain = lowest(*arguments, precondition=lambda block: block, tolerance=1e-6)
    helped = lowest(*arguments, precondition=lambda block: inverse @ block, tolerance=1e-6)
    assert helped.steps < plain.steps / 2


def test_points_go_through_a_step_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, turns = problem()
    expected = solved(matrix, turns[:, 0], 3, tolerance=1e-4)
    monkeypatch.setattr(blocks, "compiled_blocks", lambda: None)
    monkeypatch.setattr(blocks, "CHUNK", 13)
    found = solved(matrix, turns[:, 0], 3, tolerance=1e-4)
    torch.testing.assert_close(expected.values[:3], found.values[:3], rtol=1e-12, atol=0)
    overlap = (expected.vectors[:, :3].T @ found.vectors[:, :3]).abs()
    torch.testing.assert_close(torch.eye(3, dtype=torch.float64), overlap, atol=1e-6, rtol=0)


def test_it_ends_at_the_limit() -> None:
    matrix, turns = problem()
    assert solved(matrix, turns[:, 0], 3, tolerance=1e-13, limit=2).steps == 2


def test_a_start_that_is_the_answer_needs_no_step() -> None:
    matrix, turns = problem()
    found = lowest(
        lambda block: block - matrix @ block,
        turns[:, 1:5],
        turns[:, 0],
        3,
        precondition=lambda block: block,
        tolerance=1e-6,
    )
    assert found.steps == 0


def test_vectors_of_the_start_that_depend_on_each_other_are_left_out() -> None:
    matrix, turns = problem()
    start = torch.cat([turns[:, 1:4], turns[:, 1:3]], 1)
    found = lowest(
        lambda block: block - matrix @ block,
        start,
        turns[:, 0],
        2,
        precondition=lambda block: block,
        tolerance=1e-6,
    )
    assert found.vectors.shape == (60, 3)


@pytest.mark.parametrize(("values", "wanted", "expected"), [([1.0, 2.0, 5.0], 2, 3.0), ([1.0, 4.9, 5.0], 2, 0.5)])
def test_a_gap_counts_for_no_less_than_a_tenth_of_what_follows(
    values: list[float], wanted: int, expected: float
) -> None:
    assert float(allowance(torch.tensor(values), wanted)) == pytest.approx(expected)


def test_no_residual_is_asked_to_be_smaller_than_rounding() -> None:
    assert float(allowed_residual(torch.zeros(3, dtype=torch.float64), 2, 1e-3)) > 1e-15


def test_the_allowed_residual_is_a_share_of_the_gap() -> None:
    values = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    assert float(allowed_residual(values, 2, 1e-2)) == pytest.approx(5e-3)


@pytest.mark.parametrize(("gap", "accurate"), [(1e-3, 4), (0.2, 3)])
def test_the_next_pair_is_accurate_too_where_no_gap_tells_it_from_the_wanted(gap: float, accurate: int) -> None:
    matrix, turns = problem(gap=gap)
    start = torch.randn(60, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = lowest(
        lambda block: block - matrix @ block,
        start,
        turns[:, 0],
        3,
        precondition=lambda block: block,
        tolerance=1e-4,
        by_gap=True,
    )
    assert distinct(found.values, 3) == accurate
    assert float(found.residuals[:accurate].max()) <= 1e-4 * float(allowance(found.values, accurate))
