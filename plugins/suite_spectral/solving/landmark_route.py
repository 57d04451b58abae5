"""Clusters by way of landmarks, which stand for all points (``suite_spectral.eigen.landmarks``).

Sparse landmarks replace the graph of neighbours, Nyström's method the Gaussian graph of all pairs. The settings of the
graph that is not built, its neighbours, their weights and regularisation, have no effect here.
"""

import math
import time
import warnings
from dataclasses import replace

import torch
from torch import Tensor

from suite_spectral.clusters.by_eigenvectors import among_loose, cluster_eigenvectors
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.loose_components import core_of, labels_with_loose, loose_line
from suite_spectral.eigen.landmarks import nystroem, place_landmarks, sparse_landmarks
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.gaussian_affinity import GaussianLandmarkWeights
from suite_spectral.graphs.graph import Graph, Progress, spread_evenly
from suite_spectral.new_points.by_landmarks import ByLandmarks, landmark_votes
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Settings
from suite_spectral.shares.landmark_route import is_by_shares, landmarks_for, solve_share
from suite_spectral.shares.share import Share
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
        settings: how they are clustered.
        beside: the exact answer, on whose graph this one is measured; None: on its own graph, see
            ``suite_spectral.solving.building.measured``.
        seed: of all that is drawn.
        progress: is called with words for what is being done.

    Raises:
        UsageError: there are too few landmarks for so many clusters.
    """
    if is_by_shares(settings):
        alone = solve_share(points, Share.alone(len(points)), settings, seed=seed, progress=progress)
        return alone if beside is None else _measured_beside(alone, beside)
    begun = time.process_time()
    number = landmarks_for(settings, len(points))
    progress(f"{number:,} landmarks")
    landmark_positions = place_landmarks(points, number, seed=seed)
    progress(f"graph and eigenvectors of {len(points):,} points by landmarks")
    similarity = affinity.by_landmarks(points, landmark_positions, seed=seed)
    count = max(settings.n_clusters or min(settings.max_clusters, number), settings.n_components or 0)
    if isinstance(similarity.weights, GaussianLandmarkWeights):
        landmarks = nystroem(points, similarity.weights, count)
    else:
        assert similarity.graph is not None
        landmarks = sparse_landmarks(similarity.graph, count)
        core = core_of(landmarks.root.square(), landmarks.spectrum.components, count)
        if core is not None:
            inner = solve_by_landmarks(points[core], affinity, settings, seed=seed, progress=progress)
            graph = similarity.graph if beside is None else beside.graph
            return _among_loose(inner, core, landmarks.spectrum.components, points, graph, beside)
    if beside is not None:
        graph = beside.graph
    else:
        graph = similarity.graph or similarity.weights.graph(points, settings.memory_gib)
    clustering = cluster_eigenvectors(
        similarity.graph or graph,
        landmarks.spectrum,
        landmarks.root,
        settings,
        begun=begun,
        measured=graph,
        seed=seed,
        progress=progress,
    )
    if beside is not None:
        clustering = clustering._replace(lower_bound=beside.clustering.lower_bound)
    elif similarity.graph is None:  # approximate eigenvalues bound nothing
        clustering = clustering._replace(lower_bound=math.nan)
    line = similarity.line if graph.n == len(points) else f"{similarity.line}, Ncut of {graph.n:,} points"

    def extend(used: slice) -> ByLandmarks:
        votes = torch.zeros(len(landmarks.table), clustering.n_clusters).to(landmarks.table)
        if similarity.graph is not None:
            votes = landmark_votes(similarity.graph, clustering.labels, clustering.n_clusters)
        return ByLandmarks(landmarks.weights, landmarks.table[:, used], landmarks.divisor, votes)

    fitted = Fitted.of(clustering, landmarks.root, settings, {} if beside is None else beside.fitted.chosen, extend)
    return Solution(fitted, clustering, graph, line_of(line, clustering))


def _measured_beside(solution: Solution, beside: Solution) -> Solution:
    """Return a solution as measured on the graph of the exact one, with what that says of any clusters."""
    found, graph = solution.clustering, beside.graph
    cut = ncut(graph, found.labels[spread_evenly(len(found.labels), graph.n).to(found.labels.device)], found.n_clusters)
    clustering = found._replace(ncut=cut, lower_bound=beside.clustering.lower_bound)
    words = solution.line.partition("; graph: ")[2].partition(";")[0]
    fitted = replace(solution.fitted, chosen=beside.fitted.chosen)
    return Solution(fitted, clustering, graph, line_of(words, clustering))


def _among_loose(
    inner: Solution, core: Tensor, components: Tensor, points: Tensor, graph: Graph, beside: Solution | None
) -> Solution:
    """Return the clusters of all points from those of the points in no loose component of a landmark graph."""
    warnings.warn(loose_line(len(points), core, components, nearest=True), RuntimeWarning, 3)
    labels = labels_with_loose(inner.clustering.labels, core, components, points)
    clustering = among_loose(inner.clustering, core, components, labels, graph)
    chosen = inner.fitted.chosen
    if beside is not None:
        clustering = clustering._replace(lower_bound=beside.clustering.lower_bound)
        chosen = beside.fitted.chosen
    line = line_of(f"{len(core):,} points by landmarks", clustering)
    return Solution(replace(inner.fitted, labels=labels, chosen=chosen), clustering, graph, line)
