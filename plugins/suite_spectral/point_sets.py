"""Sets of points that two methods are compared on, drawn and measured."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from suite_spectral.data_settings import Name
from suite_spectral.sources.samples import sample


class PointSet(NamedTuple):
    """Points to cluster.

    Attributes:
        name: what a reader calls it.
        points: (point, dim) float64, dense or sparse_csr.
        labels: (point,) int64, the classes, or None.
    """

    name: str
    points: Tensor
    labels: Tensor | None


def of_arrays(name: str, points: np.ndarray, labels: np.ndarray) -> PointSet:
    """Return points and labels of numpy as a set."""
    return PointSet(name, torch.from_numpy(np.ascontiguousarray(points)), torch.from_numpy(labels.astype(np.int64)))


def own_sets(n_samples: int, seed: int) -> Iterator[PointSet]:
    """Yield shapes drawn at random, and scikit-learn's measured sets.

    Columns of wine and breast_cancer, which have units of their own, are scaled to standard deviation 1; pixels of
    digits and centimetres of iris are left as they are.
    """
    shapes: tuple[Name, ...] = ("moons", "circles")
    for name in shapes:
        own = sample(name, n_samples, None, seed)
        yield of_arrays(name, own.points, own.labels)
    yield of_arrays("uneven blobs", *uneven_blobs(n_samples, seed))
    yield of_arrays("stretched blobs", *stretched_blobs(n_samples, seed))
    measured: tuple[Name, ...] = ("digits", "iris")
    for name in measured:
        own = sample(name, n_samples, None, seed)
        yield of_arrays(name, own.points, own.labels)
    with_units: tuple[Name, ...] = ("wine", "breast_cancer")
    for name in with_units:
        own = sample(name, n_samples, None, seed)
        centred = own.points - own.points.mean(axis=0)
        yield of_arrays(f"{name} (scaled)", centred / centred.std(axis=0), own.labels)


def uneven_blobs(n_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return three round clouds of different width: points (point, 2) and labels (point,)."""
    centres = np.array([[-6.0, -1.0], [0.0, 6.0], [3.0, -4.0]])
    widths = np.array([1.0, 2.5, 0.5])
    random = np.random.default_rng(seed)
    labels = np.arange(n_samples) % 3
    return centres[labels] + widths[labels, None] * random.standard_normal((n_samples, 2)), labels


def stretched_blobs(n_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two clouds side by side, ten times as long as wide: points (point, 2) and labels (point,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(n_samples) % 2
    points = random.standard_normal((n_samples, 2)) * np.array([5.0, 0.5])
    points[:, 1] += np.where(labels == 1, 2.0, -2.0)
    turn = np.array([[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]])
    return points @ turn, labels
