"""Clusters of k-means in which two share what is one, and one holds what is two: the two merge, and the one is split.

Rows go to near centres alone in Lloyd's rounds, so that no centre ever gets from one place to another. It does by the
iterative split-and-merge algorithm of Kaukoranta, Fränti and Nevalainen ("Iterative split-and-merge algorithm for
vector quantization codebook generation", Optical Engineering 37(10), 1998, doi:10.1117/1.601810), here of one split and
one merger at a time. To merge two clusters of the weights a and b raises the inertia by a b / (a + b) times the squared
distance of their means (Ward, 1963); to split one lowers it by what 2-means of its rows gain. The pair and the cluster
of which the difference is best are taken, Lloyd's rounds follow, and where the inertia has not fallen by them all stays
as it was.
"""

import numpy as np
from scipy.spatial.distance import cdist

from suite_spectral.clusters.lloyd import Floats, Settled, lloyd

FUTILE = 0.25
"""Where a move alone would raise the inertia by this share of it, Lloyd's rounds are not asked whether they make up for
that: on letter, digits and mnist10k they did for no move beyond three tenths; a quarter led to the same cuts, in less
time."""
LESS = 0.01
"""The share of itself by which the inertia has to fall: less is lost among what a sample and all rows differ by."""
STEPS = 3
"""Of the power iteration towards the principal axis of a cluster."""
TINY = np.finfo(np.float64).tiny


def split_and_merged(rows: Floats, settled: Settled, weights: Floats | None = None) -> Settled:
    """Return clusters of k-means after splits and mergers, one after another, for as long as the inertia falls.

    No more clusters are empty than were, and fewer than three stay as they are. What is not improved is returned as the
    same object.

    Args:
        rows: (row, dim), finite.
        settled: clusters of them, by ``lloyd``.
        weights: (row,) above 0; None for 1.

    Raises:
        ValueError, OpsError: as of ``lloyd``.

    Example:
        >>> rows = np.array([[0.0], [1.0], [10.0], [11.0], [20.0], [21.0]])
        >>> caught = lloyd(rows, np.array([[0.0], [1.0], [15.0]]))
        >>> caught.inertia, split_and_merged(rows, caught).inertia
        (101.0, 1.5)
    """
    counted = np.ones(len(rows)) if weights is None else weights
    while (start := moved(rows, settled, counted)) is not None:
        found = lloyd(rows, start, counted)
        if not found.inertia < settled.inertia * (1 - LESS) or _filled(found) < _filled(settled):
            break
        settled = found
    return settled


def moved(rows: Floats, settled: Settled, weights: Floats) -> Floats | None:
    """Return the centres after the merger and the split that together lower the inertia most, (cluster, dim); None
    where all would raise it by ``FUTILE`` of itself. Of equally good ones the first cluster and pair are taken.
    """
    count = len(settled.centres)
    if count < 3 or not 0 < settled.inertia < np.inf:
        return None
    centres = settled.centres.copy()
    totals = np.bincount(settled.labels, weights, count)
    away = np.square(rows - centres[settled.labels]).sum(axis=1)
    inertias = np.bincount(settled.labels, weights * away, count)
    ones, others = np.triu_indices(count, 1)
    shared = totals[ones] * totals[others] / np.maximum(totals[ones] + totals[others], TINY)
    costs = shared * cdist(centres, centres, "sqeuclidean")[ones, others]
    cheapest = np.argsort(costs, kind="stable")
    best, move = -FUTILE * settled.inertia, None
    for split in np.argsort(-inertias, kind="stable"):
        # No split gains more than the cluster's inertia, so that most need not be tried.
        if not inertias[split] - costs[cheapest[0]] > best:
            break
        pair = next(pair for pair in cheapest if split not in (ones[pair], others[pair]))
        if not inertias[split] - costs[pair] > best:
            continue
        inside = settled.labels == split
        gain, halves = halved(rows[inside], weights[inside])
        if gain - costs[pair] > best:
            best, move = gain - costs[pair], (ones[pair], others[pair], split, halves)
    if move is None:
        return None
    one, other, split, halves = move
    centres[one] += totals[other] / max(totals[one] + totals[other], TINY) * (centres[other] - centres[one])
    centres[[other, split]] = halves
    return centres


def halved(rows: Floats, weights: Floats) -> tuple[float, Floats]:
    """Return by how much the inertia of rows falls by 2-means, and the two centres, (2, dim).

    2-means starts from the means on both sides of the common mean along about the first principal axis.
    """
    away = rows - _mean(rows, weights)
    squares = np.square(away).sum(axis=1)
    axis = away[squares.argmax()]
    for _ in range(STEPS):
        axis = axis / max(np.abs(axis).max(initial=0), TINY)
        axis = np.einsum("i,ij->j", weights * np.einsum("ij,j->i", away, axis), away)  # BLAS adds up by its threads
    side = np.einsum("ij,j->i", away, axis) > 0
    if side.all() or not side.any():
        return 0.0, np.repeat(_mean(rows, weights)[None], 2, axis=0)
    found = lloyd(rows, np.stack([_mean(rows[part], weights[part]) for part in (side, ~side)]), weights)
    return float((weights * squares).sum()) - found.inertia, found.centres


def _mean(rows: Floats, weights: Floats) -> Floats:
    mean: Floats = np.einsum("i,ij->j", weights, rows) / weights.sum()
    return mean


def _filled(settled: Settled) -> int:
    return len(np.unique(settled.labels))
