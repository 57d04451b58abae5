"""Aggregates of a graph's points, which are the points of the next level (``suite_spectral.eigen.multilevel``)."""

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.kernels import compiled
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows


def aggregated(matrix: scipy.sparse.csr_array, diagonal: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """Return the number of each point's aggregate, (point,) int64, and how many aggregates there are.

    Roots are local maxima of random priorities within two edges, chosen until every point is within two edges of
    one; then each point joins the aggregate of its strongest neighbour that has one. Where the matrix stores an entry
    it stores that on the other side of the diagonal too.

    Args:
        matrix: of a level, (point, point).
        diagonal: its diagonal, above 0.
        seed: of the priorities.

    Raises:
        OpsError: there is no compiled form, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    kernels = compiled()
    if kernels is None or matrix.indices.dtype != np.int32:  # of more than two thousand million entries
        return aggregated_reference(matrix, diagonal, seed)
    order = np.empty(matrix.shape[0], dtype=np.int64)
    order[matrix.shape[0] - _priorities(matrix.shape[0], seed).numpy()] = np.arange(matrix.shape[0])
    scale = torch.from_numpy(diagonal).rsqrt().numpy()
    aggregates, count = kernels.aggregate(matrix.indptr.astype(np.int32), matrix.indices, matrix.data, scale, order)
    return aggregates, count


def aggregated_reference(matrix: scipy.sparse.csr_array, diagonal: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """Return the same as `aggregated`, in torch: all points at once, round by round."""
    rows = SharedRows(sparse_rows(matrix, torch.float64))
    aggregates, counts = aggregated_in_shares(rows, diagonal, seed, Share.alone(matrix.shape[0]))
    return aggregates, sum(counts)


def aggregated_in_shares(
    matrix: SharedRows, diagonal: np.ndarray, seed: int, share: Share
) -> tuple[np.ndarray, list[int]]:
    """Return the same of a matrix whose rows several processes hold; every process calls this at once.

    An aggregate is held by the process that holds its root, one of points without neighbours by the last; they are
    numbered in the order of the processes.

    Args:
        matrix: (point here, point).
        diagonal: (point here,).
        seed: of the priorities.
        share: which points are here.

    Returns:
        The number of each point's aggregate, (point here,) int64, and how many aggregates each process holds.
    """
    group, count = share.group, len(share)
    offsets, columns = matrix.matrix.crow_indices().long(), matrix.matrix.col_indices()
    priority = _priorities(share.n, seed)[share.rows].to(torch.float32 if share.n < 2**24 else torch.float64)

    def around(values: Tensor) -> Tensor:  # the largest value among a point and its neighbours
        beside = matrix.beside(values).index_select(0, columns)
        return torch.maximum(torch.segment_reduce(beside, "max", offsets=offsets, initial=0.0), values)

    left = priority.clone()  # 0 once a point is a root or near one
    roots = torch.zeros(count, dtype=torch.bool)
    while any(group.gathered(bool((left > 0).any()))):
        new = (left > 0) & (around(around(left)) == left)
        roots |= new
        left[around(around(new.to(left.dtype))) > 0] = 0
    counts = group.gathered(int(roots.sum()))
    aggregates = torch.full((count,), -1, dtype=torch.int64)
    aggregates[roots] = torch.arange(counts[group.rank]) + sum(counts[: group.rank])
    rows = torch.repeat_interleave(torch.arange(count), offsets.diff())
    scale = torch.from_numpy(diagonal).rsqrt()
    strength = matrix.matrix.values().abs() * scale[rows] * matrix.beside(scale).index_select(0, columns)
    while any(group.gathered(bool((aggregates < 0).any()))):
        neighbour = matrix.beside(aggregates).index_select(0, columns)
        joined = torch.where(neighbour >= 0, strength, -1.0)
        best = torch.segment_reduce(joined, "max", offsets=offsets, initial=-1.0)
        taken = ((joined == best[rows]) & (joined >= 0) & (aggregates[rows] < 0)).nonzero()[:, 0].flip(0)
        if not any(group.gathered(len(taken))):  # alone: nobody is near who has an aggregate
            alone = (aggregates < 0).nonzero()[:, 0]
            loners = group.gathered(len(alone))
            aggregates[alone] = torch.arange(len(alone)) + sum(counts) + sum(loners[: group.rank])
            counts[-1] += sum(loners)
            break
        joining = aggregates.clone()
        joining[rows[taken]] = neighbour[taken]
        aggregates = joining
    return aggregates.numpy(), counts


def _priorities(count: int, seed: int) -> Tensor:
    """Return the numbers from 1 to count in random order."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)) + 1
