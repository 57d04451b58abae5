"""Clusters by way of sparse landmarks, of points that several processes hold in shares; one process holds all.

The landmarks are placed by process 0 on a sample and told to all; each process writes its own points as mixtures of
them. What travels is of the size of the landmarks: Z'Z, (landmark, landmark) sparse, column sums, and the sums of
k-means. Every process has the same bits, for any number of processes (``suite_spectral.shares.share``).
"""

import math
import time
import warnings
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.clusters.by_eigenvectors import Clustering, lower_bound
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.loose_components import loose_of, loose_words
from suite_spectral.clusters.number_of_clusters import clusters_of
from suite_spectral.eigen.landmarks import Landmarks, place_landmarks, sparse_landmarks
from suite_spectral.graphs.graph import Progress
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.new_points.by_landmarks import ByLandmarks, landmark_votes
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings
from suite_spectral.shares.kmeans import kmeans, mean_rows
from suite_spectral.shares.labelling import by_component, labels_with_loose, rows_for_kmeans
from suite_spectral.shares.share import Share
from suite_spectral.solving.solution import Solution, line_of


def is_by_shares(settings: Settings) -> bool:
    """Return whether several processes can hold the points in shares."""
    return settings.route == "landmarks" and settings.affinity == "nearest_neighbors" and settings.assign == "kmeans"


def solve_share(
    points: Tensor,
    share: Share,
    settings: Settings,
    *,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Solution:
    """Return the clusters of all points; in its clustering each process has the rows and labels of its own.

    Example:
        >>> points = torch.cat([torch.rand(50, 2), torch.rand(50, 2) + 9])
        >>> settings = Settings(n_clusters=2, route="landmarks", landmarks=10)
        >>> solve_share(points, Share.alone(100), settings).clustering.labels.bincount().tolist()
        [50, 50]

    Args:
        points: (point, dim), those that are here.
        share: which they are; every process calls this at once.
        settings: how they are clustered.
        seed: of all that is drawn.
        progress: is called with words for what is being done.

    Raises:
        UsageError: there are too few landmarks for so many clusters.
    """
    begun = time.process_time()
    number = landmarks_for(settings, share.n)
    progress(f"{number:,} landmarks")
    places = place_landmarks(points, number, seed=seed, share=share)
    progress(f"graph and eigenvectors of {share.n:,} points by landmarks")
    sigma = None if settings.sigma is None else float(settings.sigma)
    graph = LandmarkGraph(points, places, sigma=sigma, share=share)
    wanted = max(settings.n_clusters or min(settings.max_clusters, number), settings.n_components or 0)
    landmarks = sparse_landmarks(graph, wanted)
    components = landmarks.spectrum.components.numpy()
    parts = max(share.group.gathered(int(components.max(initial=0)))) + 1
    sizes = share.total(lambda part: np.bincount(components[part], minlength=parts))
    loose = loose_of(torch.from_numpy(sizes.astype(np.float64)), torch.from_numpy(sizes), wanted)
    if loose is None:
        return _labelled(points, graph, landmarks, sizes.astype(np.float64), settings, begun, seed, progress)
    core = np.flatnonzero(~loose.numpy()[components])
    inner = solve_share(points[torch.from_numpy(core)], share.some(core), settings, seed=seed, progress=progress)
    return _among_loose(inner, core, graph, landmarks, points, sizes * loose.numpy())


def landmarks_for(settings: Settings, n: int) -> int:
    """Return how many landmarks represent n points: at most half as many, unless there are more clusters than that."""
    return min(settings.landmarks, n, max(n // 2, (settings.n_clusters or 1) + 1, (settings.n_components or 0) + 1))


def fitted_of(
    graph: LandmarkGraph, landmarks: Landmarks, labels: NDArray[np.int64], centroids: Tensor, settings: Settings
) -> Fitted:
    """Return what labels new points, with the labels of all points, in every process."""
    k, share, components = len(centroids), graph.share, landmarks.spectrum.components.numpy()
    parts = max(share.group.gathered(int(components.max(initial=0)))) + 1
    pairs = share.total(lambda part: np.bincount(labels[part] * parts + components[part], minlength=k * parts))
    votes = landmark_votes(graph, torch.from_numpy(labels), k)
    used = slice(0, centroids.shape[1])
    return Fitted(
        affinity=settings.affinity,
        rows=settings.rows,
        labels=torch.from_numpy(share.joined_labels(labels)).to(graph.device),
        centroids=centroids.to(graph.device),
        groups=torch.from_numpy(pairs.reshape(k, parts).argmax(axis=1)).to(graph.device),
        eigenvalues=landmarks.spectrum.values.to(graph.device),
        extension=ByLandmarks(landmarks.weights, landmarks.table[:, used], landmarks.divisor, votes),
        chosen={},
    )


def _labelled(
    points: Tensor,
    graph: LandmarkGraph,
    landmarks: Landmarks,
    volume: NDArray[np.float64],
    settings: Settings,
    begun: float,
    seed: int,
    progress: Progress,
) -> Solution:
    """Return the clusters by the eigenvectors of a graph without loose components."""
    solved = time.process_time()
    share, parts, pairs = graph.share, len(volume), landmarks.spectrum

    def chosen() -> int:  # by process 0, which alone warns
        return clusters_of(pairs._replace(components=torch.arange(parts)), settings.max_clusters)

    k = settings.known_clusters or share.group.first_says(chosen)
    used = settings.n_components or k
    pairs = pairs.first(max(k, used) + 1)
    progress(f"label assignment using {settings.assign}")
    rows = rows_for_kmeans(pairs, landmarks.root, share, settings, min(used, len(pairs.values)))
    if used == k:
        labels = by_component(rows, pairs, volume, k, share=share, points=points, settings=settings, seed=seed)
    else:
        labels = kmeans(rows, share, k, n_init=settings.n_init, seed=seed)
    centroids = torch.from_numpy(mean_rows(rows, labels, share, k))
    labelled = time.process_time()
    clustering = Clustering(
        labels=torch.from_numpy(labels).to(points.device),
        spectrum=pairs,
        rows=torch.from_numpy(rows).to(points.device),
        centroids=centroids.to(points.device),
        ncut=ncut(graph, torch.from_numpy(labels), k),
        lower_bound=lower_bound(pairs, k),
        eigengap=float(pairs.values[k] - pairs.values[k - 1]) if len(pairs.values) > k else math.nan,
        n_components=parts,
        seconds={"eigenvectors": solved - begun, "labels": labelled - solved, "ncut": time.process_time() - labelled},
    )
    fitted = fitted_of(graph, landmarks._replace(spectrum=pairs), labels, centroids, settings)
    return Solution(fitted, clustering, graph, line_of(_words(graph), clustering, share.n))


def _among_loose(
    inner: Solution,
    core: NDArray[np.int64],
    graph: LandmarkGraph,
    landmarks: Landmarks,
    points: Tensor,
    loose: NDArray[np.int64],
) -> Solution:
    """Return the clusters of all points from those of the points in no loose component.

    Args:
        inner: the clusters of those.
        core: (core,) which of the points here they are.
        graph: of all points.
        landmarks: of all points.
        points: (point, dim), those that are here.
        loose: (component,) points of each loose component, 0 for the others.
    """
    share, components = graph.share, landmarks.spectrum.components
    alone, count = int(loose.sum()), int((loose > 0).sum())
    if share.group.rank == 0:
        warnings.warn(loose_words(alone, count, nearest=True), RuntimeWarning, 3)
    found = inner.clustering
    k = found.n_clusters
    labels = labels_with_loose(found.labels.cpu().numpy(), core, components.numpy(), points, share)
    inside = torch.from_numpy(core).to(points.device)
    clustering = found._replace(
        labels=torch.from_numpy(labels).to(points.device),
        spectrum=found.spectrum.among(inside, components),
        rows=found.rows.new_zeros(len(labels), found.rows.shape[1]).index_copy_(0, inside, found.rows),
        ncut=ncut(graph, torch.from_numpy(labels), k),
        lower_bound=lower_bound(found.spectrum, max(0, k - count)),
        n_components=found.n_components + count,
        core=inside,
    )
    fitted = replace(inner.fitted, labels=torch.from_numpy(share.joined_labels(labels)).to(points.device))
    line = line_of(f"{share.n - alone:,} points by landmarks", clustering, share.n, alone)
    return Solution(fitted, clustering, graph, line)


def _words(graph: LandmarkGraph) -> str:
    return f"{graph.nearest} nearest of {len(graph.landmarks):,} landmarks, sigma {graph.sigma:.4g}"
