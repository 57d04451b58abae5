"""Coarser and coarser graphs of a sparse Laplacian, down to one that is solved densely.

Points are gathered around roots that are three edges apart, the roots of an independent set of the second power of
the graph; an aggregate is a point of the next, coarser level, and so on until a dense solution costs nothing. A
vector comes back to the finer level by the interpolation P = (I - omega D^-1 A) P_0, with P_0 the vector sqrt(degree)
cut up by aggregates (smoothed aggregation: Vanek, Mandel, Brezina, 1996). No factorisation is made, which would fill up
where a graph has many dimensions; nor would P' A P stay sparse there, so P is P_0 itself where its points have many
aggregates around them.

Several processes may hold the rows of the finest level. The coarser ones are built by process 0, which tells them to
the others whole: what it computes densely, they would not compute to the same bits.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.eigen.coarsening import coarsened
from suite_spectral.eigen.lobpcg import lowest
from suite_spectral.eigen.vcycle import Level, corrected
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.graphs.products import sparse_product
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows

COARSEST = 300
"""Points of a level that is solved densely, unless more vectors are asked for."""

ROUGHLY = 0.3
"""Tolerance of the eigenvectors of a coarser level, a start only: on a sixteenth of the points they cost nothing, and
save a fourth of the steps on all of them."""

MOST_STEPS = 20
"""On a coarser level."""

NEAR_ZERO = 1e-11
"""Smallest eigenvalue of the coarsest level, whose largest is near 1, that is distinguished from rounding errors."""

Floats = NDArray[np.float64]


class Wanted(NamedTuple):
    """What is wanted of the eigenvectors.

    Attributes:
        width: vectors of a start.
        sure: so many have to be accurate.
        seed: of what is drawn.
    """

    width: int
    sure: int
    seed: int

    @property
    def enough(self) -> int:
        """So few points are solved densely."""
        return max(COARSEST, 4 * self.width)


class _Known(NamedTuple):
    """What is known of a level: its matrix A, its mass P'P, the vector that A takes to 0, and e of what e e' adds."""

    matrix: scipy.sparse.csr_array
    mass: scipy.sparse.csr_array | None
    null: Floats
    extra: Floats | None


def hierarchy(
    similarity: scipy.sparse.csr_array, null: Tensor, added: Tensor | None, wanted: Wanted, share: Share
) -> tuple[list[Level], Tensor] | None:
    """Return the levels from the finest to the coarsest, and a start on the finest, (point here, vector).

    Every process calls this at once; of several, None where the finest level is the coarsest too.

    Args:
        similarity: S, (point here, point) float64.
        null: (point here,), of unit length over all points.
        added: (point here,) e of an S + e e' that is meant; None: 0.
        wanted: what is wanted.
        share: which points are here.
    """
    if share.group.size == 1:
        extra = None if added is None else added.numpy()
        levels, start, random = _levels(_Known(_laplacian(similarity, share), None, null.numpy(), extra), wanted)
        return levels, _widened(start, wanted.width, random, share)
    matrix = _laplacian(similarity, share)
    diagonal = np.maximum(matrix.diagonal(share.start), 1e-12)
    rows = SharedRows(sparse_rows(matrix, torch.float64)).among(share)
    del matrix
    level = _level(rows, diagonal, null.numpy(), share)
    coarser = None if share.n <= wanted.enough else coarsened(rows, diagonal, null.numpy(), wanted.seed, share)
    del rows
    if coarser is None:
        return None
    down = coarser.down.scipy()
    extra = None if added is None else down @ coarser.down.beside(added).numpy()
    parts = share.group.first_hears(_Known(coarser.matrix, coarser.down.times_rows(coarser.up), coarser.null, extra))
    below = None if parts is None else _levels(_stacked(parts), wanted)
    del parts
    levels, start, random = share.group.handed(None if below is None else lambda rank: below)
    level.up, level.down = SharedRows(sparse_rows(coarser.up, torch.float32)), coarser.down.single()
    start = _widened(torch.from_numpy(coarser.up @ start.numpy()), wanted.width, random, share)
    return [level, *levels], start


def _laplacian(similarity: scipy.sparse.csr_array, share: Share) -> scipy.sparse.csr_array:
    """Return the rows of I - S that are here."""
    here = len(share)
    own = np.ones(here), np.arange(share.start, share.start + here), np.arange(here + 1)
    return scipy.sparse.csr_array(scipy.sparse.csr_array(own, shape=(here, share.n)) - similarity)


def _stacked(parts: list[_Known]) -> _Known:
    """Return all rows of what the processes have of a level."""
    matrix, mass = (scipy.sparse.vstack([part[place] for part in parts], format="csr") for place in (0, 1))
    extra = [part.extra for part in parts if part.extra is not None]
    null = np.concatenate([part.null for part in parts])
    return _Known(matrix, mass, null, np.concatenate(extra) if extra else None)


def _levels(known: _Known, wanted: Wanted) -> tuple[list[Level], Tensor, np.random.Generator]:
    """Return a level whose points are all here, and those below; a start on it; and what draws further numbers.

    The start may be narrower than is wanted: further vectors are drawn on the finest level, since on this one there
    may be fewer points than vectors.
    """
    levels: list[Level] = []
    ups: list[scipy.sparse.csr_array] = []
    above: list[_Known] = []
    regularised, finest = known.extra is not None, known.mass is None
    while True:
        matrix, mass, null, extra = known
        if mass is not None:
            mass.sort_indices()  # a product adds in the order of the columns, which depends on who made the rows
        share = Share.alone(matrix.shape[0])
        diagonal = np.maximum(matrix.diagonal(), 1e-12)
        rows = SharedRows(sparse_rows(matrix, torch.float64))
        level = _level(rows, diagonal, null, share)
        levels.append(level)
        coarser = None if share.n <= wanted.enough else coarsened(rows, diagonal, null, wanted.seed, share)
        if coarser is None:
            break
        up, down = coarser.up, coarser.down.scipy()
        level.up, level.down = SharedRows(sparse_rows(up, torch.float32)), coarser.down.single()
        ups.append(up)
        if above or not finest:
            above.append(known)
        else:
            above.append(known._replace(matrix=None))  # it is not needed again, and large
        mass = scipy.sparse.csr_array(down @ up if mass is None else down @ (mass @ up))
        known = _Known(coarser.matrix, mass, coarser.null, None if extra is None else down @ extra)
        del matrix, rows, coarser, down
    values, vectors = _dense(matrix, mass)
    if not regularised:  # the first is known
        values, vectors = values[1:], vectors[:, 1:]
    # In float64: a small eigenvalue's share of the inverse is so large that others would be lost beside it.
    levels[-1].solution = torch.from_numpy((vectors / values.clip(NEAR_ZERO)) @ vectors.T)
    start = torch.from_numpy(np.ascontiguousarray(vectors[:, : wanted.width]))
    random = np.random.default_rng(wanted.seed)
    for number in reversed(range(len(ups))):
        start = torch.from_numpy(ups[number] @ start.numpy())
        start = _widened(start, wanted.width, random, Share.alone(len(start)))
        if number or not finest:
            start = _refined(levels, number, above[number], start, wanted.sure)
    return levels, start, random


def _level(matrix: SharedRows, diagonal: Floats, null: Floats, share: Share) -> Level:
    """Return a level without the next one; its eigenvalues of D^-1 A are bounded by Gershgorin's circles.

    These are scaled by the vector that A takes to 0. So the smoother never amplifies anything, and the preconditioner
    stays positive. On the finest level the bound is 2.
    """
    sizes = abs(matrix.scipy()) @ matrix.beside(torch.from_numpy(null)).numpy()
    largest = max(share.group.gathered(float((sizes / (diagonal * null)).max(initial=0))))
    return Level(matrix.single(), torch.from_numpy(1 / diagonal).float()[:, None], largest)


def _widened(start: Tensor, width: int, random: np.random.Generator, share: Share) -> Tensor:
    """Return a start with random vectors beside too few, as of a graph so dense that a few aggregates cover it."""
    more = random.standard_normal((share.n, max(0, width - start.shape[1])))
    return torch.cat([start, torch.from_numpy(more[share.rows])], 1)


def _refined(levels: list[Level], number: int, known: _Known, start: Tensor, wanted: int) -> Tensor:
    """Return rough eigenvectors of a coarser level, for smooth vectors of which P'P is nearly 1."""
    exact = sparse_rows(known.matrix, torch.float64)
    added = None if known.extra is None else torch.from_numpy(known.extra)

    def product(block: Tensor) -> Tensor:
        rest = block - sparse_product(exact, block)
        return rest if added is None else rest + added[:, None] * (added @ block)

    def precondition(block: Tensor) -> Tensor:
        return corrected(levels, number, block.float())

    null = torch.from_numpy(known.null)
    pairs = lowest(product, start, null, wanted, precondition=precondition, tolerance=ROUGHLY, limit=MOST_STEPS)
    return pairs.vectors


def _dense(matrix: scipy.sparse.csr_array, mass: scipy.sparse.csr_array | None) -> tuple[np.ndarray, np.ndarray]:
    full = matrix.toarray()
    values, vectors = scipy.linalg.eigh((full + full.T) / 2, None if mass is None else mass.toarray())
    return values, vectors
