"""Clusters of a graph of neighbours whose rows several processes hold in shares; one process holds all.

As ``suite_spectral.clusters.clustering`` for k-means without regularisation, with other sums: the same bits for any
number of processes. No process holds all of W.
"""

import math
import time
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.clusters.by_eigenvectors import Clustering, lower_bound
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.loose_components import loose_of, loose_words, warn_of_pieces
from suite_spectral.clusters.number_of_clusters import clusters_of
from suite_spectral.eigen.spectrum import TOLERANCE
from suite_spectral.graphs.edge_weights import edge_scale, gaussian_weights
from suite_spectral.graphs.graph import Progress
from suite_spectral.graphs.neighbours import Neighbours
from suite_spectral.graphs.shared_graph import SharedGraph, symmetric_rows
from suite_spectral.settings import Settings
from suite_spectral.shares.kmeans import kmeans, mean_rows
from suite_spectral.shares.labelling import by_component, cut_by, labels_with_loose, rows_for_kmeans
from suite_spectral.shares.moving import Moved
from suite_spectral.shares.share import Share
from suite_spectral.shares.spectrum import spectrum_by_rows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def graph_by_rows(near: Neighbours, settings: Settings, share: Share) -> tuple[SharedGraph, Tensor | float | None]:
    """Return the graph of the neighbours of the points here, and the scale of its edges; every process calls this.

    Args:
        near: of the points here, (point here, neighbour), among all points.
        settings: of the graph.
        share: which points are here.

    Returns:
        The rows here, and ``suite_spectral.graphs.edge_weights.edge_scale`` of all points.
    """
    sigma = None if settings.sigma is None else float(settings.sigma)
    scale = edge_scale(
        near,
        weights=settings.weights,
        sigma=sigma,
        joined=lambda numbers: torch.from_numpy(share.joined(numbers.numpy())),
    )
    values = None
    if settings.weights != "connectivity":
        mine = scale[share.rows] if isinstance(scale, Tensor) else scale
        values = gaussian_weights(near.distances, mine, scale, near.indices)
    return SharedGraph(symmetric_rows(near.indices, values, share, settings.mutual), share), scale


def cluster_by_rows(
    graph: SharedGraph,
    points: Tensor,
    settings: Settings,
    *,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Clustering:
    """Return the clusters; of rows, labels and vectors those of the points here. Every process calls this at once.

    Args:
        graph: the rows here.
        points: (point here, dim).
        settings: how they are clustered: k-means, no regularisation.
        seed: of whatever is random in it.
        progress: is called with words for what is being done.

    Warns:
        RuntimeWarning: in process 0: there are loose components, or more components than clusters; the eigenvectors
            are less accurate than the tolerance asks for.
    """
    share, begun = graph.share, time.process_time()
    components, degrees = graph.components().numpy(), graph.degrees().numpy()
    count = max(share.group.gathered(int(components.max(initial=0)))) + 1
    sizes = share.total(lambda part: np.bincount(components[part], minlength=count))
    volume: Floats = share.total(lambda part: np.bincount(components[part], degrees[part], count).astype(np.float64))
    wanted = settings.known_clusters or settings.max_clusters
    loose = loose_of(torch.from_numpy(volume), torch.from_numpy(sizes), wanted)
    if loose is None:
        if share.group.rank == 0 and settings.known_clusters is not None:
            warn_of_pieces(count, settings.known_clusters)
        return _clustered(graph, components, volume, points, settings, begun, seed, progress)
    alone, few = int(sizes[loose.numpy()].sum()), int(loose.sum())
    if share.group.rank == 0:
        warnings.warn(loose_words(alone, few, nearest=True), RuntimeWarning, 2)
    kept = ~loose.numpy()[components]
    core = np.flatnonzero(kept)
    inside = share.some(core)
    moved = Moved(share, np.where(kept, np.cumsum(kept) - 1 + inside.start, -1), inside)
    inner = SharedGraph(moved.matrix(graph.rows), inside)
    found = cluster_by_rows(inner, points[torch.from_numpy(core)], settings, seed=seed, progress=progress)
    labels = labels_with_loose(found.labels.numpy(), core, components, points, share)
    where, k = torch.from_numpy(core), found.n_clusters
    return found._replace(
        labels=torch.from_numpy(labels),
        spectrum=found.spectrum.among(where, torch.from_numpy(components)),
        rows=found.rows.new_zeros(len(labels), found.rows.shape[1]).index_copy_(0, where, found.rows),
        ncut=ncut(graph, torch.from_numpy(labels), k),
        # Of the whole graph each loose component has an eigenvalue of 0 too.
        lower_bound=lower_bound(found.spectrum, max(0, k - few)),
        n_components=found.n_components + few,
        core=where,
    )


def _clustered(
    graph: SharedGraph,
    components: Integers,
    volume: Floats,
    points: Tensor,
    settings: Settings,
    begun: float,
    seed: int,
    progress: Progress,
) -> Clustering:
    """Return the clusters of a graph without loose components."""
    share, count = graph.share, len(volume)
    pairs = spectrum_by_rows(
        graph,
        torch.from_numpy(components),
        max(settings.known_clusters or min(settings.max_clusters, share.n), settings.n_components or 0),
        solver=settings.solver,
        seed=seed,
        tolerance=TOLERANCE if settings.tolerance is None else settings.tolerance,
        progress=progress,
    )
    solved = time.process_time()

    def chosen() -> int:  # by process 0, which alone warns
        return clusters_of(pairs._replace(components=torch.arange(count)), settings.max_clusters)

    k = settings.known_clusters or share.group.first_says(chosen)
    used = settings.n_components or k
    pairs = pairs.first(max(k, used) + 1)
    progress(f"label assignment using {settings.assign}")
    rows = rows_for_kmeans(pairs, graph.degrees().sqrt(), share, settings, min(used, len(pairs.values)))
    if used == k:
        labels = by_component(
            rows, pairs, volume, k, share=share, points=points, settings=settings, seed=seed, graph=graph
        )
    else:
        labels = kmeans(rows, share, k, n_init=settings.n_init, seed=seed, cost=cut_by(graph, k))
    centroids = torch.from_numpy(mean_rows(rows, labels, share, k))
    labelled = time.process_time()
    return Clustering(
        labels=torch.from_numpy(labels),
        spectrum=pairs,
        rows=torch.from_numpy(rows),
        centroids=centroids,
        ncut=ncut(graph, torch.from_numpy(labels), k),
        lower_bound=lower_bound(pairs, k),
        eigengap=float(pairs.values[k] - pairs.values[k - 1]) if len(pairs.values) > k else math.nan,
        n_components=count,
        seconds={"eigenvectors": solved - begun, "labels": labelled - solved, "ncut": time.process_time() - labelled},
    )
