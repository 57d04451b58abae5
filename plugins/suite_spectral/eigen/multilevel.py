"""The lowest eigenvectors of a sparse Laplacian through coarser and coarser graphs.

The coarsest eigenvectors of a hierarchy (``suite_spectral.eigen.hierarchy``) are the start, and a V-cycle over its
levels (``suite_spectral.eigen.vcycle``) the preconditioner of ``suite_spectral.eigen.lobpcg``.
"""

from collections.abc import Callable

import numpy as np
import scipy.sparse
import torch
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor

from suite_spectral.eigen.finest import Problem, solved_together
from suite_spectral.eigen.hierarchy import Wanted
from suite_spectral.eigen.lobpcg import Lowest
from suite_spectral.shares.group import Group
from suite_spectral.shares.share import Share

GUARD = 3
"""Vectors beyond the wanted ones: they keep those from stalling where the next eigenvalues are close."""

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
    sure = wanted if accurate is None else accurate
    problem = Problem(
        similarity=similarity,
        null=root / root.norm(),
        added=added,
        warm=warm,
        wanted=Wanted(wanted + GUARD, sure, seed),
        tolerance=tolerance,
        by_gap=accurate is not None,
    )
    del similarity, root, added, warm
    if order is None or group is None or group.size == 1 or len(problem.null) <= problem.wanted.enough:
        pairs = problem.solved(Share.alone(len(problem.null)), report)
        assert pairs is not None
    else:
        holder = [problem]
        del problem
        pairs = solved_together(holder, group, report)
    if order is None:
        return pairs
    vectors = torch.empty_like(pairs.vectors)
    vectors[original] = pairs.vectors
    return pairs._replace(vectors=vectors)
