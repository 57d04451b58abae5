"""From points, texts' features or a given graph to clusters: exactly, by landmarks, or the better of the two.

Landmarks are much cheaper where points are very many, and what they lose cannot be known beforehand. Where the graph
of all points can be had, its normalised cut says which of the two answers is the better one.
"""

from dataclasses import replace

from torch import Tensor

from suite_spectral.clusters.clustering import Clustering, cluster
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.solvers import Progress
from suite_spectral.graphs.cosine import CosineTies, folded, unit_rows
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.new_points.fitted import Choices, Fitted, empty
from suite_spectral.new_points.nystroem import around_threshold, cluster_groups, regularising, table_of
from suite_spectral.new_points.row_hash import codes_of
from suite_spectral.settings import Settings, refuse_impossible
from suite_spectral.solving.building import Built, build, count_of
from suite_spectral.solving.landmark_route import solve_by_landmarks
from suite_spectral.solving.solution import Solution, line_of

ROUNDING = 1e-9
"""Cuts that differ by this share are of the same clusters, whose sums were taken in another order."""


def solve(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Solution:
    """Clusters points, features or a graph.

    Args:
        content: (point, dim) points; for cosine rows of unit length, dense or sparse_csr; for precomputed a graph;
            for pixels (pixel, 2 + channel), row, column and channels of every pixel of an image.
        settings: how.
        seed: of all that is drawn.
        progress: told what is being done.

    Raises:
        UsageError: a setting that does not fit the content.
    """
    refuse_impossible(settings, count_of(content))
    if settings.route == "landmarks":
        return solve_by_landmarks(content, settings, seed=seed, progress=progress)
    exact = solve_exactly(content, settings, seed=seed, progress=progress)
    if settings.route == "exact":
        return exact
    # Cuts into different numbers of clusters cannot be compared, so the second answer does not choose its own.
    same = replace(settings, n_clusters=exact.clustering.n_clusters)
    return better(exact, solve_by_landmarks(content, same, beside=exact, seed=seed, progress=progress))


def better(exact: Solution, by_landmarks: Solution) -> Solution:
    """Of two answers on one graph that of the lower normalised cut, with both numbers in its line."""
    cuts = exact.clustering.ncut, by_landmarks.clustering.ncut
    # An empty cluster costs nothing, and is none.
    complete = bool(by_landmarks.clustering.labels.bincount(minlength=exact.clustering.n_clusters).min() > 0)
    lower = complete and cuts[1] < cuts[0] * (1 - ROUNDING)
    kept, name = (by_landmarks, "by landmarks") if lower else (exact, "the exact one")
    fewer = "" if complete else ", which leave a cluster empty"
    return kept._replace(
        line=f"{kept.line}; Ncut {cuts[0]:.6g} exactly, {cuts[1]:.6g} by landmarks{fewer}: kept {name}"
    )


def solve_exactly(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Solution:
    """Clusters by the eigenvectors of the graph itself; see ``suite_spectral.solving.routes.solve``."""
    built = build(content, settings, seed=seed, progress=progress)
    found = cluster(
        built.graph,
        settings.n_clusters,
        rows=settings.rows,
        assign=settings.assign,
        solver=settings.solver,
        regularisation=settings.regularisation,
        n_init=settings.n_init,
        largest=settings.max_clusters,
        points=built.points if len(built.points) == built.graph.n else None,
        seed=seed,
        tolerance=settings.tolerance,
        progress=progress,
    )
    return Solution(_fitted(content, built, found, settings), found, built.graph, line_of(built, found))


def _fitted(content: Tensor | SparseGraph, built: Built, found: Clustering, settings: Settings) -> Fitted:
    device = built.graph.device
    laplacian = Laplacian(built.graph, settings.regularisation)
    root = laplacian.root
    labels, count = found.labels.to(device), len(found.centroids)
    rows, centroids, used = settings.rows, found.centroids.double().to(device), slice(0, found.centroids.shape[1])
    if settings.assign != "kmeans":
        rows, used = "random-walk", slice(1, 2)
    vectors = found.spectrum.vectors[:, used].double().to(device)
    table = table_of(vectors, root, labels, count)
    if settings.assign != "kmeans":
        centroids = around_threshold(table[:, 0], labels)
    choices = Choices(settings.affinity, built.n_neighbors, built.weights, rows)
    fitted = empty()._replace(
        points=built.points,
        table=table,
        values=found.spectrum.values[used].double().to(device),
        eigenvalues=found.spectrum.values.double().to(device),
        centroids=centroids,
        groups=cluster_groups(labels, found.spectrum.components.to(device), count),
        labels=labels,
        scale=built.scale,
        added=regularising(laplacian.tau, table[:, : vectors.shape[1]]),
        choices=choices.tensor().to(device),
    )
    if isinstance(content, SparseGraph):
        return fitted._replace(codes=codes_of(content.matrix))
    if settings.affinity == "cosine":
        features = unit_rows(content).double()
        return fitted._replace(
            table=folded(features, table), total=CosineTies.of(features).total, codes=codes_of(content)
        )
    return fitted
