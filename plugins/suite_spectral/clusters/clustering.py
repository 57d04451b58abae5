"""Normalised spectral clustering of a graph: eigenvectors, rows, k-means, without what hangs on loosely.

1. L = D^-1/2 (D - W) D^-1/2. 2. U, the eigenvectors of its k smallest eigenvalues. 3. k-means on the rows of U (Ng,
Jordan and Weiss, 2002; Khan, 2020). Loose components, and where they would take a cluster loose ends, are left out and
join a cluster afterwards.
"""

import math
import time
import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.by_eigenvectors import Clustering, among_loose, cluster_eigenvectors
from suite_spectral.clusters.loose_components import core_of, labels_with_loose, loose_line, warn_of_pieces
from suite_spectral.clusters.loose_ends import LIKELY, Ends, ends_of, ends_taken, warn_of_ends
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import TOLERANCE, Spectrum, spectrum
from suite_spectral.eigen.warm_start import functions_of
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, Progress, SparseGraph
from suite_spectral.graphs.sparse_points import rows_of
from suite_spectral.settings import Settings
from suite_spectral.shares.group import Group


def cluster(
    graph: Graph,
    settings: Settings,
    *,
    points: Tensor | None = None,
    start: Tensor | None = None,
    group: Group | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Clustering:
    """Cluster the points of a graph; a graph of several components component by component, without the loose ones.

    Example:
        >>> import torch
        >>> from suite_spectral.graphs.neighbour_graph import neighbour_graph
        >>> graph = neighbour_graph(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 2)
        >>> cluster(graph, Settings(n_clusters=2)).labels.tolist()
        [0, 0, 1, 1]

    Args:
        graph: the graph.
        settings: how many clusters, and how they are made; the settings of the graph are not used.
        points: (point, dim), by which loose components, and others that are too many, find the nearest cluster.
        start, group: as of ``suite_spectral.eigen.spectrum.spectrum``.
        seed: of whatever is random in it.
        progress: is called with words for what is being done.

    Raises:
        UsageError: there are fewer points than clusters, or a threshold is to make more clusters than two.

    Warns:
        RuntimeWarning: there are loose components, or more components than clusters; the eigenvectors are less
            accurate than the tolerance asks for.
    """
    wanted = settings.n_clusters
    if wanted is not None and wanted > graph.n:
        raise UsageError(f"n_clusters: expected from 1 to {graph.n}, the number of points, got {wanted}")
    if settings.by_second and wanted not in (None, 2):
        raise UsageError(f"assign {settings.assign!r} makes 2 clusters, got n_clusters {wanted}: take kmeans")
    begun = time.process_time()
    whole = Laplacian(graph, settings.regularisation or 0.0)
    laplacian, core = without_loose(whole, settings)
    if core is not None:
        warnings.warn(loose_line(graph.n, core, whole.components, nearest=points is not None), RuntimeWarning, 2)
    elif not whole.tau and settings.known_clusters is not None:
        warn_of_pieces(int(whole.components.max()) + 1, settings.known_clusters)
    inside = points if core is None or points is None else rows_of(points, core)
    start = start if core is None or start is None else start[core.to(start.device)]
    way = _Way(settings, seed, begun, progress, group)
    if points is None and isinstance(laplacian.graph, SparseGraph):
        clustering = _without_ends(laplacian, laplacian.graph, way, start)
    else:
        clustering = way.clustered(laplacian, way.solved(laplacian, start), inside)
    if core is not None:
        labels = labels_with_loose(clustering.labels, core, whole.components, points)
        clustering = among_loose(clustering, core, whole.components, labels, graph)
    return clustering._replace(lower_bound=math.nan) if settings.regularisation else clustering


class _Way(NamedTuple):
    """How a graph without its loose parts is clustered: what stays the same from one such graph to the next."""

    settings: Settings
    seed: int
    begun: float
    progress: Progress
    group: Group | None

    def solved(self, laplacian: Laplacian, start: Tensor | None) -> Spectrum:
        settings = self.settings
        return spectrum(
            laplacian,
            max(settings.known_clusters or min(settings.max_clusters, laplacian.n), settings.n_components or 0),
            solver=settings.solver,
            seed=self.seed,
            tolerance=TOLERANCE if settings.tolerance is None else settings.tolerance,
            start=start,
            group=self.group,
            progress=self.progress,
        )

    def clustered(self, laplacian: Laplacian, pairs: Spectrum, points: Tensor | None = None) -> Clustering:
        return cluster_eigenvectors(
            laplacian.graph,
            pairs,
            laplacian.root,
            self.settings,
            points=points,
            seed=self.seed,
            begun=self.begun,
            progress=self.progress,
        )


def _without_ends(laplacian: Laplacian, graph: SparseGraph, way: _Way, start: Tensor | None) -> Clustering:
    """Return the clusters of a given graph, without its loose ends if these would take one of the clusters."""
    settings, k = way.settings, way.settings.known_clusters
    # Of as many components as clusters each is one.
    if k is not None and not laplacian.tau and int(laplacian.components.max()) + 1 < k:
        ends = ends_of(graph, laplacian.degrees, laplacian.components, k)
        if ends is not None and ends.least < LIKELY:
            inner = Laplacian(graph.part(ends.core))
            pairs = way.solved(inner, None if start is None else start[ends.core.to(start.device)])
            if ends.least < float(pairs.values[k - 1]):
                clustering = way.clustered(inner, pairs)
                return _with_ends(laplacian, graph, ends, clustering)._replace(lower_bound=math.nan)
            # The ends take no cluster, so they have about the values of what they hang on to.
            functions = functions_of(pairs.computed, inner.root)
            start = functions.new_zeros(graph.n, functions.shape[1]).index_copy_(0, ends.core, functions)[ends.hosts]
    clustering = way.clustered(laplacian, way.solved(laplacian, start))
    degrees = laplacian.degrees - laplacian.tau
    taken = ends_taken(graph, degrees, laplacian.components, clustering.labels, clustering.n_clusters)
    if taken is None:
        return clustering
    inner = Laplacian(graph.part(taken.core), settings.regularisation or 0.0)
    pairs = way.solved(inner, functions_of(clustering.spectrum.computed, laplacian.root)[taken.core])
    bound = clustering.lower_bound  # which is that of the whole graph
    return _with_ends(laplacian, graph, taken, way.clustered(inner, pairs))._replace(lower_bound=bound)


def _with_ends(laplacian: Laplacian, graph: SparseGraph, ends: Ends, clustering: Clustering) -> Clustering:
    """Return the clusters of a graph from those of the points in no loose end, and warn of the others."""
    warn_of_ends(graph.n, ends)
    labels = torch.zeros_like(ends.hosts).index_copy_(0, ends.core, clustering.labels)[ends.hosts]
    return among_loose(clustering, ends.core, laplacian.components, labels, graph)


def without_loose(laplacian: Laplacian, settings: Settings) -> tuple[Laplacian, Tensor | None]:
    """Return L of a graph without its loose components, and the points that are left; L itself and None: all of them.

    Regularisation connects a graph, so that nothing is loose.
    """
    graph, count = laplacian.graph, settings.known_clusters or settings.max_clusters
    core = None if laplacian.tau else core_of(laplacian.degrees, laplacian.components, count)
    if core is None:
        return laplacian, None
    assert isinstance(graph, GivenGraph | GaussianGraph)  # another has one component
    return Laplacian(graph.part(core)), core
