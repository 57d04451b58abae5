"""The mean of a quantity of splittings in cells of the Lund plane, ln(1/Delta) and ln(kt / GeV), and lines on it.

Two massless prongs of a node with the transverse momentum pt, the softer of which carries the share z, at the distance
Delta, have kt = z pt Delta and m^2 = z (1 - z) pt^2 Delta^2 for small angles, so that

    m^2 = (1 - z) / z kt^2 = kt (pt Delta - kt),      kt = (pt Delta - sqrt(pt^2 Delta^2 - 4 m^2)) / 2

A line of constant mass begins at Delta = 2 m / pt with z = 1/2 and kt = m, the hardest splitting, on the boundary
kt = pt Delta / 2 of the plane; to wider angles it falls as kt = m^2 / (pt Delta).
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

X_EDGES: Final = np.linspace(0.0, 7.0, 36)
"""Edges of the cells in ln(1/Delta)."""
Y_EDGES: Final = np.linspace(-6.0, 6.0, 49)
"""Edges of the cells in ln(kt / GeV)."""
LEAST: Final = 5
"""The number of splittings that a cell needs for a mean."""


class LundMap(NamedTuple):
    """A quantity in cells of the Lund plane.

    Attributes:
        x_edges: (x + 1,) in ln(1/Delta).
        y_edges: (y + 1,) in ln(kt / GeV).
        mean: (x, y) weighted mean of the quantity; not a number where fewer than LEAST splittings are.
        counts: (x, y) the number of splittings, each as 1.
        density: (x, y) weighted number of splittings of a jet, for each unit of ln(1/Delta) and ln(kt).
        outside: the number of splittings outside all cells, the collinear ones without a distance included.
    """

    x_edges: Values
    y_edges: Values
    mean: Values
    counts: NDArray[np.int64]
    density: Values
    outside: int


def lund_map(
    x: Values,
    y: Values,
    values: Values,
    weights: Values,
    jets: float,
    x_edges: Values = X_EDGES,
    y_edges: Values = Y_EDGES,
) -> LundMap:
    """Return the mean of a quantity of splittings by cell.

    Args:
        x: (splitting,) ln(1/Delta).
        y: (splitting,) ln(kt / GeV).
        values: (splitting,) the quantity; splittings where it is not a number are left out.
        weights: (splitting,) of its jet.
        jets: the sum of the weights of all jets.
        x_edges: of the cells.
        y_edges: of the cells.

    Example:
        >>> one = np.ones(6)
        >>> found = lund_map(2 * one, 3 * one, np.arange(6.0), one, jets=3)
        >>> float(np.nanmax(found.mean)), int(found.counts.sum()), found.outside
        (2.5, 6, 0)
    """
    known = np.isfinite(values)
    x, y, values, weights = x[known], y[known], values[known], weights[known]
    bins = [x_edges, y_edges]
    counts = np.histogram2d(x, y, bins)[0].astype(np.int64)
    shares = np.histogram2d(x, y, bins, weights=weights)[0]
    sums = np.histogram2d(x, y, bins, weights=weights * values)[0]
    enough = (counts >= LEAST) & (shares > 0)
    mean = np.divide(sums, shares, out=np.full(counts.shape, np.nan), where=enough)
    area = np.diff(x_edges)[:, None] * np.diff(y_edges)
    return LundMap(x_edges, y_edges, mean, counts, shares / (jets * area), len(x) - int(counts.sum()))


def likeness(one: LundMap, other: LundMap) -> float:
    """Return the correlation of two maps of the same jets over the cells that both know, each splitting counting once.

    Not a number where fewer than three cells are known.

    Example:
        >>> x = np.repeat([0.1, 1.1, 2.1], 6)
        >>> one, other = (lund_map(x, x, values, np.ones(18), 1.0) for values in (x, 3 - 2 * x))
        >>> round(likeness(one, other), 6)
        -1.0
    """
    both = np.isfinite(one.mean) & np.isfinite(other.mean)
    if both.sum() < 3:
        return float("nan")
    covariance = np.cov(one.mean[both], other.mean[both], aweights=one.counts[both])
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def mass_line(mass: float, pt: float, points: int = 100) -> tuple[Values, Values]:
    """Return the line on which two massless prongs have a mass: ln(1/Delta) and ln(kt / GeV), (point,) each.

    Args:
        mass: GeV.
        pt: transverse momentum of the node that splits, GeV.
        points: their number, from the wide angles, Delta = 1.6, to the hardest splitting, Delta = 2 mass / pt.

    Example:
        >>> x, y = mass_line(80.4, 600)
        >>> float(np.exp(y[-1]).round(1)), float(np.exp(-x[-1]).round(3))
        (80.4, 0.268)
    """
    delta = np.geomspace(max(1.6, 2 * mass / pt), 2 * mass / pt, points)
    root = np.sqrt(np.maximum((pt * delta) ** 2 - 4 * mass**2, 0.0))
    # kt = (pt delta - root) / 2 without its cancellation
    return -np.log(delta), np.log(2 * mass**2 / (pt * delta + root))


def boundary(x: Values, pt: float) -> Values:
    """Return ln(kt / GeV) at z = 1/2, kt = pt Delta / 2, above which there is no splitting of a node of this pt.

    Example:
        >>> boundary(np.array([0.0]), 600).round(3).tolist()
        [5.704]
    """
    highest: Values = np.log(pt / 2) - x
    return highest
