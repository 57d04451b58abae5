"""The lowest eigenvectors of a Laplacian, by the locally optimal block preconditioned conjugate gradient method.

Each step looks for the best vectors in the span of three blocks: the present vectors X, the directions P of the last
step, and the preconditioned residuals T(L X - X diag(lambda)) (Knyazev, 2001). The three are kept orthonormal, P
against X in the small space of coefficients (Hetmaniuk and Lehoucq, 2006), and all in float64: the eigenvalues of
large graphs are near 1e-7, where float32 knows nothing any more. Several processes may hold the rows of the blocks;
what is small, inner products and combinations, each of them computes from the same bits.

It stops when the residuals are small against the gap that separates the wanted eigenvalues from the next one: a
residual r turns a vector by an angle of at most |r| / gap out of its space (Davis and Kahan, 1970).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from suite_spectral.eigen.blocks import TINY, added, imaged, inner_products, turned
from suite_spectral.shares.share import Share

GAP_FLOOR = 0.1
"""Of the first eigenvalue that is not wanted: a smaller gap cannot be resolved, nor does the cut depend on it."""


ROUNDING = 200 * torch.finfo(torch.float64).eps
"""No residual of L, whose norm is 2, can be asked to be smaller."""

DEPENDENT = 1e-12
"""Combinations of unit vectors that are shorter, squared and against the longest, are taken for rounding."""


class Lowest(NamedTuple):
    """Some lowest eigenpairs, as found by iteration.

    Attributes:
        values: (vector,), ascending.
        vectors: (point, vector), orthonormal.
        residuals: (vector,), the norms of L u - lambda u.
        steps: how many were needed.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    steps: int

    def to(self, device: torch.device) -> "Lowest":
        """Return the same on a device."""
        return Lowest(self.values.to(device), self.vectors.to(device), self.residuals.to(device), self.steps)


def lowest(
    similarity: Callable[[Tensor], Tensor],
    start: Tensor,
    null: Tensor,
    wanted: int,
    *,
    precondition: Callable[[Tensor], Tensor],
    tolerance: float,
    limit: int = 200,
    by_gap: bool = False,
    share: Share | None = None,
    report: Callable[[int, float], None] = lambda step, ratio: None,
) -> Lowest:
    """Return the lowest eigenpairs of L = I - S orthogonal to a known one.

    Args:
        similarity: S times a block, (point, vector) float64.
        start: (point, vector), as many as are to be refined, ``wanted`` of them and some to guard those.
        null: (point,), of unit length: everything is orthogonal to it.
        wanted: so many have to be accurate.
        precondition: approximately the inverse of L, of a block of residuals.
        tolerance: of the residuals, as a share of the gap behind the wanted eigenvalues.
        limit: most steps.
        by_gap: the next pair has to be accurate too where no gap tells it from the wanted ones, see ``distinct``.
        share: which points are here; None: all. Every process calls this at once.
        report: is called with each step, and the worst residual over the allowed one.

    Returns:
        As many pairs as ``start`` has vectors, fewer where those depend on each other; of the vectors the rows here.
    """
    share = Share.alone(len(start)) if share is None else share
    basis = start.new_empty(len(start), 3 * start.shape[1])  # X, P and W side by side
    image = torch.zeros_like(basis)  # L times them
    # Twice: of a vector that is nearly the known one the first leaves rounding, and that is still along it.
    block = added(basis, 0, added(basis, 0, start, null, share), null, share)
    del start
    white = _whitening(inner_products(basis, block.shape[1], block, share))
    width = white.shape[1]
    wanted = min(wanted, width)
    turned(basis, image, white.new_zeros(width), len(white), white, share)
    block = basis[:, :width].contiguous()
    inner = white.new_empty(0, 0)  # basis' L basis, of the columns in use
    steps = 0
    while True:
        used = len(inner)
        border, products = imaged(basis, image, used, block, similarity(block), share)
        del block
        inner = _bordered(inner, border)
        products = _bordered(torch.eye(used, dtype=inner.dtype, device=inner.device), products)
        white = _whitening(products)
        values, best = torch.linalg.eigh(_symmetric(white.T @ inner @ white))
        values, best = values[:width], white @ best[:, :width]
        directions = best[:, :0]
        if used:
            directions = best.clone()
            directions[:width] = 0
            directions -= best @ (best.T @ (products @ directions))
            directions = directions @ _whitening(directions.T @ products @ directions)
        turn = torch.cat([best, directions], 1)
        residual, norms = turned(basis, image, values, len(inner), turn, share)
        inner = _symmetric(turn.T @ inner @ turn)
        count = distinct(values, wanted) if by_gap else wanted
        allowed = allowed_residual(values, count, tolerance)
        moving = norms > allowed
        report(steps, float((norms[:count] / allowed).max()))
        if steps == limit or not bool(moving[:count].any()):
            return Lowest(values, basis[:, :width].clone(), norms, steps)
        if not bool(moving.all()):
            residual = residual[:, moving]
        block = added(basis, len(inner), precondition(residual), null, share)
        steps += 1


def distinct(values: Tensor, wanted: int) -> int:
    """Return how many of the eigenvalues are wanted, with the next where no gap tells it from those.

    Example:
        >>> distinct(torch.tensor([0.1, 0.2, 0.9]), 2), distinct(torch.tensor([0.1, 0.2, 0.21, 0.9]), 2)
        (2, 3)
    """
    near = wanted < len(values) - 1 and bool(values[wanted] - values[wanted - 1] < GAP_FLOOR * values[wanted])
    return wanted + near


def allowance(values: Tensor, wanted: int) -> Tensor:
    """Return what residuals are compared with: the gap behind the wanted eigenvalues, or the least resolvable."""
    after = values[min(wanted, len(values) - 1)]
    gap = after - values[wanted - 1]
    return torch.maximum(gap, GAP_FLOOR * after).clamp_min(1e-14)


def allowed_residual(values: Tensor, wanted: int, tolerance: float) -> Tensor:
    """Return the residual at which the wanted vectors are accurate enough, see ``lowest``."""
    return (tolerance * allowance(values, wanted)).clamp_min(ROUNDING)


def _bordered(matrix: Tensor, columns: Tensor) -> Tensor:
    """Return a symmetric matrix with further columns, whose upper part becomes its further rows too."""
    size = len(matrix)
    whole = torch.cat([torch.cat([matrix, columns[:size].T]), columns], 1)
    return _symmetric(whole)


def _whitening(products: Tensor) -> Tensor:
    """Return combinations of columns that are orthonormal, from the inner products of the columns."""
    lengths = products.diagonal().clamp_min(TINY).sqrt()
    sizes, turns = torch.linalg.eigh(_symmetric(products / lengths / lengths[:, None]))
    kept = sizes > DEPENDENT * sizes[-1]
    combinations: Tensor = turns[:, kept] / sizes[kept].sqrt() / lengths[:, None]
    return combinations


def _symmetric(matrix: Tensor) -> Tensor:
    return (matrix + matrix.T) / 2
