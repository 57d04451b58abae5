"""What k-means starts from, and the best of several starts.

The rows of k eigenvectors of a graph in k clusters lie near k orthogonal directions. Column-pivoted QR of the rows
finds a row of each (Damle, Minden and Ying: "Simple, direct and efficient multi-way spectral clustering", 2019):
always the row with the most length outside the span of those before it. Starts by k-means++ lose ever more clusters
to others the more there are.
"""

import numpy as np
import scipy.linalg

from suite_spectral.clusters.lloyd import Floats, Settled, lloyd, spread
from suite_spectral.one_thread import one_thread

SAMPLE = 5_000
"""Rows by which starts are compared, at least."""
SAMPLE_PER_CLUSTER = 50
"""Rows of that sample for each cluster, at least."""
MOST_COLUMNS = 4
"""For each cluster; QR makes all columns orthogonal, and of points in thousands of dimensions that takes long."""


def best_start(rows: Floats, count: int, *, n_init: int, seed: int) -> Settled:
    """Return the clusters of the least inertia: the first start is by pivoted QR, the others are by k-means++.

    Of many rows a sample decides between the starts, and all of them go on from the best. Half of it is drawn evenly,
    half in proportion to the squared lengths of the rows, of which every cluster has about as much, however few
    its points are; what a row counts for makes up for that.

    Args:
        rows: (row, dim) float64.
        count: how many clusters.
        n_init: how many starts.
        seed: of the sample and the starts.
    """
    generator = np.random.default_rng(seed)
    some, weights = rows, None
    if len(rows) > (size := max(SAMPLE, SAMPLE_PER_CLUSTER * count)):
        chance = np.full(len(rows), 0.5 / len(rows))
        squares = np.einsum("ij,ij->i", rows, rows)
        chance += 0.5 * squares / total if (total := squares.sum()) > 0 else chance
        drawn = np.searchsorted(np.cumsum(chance), generator.random(size) * chance.sum(), side="right")
        kept, times = np.unique(drawn.clip(max=len(rows) - 1), return_counts=True)
        some, weights = rows[kept], times / chance[kept] / len(rows)
    best = best_of_sample(some, weights, count, n_init, generator)
    return best if some is rows else lloyd(rows, best.centres)


def best_of_sample(
    rows: Floats, weights: Floats | None, count: int, n_init: int, generator: np.random.Generator
) -> Settled:
    """Return the clusters of the least inertia of some weighted rows, from ``n_init`` starts."""
    best: Settled | None = None
    for number in range(n_init):
        start = orthogonal(rows, count) if number == 0 else None
        if start is None:
            start = rows[spread(rows, count, generator, weights)]
        settled = lloyd(rows, start, weights)
        if best is None or settled.inertia < best.inertia:
            best = settled
    assert best is not None
    return best


def orthogonal(rows: Floats, count: int) -> Floats | None:
    """Return rows that are as orthogonal as can be, (count, dim), by pivoted QR; None where there are not enough,
    or so many columns that they are not a few eigenvectors.

    A constant column stands for the eigenvector of the eigenvalue 0 where there is a column less than clusters.

    Example:
        >>> orthogonal(np.array([[3.0, 0.0], [2.9, 0.1], [0.0, 2.0], [0.1, 1.9]]), 2).tolist()
        [[3.0, 0.0], [0.0, 2.0]]
    """
    whole = rows
    if rows.shape[1] < count:
        whole = np.column_stack([np.full(len(rows), np.sqrt(np.square(rows).mean())), rows])
    if min(whole.shape) < count or rows.shape[1] > MOST_COLUMNS * count:
        return None
    with one_thread():
        *_, pivots = scipy.linalg.qr(whole.T, mode="r", pivoting=True)
    chosen: Floats = rows[pivots[:count]]
    return chosen
