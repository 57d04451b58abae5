"""The affinity that the settings ask for, and the graph on which the normalised cut of labels is measured."""

from dataclasses import fields, replace
from typing import Any

from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.choosing import choose
from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.graph import Graph, Progress, SparseGraph
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings


def affinity_for(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> tuple[Tensor, Affinity]:
    """Return the points, or W of a given graph, and the affinity; what is left to a rule without labels is chosen.

    Raises:
        UsageError: the affinity is of points and the content a graph, or the other way round.
    """
    if settings.route == "landmarks":  # neighbours of points mean nothing there, so none are chosen
        settings = replace(settings, n_neighbors=settings.n_neighbors or 2)
    kind = AFFINITIES[settings.affinity]
    affinity = kind(**{field.name: getattr(settings, field.name) for field in _settings_of(kind)})
    graph = isinstance(content, SparseGraph)
    if graph != affinity.of_graph:
        what = "a graph" if graph else "points"
        raise UsageError(f"affinity {settings.affinity!r} cannot be had of {what}; leave it to 'auto'")
    points = content.matrix if isinstance(content, SparseGraph) else content
    if affinity.open_setting is None:
        return points, affinity
    chosen = choose(
        affinity,
        points,
        settings.n_clusters,
        rows=settings.rows,
        largest=settings.max_clusters,
        seed=seed,
        progress=progress,
    )
    return points, chosen.affinity


def measured(content: Tensor | SparseGraph, settings: Settings, fitted: Fitted) -> Graph:
    """Return the graph on which the normalised cut of labels is measured: that of the settings over what is measured.

    What was chosen is not chosen again. By landmarks alone it is that of the fitted landmarks, and for all pairs of
    too many points of some of them, see ``suite_spectral.graphs.graph.spread_evenly``.
    """
    if settings.route == "landmarks":
        assert isinstance(fitted.extension, ByLandmarks) and isinstance(content, Tensor)
        return fitted.extension.weights.graph(content, settings.memory_gib)
    points, affinity = affinity_for(content, replace(settings, **fitted.chosen))
    return affinity.build(points).graph


def _settings_of(kind: Any) -> list[Any]:
    known = {field.name for field in fields(Settings)}
    return [field for field in fields(kind) if field.name in known]
