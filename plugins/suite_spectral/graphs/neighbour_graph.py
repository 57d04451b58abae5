"""Sparse similarity graphs: every point with its nearest neighbours.

That y is among the nearest of x does not mean that x is among those of y, so a directed graph A is found first and
made symmetric: W = (A + A')/2, the larger of both, or the smaller, which is the mutual graph (von Luxburg, 2007,
section 2.2). How heavy the edges are, ``suite_spectral.graphs.edge_weights`` says.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.edge_weights import check_weights, edge_scale, gaussian_weights
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.neighbours import Neighbours, nearest
from suite_spectral.settings import Mutual, Search, Weights


def neighbour_graph(
    points: Tensor,
    n_neighbors: int,
    *,
    weights: Weights = "connectivity",
    sigma: float | None = None,
    mutual: Mutual = "mean",
    search: Search = "auto",
    seed: int = 0,
) -> SparseGraph:
    """Return the graph of every point with its nearest neighbours.

    With the defaults W is scikit-learn's own, (A + A')/2 with A = kneighbors_graph(points, n_neighbors,
    include_self=True), entry for entry where no two distances are equal.

    Example:
        >>> graph = neighbour_graph(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 2)
        >>> graph.degrees().tolist()
        [2.0, 2.0, 2.0, 2.0]

    Args:
        points: (point, dim), real, no NaN.
        n_neighbors: neighbours of each point, the point itself being the first, 1 to n.
        weights: of the edges; the point's edge to itself weighs 1.
        sigma: of "gaussian", in the points' unit; None: the median distance to the last neighbour.
        mutual: "mean" (A + A')/2; "either" the larger of a_ij and a_ji; "both" the smaller, 0 unless each is among the
            neighbours of the other.
        search, seed: as for ``suite_spectral.graphs.neighbours.nearest``.

    Raises:
        UsageError: more neighbours than points, an unknown choice, a sigma that is not positive, or what ``nearest``
            refuses.
    """
    n = points.shape[0] if points.ndim else 0
    if not 1 <= n_neighbors <= n:
        raise UsageError(
            f"n_neighbors={n_neighbors} counts the point itself and must be between 1 and the number of points, {n}; "
            "give fewer neighbours or more points"
        )
    neighbours = nearest(points, n_neighbors - 1, search=search, seed=seed)
    scale = edge_scale(neighbours, weights=weights, sigma=sigma)
    if weights == "connectivity":  # the distances of many points are worth freeing
        neighbours = Neighbours(neighbours.indices, neighbours.distances[:, :0])
    return graph_of(neighbours, weights=weights, scale=scale, mutual=mutual)


def graph_of(neighbours: Neighbours, *, weights: Weights, scale: Tensor | float | None, mutual: Mutual) -> SparseGraph:
    """Return the symmetric graph of neighbours.

    Args:
        neighbours: the neighbours of every point, itself not among them; "connectivity" does not ask for the distances.
        scale: by ``edge_scale``.
    """
    check_weights(weights)
    if mutual not in ("either", "both", "mean"):
        raise UsageError(f"mutual must be one of either, both, mean, got {mutual!r}")
    values = (
        None if weights == "connectivity" else gaussian_weights(neighbours.distances, scale, scale, neighbours.indices)
    )
    if neighbours.indices.device.type == "cpu":
        return _symmetric(neighbours.indices, values, mutual)
    return _symmetric_on_device(neighbours.indices, values, mutual)


def _symmetric(indices: Tensor, values: Tensor | None, mutual: Mutual) -> SparseGraph:
    from scipy.sparse import csr_array, eye_array

    n, count = indices.shape
    short = np.int32 if n * (count + 1) * 2 < 2**31 else np.int64
    # 1, 1/2 and 0 are the only weights of "connectivity": exact in float32
    kind = np.float32 if values is None else np.float64
    weights = np.ones(n * count, dtype=kind) if values is None else values.numpy().ravel()
    starts = np.arange(n + 1, dtype=short) * count
    directed: Any = csr_array((weights, indices.numpy().astype(short).ravel(), starts), shape=(n, n))
    back = directed.T.tocsr()  # rows sorted
    directed = back.T.tocsr()
    if mutual == "mean":
        both = directed + back
        both.data *= 0.5
    elif mutual == "either":
        both = directed.maximum(back)
    else:
        both = directed.minimum(back)
    del directed, back
    both = both + eye_array(n, dtype=kind, format="csr")
    if values is not None:
        both.eliminate_zeros()  # underflown: no edge
    return SparseGraph.from_scipy(both)


def _symmetric_on_device(indices: Tensor, values: Tensor | None, mutual: Mutual) -> SparseGraph:
    n, count = indices.shape
    rows = torch.arange(n, device=indices.device).repeat_interleave(count)
    columns = indices.reshape(-1)
    weights = torch.ones_like(columns, dtype=torch.float64) if values is None else values.reshape(-1)
    pairs = torch.stack([torch.cat([rows, columns]), torch.cat([columns, rows])])
    ones = torch.ones_like(weights)
    sums = torch.sparse_coo_tensor(pairs, torch.cat([weights, weights]), (n, n), check_invariants=False).coalesce()
    seen = (
        torch.sparse_coo_tensor(pairs, torch.cat([ones, ones]), (n, n), check_invariants=False).coalesce().values()
    )  # 1, or 2 for mutual
    # both directions of an edge weigh the same
    if mutual == "mean":
        symmetric = sums.values() / 2
    elif mutual == "either":
        symmetric = sums.values() / seen
    else:
        symmetric = sums.values() / 2 * (seen == 2)
    kept = symmetric > 0
    own = torch.arange(n, device=indices.device)
    positions = torch.cat([sums.indices()[:, kept], torch.stack([own, own])], dim=1)
    entries = torch.cat([symmetric[kept], torch.ones(n, dtype=torch.float64, device=indices.device)])
    matrix = torch.sparse_coo_tensor(positions, entries, (n, n), check_invariants=False).coalesce().to_sparse_csr()
    index = torch.int32 if max(n, len(entries)) < 2**31 else torch.int64
    return SparseGraph(
        torch.sparse_csr_tensor(
            matrix.crow_indices().to(index),
            matrix.col_indices().to(index),
            matrix.values(),
            size=(n, n),
            check_invariants=False,
        )
    )
