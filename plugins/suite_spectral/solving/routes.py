"""From points, texts' features or a given graph to clusters: exactly, by landmarks, or the better of the two.

Landmarks are much cheaper where there are very many points, but how much worse their answer is cannot be known
beforehand. Where the graph of all points can be built, its normalised cut says which of the two answers is better.
"""

from dataclasses import replace

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.by_eigenvectors import Clustering
from suite_spectral.clusters.by_modularity import most_modular
from suite_spectral.clusters.choosing import choose
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.equal_points import one_label, settings_for_distinct
from suite_spectral.clusters.labelling import mean_rows, scaled_rows
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.graphs.affinity import SimilarityGraph
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.graphs.graph import Graph, Progress
from suite_spectral.graphs.nearest_neighbours import NearestNeighbours
from suite_spectral.graphs.neighbours import Neighbours
from suite_spectral.graphs.row_hash import distinct_rows, equal_rows
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.new_points.nystroem import Nystroem, regularising, table_of
from suite_spectral.settings import Settings
from suite_spectral.shares.group import Group
from suite_spectral.shares.landmark_route import solve_share
from suite_spectral.shares.share import Share
from suite_spectral.solving.building import affinity_of, as_taken, refuse_impossible
from suite_spectral.solving.landmark_route import solve_by_landmarks
from suite_spectral.solving.memory import refuse_beyond_memory
from suite_spectral.solving.solution import Solution, line_of

ROUNDING = 1e-9
"""Cuts that differ by this share are of the same clusters, whose sums were taken in another order."""


def solve(
    content: Tensor | GivenGraph,
    settings: Settings,
    *,
    start: Tensor | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
    found: Neighbours | None = None,
    group: Group | None = None,
) -> Solution:
    """Return the clusters of points, features or a graph.

    Example:
        >>> import torch
        >>> solution = solve(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), Settings(n_clusters=2, n_neighbors=2))
        >>> solution.clustering.labels.tolist(), solution.fitted.assign(torch.tensor([[0.4], [12.0]])).tolist()
        ([0, 0, 1, 1], [0, 1])

    Args:
        content: (point, dim) points, dense or sparse_csr; for precomputed a graph;
            for pixels (pixel, 2 + channel), row, column and channels of every pixel of an image.
        settings: how they are clustered.
        start: (point, vector) functions of the eigenvectors of an earlier graph, see
            ``suite_spectral.solving.warm_start``; without effect on landmarks.
        seed: of all that is drawn.
        progress: is called with words for what is being done.
        found: the neighbours of all points, where several processes have found them.
        group: processes that solve for the eigenvectors too, as of ``suite_spectral.eigen.multilevel``.

    Raises:
        UsageError: a setting does not fit the content, or memory does not suffice.
    """
    affinity, is_graph = affinity_of(settings), isinstance(content, GivenGraph)
    if isinstance(affinity, NearestNeighbours):
        affinity = replace(affinity, found=found)
    if is_graph != affinity.of_graph:
        expected, got = ("points", "a graph") if is_graph else ("a graph", "points")
        raise UsageError(f"affinity {settings.affinity!r}: expected {expected}, got {got}; leave it to 'auto'")
    points = content.matrix if isinstance(content, GivenGraph) else content
    refuse_impossible(settings, points.shape[0])
    if settings.route != "landmarks":
        refuse_beyond_memory(content, affinity, settings)
    points = as_taken(points, affinity, settings)
    groups = None if affinity.of_graph else equal_rows(points)
    if groups is not None:
        settings = settings_for_distinct(settings, int(groups.max()) + 1, len(groups))
    if affinity.open_setting is not None:
        affinity = choose(affinity, points, settings, seed=seed, progress=progress).affinity
    if settings.route == "landmarks":
        return solve_by_landmarks(points, affinity, settings, seed=seed, progress=progress)
    progress(f"graph of {points.shape[0]:,} points")
    similarity = affinity.build(points, seed=seed)
    del affinity, found  # the neighbours of many points are worth freeing
    if settings.regularisation is None:
        settings, clustering = most_modular(similarity.graph, settings, seed=seed, progress=progress)
        chosen = {"rows": settings.rows, "regularisation": settings.regularisation}
        line = f"{similarity.line}, {settings.rows} rows, regularisation {settings.regularisation} (chosen)"
        similarity = similarity._replace(chosen=similarity.chosen | chosen, line=line)
    else:
        positions = similarity.weights.positions()
        clustering = cluster(
            similarity.graph, settings, points=positions, start=start, group=group, seed=seed, progress=progress
        )
    if groups is not None:
        clustering = _alike(clustering, groups, similarity.graph)
    line = line_of(similarity.line, clustering)
    exact = Solution(_fitted(similarity, clustering, settings), clustering, similarity.graph, line)
    if settings.route == "exact":
        return exact
    # Cuts into different numbers of clusters cannot be compared, so the second answer does not choose its own.
    same = replace(settings, n_clusters=clustering.n_clusters)
    other = solve_by_landmarks(points, similarity.affinity, same, beside=exact, seed=seed, progress=progress)
    return best_of(exact, other)


def solve_shares(
    points: Tensor,
    share: Share,
    settings: Settings,
    *,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Solution:
    """Return the clusters of points that several processes hold; every process calls this at once.

    Args:
        points: (point, dim), those that are here.
        share: which they are.
        settings: how they are clustered, see ``suite_spectral.shares.landmark_route.is_by_shares``.
        seed: of all that is drawn.
        progress: is called with words for what is being done.

    Raises:
        UsageError: a setting does not fit the points.
    """
    refuse_impossible(settings, share.n)
    if settings.n_clusters is not None:
        distinct = distinct_rows(points, share, settings.n_clusters)
        settings = settings_for_distinct(settings, distinct, share.n)
    return solve_share(points, share, settings, seed=seed, progress=progress)


def best_of(exact: Solution, by_landmarks: Solution) -> Solution:
    """Return the answer of the lower normalised cut of two on one graph, with both numbers in its line."""
    cuts = exact.clustering.ncut, by_landmarks.clustering.ncut
    # An empty cluster adds nothing to the cut: such an answer is not one of so many clusters.
    complete = bool(by_landmarks.clustering.labels.bincount(minlength=exact.clustering.n_clusters).min() > 0)
    lower = complete and cuts[1] < cuts[0] * (1 - ROUNDING)
    kept, name = (by_landmarks, "by landmarks") if lower else (exact, "the exact one")
    fewer = "" if complete else ", which leave a cluster empty"
    return kept._replace(
        line=f"{kept.line}; Ncut {cuts[0]:.6g} exactly, {cuts[1]:.6g} by landmarks{fewer}: kept {name}"
    )


def _alike(clustering: Clustering, groups: Tensor, graph: Graph) -> Clustering:
    """Return clusters in which equal points are together; their edges need not say that they are."""
    k = clustering.n_clusters
    labels = one_label(clustering.labels, groups.to(clustering.labels.device), k)
    if torch.equal(labels, clustering.labels):
        return clustering
    core = slice(None) if clustering.core is None else clustering.core
    return clustering._replace(
        labels=labels, centroids=mean_rows(clustering.rows[core], labels[core], k), ncut=ncut(graph, labels, k)
    )


def _fitted(similarity: SimilarityGraph, clustering: Clustering, settings: Settings) -> Fitted:
    graph, weights = similarity.graph, similarity.weights
    laplacian = Laplacian(graph, settings.regularisation or 0.0)

    def extend(used: slice) -> Nystroem:
        vectors = clustering.spectrum.vectors[:, used].to(graph.device)
        table = table_of(vectors, laplacian.root, clustering.labels.to(graph.device), clustering.n_clusters)
        added = regularising(laplacian.tau, table[:, : vectors.shape[1]])
        rest = clustering.spectrum.vectors[:, used.stop :].double().to(graph.device)
        behind = weights.reduce(graph, scaled_rows(rest, laplacian.root, "random-walk")).float()
        values = clustering.spectrum.values[used].double().to(graph.device)
        return Nystroem(weights, weights.reduce(graph, table), values, added, behind)

    return Fitted.of(clustering, laplacian.root, settings, similarity.chosen, extend)
