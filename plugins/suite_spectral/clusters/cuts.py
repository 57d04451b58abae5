"""What a partition of a graph costs: cuts, volumes, the normalised cut, and the minimum cut it was made to replace.

With W(A, B) the sum of the weights between A and B and vol(A) the sum of the degrees of A, the normalised cut of the
clusters A_1 .. A_k is Ncut = sum_i W(A_i, complement of A_i) / vol(A_i) (Shi and Malik, 2000; Khan, 2020). The minimum
cut alone has no such denominator and mostly separates single points; `min_cut_2way` is there to show it.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.dense_graph import DenseGraph, GivenGraph
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.kernels import compiled_cuts

BLOCK_VALUES = 2**23
"""Numbers of an indicator block, 64 MiB: more clusters than fit are done in several products."""


class MinCut(NamedTuple):
    """A cheapest separation of a graph into two non-empty parts.

    Attributes:
        weight: the sum of the weights between the parts.
        labels: (point,) int64, 1 for the part of fewer points.
    """

    weight: float
    labels: Tensor


class Sweep(NamedTuple):
    """Two-way cuts along an order of the points.

    Attributes:
        sizes: (threshold,) int64, how many of the first points are on the one side.
        ncuts: (threshold,) float64, the normalised cut of each; infinite where one side has no volume.
    """

    sizes: Tensor
    ncuts: Tensor


def cut(graph: Graph, labels: Tensor, n_clusters: int) -> Tensor:
    """Return the weight between each cluster and the rest, W(A_i, complement of A_i), (cluster,) float64.

    Raises:
        UsageError: the labels are not one number from 0 to n_clusters - 1 for each point.
    """
    return _cuts_and_volumes(graph, labels, n_clusters)[0]


def volumes(graph: Graph, labels: Tensor, n_clusters: int) -> Tensor:
    """Return the sum of the degrees of each cluster, (cluster,) float64.

    Raises:
        UsageError: the labels are not one number from 0 to n_clusters - 1 for each point.
    """
    _check(graph, labels, n_clusters)
    return graph.volumes(labels.to(graph.device), n_clusters)


def ncut(graph: Graph, labels: Tensor, n_clusters: int) -> float:
    """Return the normalised cut; a cluster without points, or without volume, adds nothing.

    Example:
        >>> weights = torch.tensor([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)
        >>> ncut(SparseGraph(weights.to_sparse_csr()), torch.tensor([0, 0, 1]), 2)
        1.2

    Raises:
        UsageError: the labels are not one number from 0 to n_clusters - 1 for each point.
    """
    cuts, volume = _cuts_and_volumes(graph, labels, n_clusters)
    filled = volume > 0
    return float((cuts[filled] / volume[filled]).sum())


def modularity(graph: Graph, labels: Tensor, n_clusters: int) -> float:
    """Return the share of the weight within clusters, less the share that the degrees alone let expect.

    Newman and Girvan (2004). 0 for a single cluster, and for a graph without edges.

    Example:
        >>> weights = torch.eye(4, dtype=torch.float64)[[1, 0, 3, 2]]
        >>> modularity(SparseGraph(weights.to_sparse_csr()), torch.tensor([0, 0, 1, 1]), 2)
        0.5

    Raises:
        UsageError: the labels are not one number from 0 to n_clusters - 1 for each point.
    """
    cuts, volume = _cuts_and_volumes(graph, labels, n_clusters)
    shares = volume / volume.sum().clamp_min(torch.finfo(torch.float64).tiny)
    return float(
        (shares - shares.square()).sum() - cuts.sum() / volume.sum().clamp_min(torch.finfo(torch.float64).tiny)
    )


def sweep(graph: Graph, order: Tensor, *, grid: int = 128) -> Sweep:
    """Return the normalised cuts between the first points of an order and the others, ordered by how many come first.

    A stored graph gives all n - 1 of them in the time of one pass over its edges: an edge is cut by just the
    thresholds between its two ends. Of other graphs only a grid of thresholds is tried, evenly spaced in rank.

    Args:
        graph: the graph.
        order: (point,) int64, the points from first to last.
        grid: how many thresholds are tried where the edges are not stored.
    """
    order = order.to(graph.device)
    degrees = graph.degrees()
    passed = degrees[order].cumsum(0)
    if isinstance(graph, GivenGraph):
        sizes = torch.arange(1, graph.n, device=graph.device)
        cuts = graph.cuts(order) if isinstance(graph, DenseGraph) else _all_thresholds(graph, order)
    else:
        sizes = torch.linspace(0, graph.n, min(grid, graph.n - 1) + 2, dtype=torch.float64, device=graph.device)
        sizes = torch.unique(sizes.round().long()[1:-1])
        cuts = _some_thresholds(graph, order, sizes)
    first = passed[sizes - 1]
    second = passed[-1] - first
    ncuts = torch.where((first > 0) & (second > 0), cuts / first + cuts / second, torch.inf)
    return Sweep(sizes, ncuts)


def min_cut_2way(graph: SparseGraph) -> MinCut:
    """Return the cut of least weight into two parts, which mostly separates a single point from all others.

    Each round visits the points in the order of their connection to those visited before, which proves for many edges
    that no cheaper cut than the best known separates their ends; those ends are merged, and the round is repeated
    until two points are left (Nagamochi, Ono and Ibaraki, 1994). Exact up to rounding. On the CPU.

    Raises:
        UsageError: the graph has fewer than two points.
    """
    if graph.n < 2:
        raise UsageError(f"a minimum cut needs a graph of at least 2 points, got {graph.n}")
    merged = np.arange(graph.n)
    matrix = scipy.sparse.csr_array(graph.scipy(), copy=True)
    best, members = np.inf, np.zeros(graph.n, dtype=bool)
    while matrix.shape[0] > 1:
        matrix.setdiag(0)
        matrix.eliminate_zeros()
        degrees = matrix.sum(axis=1)
        lightest = int(degrees.argmin())
        if degrees[lightest] < best:
            best, members = float(degrees[lightest]), merged == lightest
        pairs = scipy.sparse.coo_array(
            (np.ones(len(found := _inseparable(matrix, best))), tuple(found.T)), shape=matrix.shape
        )
        count, parts = scipy.sparse.csgraph.connected_components(pairs, directed=False)
        merge = scipy.sparse.csr_array((np.ones(len(parts)), (parts, np.arange(len(parts)))), shape=(count, len(parts)))
        matrix = scipy.sparse.csr_array(merge @ matrix @ merge.T)
        merged = parts[merged]
    if 2 * members.sum() > graph.n:
        members = ~members
    return MinCut(best, torch.from_numpy(members.astype(np.int64)).to(graph.device))


def _check(graph: Graph, labels: Tensor, n_clusters: int) -> None:
    if labels.shape != (graph.n,) or labels.is_floating_point():
        kind = str(labels.dtype).removeprefix("torch.")
        raise UsageError(
            f"expected one whole number per point, {graph.n} of them, as labels, got {kind} of shape "
            f"{tuple(labels.shape)}"
        )
    if graph.n and not 0 <= int(labels.min()) <= int(labels.max()) < n_clusters:
        raise UsageError(f"expected labels from 0 to {n_clusters - 1}, got {int(labels.min())} to {int(labels.max())}")


def _indicators(graph: Graph, labels: Tensor, n_clusters: int) -> Iterator[tuple[Tensor, Tensor]]:
    width = max(1, BLOCK_VALUES // max(1, graph.most))
    numbers = torch.arange(n_clusters, device=graph.device)
    for some in torch.split(numbers, width):
        yield some, labels[:, None] == some  # point, cluster


def _cuts_and_volumes(graph: Graph, labels: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    _check(graph, labels, n_clusters)
    labels = labels.to(graph.device)
    if isinstance(graph, SparseGraph) and graph.device.type == "cpu":
        return _cuts_of_edges(graph, labels, n_clusters), graph.volumes(labels, n_clusters)
    cuts = torch.zeros(n_clusters, dtype=torch.float64, device=graph.device)
    for some, inside in _indicators(graph, labels, n_clusters):
        reached = graph.multiply(inside.double())  # point, cluster
        # Summed over the points outside, rather than volume less inner weight: a cut of 0 comes out as 0.
        cuts[some] = graph.total(reached.masked_fill_(inside, 0))
    return cuts, graph.volumes(labels, n_clusters)


def _cuts_of_edges(graph: SparseGraph, labels: Tensor, n_clusters: int) -> Tensor:
    weights, kernels = graph.scipy(), compiled_cuts()
    if kernels is None or weights.indices.dtype != np.int32:
        return cuts_reference(graph, labels, n_clusters)
    own = labels.long().contiguous().numpy()
    return torch.from_numpy(kernels.cuts(weights.indptr, weights.indices, weights.data, own, n_clusters))


def cuts_reference(graph: SparseGraph, labels: Tensor, n_clusters: int) -> Tensor:
    """Return the same as `cut` of stored edges, in torch."""
    own = labels.repeat_interleave(graph.matrix.crow_indices().diff())
    between = own != labels[graph.matrix.col_indices()]
    return torch.bincount(own[between], graph.matrix.values()[between], n_clusters)


def _all_thresholds(graph: SparseGraph, order: Tensor) -> Tensor:
    rank = torch.empty_like(order)
    rank[order] = torch.arange(graph.n, device=graph.device)
    pointers = graph.matrix.crow_indices().long()
    rows = rank.repeat_interleave(pointers.diff())
    columns = rank[graph.matrix.col_indices().long()]
    up = rows < columns  # each edge once
    weights = graph.matrix.values()[up]
    change = torch.zeros(graph.n, dtype=torch.float64, device=graph.device)
    change.index_add_(0, rows[up], weights)
    change.index_add_(0, columns[up], -weights)
    return change.cumsum(0)[:-1].clamp_min_(0)


def _some_thresholds(graph: Graph, order: Tensor, sizes: Tensor) -> Tensor:
    rank = torch.empty_like(order)
    rank[order] = torch.arange(graph.n, device=graph.device)
    cuts = []
    for some in torch.split(sizes, max(1, BLOCK_VALUES // max(1, graph.n))):
        first = rank[:, None] < some  # point, threshold
        cuts.append(graph.multiply(first.double()).masked_fill_(first, 0).sum(dim=0))
    return torch.cat(cuts)


def _inseparable(matrix: scipy.sparse.csr_array, bound: float) -> np.ndarray:
    """Return pairs of points that no cut of less than `bound` separates, at least one, (pair, 2)."""
    count = matrix.shape[0]
    pointers, columns, weights = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
    connection = [0.0] * count  # to the points visited before
    visited = [False] * count
    queue = [(0.0, point) for point in range(count)]
    pairs = []
    last = previous = 0
    while queue:
        _, point = heapq.heappop(queue)
        if visited[point]:
            continue
        visited[point] = True
        previous, last = last, point
        for edge in range(pointers[point], pointers[point + 1]):
            other = columns[edge]
            if not visited[other]:
                connection[other] += weights[edge]
                heapq.heappush(queue, (-connection[other], other))
                if connection[other] >= bound:
                    pairs.append((point, other))
    # The last two are separated by nothing cheaper than the last one's degree, however the sums were rounded.
    pairs.append((previous, last))
    return np.array(pairs, dtype=np.int64)
