"""A V-cycle over the levels of ``suite_spectral.eigen.hierarchy``: an approximate solution of A x = b.

It is smoothed by Chebyshev polynomials (Adams and others, 2003). Several processes may hold the rows of the finest
level; the coarser ones, a tenth of it or less, are whole in each of them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from suite_spectral.shares.shared_rows import SharedRows

SMOOTHING = 3
"""Degree of the Chebyshev polynomial before and after a coarser level's correction."""

ROUGH = 0.1
"""Of the largest eigenvalue of a level: from there on up the smoother has to work; below, the coarser levels do."""


@dataclass
class Level:
    """One level of the hierarchy, but for the coarsest inverse in float32: it serves the preconditioner alone.

    Attributes:
        matrix: A, (point here, point).
        inverse: (point here, 1), of the diagonal of A.
        largest: a bound of the eigenvalues of D^-1 A.
        down: P', (aggregate here, point), to the coarser level; None: this is the coarsest.
        up: P, (point here, aggregate), back.
        solution: of the coarsest level: the inverse of its matrix.
    """

    matrix: SharedRows
    inverse: Tensor
    largest: float
    down: SharedRows | None = None
    up: SharedRows | None = None
    solution: Tensor | None = None


def corrected(levels: list[Level], number: int, block: Tensor) -> Tensor:
    """Return the approximate solution of A x = block on a level, (point, vector) float32; all call this at once."""
    level = levels[number]
    if level.solution is not None:
        return (level.solution @ block.double()).float()
    assert level.up is not None and level.down is not None
    first, left = _smoothed(level, block)
    coarse = corrected(levels, number + 1, level.down.times_joined(left))
    del block
    correction = level.up.times(coarse)
    del coarse
    level.matrix.taken_off(correction, left)
    first += correction
    del correction
    return first.add_(_smoothed(level, left, last=True)[0])


def _smoothed(level: Level, block: Tensor, *, last: bool = False) -> tuple[Tensor, Tensor]:
    """Return a Chebyshev polynomial of D^-1 A that solves A x = block for upper eigenvalues, and the rest of block.

    Args:
        last: the rest is not asked for, and not right.
    """
    middle, half = level.largest * (1 + ROUGH) / 2, level.largest * (1 - ROUGH) / 2
    sigma = middle / half
    rho = 1 / sigma
    step = (level.inverse * block).div_(middle)
    spare, left, solution = torch.empty_like(step), torch.empty_like(step), torch.empty_like(step)
    total = step
    for _ in range(1, SMOOTHING):
        following = 1 / (2 * sigma - rho)
        fresh = 2 * following / half
        level.matrix.smoothed(step, level.inverse, block, total, (left, spare, solution), following * rho, fresh)
        step, spare, block, total, rho = spare, step, left, solution, following
    if not last:
        level.matrix.taken_off(step, left)
    return solution, left
