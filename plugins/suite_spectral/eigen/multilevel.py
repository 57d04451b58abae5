"""The lowest eigenvectors of a sparse Laplacian through coarser and coarser graphs.

Points are gathered around roots that are three edges apart, the roots of an independent set of the second power of
the graph; an aggregate is a point of the next, coarser level, and so on until a dense solution costs nothing. A
vector comes back to the finer level by the interpolation P = (I - omega D^-1 A) P_0, with P_0 the vector sqrt(degree)
cut up by aggregates (smoothed aggregation: Vanek, Mandel, Brezina, 1996). The coarsest eigenvectors are the start,
and a V-cycle over the levels (``suite_spectral.eigen.vcycle``) the preconditioner of ``suite_spectral.eigen.lobpcg``.
No factorisation is made, which would fill up where a graph has many dimensions; nor would P' A P stay sparse there, so
P is P_0 itself where its points have many aggregates around them.
"""

from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.sparse
import torch
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor

from suite_spectral.eigen.aggregation import aggregated
from suite_spectral.eigen.finest import Finest, solved_together
from suite_spectral.eigen.lobpcg import Lowest, lowest
from suite_spectral.eigen.vcycle import Level, corrected
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.graphs.products import sparse_product
from suite_spectral.shares.group import Group
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows

COARSEST = 300
"""Points of a level that is solved densely, unless more vectors are asked for."""

GUARD = 3
"""Vectors beyond the wanted ones: they keep those from stalling where the next eigenvalues are close."""

INTERPOLATION = 2 / 3
"""omega, the share of a Jacobi step by which interpolation is smoothed."""

CROWDED = 5
"""Aggregates around a point, in the mean, from which on the interpolation to it is not smoothed. Measured: 2 to 4 on
points in the plane and on letters, 6 on MNIST, 8 to 9 on blobs in ten dimensions. A million of the last took beyond
8 GiB with smoothing; without it they take 1.5, and some more steps."""

ROUGHLY = 0.3
"""Tolerance of the eigenvectors of a coarser level, a start only: on a sixteenth of the points they cost nothing, and
save a fourth of the steps on all of them."""

MOST_STEPS = 20
"""On a coarser level."""

NEAR_ZERO = 1e-11
"""Smallest eigenvalue of the coarsest level, whose largest is near 1, that is distinguished from rounding errors."""

ORDERED = 20_000
"""From so many points on they are put in an order in which neighbours lie together, for the processor's cache; and
several processes solve together, since then a process needs few points of others."""


def multilevel(
    similarity: scipy.sparse.csr_array,
    root: Tensor,
    wanted: int,
    *,
    accurate: int | None = None,
    added: Tensor | None = None,
    tolerance: float,
    seed: int = 0,
    warm: Tensor | None = None,
    group: Group | None = None,
    report: Callable[[int, float], None] = lambda step, ratio: None,
) -> Lowest:
    """Return the lowest eigenpairs of L = I - S above the eigenvalue 0.

    Args:
        similarity: S (point, point), float64; connected, unless ``added`` connects it.
        root: (point,), the known eigenvector of eigenvalue 0 of L; of any length.
        wanted: so many are looked for; there are more points than these and ``GUARD``.
        accurate: so many of them have to be accurate, and the next where no gap tells it from those; None: all.
        added: e of an S + e e' that is meant, (point,): what regularisation adds.
        tolerance: of the residuals, as a share of the gap behind the wanted eigenvalues.
        seed: of the roots.
        warm: (point, vector) further vectors to start from, see ``suite_spectral.eigen.warm_start``.
        group: processes that do their part when this one, the first of them, asks for it
            (``suite_spectral.eigen.finest.take_part``); None: this one solves alone.
        report: see ``suite_spectral.eigen.lobpcg.lowest``.

    Returns:
        The wanted pairs, and up to ``GUARD`` more that are rough.
    """
    order = None
    if similarity.shape[0] >= ORDERED:
        order = reverse_cuthill_mckee(similarity, symmetric_mode=True)
        similarity = similarity[order][:, order].tocsr()
        original = torch.from_numpy(order.astype(np.int64))
        root, added = root[original], added if added is None else added[original]
        warm = warm if warm is None else warm[original]
    null = root / root.norm()
    width = wanted + GUARD
    sure = wanted if accurate is None else accurate
    levels, start = _levels(similarity, null, width, sure, added, seed)
    exact = SharedRows(sparse_rows(similarity, torch.float64))
    del similarity
    whole = Finest(exact, levels, start, null, added, sure, tolerance, accurate is not None)
    whole = whole if warm is None else whole.warmed(warm, width)
    if order is None or group is None or group.size == 1 or len(levels) == 1:
        pairs = whole.solved(Share.alone(len(null)), report)
    else:
        holder = [whole]
        del whole, exact, levels, start, null, added
        pairs = solved_together(holder, group, report)
    if order is None:
        return pairs
    vectors = torch.empty_like(pairs.vectors)
    vectors[original] = pairs.vectors
    return pairs._replace(vectors=vectors)


def _levels(
    similarity: scipy.sparse.csr_array, root: Tensor, width: int, wanted: int, added: Tensor | None, seed: int
) -> tuple[list[Level], Tensor]:
    """Return the levels from the finest to the coarsest, and a start on the finest; root is of unit length."""
    matrix = (scipy.sparse.eye_array(similarity.shape[0], format="csr") - similarity).tocsr()
    mass = None  # P'P over all the levels above: the inner product of the finest vectors
    levels: list[Level] = []
    ups: list[scipy.sparse.csr_array] = []
    matrices: list[scipy.sparse.csr_array] = []
    nulls: list[Tensor] = []
    null: np.ndarray = root.numpy()
    enough = max(COARSEST, 4 * width)
    while True:
        diagonal = np.maximum(matrix.diagonal(), 1e-12)
        rows = SharedRows(sparse_rows(matrix, torch.float32))
        level = Level(rows, torch.from_numpy(1 / diagonal).float()[:, None], _largest(matrix, diagonal, null))
        levels.append(level)
        if matrix.shape[0] <= enough:
            break
        aggregates, count = aggregated(matrix, diagonal, seed)
        if count > 0.7 * matrix.shape[0]:
            break
        lengths = np.sqrt(np.bincount(aggregates, null * null, count))
        rough = scipy.sparse.csr_array(
            (null / lengths[aggregates], aggregates, np.arange(len(null) + 1)), shape=(len(null), count)
        )
        scaling = scipy.sparse.dia_array((INTERPOLATION / diagonal[None], [0]), shape=matrix.shape)
        up = (rough - scaling @ (matrix @ rough)).tocsr()
        if up.nnz > CROWDED * matrix.shape[0]:
            up = rough
        down = up.T.tocsr()
        level.up, level.down = (SharedRows(sparse_rows(each, torch.float32)) for each in (up, down))
        ups.append(up)
        matrices.append(matrix if nulls else None)  # the finest is not needed again, and large
        nulls.append(torch.from_numpy(null))
        mass = (down @ up if mass is None else down @ (mass @ up)).tocsr()
        matrix = (down @ (matrix @ up)).tocsr()
        null = lengths
    values, vectors = _dense(matrix, mass)
    if added is None:  # the first is known
        values, vectors = values[1:], vectors[:, 1:]
    # In float64: a small eigenvalue's share of the inverse is so large that others would be lost beside it.
    levels[-1].solution = torch.from_numpy((vectors / values.clip(NEAR_ZERO)) @ vectors.T)
    start = torch.from_numpy(np.ascontiguousarray(vectors[:, :width]))
    random = np.random.default_rng(seed)
    extra = [None if added is None else added.numpy()]
    for up in ups[:-1]:
        extra.append(None if extra[-1] is None else up.T @ extra[-1])
    for number in reversed(range(len(ups))):
        start = _widened(torch.from_numpy(ups[number] @ start.numpy()), width, random)
        if number:
            start = _refined(levels, number, matrices[number], start, nulls[number], extra[number], wanted)
    return levels, _widened(start, width, random)


def _widened(start: Tensor, width: int, random: np.random.Generator) -> Tensor:
    """Return a start with random vectors beside too few, as of a graph so dense that a few aggregates cover it."""
    more = random.standard_normal((len(start), max(0, width - start.shape[1])))
    return torch.cat([start, torch.from_numpy(more)], 1)


def _refined(
    levels: list[Level],
    number: int,
    matrix: scipy.sparse.csr_array,
    start: Tensor,
    null: Tensor,
    extra: np.ndarray | None,
    wanted: int,
) -> Tensor:
    """Return rough eigenvectors of a coarser level, for smooth vectors of which P'P is nearly 1.

    Args:
        extra: e of the matrix - e e' that is meant.
    """
    exact = sparse_rows(matrix, torch.float64)
    added = None if extra is None else torch.from_numpy(extra)

    def product(block: Tensor) -> Tensor:
        rest = block - sparse_product(exact, block)
        return rest if added is None else rest + added[:, None] * (added @ block)

    def precondition(block: Tensor) -> Tensor:
        return corrected(levels, number, block.float())

    return lowest(product, start, null, wanted, precondition=precondition, tolerance=ROUGHLY, limit=MOST_STEPS).vectors


def _dense(matrix: scipy.sparse.csr_array, mass: scipy.sparse.csr_array | None) -> tuple[np.ndarray, np.ndarray]:
    full = matrix.toarray()
    values, vectors = scipy.linalg.eigh((full + full.T) / 2, None if mass is None else mass.toarray())
    return values, vectors


def _largest(matrix: scipy.sparse.csr_array, diagonal: np.ndarray, null: np.ndarray) -> float:
    """Return a bound of the eigenvalues of D^-1 A by Gershgorin's circles, scaled by the vector that A takes to 0.

    So the smoother never amplifies anything, and the preconditioner stays positive. On the finest level it is 2.
    """
    sizes = abs(matrix) @ null
    return float((sizes / (diagonal * null)).max())
