"""Clusters whose points move one by one while that lowers the normalised cut itself.

k-means on eigenvectors looks for the clusters of a relaxed problem, and ends in one of many places. From there a point
may be better off in the cluster of one of its neighbours: the change of Ncut = sum_i cut_i / vol_i by one move follows
from the point's own edges, as in Kernighan and Lin (1970) and Fiduccia and Mattheyses (1982), of whose moves only those
that lower the cut are made here. So it never rises, and no cluster loses its last point.
"""

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.kernels import compiled_cuts

ROUNDS = 100
"""Most rounds; on twelve graphs of 150 to 105,600 points nothing moved any more after 11."""

LESS = 1e-12
"""By which a move has to lower the normalised cut, else rounding could move in circles."""


def refined(graph: GivenGraph, labels: Tensor, n_clusters: int) -> Tensor:
    """Return clusters of a normalised cut that is not above that of the given ones, (point,) int64.

    The first round looks at every point in order, the others at those that have moved in the one before and at their
    neighbours, or, where none has, at every point again. A point moves to that cluster among its neighbours' which
    lowers the cut the most, the first of equals; in the end no such move is left.

    Example:
        >>> from suite_spectral.graphs.graph import SparseGraph
        >>> path = SparseGraph.from_scipy(scipy.sparse.diags_array([[1.0] * 5, [1.0] * 5], offsets=[1, -1]))
        >>> refined(path, torch.tensor([0, 1, 1, 1, 1, 1]), 2).tolist()
        [0, 0, 0, 1, 1, 1]

    Args:
        graph: the graph.
        labels: (point,) int64, below n_clusters.
        n_clusters: how many clusters.

    Raises:
        OpsError: there is no compiled form, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    weights, degrees = graph.scipy(), graph.degrees().cpu().numpy()
    own, kernels = labels.cpu().long().contiguous().numpy(), compiled_cuts()
    if kernels is None or weights.indices.dtype != np.int32:
        moved = refined_reference(weights, degrees, own, n_clusters, ROUNDS)
    else:
        edges = weights.indptr, weights.indices, weights.data
        moved = kernels.refined(*edges, degrees, own, n_clusters, ROUNDS)
    return torch.from_numpy(moved).to(labels.device)


def refined_reference(
    weights: scipy.sparse.csr_array,
    degrees: NDArray[np.float64],
    labels: NDArray[np.int64],
    n_clusters: int,
    rounds: int,
) -> NDArray[np.int64]:
    """Return the same as `refined` after at most so many rounds, in Python."""
    pointers, columns, values = weights.indptr.tolist(), weights.indices.tolist(), weights.data.tolist()
    label, degree = labels.tolist(), degrees.tolist()
    cut, volume, size = [0.0] * n_clusters, [0.0] * n_clusters, [0] * n_clusters
    for i, own in enumerate(label):
        volume[own] += degree[i]
        size[own] += 1
        for edge in range(pointers[i], pointers[i + 1]):
            if label[columns[edge]] != own:
                cut[own] += values[edge]
    now, whole = list(range(len(label))), True
    for _ in range(rounds):
        after: set[int] = set()
        for i in now:
            own, d = label[i], degree[i]
            if size[own] == 1 or volume[own] - d <= 0:
                continue
            to: dict[int, float] = {}
            loop = 0.0
            for edge in range(pointers[i], pointers[i + 1]):
                there = label[columns[edge]]
                to[there] = to.get(there, 0.0) + values[edge]
                loop += values[edge] if columns[edge] == i else 0.0
            left, rest = cut[own] - d + 2 * to.get(own, 0.0) - loop, volume[own] - d
            gain = left / rest - cut[own] / volume[own]
            least, best = -LESS, -1
            for c, joined in to.items():
                change = gain + (cut[c] + d - 2 * joined - loop) / (volume[c] + d) - cut[c] / volume[c]
                if c != own and change < least:
                    least, best = change, c
            if best < 0:
                continue
            cut[own], volume[own], size[own] = left, rest, size[own] - 1
            cut[best], volume[best], size[best] = (
                cut[best] + (d - 2 * to[best] - loop),
                volume[best] + d,
                size[best] + 1,
            )
            label[i] = best
            after.update((i, *columns[pointers[i] : pointers[i + 1]]))
        if whole and not after:
            break
        whole = not after
        now = list(range(len(label))) if whole else sorted(after)
    return np.array(label, dtype=np.int64)
