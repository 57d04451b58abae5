"""Normalised spectral clustering of a graph: eigenvectors, rows, k-means, and what the answer is worth.

1. L = D^-1/2 (D - W) D^-1/2. 2. U, the eigenvectors of its k smallest eigenvalues. 3. k-means on the rows of U (Ng,
Jordan and Weiss, 2002; Khan, 2020). The normalised cut of any k clusters is the trace of H' L H for some orthonormal H,
so by Ky Fan's theorem it is at least lambda_1 + ... + lambda_k: a bound that tells how far from the best an answer can
be.
"""

import math
import time
import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.labelling import by_component, kmeans, mean_rows, scaled_rows, two_way
from suite_spectral.clusters.loose_components import core_of, labels_with_loose, loose_line, warn_of_pieces
from suite_spectral.clusters.loose_ends import ends_taken, warn_of_ends
from suite_spectral.clusters.number_of_clusters import clusters_of
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import TOLERANCE, Spectrum, spectrum
from suite_spectral.eigen.warm_start import functions_of
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, Progress, SparseGraph, spread_evenly
from suite_spectral.graphs.sparse_points import rows_of
from suite_spectral.settings import Settings


class Clustering(NamedTuple):
    """Clusters of a graph.

    Attributes:
        labels: (point,) int64, the cluster of most points first, loose components not counted.
        spectrum: the eigenpairs that were used, and the eigenvalue after them; without the loose components.
        rows: (point, vector) float64, what k-means saw.
        centroids: (cluster, vector) float64, the mean rows of the clusters.
        ncut: the normalised cut of the labels, on the graph as it was given.
        lower_bound: no clustering into as many clusters, each with some volume, has a smaller one; nan for a
            regularised graph, whose eigenvalues bound another cut.
        eigengap: lambda_k+1 - lambda_k; nan where every point is a cluster.
        n_components: connected components of the graph.
        seconds: of processor time, by stage.
        core: (point,) int64, the points that are in no loose component; None: all.
    """

    labels: Tensor
    spectrum: Spectrum
    rows: Tensor
    centroids: Tensor
    ncut: float
    lower_bound: float
    eigengap: float
    n_components: int
    seconds: dict[str, float]
    core: Tensor | None = None

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return len(self.centroids)

    @property
    def loose(self) -> Tensor:
        """The points that were left out while the others were clustered, and joined a cluster then, (loose,) int64."""
        if self.core is None:
            return self.labels.new_empty(0)
        left = torch.ones_like(self.labels, dtype=torch.bool)
        left[self.core.to(left.device)] = False
        return left.nonzero()[:, 0]


def cluster(
    graph: Graph,
    settings: Settings,
    *,
    points: Tensor | None = None,
    start: Tensor | None = None,
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
        start: as of ``suite_spectral.eigen.spectrum.spectrum``.
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
        warn_of_pieces(whole.components, settings.known_clusters)
    inside = points if core is None or points is None else rows_of(points, core)
    start = start if core is None or start is None else start[core.to(start.device)]
    clustering = _clustered(laplacian, settings, inside, seed, begun, progress, start)
    if points is None:
        clustering = _without_ends(laplacian, clustering, settings, seed, begun, progress)
    if core is not None:
        labels = labels_with_loose(clustering.labels, core, whole.components, points)
        clustering = among_loose(clustering, core, whole.components, labels, graph)
    return clustering._replace(lower_bound=math.nan) if settings.regularisation else clustering


def _clustered(
    laplacian: Laplacian,
    settings: Settings,
    points: Tensor | None,
    seed: int,
    begun: float,
    progress: Progress,
    start: Tensor | None = None,
) -> Clustering:
    """Return the clusters of a graph whose loose parts have been left out."""
    pairs = spectrum(
        laplacian,
        max(settings.known_clusters or min(settings.max_clusters, laplacian.n), settings.n_components or 0),
        solver=settings.solver,
        seed=seed,
        tolerance=TOLERANCE if settings.tolerance is None else settings.tolerance,
        start=start,
        progress=progress,
    )
    return cluster_eigenvectors(
        laplacian.graph, pairs, laplacian.root, settings, points=points, seed=seed, begun=begun, progress=progress
    )


def _without_ends(
    laplacian: Laplacian, clustering: Clustering, settings: Settings, seed: int, begun: float, progress: Progress
) -> Clustering:
    """Return the clusters of a given graph, without its loose ends if one of the clusters lies in them."""
    graph, bound = laplacian.graph, clustering.lower_bound  # which is that of the whole graph
    if not isinstance(graph, SparseGraph):
        return clustering
    ends = ends_taken(
        graph, laplacian.degrees - laplacian.tau, laplacian.components, clustering.labels, clustering.n_clusters
    )
    if ends is None:
        return clustering
    warn_of_ends(graph.n, ends)
    inner = Laplacian(graph.part(ends.core), settings.regularisation or 0.0)
    start = functions_of(clustering.spectrum.computed, laplacian.root)[ends.core]
    clustering = _clustered(inner, settings, None, seed, begun, progress, start)
    labels = torch.zeros_like(ends.hosts).index_copy_(0, ends.core, clustering.labels)[ends.hosts]
    return among_loose(clustering, ends.core, laplacian.components, labels, graph)._replace(lower_bound=bound)


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


def among_loose(
    clustering: Clustering, core: Tensor, components: Tensor, labels: Tensor, measured: Graph
) -> Clustering:
    """Return the clusters of all points from those of the points in no loose component.

    Args:
        clustering: of the points in no loose component.
        core: (point,) int64, which these are.
        components: (point,) int64, those of all points.
        labels: (point,) int64, those of all points.
        measured: as of ``cluster_eigenvectors``.
    """
    k = clustering.n_clusters
    loose = int(components.max()) + 1 - clustering.n_components
    rows = clustering.rows.new_zeros(len(labels), clustering.rows.shape[1])
    return clustering._replace(
        labels=labels,
        spectrum=clustering.spectrum.among(core, components),
        rows=rows.index_copy_(0, core, clustering.rows),
        ncut=ncut(measured, labels[spread_evenly(len(labels), measured.n).to(labels.device)], k),
        # Of the whole graph each loose component has an eigenvalue of 0 too.
        lower_bound=lower_bound(clustering.spectrum, max(0, k - loose)),
        n_components=clustering.n_components + loose,
        core=core if clustering.core is None else core[clustering.core],
    )


def cluster_eigenvectors(
    graph: Graph,
    pairs: Spectrum,
    root: Tensor,
    settings: Settings,
    *,
    begun: float,
    points: Tensor | None = None,
    measured: Graph | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Clustering:
    """Cluster the points of a graph by its eigenvectors.

    Args:
        graph: the graph.
        pairs: its smallest eigenpairs, if possible one more than there are clusters.
        root: (point,) the square roots of the degrees.
        settings: how many clusters, and how they are made.
        begun: the processor time at which the eigenvectors were begun.
        points: as of ``cluster``.
        measured: the graph whose normalised cut is measured, of the same points or of some, evenly spread; None: the
            graph itself.
        seed: of k-means.
        progress: is called with words for what is being done.

    Raises:
        UsageError: the graph has more components than clusters may be chosen, or fewer distinct rows than clusters.
    """
    solved = time.process_time()
    k = settings.known_clusters or clusters_of(pairs, settings.max_clusters)
    used = settings.n_components or k
    pairs = pairs.first(max(k, used) + 1)
    progress(f"label assignment using {settings.assign}")
    rows = scaled_rows(pairs.vectors[:, :used], root, settings.rows)
    if settings.assign in ("sign", "median", "ncut"):
        labels = two_way(graph, pairs, settings.assign, root=root, seed=seed)
        centroids = mean_rows(rows, labels, k)
    elif used != k:
        labels, centroids = kmeans(rows, k, n_init=settings.n_init, seed=seed, graph=graph)
    else:
        labels, centroids = by_component(
            graph,
            pairs,
            k,
            root=root,
            rows=settings.rows,
            points=points,
            assign=settings.assign,
            n_init=settings.n_init,
            seed=seed,
        )
    labelled = time.process_time()
    measured = graph if measured is None else measured
    return Clustering(
        labels=labels,
        spectrum=pairs,
        rows=rows,
        centroids=centroids,
        ncut=ncut(measured, labels[spread_evenly(len(labels), measured.n).to(labels.device)], k),
        lower_bound=lower_bound(pairs, k),
        eigengap=float(pairs.values[k] - pairs.values[k - 1]) if len(pairs.values) > k else math.nan,
        n_components=int(pairs.components.max()) + 1,
        seconds={"eigenvectors": solved - begun, "labels": labelled - solved, "ncut": time.process_time() - labelled},
    )


def lower_bound(pairs: Spectrum, k: int) -> float:
    """Return lambda_1 + ... + lambda_k, less the error that the residuals allow if the solver has missed no eigenvalue.

    A computed eigenvalue is too large by at most its residual r, and by at most r^2 over the distance to the
    eigenvalues that are not among the computed ones (Parlett, 1980, section 11.7).
    """
    values, residuals = pairs.values[:k], pairs.residuals[:k]
    slack = residuals
    if len(pairs.values) > k:
        gap = pairs.values[k] - pairs.residuals[k] - values
        slack = slack.minimum(residuals.square() / gap.clamp_min(1e-300))
    return float((values - slack).clamp_min(0).sum())
