"""Clusters with every point in the graph."""

from torch import Tensor

from suite_spectral.building import Built, build
from suite_spectral.clustering import Clustering, cluster
from suite_spectral.codes import codes_of
from suite_spectral.eigen import Progress
from suite_spectral.extension import CosineTies, around_threshold, cluster_groups, folded, regularising, table_of
from suite_spectral.fitted import Choices, Fitted, empty
from suite_spectral.graph import SparseGraph
from suite_spectral.laplacian import Laplacian
from suite_spectral.rescaling import unit_rows
from suite_spectral.settings import Settings
from suite_spectral.solution import Solution, line_of


def solve_exactly(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Solution:
    """Clusters by the eigenvectors of the graph itself; see ``suite_spectral.routes.solve``."""
    built = build(content, settings, seed=seed, progress=progress)
    found = cluster(
        built.graph,
        settings.n_clusters,
        rows=settings.rows,
        assign=settings.assign,
        solver=settings.solver,
        regularisation=settings.regularisation,
        n_init=settings.n_init,
        largest=settings.largest,
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
