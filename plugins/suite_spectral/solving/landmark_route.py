"""Clusters by way of landmarks, which stand for all points (``suite_spectral.eigen.landmarks``).

Sparse landmarks take the place of the graph of neighbours, Nyström's that of the Gaussian of all pairs. Neighbours,
their weights and regularisation are of the graph that is not built, and mean nothing here.
"""

import math
import time

import torch
from torch import Tensor

from suite_spectral.clusters.choosing import clusters_of
from suite_spectral.clusters.clustering import Clustering
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.labelling import Labelling, by_component, kmeans, mean_rows, scaled_rows, two_way
from suite_spectral.eigen.landmarks import Landmarks, nystroem, place_landmarks, sparse_landmarks
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.gaussian import GaussianLandmarkWeights
from suite_spectral.graphs.graph import Progress, spread_evenly
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.new_points.by_landmarks import ByLandmarks, landmark_votes
from suite_spectral.new_points.extension import around_threshold, cluster_groups
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings
from suite_spectral.solving.solution import Solution, line_of


def solve_by_landmarks(
    points: Tensor,
    affinity: Affinity,
    settings: Settings,
    *,
    beside: Solution | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Solution:
    """Return the clusters by the eigenvectors that landmarks give.

    Args:
        points: (point, dim).
        affinity: of the points.
        settings: how.
        beside: the exact answer, on whose graph this one is measured; None: on its own graph, see
            ``suite_spectral.solving.building.measured``.
        seed: of all that is drawn.
        progress: is called with words for what is being done.

    Raises:
        UsageError: there are too few landmarks for so many clusters.
    """
    begun = time.process_time()
    number = landmarks_for(settings, len(points))
    progress(f"{number:,} landmarks")
    landmark_positions = place_landmarks(points, number, seed=seed)
    progress(f"graph and eigenvectors of {len(points):,} points by landmarks")
    similarity = affinity.by_landmarks(points, landmark_positions, seed=seed)
    count = settings.n_clusters or min(settings.max_clusters, number)
    if isinstance(similarity.weights, GaussianLandmarkWeights):
        landmarks = nystroem(points, similarity.weights, count)
    else:
        assert similarity.graph is not None
        landmarks = sparse_landmarks(similarity.graph, count)
    solved = time.process_time()
    k = settings.n_clusters
    if k is None:
        chosen = clusters_of(landmarks.spectrum, settings.max_clusters)
        k = 2 if settings.assign != "kmeans" else chosen
    landmarks = landmarks._replace(spectrum=landmarks.spectrum.first(k + 1))
    spectrum = landmarks.spectrum
    progress("clusters from the eigenvectors")
    rows = scaled_rows(spectrum.vectors[:, :k], landmarks.root, settings.rows)
    labels, centroids = _labelled(similarity.graph, landmarks, rows, settings, seed)
    if beside is not None:
        graph, bound = beside.graph, beside.clustering.lower_bound
    else:
        graph = similarity.graph or similarity.weights.graph(points, settings.memory_gib)
        bound = math.nan if similarity.graph is None else float(spectrum.values[:k].sum())
    line = similarity.line if graph.n == len(points) else f"{similarity.line}, Ncut of {graph.n:,} points"
    labelled = time.process_time()
    clustering = Clustering(
        labels=labels,
        spectrum=spectrum,
        rows=rows,
        centroids=centroids,
        ncut=ncut(graph, labels[spread_evenly(len(labels), graph.n).to(labels.device)], k),
        lower_bound=bound,
        eigengap=float(spectrum.values[k] - spectrum.values[k - 1]) if len(spectrum.values) > k else math.nan,
        n_components=int(spectrum.components.max()) + 1,
        seconds={"eigenvectors": solved - begun, "labels": labelled - solved, "ncut": time.process_time() - labelled},
    )
    fitted = _fitted(similarity.graph, landmarks, clustering, settings, {} if beside is None else beside.fitted.chosen)
    return Solution(fitted, clustering, graph, line_of(line, clustering))


def landmarks_for(settings: Settings, n: int) -> int:
    """Return how many landmarks stand for n points: at most half as many, if that is more than there are clusters."""
    return min(settings.landmarks, n, max(n // 2, (settings.n_clusters or 1) + 1))


def _labelled(
    graph: LandmarkGraph | None, landmarks: Landmarks, rows: Tensor, settings: Settings, seed: int
) -> Labelling:
    """Return the clusters of the points from the scaled rows, (point, cluster)."""
    k = rows.shape[1]
    if graph is None:
        return kmeans(rows, k, n_init=settings.n_init, seed=seed)
    if settings.assign != "kmeans":
        labels = two_way(graph, landmarks.spectrum, settings.assign, seed=seed)
        return Labelling(labels, mean_rows(rows, labels, k))
    return by_component(
        graph, landmarks.spectrum, k, root=landmarks.root, rows=settings.rows, n_init=settings.n_init, seed=seed
    )


def _fitted(
    graph: LandmarkGraph | None,
    landmarks: Landmarks,
    clustering: Clustering,
    settings: Settings,
    chosen: dict[str, int | float | str],
) -> Fitted:
    labels, count, device = clustering.labels, clustering.n_clusters, landmarks.table.device
    rows, centroids, used = settings.rows, clustering.centroids, slice(0, clustering.centroids.shape[1])
    if settings.assign != "kmeans":
        rows, used = "random-walk", slice(1, 2)
        entries = scaled_rows(clustering.spectrum.vectors[:, used], landmarks.root, rows)
        centroids = around_threshold(entries[:, 0], labels)
    votes = torch.zeros(len(landmarks.table), count, dtype=torch.float64, device=device)
    if graph is not None:
        votes = landmark_votes(graph, labels, count)
    return Fitted(
        affinity=settings.affinity,
        rows=rows,
        labels=labels,
        centroids=centroids,
        groups=cluster_groups(labels, clustering.spectrum.components.to(device), count),
        eigenvalues=clustering.spectrum.values.to(device),
        extension=ByLandmarks(landmarks.weights, landmarks.table[:, used], landmarks.divisor, votes),
        chosen=chosen,
    )
