"""Starts that are the best of two."""

import torch

from suite_spectral.eigen.warm_start import best_start, functions_of


def test_the_start_is_the_lowest_in_the_span() -> None:
    """L is diagonal: of the span of some of its eigenvectors, mixed, those of the smallest eigenvalues come back."""
    values = torch.linspace(0, 1.9, 20, dtype=torch.float64)
    null = torch.eye(20, dtype=torch.float64)[0]
    turn = torch.linalg.qr(torch.rand(4, 4, generator=torch.Generator().manual_seed(0)).double())[0]
    block = torch.eye(20, dtype=torch.float64)[:, [7, 3, 5, 12]] @ turn + 0.3 * null[:, None]
    block = torch.cat([block, 1e-9 * torch.ones(20, 1)], 1)  # the last column says nothing
    start = best_start(lambda columns: columns - values[:, None] * columns, block, null, 2)
    torch.testing.assert_close(start.abs(), torch.eye(20, dtype=torch.float64)[:, [3, 5]])


def test_a_point_without_edges_has_functions_of_0() -> None:
    assert functions_of(torch.ones(2, 1).double(), torch.tensor([2.0, 0.0])).tolist() == [[0.5], [0.0]]
