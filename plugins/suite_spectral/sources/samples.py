"""Sets of points that need no file: scikit-learn's own measured ones, and shapes drawn at random.

Moons are two half circles that reach into each other, circles two rings with one centre: no straight line divides
either, so k-means fails on both. Blobs are three round clouds far apart, which any method must find.
"""

from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from suite_spectral.data_settings import Name

CENTRES = ((0.0, 6.0), (-5.2, -3.0), (5.2, -3.0))
"""The centres of the blobs, ten standard deviations apart."""

DRAWN = {"moons": 0.05, "circles": 0.05, "blobs": 1.0}
"""The shapes that are drawn, each with the standard deviation of its points where none is asked for."""


class Sample(NamedTuple):
    """Points and what they are.

    Attributes:
        points: (point, dim) float64.
        labels: (point,) int64.
        classes: names of the labels.
    """

    points: NDArray[np.float64]
    labels: NDArray[np.int64]
    classes: list[str]


def sample(name: Name, n_samples: int, noise: float | None, seed: int) -> Sample:
    """Return a set by its name.

    Args:
        name: of the set.
        n_samples: points that are drawn; the measured sets have as many as they have.
        noise: standard deviation of the drawn points about their shape; None: ``DRAWN``.
        seed: of what is drawn.

    Raises:
        UsageError: there is no such set.

    Example:
        >>> iris = sample("iris", 0, None, 0)
        >>> iris.points.shape, iris.classes
        ((150, 4), ['setosa', 'versicolor', 'virginica'])
    """
    from sklearn import datasets  # a second to import

    if name not in get_args(Name):
        raise UsageError(f"--data.name: expected one of {', '.join(get_args(Name))}, got {name!r}")
    if name not in DRAWN:
        # digits, iris, wine and breast_cancer lie in scikit-learn's own folder: nothing is fetched
        measured: Any = getattr(datasets, f"load_{name}")()
        points, labels = measured.data, measured.target
        return Sample(points.astype(np.float64), labels.astype(np.int64), list(map(str, measured.target_names)))
    spread = DRAWN[name] if noise is None else noise
    if name == "moons":
        points, labels = datasets.make_moons(n_samples, noise=spread, random_state=seed)
    elif name == "circles":
        points, labels = datasets.make_circles(n_samples, factor=0.5, noise=spread, random_state=seed)
    else:
        points, labels = datasets.make_blobs(
            n_samples, centers=np.array(CENTRES), cluster_std=spread, random_state=seed
        )
    return Sample(points, labels.astype(np.int64), list(map(str, range(int(labels.max()) + 1))))
