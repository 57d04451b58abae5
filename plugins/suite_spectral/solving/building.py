"""The affinity that the settings ask for, and the graph on which the normalised cut of labels is measured."""

from dataclasses import fields, replace
from typing import Any

from torch import Tensor

from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings


def affinity_of(settings: Settings) -> Affinity:
    """Return the affinity that the settings name, with its own of them."""
    if settings.route == "landmarks":  # neighbours of points mean nothing there, so none are chosen
        settings = replace(settings, n_neighbors=settings.n_neighbors or 2)
    kind: Any = AFFINITIES[settings.affinity]
    known = {field.name for field in fields(Settings)}
    affinity: Affinity = kind(
        **{field.name: getattr(settings, field.name) for field in fields(kind) if field.name in known}
    )
    return affinity


def measured(content: Tensor | SparseGraph, settings: Settings, fitted: Fitted) -> Graph:
    """Return the graph on which the normalised cut of labels is measured: that of the settings over what is measured.

    What was chosen is not chosen again. By landmarks alone it is that of the fitted landmarks, and for all pairs of
    too many points of some of them, see ``suite_spectral.graphs.graph.spread_evenly``.
    """
    if isinstance(content, SparseGraph):
        return content
    if settings.route == "landmarks":
        assert isinstance(fitted.extension, ByLandmarks)
        return fitted.extension.weights.graph(content, settings.memory_gib)
    return affinity_of(replace(settings, **fitted.chosen)).build(content).graph
