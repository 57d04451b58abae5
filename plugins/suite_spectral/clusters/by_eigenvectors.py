"""Clusters of a graph from its eigenvectors, and what the answer is worth.

The normalised cut of any k clusters is the trace of H' L H for some orthonormal H, so by Ky Fan's theorem it is at
least lambda_1 + ... + lambda_k: a bound that tells how far from the best an answer can be.
"""

import math
import time
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.labelling import by_component, kmeans, largest_first, mean_rows, scaled_rows, two_way
from suite_spectral.clusters.number_of_clusters import clusters_of
from suite_spectral.clusters.refinement import refined
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.graphs.graph import Graph, Progress, spread_evenly
from suite_spectral.settings import Settings


class Clustering(NamedTuple):
    """Clusters of a graph.

    Attributes:
        labels: (point,) int64, the cluster of most points first, loose components not counted.
        spectrum: the eigenpairs that were used, and the eigenvalue after them; without the loose components.
        rows: (point, vector) float64, what k-means saw.
        centroids: (cluster, vector) float64, the mean rows of the clusters.
        ncut: the normalised cut of the labels, on the graph as it was given.
        lower_bound: no clustering into as many clusters, each with some volume, has a smaller one; nan where the
            eigenvalues of the graph as it is are not known, as of a regularised one.
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
        UsageError: the graph has more components than clusters may be chosen, or fewer distinct rows than clusters; or
            points are to move along edges that are not stored.
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
    if settings.refine is not None:
        if not isinstance(graph, GivenGraph):
            raise UsageError(f"refine {settings.refine!r} moves points along edges that are stored, and none are here")
        labels = largest_first(refined(graph, labels, k), k)
        centroids = mean_rows(rows, labels, k)
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
