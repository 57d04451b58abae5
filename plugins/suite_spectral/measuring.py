"""The graph on which the normalised cut of labels is measured."""

from dataclasses import replace

import torch
from torch import Tensor

from suite_spectral.building import build
from suite_spectral.fitted import Fitted
from suite_spectral.gaussian import GaussianGraph
from suite_spectral.graph import Graph, SparseGraph
from suite_spectral.landmarks import LandmarkGraph
from suite_spectral.settings import Settings

MEASURED = 10_000
"""Points whose pairs are weighed for the normalised cut where landmarks are there because all pairs are too many."""


def measured(content: Tensor | SparseGraph, settings: Settings, fitted: Fitted) -> Graph:
    """The graph on which the normalised cut of labels is measured: that of the settings over what is measured.

    By landmarks alone it is that of the fitted landmarks, and for all pairs of too many points of some of them, see
    ``evenly``.
    """
    chosen = fitted.chosen
    if settings.route != "landmarks":
        if settings.affinity == "nearest_neighbors":  # what was chosen is not chosen again
            sigma = float(fitted.scale[-1]) if chosen.weights == "gaussian" else None
            settings = replace(settings, n_neighbors=chosen.n_neighbors, weights=chosen.weights, sigma=sigma)
        elif settings.affinity == "rbf":
            settings = replace(settings, sigma=float(fitted.scale[-1]))
        return build(content, settings).graph
    assert isinstance(content, Tensor)
    if settings.affinity == "rbf":
        return sampled_pairs(content, float(fitted.scale[0]), settings.memory)
    return LandmarkGraph(content, fitted.points, nearest=chosen.near, sigma=float(fitted.scale[0]))


def evenly(n: int, count: int) -> Tensor:
    """So many places among n, evenly spread, (count,) int64."""
    return torch.linspace(0, n - 1, count, dtype=torch.float64).round().long()


def sampled_pairs(points: Tensor, sigma: float, memory: float) -> GaussianGraph:
    """The Gaussian graph of all points, or of ``MEASURED`` of them where there are more.

    Args:
        points: (point, dim).
        sigma: of the Gaussian, in the units of the points.
        memory: GiB that the weights may take.
    """
    budget = int(memory * 2**30)
    some = points[evenly(len(points), min(len(points), MEASURED)).to(points.device)]
    return GaussianGraph(some, sigma, budget)
