"""The exact route of points by rows: each process holds those of its points of the graph, and no process holds all.

One process takes it too, as the only one, so that any number of them gives the same labels.
"""

import socket
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.by_eigenvectors import Clustering
from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.equal_points import one_label, settings_for_distinct
from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.eigen.multilevel import ORDERED
from suite_spectral.graphs.graph import Progress
from suite_spectral.graphs.leaf_order import LeafOrder
from suite_spectral.graphs.nearest_neighbours import NeighbourWeights
from suite_spectral.graphs.neighbours import automatic_search
from suite_spectral.graphs.row_hash import equal_rows
from suite_spectral.graphs.shared_graph import SharedGraph
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.new_points.nystroem import Nystroem, regularising, table_of
from suite_spectral.settings import Settings
from suite_spectral.shares.exact_route import cluster_by_rows, graph_by_rows
from suite_spectral.shares.group import Group
from suite_spectral.shares.kmeans import mean_rows
from suite_spectral.shares.share import Share
from suite_spectral.solving.building import affinity_of, refuse_impossible
from suite_spectral.solving.memory import refuse_beyond_memory
from suite_spectral.solving.solution import Solution, line_of

Integers = NDArray[np.int64]


def is_by_rows(content: Any, settings: Settings, device: torch.device) -> bool:
    """Return whether examples are clustered by rows of their graph, whatever the number of processes.

    They are points, at least 20,000, dense and on a CPU, whose neighbours a k-d tree finds, in as many as the settings
    say; k-means on the eigenvectors of the graph as it is ends it. Where the graph itself is to be chosen, or its edges
    are asked for afterwards (refine), process 0 needs all of it; so it does where an earlier run is the start, which is
    no setting: ``suite_spectral.fitting`` sees to that.

    Args:
        content: of a batch of all examples.
        settings: how they are clustered.
        device: where.
    """
    if not isinstance(content, Tensor) or content.layout != torch.strided or device.type != "cpu":
        return False
    n, dim = content.shape
    search = automatic_search(n, dim, device) if settings.search == "auto" else settings.search
    return (
        n >= ORDERED
        and dim > 0
        and search == "tree"
        and settings.route == "exact"
        and settings.affinity == "nearest_neighbors"
        and settings.n_neighbors is not None
        and settings.assign == "kmeans"
        and settings.refine is None
        and settings.regularisation == 0
        and settings.solver in ("auto", "multilevel")
    )


def solve_by_rows(
    points: Tensor,
    settings: Settings,
    group: Group,
    *,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Solution:
    """Return the clusters of points; in its clustering each process has the rows and labels of its own.

    What labels new points is of all of them, in every process and in the order of the points.

    Args:
        points: (point, dim), all of them in every process, which calls this at once.
        settings: how they are clustered, see ``is_by_rows``.
        group: the processes.
        seed: of all that is drawn.
        progress: is called with words for what is being done.

    Raises:
        UsageError: a setting does not fit the points, or memory does not suffice.
    """
    n = len(points)
    refuse_impossible(settings, n)
    _refuse_beyond_memory(points, settings, group)
    groups = equal_rows(points)
    if groups is not None:
        settings = settings_for_distinct(settings, int(groups.max()) + 1, n, tells=group.rank == 0)
    progress(f"graph of {n:,} points")
    share = Share.of(group, n)
    assert settings.n_neighbors is not None
    count = min(settings.n_neighbors, n)
    leaves = LeafOrder(points)
    order = leaves.order
    near = leaves.nearest(count - 1, share.rows)
    del leaves  # the tree of many points is worth freeing
    graph, scale = graph_by_rows(near, settings, share)
    del near
    edges = sum(group.gathered(graph.rows.matrix.values().numel()))
    own = points[torch.from_numpy(order[share.rows])]
    clustering = cluster_by_rows(graph, own, settings, seed=seed, progress=progress)
    if groups is not None:
        clustering = _alike(clustering, groups[torch.from_numpy(order)], graph)
    words = f"{count} nearest neighbours (tree), {settings.weights}, {settings.mutual}, {edges:,} weights"
    loose = None if clustering.core is None else n - sum(group.gathered(len(clustering.core)))
    chosen: dict[str, Any] = {"n_neighbors": count, "weights": settings.weights}
    if isinstance(scale, float):
        chosen["sigma"] = scale
    scale = _in_file(scale.numpy(), order) if isinstance(scale, Tensor) else scale
    weights = NeighbourWeights(points, count, settings.weights, scale)
    fitted = _fitted(clustering, graph, order, weights, settings, chosen)
    return Solution(fitted, clustering, graph, line_of(words, clustering, n, loose))


def _refuse_beyond_memory(points: Tensor, settings: Settings, group: Group) -> None:
    """Raise a UsageError in every process where memory does not suffice on the machine of one."""
    machine = socket.gethostname()
    here = group.gathered(machine).count(machine)  # processes that share this one's memory
    try:
        refuse_beyond_memory(points, affinity_of(settings), settings, here / group.size)
        said = None
    except UsageError as error:
        said = f"{error}"
    for words in group.gathered(said):
        if words is not None:
            raise UsageError(words)


def _alike(clustering: Clustering, groups: Tensor, graph: SharedGraph) -> Clustering:
    """Return clusters in which equal points are together; their edges need not say that they are.

    Args:
        clustering: of the points here.
        groups: (place,) int64, the group of equal points that each of all is in.
        graph: the rows here.
    """
    share, k = graph.share, clustering.n_clusters
    every = torch.from_numpy(share.joined_labels(clustering.labels.numpy()))
    together = one_label(every, groups, k)
    if torch.equal(together, every):
        return clustering
    labels = together[share.rows]
    core = np.arange(len(share)) if clustering.core is None else clustering.core.numpy()
    rows = clustering.rows.numpy()[core]
    centroids = torch.from_numpy(mean_rows(rows, labels.numpy()[core], share.some(core), k))
    return clustering._replace(labels=labels, centroids=centroids, ncut=ncut(graph, labels, k))


def _fitted(
    clustering: Clustering,
    graph: SharedGraph,
    order: Integers,
    weights: NeighbourWeights,
    settings: Settings,
    chosen: dict[str, Any],
) -> Fitted:
    """Return what labels new points, of all points and in their order in the file, in every process."""
    share, k, used = graph.share, clustering.n_clusters, clustering.rows.shape[1]
    root, labels, pairs = graph.degrees().sqrt(), clustering.labels, clustering.spectrum
    table = table_of(pairs.vectors[:, :used], root, labels, k)
    behind = scaled_rows(pairs.vectors[:, used:].double(), root, "random-walk").float()
    components = pairs.components.numpy()
    parts = max(share.group.gathered(int(components.max(initial=0)))) + 1
    core = np.ones(len(share), dtype=bool) if clustering.core is None else np.zeros(len(share), dtype=bool)
    if clustering.core is not None:
        core[clustering.core.numpy()] = True
    inside = labels.numpy() * parts + components

    def counted(part: slice) -> Integers:
        return np.bincount(inside[part][core[part]], minlength=k * parts)

    return Fitted(
        affinity=settings.affinity,
        rows=settings.rows,
        labels=_in_file(share.joined_labels(labels.numpy()), order),
        centroids=clustering.centroids,
        groups=torch.from_numpy(share.total(counted).reshape(k, parts).argmax(axis=1)),
        eigenvalues=pairs.values,
        extension=Nystroem(
            weights,
            _in_file(share.joined(table.numpy()), order),
            pairs.values[:used],
            regularising(0.0, table),
            _in_file(share.joined(behind.numpy()), order),
        ),
        chosen=chosen,
    )


def _in_file(rows: NDArray[Any], order: Integers) -> Tensor:
    """Return what all places have, (place, ...), for each point in the order of the file."""
    result = np.empty_like(rows)
    result[order] = rows
    return torch.from_numpy(result)
