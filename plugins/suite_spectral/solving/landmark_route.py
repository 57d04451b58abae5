"""Clusters by way of landmarks, which stand for all points (``suite_spectral.eigen.landmarks``).

Sparse landmarks take the place of the graph of neighbours, Nystroem's that of the Gaussian of all pairs. Neighbours,
their weights and regularisation are of the graph that is not built, and mean nothing here.
"""

import math
import time
from typing import NamedTuple

import torch
from torch import Tensor

from suite_spectral.clusters.choosing import clusters_of
from suite_spectral.clusters.clustering import Clustering
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.kmeans import Labelling, kmeans, mean_rows
from suite_spectral.clusters.labelling import by_component, two_way
from suite_spectral.eigen.landmarks import Landmarks, landmark_votes, nystrom, place_landmarks, sparse_landmarks
from suite_spectral.eigen.row_scaling import scaled_rows
from suite_spectral.eigen.solvers import Progress, Spectrum
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.new_points.fitted import Choices, Fitted, empty
from suite_spectral.new_points.nystroem import around_threshold, cluster_groups
from suite_spectral.settings import Settings
from suite_spectral.solving.building import Built, evenly, refuse_other_content, sampled_pairs, width_of
from suite_spectral.solving.solution import Solution, line_of


class _Found(NamedTuple):
    """Eigenvectors by landmarks.

    Attributes:
        landmarks: the vectors, for old and new points.
        graph: the graph they are exact for; None for Nystroem's, which is never there.
        line: what a reader should know of it.
    """

    landmarks: Landmarks
    graph: LandmarkGraph | None
    line: str


def solve_by_landmarks(
    content: Tensor | SparseGraph,
    settings: Settings,
    *,
    beside: Solution | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Solution:
    """Clusters by the eigenvectors that landmarks give.

    Args:
        content: (point, dim) points.
        settings: how.
        beside: the exact answer, on whose graph this one is measured; None: on its own graph, see
            ``suite_spectral.solving.building``.
        seed: of all that is drawn.
        progress: told what is being done.

    Raises:
        UsageError: a setting that does not fit the content, or too few landmarks for so many clusters.
    """
    refuse_other_content(content, settings.affinity)
    assert isinstance(content, Tensor)
    begun = time.process_time()
    found = _eigenvectors(content, settings, beside, seed, progress)
    solved = time.process_time()
    k = settings.n_clusters
    if k is None:
        chosen = clusters_of(found.landmarks.spectrum, settings.max_clusters)
        k = 2 if settings.assign != "kmeans" else chosen
    spectrum = found.landmarks.spectrum.first(k + 1)
    progress("clusters from the eigenvectors")
    rows = scaled_rows(spectrum.vectors[:, :k], found.landmarks.root, settings.rows)
    labels, centroids = _labelled(found, spectrum, rows, settings, seed)
    if beside is not None:
        graph, bound = beside.graph, beside.clustering.lower_bound
    elif found.graph is not None:
        graph, bound = found.graph, float(spectrum.values[:k].sum())
    else:
        graph, bound = sampled_pairs(content, found.landmarks.sigma, settings.memory_gib), math.nan
    line = found.line if graph.n == len(content) else f"{found.line}, Ncut of {graph.n:,} points"
    labelled = time.process_time()
    clustering = Clustering(
        labels=labels,
        spectrum=spectrum,
        rows=rows,
        centroids=centroids,
        ncut=ncut(graph, labels[evenly(len(labels), graph.n).to(labels.device)], k),
        lower_bound=bound,
        eigengap=float(spectrum.values[k] - spectrum.values[k - 1]) if len(spectrum.values) > k else math.nan,
        n_components=int(spectrum.components.max()) + 1,
        seconds={"eigenvectors": solved - begun, "labels": labelled - solved, "ncut": time.process_time() - labelled},
    )
    fitted = _fitted(found, clustering, settings, beside)
    built = Built(graph, found.landmarks.points, fitted.scale, 0, "gaussian", line)
    return Solution(fitted, clustering, graph, line_of(built, clustering))


def landmarks_for(settings: Settings, n: int) -> int:
    """How many landmarks stand for n points: at most every second point, if that is more than there are clusters."""
    return min(settings.landmarks, n, max(n // 2, (settings.n_clusters or 1) + 1))


def _eigenvectors(points: Tensor, settings: Settings, beside: Solution | None, seed: int, progress: Progress) -> _Found:
    number = landmarks_for(settings, len(points))
    count = settings.n_clusters or min(settings.max_clusters, number)
    progress(f"{number:,} landmarks")
    places = place_landmarks(points, number, seed=seed)
    progress(f"graph and eigenvectors of {len(points):,} points by landmarks")
    if settings.affinity == "rbf":
        if beside is not None:
            sigma, said = float(beside.fitted.scale[0]), "as there"
        else:
            sigma, said = width_of(points, settings, seed, progress)
        line = f"all pairs, Gaussian of sigma {sigma:.4g} ({said}), by {number:,} landmarks (Nystroem)"
        return _Found(nystrom(points, places, sigma, count), None, line)
    assert settings.sigma != "stable"  # ``refuse_impossible``
    graph = LandmarkGraph(points, places, sigma=settings.sigma)
    line = f"{graph.nearest} nearest of {len(graph.landmarks):,} landmarks, sigma {graph.sigma:.4g}"
    return _Found(sparse_landmarks(graph, count), graph, line)


def _labelled(found: _Found, spectrum: Spectrum, rows: Tensor, settings: Settings, seed: int) -> Labelling:
    """Clusters of the points from the scaled rows, (point, cluster)."""
    k = rows.shape[1]
    if found.graph is None:
        return kmeans(rows, k, n_init=settings.n_init, seed=seed)
    if settings.assign != "kmeans":
        labels = two_way(found.graph, spectrum, settings.assign, seed=seed)
        return Labelling(labels, mean_rows(rows, labels, k))
    return by_component(
        found.graph, spectrum, k, root=found.landmarks.root, rows=settings.rows, n_init=settings.n_init, seed=seed
    )


def _fitted(found: _Found, clustering: Clustering, settings: Settings, beside: Solution | None) -> Fitted:
    landmarks, count, labels = found.landmarks, clustering.n_clusters, clustering.labels
    device = landmarks.points.device
    rows, centroids = settings.rows, clustering.centroids
    used = slice(0, centroids.shape[1])
    if settings.assign != "kmeans":
        rows, used = "random-walk", slice(1, 2)
        entries = scaled_rows(clustering.spectrum.vectors[:, used], landmarks.root, rows)
        centroids = around_threshold(entries[:, 0], labels)
    votes = torch.zeros(len(landmarks.points), count, dtype=torch.float64, device=device)
    if found.graph is not None:
        votes = landmark_votes(found.graph, labels, count)
    scale = torch.tensor([landmarks.sigma], dtype=torch.float64, device=device)
    choices = Choices(settings.affinity, 0, "gaussian", rows, by_landmarks=True, near=landmarks.nearest)
    if beside is not None:
        whole = beside.fitted.chosen
        choices = choices._replace(n_neighbors=whole.n_neighbors, weights=whole.weights)
        if whole.weights == "gaussian":
            scale = torch.cat([scale, beside.fitted.scale])
    return empty()._replace(
        points=landmarks.points,
        table=torch.cat([landmarks.table[:, used], votes, landmarks.weight[:, None]], dim=1),
        values=clustering.spectrum.values[used].to(device),
        eigenvalues=clustering.spectrum.values.to(device),
        centroids=centroids,
        groups=cluster_groups(labels, clustering.spectrum.components.to(device), count),
        labels=labels,
        scale=scale,
        choices=choices.tensor().to(device),
    )
