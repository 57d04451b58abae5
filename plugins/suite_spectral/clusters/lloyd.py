"""k-means: rows are given to the nearest of some centres, and the centres move to the means of their rows, in turn.

Lloyd (1982), with weighted rows. `lloyd` and `spread` are compiled where they can be; the references give the same
bits, and compare every row with every centre each time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite_spectral.kernels import compiled

ROUNDS = 300
"""Most rounds, as scikit-learn has them."""
TOLERANCE = 1e-4
"""Of the mean variance of a column: where no centre moves by more than its root, they have settled."""

Floats = NDArray[np.float64]


class Settled(NamedTuple):
    """Where k-means has ended.

    Attributes:
        labels: (row,) int64, the nearest centre; of equally near ones the first.
        centres: (cluster, dim) float64.
        inertia: the weighted sum of the squared distances to them.
    """

    labels: NDArray[np.int64]
    centres: Floats
    inertia: float


def lloyd(rows: Floats, start: Floats, weights: Floats | None = None) -> Settled:
    """Return the clusters that k-means makes of rows from one start.

    A cluster that has lost its rows takes the row that is farthest from its centre; it stays empty where there are
    fewer distinct rows than clusters.

    Args:
        rows: (row, dim), finite.
        start: (cluster, dim), centres to start from.
        weights: (row,) above 0; None for 1.

    Raises:
        ValueError: the shapes do not fit, there is no row or no centre, or a number is not finite.
        OpsError: there is no compiled form, and LIGHTNING_SUITE_REQUIRE_OPS is 1.

    Example:
        >>> lloyd(np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([[0.0], [1.0]]))
        Settled(labels=array([0, 0, 1, 1]), centres=array([[ 0.5],
               [10.5]]), inertia=1.0)
    """
    rows, start, weights = _checked(rows, start, weights)
    kernels = compiled()
    if kernels is None:
        return lloyd_reference(rows, start, weights)
    return Settled(*kernels.lloyd(rows, weights, start, ROUNDS, _settled(rows)))


def nearest_centres(rows: Floats, centres: Floats) -> NDArray[np.int64]:
    """Return the nearest centre of each row, (row,); of equally near ones the first.

    Raises:
        ValueError, OpsError: as of `lloyd`.

    Example:
        >>> nearest_centres(np.array([[0.0], [4.0]]), np.array([[1.0], [3.0]])).tolist()
        [0, 1]
    """
    rows, centres, weights = _checked(rows, centres, None)
    kernels = compiled()
    labels: NDArray[np.int64]
    if kernels is None:
        labels = _squared_distances(rows, centres).argmin(axis=1)
    else:
        labels = kernels.lloyd(rows, weights, centres, 0, 0.0)[0]
    return labels


def spread(
    rows: Floats, count: int, generator: np.random.Generator, weights: Floats | None = None
) -> NDArray[np.int64]:
    """Return the numbers of rows that are far apart, (count,): k-means++ (Arthur and Vassilvitskii, 2007).

    Each is drawn with a probability in proportion to its squared distance to those before it: of 2 + ln(count) drawn
    ones that which leaves the least sum of squared distances, as scikit-learn does.

    Raises:
        ValueError, OpsError: as of `lloyd`.
    """
    rows, _, weights = _checked(rows, rows[:1], weights)
    first = int(np.searchsorted(np.cumsum(weights), generator.random() * weights.sum(), side="right"))
    first = min(first, len(rows) - 1)
    draws = generator.random((count - 1, 2 + int(np.log(count))))
    kernels = compiled()
    if kernels is None:
        return spread_reference(rows, weights, first, draws)
    chosen: NDArray[np.int64] = kernels.spread(rows, weights, first, draws)
    return chosen


def lloyd_reference(rows: Floats, start: Floats, weights: Floats) -> Settled:
    """Return the same as `lloyd`, in numpy."""
    centres, settled, count = start.copy(), _settled(rows), len(start)
    labels = np.full(len(rows), -1, dtype=np.int64)
    for round_ in range(ROUNDS + 1):
        nearest = _squared_distances(rows, centres).argmin(axis=1)
        if (nearest == labels).all() or round_ == ROUNDS:
            labels = nearest
            break
        labels = nearest
        _fill_empty(labels, rows, centres)
        totals = np.bincount(labels, weights, count)
        sums = np.stack([np.bincount(labels, weights * column, count) for column in rows.T], axis=1)
        means = np.where(totals[:, None] > 0, sums / np.where(totals > 0, totals, 1)[:, None], centres)
        moved = _in_order((means - centres) ** 2).max()
        centres = means
        if moved <= settled:
            labels = _squared_distances(rows, centres).argmin(axis=1)
            break
    own = _in_order((rows - centres[labels]) ** 2)
    return Settled(labels, centres, float(np.cumsum(weights * own)[-1]))


def spread_reference(rows: Floats, weights: Floats, first: int, draws: Floats) -> NDArray[np.int64]:
    """Return the same as `spread` with these uniform draws, (count - 1, trial), in numpy."""
    chosen = [first]
    nearest = _squared_distances(rows, rows[[first]])[:, 0]
    for draw in draws:
        ascending = np.cumsum(weights * nearest)
        tried = np.searchsorted(ascending, draw * ascending[-1], side="right").clip(max=len(rows) - 1)
        shorter = np.minimum(_squared_distances(rows, rows[tried]), nearest[:, None])  # row, trial
        best = int(np.cumsum(weights[:, None] * shorter, axis=0)[-1].argmin())
        chosen.append(int(tried[best]))
        nearest = shorter[:, best]
    return np.array(chosen, dtype=np.int64)


def _settled(rows: Floats) -> float:
    return TOLERANCE * float(rows.var(axis=0).mean()) if rows.shape[1] else 0.0


def _squared_distances(rows: Floats, centres: Floats) -> Floats:
    """Return (row, centre), summed over the dimensions one by one, as the compiled form does."""
    total = np.zeros((len(rows), len(centres)))
    for column, other in zip(rows.T, centres.T, strict=True):
        total += (column[:, None] - other) ** 2
    return total


def _in_order(squares: Floats) -> Floats:
    total = np.zeros(len(squares))
    for column in squares.T:
        total += column
    return total


def _fill_empty(labels: NDArray[np.int64], rows: Floats, centres: Floats) -> None:
    counts = np.bincount(labels, minlength=len(centres))
    if counts.all():
        return
    away = _in_order((rows - centres[labels]) ** 2)
    for cluster in np.flatnonzero(counts == 0):
        farthest = int(away.argmax())
        if away[farthest] <= 0:
            return
        labels[farthest] = cluster
        away[farthest] = 0


def _checked(rows: Floats, start: Floats, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Return rows, centres and weights as the compiled form needs them, which does not check them."""
    rows, start = (np.ascontiguousarray(each, dtype=np.float64) for each in (rows, start))
    weights = np.ones(len(rows)) if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    if rows.ndim != 2 or start.ndim != 2 or rows.shape[1] != start.shape[1] or not len(rows) or not len(start):
        raise ValueError(
            f"k-means: expected rows (row, dim) and centres (cluster, dim), got {rows.shape} and {start.shape}"
        )
    if weights.shape != (len(rows),):
        raise ValueError(f"k-means: expected a weight for each of {len(rows)} rows, got {weights.shape}")
    for name, array in (("rows", rows), ("centres", start), ("weights", weights)):
        if not np.isfinite(array).all():
            raise ValueError(f"k-means: {name} must be finite, got {array[~np.isfinite(array)][0]}")
    return rows, start, weights
