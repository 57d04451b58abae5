"""Gaussian graphs whose width is so small that points have no edges: a weight below rounding is none."""

import warnings

from torch import Tensor

from suite_spectral.graphs.neighbours import nearest


def warn_of_underflow(alone: int, points: Tensor, sigma: float) -> None:
    """Warn of points without edges in a Gaussian graph.

    Args:
        alone: how many points have no edge.
        points: (point, dim).
        sigma: its width.

    Warns:
        RuntimeWarning: points have no edge; it names a width with which all have one.
    """
    if not alone:
        return
    wide = float(nearest(points, 1).distances.max())
    warnings.warn(
        f"sigma {sigma:.3g} is too small: the weights of {alone:,} of {len(points):,} points to all others are 0 but "
        f"for rounding. With sigma {wide:.3g} (gamma {1 / (2 * wide**2):.3g}) every point has a neighbour",
        RuntimeWarning,
        stacklevel=4,
    )
