"""The lowest eigenvectors of a Laplacian by filtered subspace iteration in float32, for many vectors and a clear gap.

A block of vectors is multiplied by a Chebyshev polynomial of S that is small on the part of the spectrum below the
block's own and grows fast above; then the best combinations of the block are taken (Rayleigh and Ritz), whose least
eigenvalue is where the next polynomial begins to grow (Zhou and others: "Self-consistent-field calculations using
Chebyshev-filtered subspace iteration", 2006). Three blocks are held, in float32, where ``suite_spectral.eigen.lobpcg``
holds six in float64. It is for graphs like block models, where the wanted eigenvalues are far from 0 and from the
others, and coarser graphs are as full as the graph itself; near 0 float32 cannot tell eigenvalues apart.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from suite_spectral.eigen.lobpcg import Lowest, allowed_residual, distinct

DEGREE = 8
"""Of the polynomial: products in a round."""

CHUNK = 2**14
"""Rows whose part of a sum is taken in float64 at a time."""

FLOOR = 2.0**-20
"""Residual below which float32 does not come."""


def filtered(
    similarity: Callable[[Tensor], Tensor],
    recurrence: Callable[[Tensor, Tensor, float, float, float], Tensor],
    start: Tensor,
    null: Tensor,
    wanted: int,
    *,
    tolerance: float,
    accurate: int | None = None,
    limit: int = 12,
    report: Callable[[int, float], None] = lambda step, ratio: None,
) -> Lowest:
    """Return the lowest eigenpairs of L = I - S orthogonal to a known one, see ``suite_spectral.eigen.lobpcg.lowest``.

    Args:
        similarity: S times a block, (point, vector) float32.
        recurrence: a S x + b x + c y in the place of y, of x, y, a, b and c, see
            ``suite_spectral.graphs.products.sparse_recurrence``.
        start: (point, vector) float32, ``wanted`` and some more.
        null: (point,), of unit length.
        wanted: so many are looked for.
        tolerance: of the residuals, as a share of the gap behind those that have to be accurate.
        accurate: so many of them have to be accurate, and the next where no gap tells it from those; None: all.
        limit: most rounds.
        report: is called with each round, and the worst residual over the allowed one.

    Returns:
        The wanted pairs and the next one, float64.
    """
    known = null.float()[:, None]

    def product(block: Tensor) -> Tensor:
        image = similarity(block)
        return without_known(image)

    def without_known(image: Tensor) -> Tensor:
        return image.addmm_(known, known.T @ image, alpha=-1)

    block, lowest_kept = without_known(start.clone()), 0.0
    for step in range(limit + 1):
        image = product(block)
        inner, mass = _inner(block, image), _inner(block, block)
        lengths, turn = torch.linalg.eigh((mass + mass.T) / 2)
        whiten = turn / lengths.clamp_min(1e-12 * float(lengths[-1])).sqrt()
        values, best = torch.linalg.eigh(whiten.T @ ((inner + inner.T) / 2) @ whiten)
        combine = (whiten @ best.flip(1)).to(block.dtype)
        values = values.flip(0)
        _turn(block, combine)
        _turn(image, combine)
        norms = _norms(image, block, values)
        count = wanted if accurate is None else distinct(1 - values, accurate)
        allowed = allowed_residual(1 - values, count, tolerance).clamp_min(FLOOR)
        report(step, float((norms[:count] / allowed).max()))
        if step == limit or not bool((norms[:count] > allowed).any()):
            kept = min(wanted + 1, len(values))
            return Lowest((1 - values[:kept]).clamp_min(0), block[:, :kept].double(), norms[:kept], step)
        lowest_kept = max(lowest_kept, float(values[-1]))
        middle, half = (lowest_kept - 1) / 2, (lowest_kept + 1) / 2  # from -1 to the least that is kept
        before, block = block, image.sub_(block, alpha=middle).div_(half)
        for _ in range(DEGREE - 1):
            before, block = block, recurrence(block, before, 2 / half, -2 * middle / half, -1)
        del before, image
        without_known(block)  # once a round: rounding has grown by little
        block /= block.norm(dim=0)
    raise AssertionError("the last round returns")


def _inner(left: Tensor, right: Tensor) -> Tensor:
    """Return left' right, (vector, vector) float64."""
    total = torch.zeros(left.shape[1], right.shape[1], dtype=torch.float64, device=left.device)
    for one, other in zip(torch.split(left, CHUNK), torch.split(right, CHUNK), strict=True):
        total += (one.T @ other).double()
    return total


def _turn(block: Tensor, combine: Tensor) -> None:
    for rows in torch.split(block, CHUNK):
        rows.copy_(rows @ combine)


def _norms(image: Tensor, block: Tensor, values: Tensor) -> Tensor:
    total = torch.zeros_like(values)
    for one, other in zip(torch.split(image, CHUNK), torch.split(block, CHUNK), strict=True):
        total += (one - other * values.to(one.dtype)).double().square().sum(dim=0)
    return total.sqrt()
