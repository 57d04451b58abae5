"""k-means of rows that several processes hold: the starts on a sample, then Lloyd's rounds with sums over all rows.

Process 0 makes the starts, with their splits and mergers, and tells them to the others.

The same as ``suite_spectral.clusters.starts`` with ``suite_spectral.clusters.lloyd``, but for the order of the sums. In
a round each process gives its rows to the nearest centres; the sums of rows and their numbers, (cluster, dim + 1)
float64, are all that travels.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from suite_spectral.clusters.lloyd import ROUNDS, TOLERANCE, nearest_centres
from suite_spectral.clusters.starts import SAMPLE, SAMPLE_PER_CLUSTER, near_the_least
from suite_spectral.shares.share import Share

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def kmeans(
    rows: Floats,
    share: Share,
    n_clusters: int,
    *,
    n_init: int = 10,
    seed: int = 0,
    cost: Callable[[Integers], float] | None = None,
) -> Integers:
    """Return the cluster of each row that is here, (row,) int64, that of most rows first.

    Example:
        >>> kmeans(np.array([[0.0], [1.0], [10.0], [11.0]]), Share.alone(4), 2).tolist()
        [0, 0, 1, 1]

    Args:
        rows: (row, dim), those that are here.
        share: which they are; every process calls this at once.
        n_clusters: how many clusters.
        n_init: how many starts.
        seed: of the sample and the starts.
        cost: of labels of the rows here, which all processes ask for at once; as of
            ``suite_spectral.clusters.starts.best_start``.

    Raises:
        UsageError: there are fewer distinct rows than clusters.
    """
    if n_clusters == 1:
        return np.zeros(len(rows), dtype=np.int64)
    if share.n < n_clusters:
        raise UsageError(f"expected at least {n_clusters} points for {n_clusters} clusters, got {share.n}")
    rows = np.ascontiguousarray(rows)
    generator = np.random.default_rng(seed)
    sample, weights = _sample(rows, share, max(SAMPLE, SAMPLE_PER_CLUSTER * n_clusters), generator)

    def starts() -> list[Floats]:
        return [near.centres for near in near_the_least(sample, weights, n_clusters, n_init, generator)]

    every = share.group.first_says(starts)
    tried = [_settled(rows, share, start) for start in (every[:1] if cost is None else every)]
    labels = tried[0] if cost is None or len(tried) == 1 else min(tried, key=cost)
    sizes = share.total(lambda part: np.bincount(labels[part], minlength=n_clusters))
    if (filled := int((sizes > 0).sum())) < n_clusters:
        raise UsageError(
            f"expected at least {n_clusters} distinct rows for {n_clusters} clusters, got {filled}: "
            "ask for fewer clusters"
        )
    return largest_first(labels, share, n_clusters)


def largest_first(labels: Integers, share: Share, n_clusters: int) -> Integers:
    """Return the labels with the clusters in the order of their sizes; of equal ones that of the first row first."""
    sizes = share.total(lambda part: np.bincount(labels[part], minlength=n_clusters))
    here, places = np.unique(labels, return_index=True)
    first = np.full(n_clusters, share.n)
    first[here] = places + share.start
    first = np.min(share.group.gathered(first), axis=0)
    number = np.empty(n_clusters, dtype=np.int64)
    number[np.lexsort((first, -sizes))] = np.arange(n_clusters)
    return number[labels]


def sums_by(labels: Integers, rows: Floats, n_clusters: int) -> Floats:
    """Return the sums of the rows of each cluster, (cluster, dim), and behind them how many these are."""
    columns = [np.bincount(labels, column, n_clusters) for column in rows.T]
    return np.column_stack([*columns, np.bincount(labels, minlength=n_clusters)]).astype(np.float64)


def mean_rows(rows: Floats, labels: Integers, share: Share, n_clusters: int) -> Floats:
    """Return the mean row of each cluster, (cluster, dim); zeros for one without rows."""
    sums = share.total(lambda part: sums_by(labels[part], rows[part], n_clusters))
    means: Floats = sums[:, :-1] / np.maximum(sums[:, -1:], 1)
    return means


def _sample(rows: Floats, share: Share, size: int, generator: np.random.Generator) -> tuple[Floats, Floats | None]:
    """Return rows by which starts are compared, and what they count for, as ``best_start`` draws them."""
    if share.n <= size:
        return share.joined(rows), None
    total = share.total(lambda part: np.square(rows[part]).sum())
    chance = np.full(len(rows), 0.5 / share.n)
    chance += 0.5 * np.einsum("ij,ij->i", rows, rows) / total if total > 0 else chance
    ends = np.cumsum(share.joined(np.array([chance[part].sum() for part in share.parts()])))
    draws = generator.random(size) * ends[-1]
    owners = np.searchsorted(ends, draws, side="right").clip(max=len(ends) - 1)
    taken = [np.empty(0, dtype=np.int64)]
    for block, part in enumerate(share.parts(), start=share.first):
        inside = draws[owners == block] - (ends[block - 1] if block else 0)
        at = np.searchsorted(np.cumsum(chance[part]), inside, side="right")
        taken.append(part.start + at.clip(max=max(0, part.stop - part.start - 1)))
    kept, times = np.unique(np.concatenate(taken), return_counts=True)
    return share.joined(rows[kept]), share.joined(times / chance[kept] / share.n)


def _settled(rows: Floats, share: Share, centres: Floats) -> Integers:
    """Return the labels in which Lloyd's rounds end."""
    count = len(centres)
    mean = share.total(lambda part: rows[part].sum(axis=0)) / share.n
    within = TOLERANCE * share.total(lambda part: np.square(rows[part] - mean).sum()) / (share.n * rows.shape[1])
    labels = np.full(len(rows), -1, dtype=np.int64)
    for round_ in range(ROUNDS + 1):
        nearest = _nearest(rows, share, centres)
        same = all(share.group.gathered(bool((nearest == labels).all())))
        labels = nearest
        if same or round_ == ROUNDS:
            break
        sums = share.total(lambda part: sums_by(labels[part], rows[part], count))  # noqa: B023  # called at once
        if not sums[:, -1].all():
            _fill_empty(labels, rows, share, centres, sums[:, -1])
            sums = share.total(lambda part: sums_by(labels[part], rows[part], count))  # noqa: B023
        means = np.where(sums[:, -1:] > 0, sums[:, :-1] / np.maximum(sums[:, -1:], 1), centres)
        moved = np.square(means - centres).sum(axis=1).max()
        centres = means
        if moved <= within:
            labels = _nearest(rows, share, centres)
            break
    return labels


def _nearest(rows: Floats, share: Share, centres: Floats) -> Integers:
    labels = np.empty(len(rows), dtype=np.int64)
    for part in share.parts():
        if part.stop > part.start:
            labels[part] = nearest_centres(rows[part], centres)
    return labels


def _fill_empty(labels: Integers, rows: Floats, share: Share, centres: Floats, sizes: Floats) -> None:
    """Give each empty cluster the row that is farthest from its centre, in place."""
    away = np.square(rows - centres[labels]).sum(axis=1)
    for cluster in np.flatnonzero(sizes == 0):
        best = int(away.argmax()) if len(away) else -1
        farthest = share.group.gathered(float(away[best]) if len(away) else -1.0)
        if max(farthest) <= 0:
            return
        if int(np.argmax(farthest)) == share.group.rank:
            labels[best], away[best] = cluster, 0
