"""What k-means starts from, and the best of several starts.

The rows of k eigenvectors of a graph in k clusters lie near k orthogonal directions. Column-pivoted QR of the rows
finds a row of each (Damle, Minden and Ying: "Simple, direct and efficient multi-way spectral clustering", 2019):
always the row with the most length outside the span of those before it. Starts by k-means++ lose ever more clusters
to others the more there are; splits and mergers (``suite_spectral.clusters.split_merge``) win some of them back.
"""

from collections.abc import Callable

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from suite_spectral.clusters.lloyd import Floats, Settled, lloyd, spread
from suite_spectral.clusters.split_merge import split_and_merged
from suite_spectral.one_thread import one_thread

SAMPLE = 5_000
"""Rows by which starts are compared, at least."""
SAMPLE_PER_CLUSTER = 50
"""Rows of that sample for each cluster, at least."""
NEAR = 1.1
"""Starts of so many times the least inertia may still have the least cost."""
FUTILE = 3
"""After so many starts in a row that are farther from the least, no more are tried: the more clusters, the more of them
k-means++ misses each time."""
IMPROVED = 3
"""So many of the starts of least inertia are improved by splits and mergers."""
SAME = 1e-9
"""Starts whose inertias differ by this share of it have come to the same clusters."""
MOST_COLUMNS = 4
"""For each cluster; QR makes all columns orthogonal, and of points in thousands of dimensions that takes long."""


def best_start(
    rows: Floats,
    count: int,
    *,
    n_init: int,
    seed: int,
    cost: Callable[[NDArray[np.int64]], float] | None = None,
) -> Settled:
    """Return the clusters of the least cost, of several starts: the first is by pivoted QR, the others by k-means++.

    Of many rows the starts see a sample. Half of it is drawn evenly, half in proportion to the squared lengths of the
    rows, of which every cluster has about as much, however few its points are; what a row counts for makes up for that.

    Args:
        rows: (row, dim) float64.
        count: how many clusters.
        n_init: how many starts.
        seed: of the sample and the starts.
        cost: of labels (row,), such as the normalised cut. Starts go on with all rows where their inertia is near
            the least, and then it decides; None: the start of the least inertia goes on.
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
    near = near_the_least(some, weights, count, n_init, generator)
    near = near[:1] if cost is None else near
    if some is not rows:
        near = [lloyd(rows, settled.centres) for settled in near]
    return near[0] if cost is None or len(near) == 1 else min(near, key=lambda settled: cost(settled.labels))


def near_the_least(
    rows: Floats, weights: Floats | None, count: int, n_init: int, generator: np.random.Generator
) -> list[Settled]:
    """Return clusters of some weighted rows from ``n_init`` starts, by inertia: the least, and others that are near.

    Those of least inertia are there again as splits and mergers improve them. None is left out for that, so that a cost
    which decides between all cannot come out higher.
    """
    tried: list[Settled] = []
    least = np.inf
    for number in range(n_init):
        start = orthogonal(rows, count) if number == 0 else None
        if start is None:
            start = rows[spread(rows, count, generator, weights)]
        tried.append(lloyd(rows, start, weights))
        least = min(least, tried[-1].inertia)
        if number >= FUTILE and min(settled.inertia for settled in tried[-FUTILE:]) > NEAR * least:
            break
    near = _distinct([settled for settled in tried if not settled.inertia > NEAR * least])
    return _distinct([*(split_and_merged(rows, settled, weights) for settled in near[:IMPROVED]), *near])


def _distinct(several: list[Settled]) -> list[Settled]:
    """Return the clusters by inertia, those of the same inertia once."""
    distinct: list[Settled] = []
    for settled in sorted(several, key=lambda settled: settled.inertia):
        if not distinct or distinct[-1].inertia * (1 + SAME) < settled.inertia:
            distinct.append(settled)
    return distinct


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
