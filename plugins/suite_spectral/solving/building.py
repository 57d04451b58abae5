"""The affinity that the settings name, which settings are refused, and the graph whose normalised cut is measured."""

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.graphs.graph import Graph
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings, refuse_contradictions
from suite_spectral.solving.memory import refuse_dense


def affinity_of(settings: Settings) -> Affinity:
    """Return the affinity that the settings name, with those settings that are fields of it."""
    if settings.route == "landmarks":  # no graph of neighbours is built, so their number is not chosen
        settings = replace(settings, n_neighbors=settings.n_neighbors or 2)
    kind: Any = AFFINITIES[settings.affinity]
    known = {field.name for field in fields(Settings)}
    affinity: Affinity = kind(
        **{field.name: getattr(settings, field.name) for field in fields(kind) if field.name in known}
    )
    return affinity


def graph_by(settings: Settings, content: Tensor | GivenGraph, *, seed: int = 0) -> Graph:
    """Return the graph that the settings make of points; a graph stays as it is."""
    if isinstance(content, GivenGraph):
        return content
    affinity = affinity_of(settings)
    return affinity.build(as_taken(content, affinity, replace(settings, route="exact")), seed=seed).graph


def as_taken(points: Tensor, affinity: Affinity, settings: Settings) -> Tensor:
    """Return points as they are clustered: sparse ones dense where the affinity, a rule or landmarks need that.

    Raises:
        UsageError: memory does not suffice for the dense ones.
    """
    stay = affinity.sparse and affinity.open_setting is None and settings.route == "exact"
    if points.layout == torch.strided or affinity.of_graph or stay:
        return points
    return made_dense(points)


def made_dense(points: Tensor) -> Tensor:
    """Return sparse points as dense ones.

    Raises:
        UsageError: memory does not suffice for them.
    """
    if points.layout != torch.strided:
        refuse_dense(tuple(points.shape), points.element_size())
    return points.to_dense()


def refuse_impossible(settings: Settings, n: int) -> None:
    """Raise a UsageError where so many points cannot be clustered with these settings.

    Args:
        settings: how they are clustered.
        n: how many points there are.

    Raises:
        UsageError: more clusters than points are asked for, or settings contradict each other.
    """
    wanted = settings.n_clusters
    if wanted is not None and wanted > n:
        raise UsageError(f"n_clusters: {wanted} clusters were asked for, and there are {n:,} points")
    if n < 2:
        raise UsageError(f"expected at least 2 points to cluster, got n_samples = {n}")
    refuse_contradictions(
        settings.affinity, settings.assign, settings.sigma, wanted, settings.n_components, settings.refine
    )
    if settings.regularisation is None and not AFFINITIES[settings.affinity].of_graph:
        raise UsageError(
            "regularisation null is chosen by the modularity of a graph that is given (affinity 'precomputed'), got "
            f"affinity {settings.affinity!r}: give a number, such as 0"
        )
    if settings.route != "exact":
        _refuse_landmarks(settings)


def measured(content: Tensor | GivenGraph, settings: Settings, fitted: Fitted) -> Graph:
    """Return the graph on which the normalised cut of labels is measured: the one that the settings make of the points.

    Settings that a rule has chosen are not chosen again. By landmarks alone it is the graph of the fitted landmarks;
    for all pairs of too many points, that of some of them, see ``suite_spectral.graphs.graph.spread_evenly``.
    """
    if settings.route == "landmarks":
        assert isinstance(fitted.extension, ByLandmarks) and isinstance(content, Tensor)
        return fitted.extension.weights.graph(made_dense(content), settings.memory_gib)
    return graph_by(replace(settings, **fitted.chosen), content)


def _refuse_landmarks(settings: Settings) -> None:
    route, affinity, wanted = settings.route, settings.affinity, settings.n_clusters
    weights = AFFINITIES[affinity].landmark_class
    if weights is None:
        known = " and ".join(name for name, kind in AFFINITIES.items() if kind.landmark_class is not None)
        raise UsageError(
            f"route {route!r}: landmarks are for the affinities {known}, not {affinity!r}; take route 'exact'"
        )
    if settings.refine is not None:
        raise UsageError(
            f"route {route!r}: refine {settings.refine!r} moves points along the edges of the graph of all points, "
            "which landmarks stand for; take route 'exact'"
        )
    least = max(wanted or 2, settings.n_components or 0)
    if settings.landmarks < least:
        raise UsageError(f"landmarks: expected at least {least}, as many as clusters, got {settings.landmarks}")
    if settings.by_second and not weights.unit_degrees:
        raise UsageError(
            f"route {route!r}: assign {settings.assign!r} needs the degrees of all points, which landmarks do not give "
            f"for {affinity}; take assign 'kmeans' or route 'exact'"
        )
