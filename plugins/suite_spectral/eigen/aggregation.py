"""Aggregates of a graph's points, which are the points of the next level (``suite_spectral.eigen.hierarchy``)."""

from types import ModuleType

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
    matrix: SharedRows, diagonal: np.ndarray, seed: int, share: Share, kernels: ModuleType | None = None
) -> tuple[np.ndarray, list[int]]:
    """Return the same of a matrix whose rows several processes hold; every process calls this at once.

    An aggregate is held by the process that holds its root, one of points without neighbours by the last; they are
    numbered in the order of the processes.

    Args:
        matrix: (point here, point).
        diagonal: (point here,).
        seed: of the priorities.
        share: which points are here.
        kernels: the compiled loops; None: in torch.

    Returns:
        The number of each point's aggregate, (point here,) int64, and how many aggregates each process holds.
    """
    group, count = share.group, len(share)
    narrow = matrix.matrix.col_indices().dtype == torch.int32 and share.n < 2**31
    way = _InTorch(matrix, diagonal) if kernels is None or not narrow else _Compiled(matrix, diagonal, kernels)
    left = _priorities(share.n, seed)[share.rows].to(way.kind(share.n))  # 0 once a point is a root or near one
    roots = torch.zeros(count, dtype=torch.bool)
    while any(group.gathered(bool((left > 0).any()))):
        new = (left > 0) & (way.around(way.around(left)) == left)
        roots |= new
        left[way.around(way.around(new.to(left.dtype))) > 0] = 0
    counts = group.gathered(int(roots.sum()))
    aggregates = torch.full((count,), -1, dtype=torch.int64)
    aggregates[roots] = torch.arange(counts[group.rank]) + sum(counts[: group.rank])
    while any(group.gathered(bool((aggregates < 0).any()))):
        joining = way.joined(aggregates)
        if not any(group.gathered(bool((joining != aggregates).any()))):  # alone: nobody is near who has an aggregate
            alone = (aggregates < 0).nonzero()[:, 0]
            loners = group.gathered(len(alone))
            aggregates[alone] = torch.arange(len(alone)) + sum(counts) + sum(loners[: group.rank])
            counts[-1] += sum(loners)
            break
        aggregates = joining
    return aggregates.numpy(), counts


class _InTorch:
    """What a round asks of the points next to those here; every process asks at once."""

    def __init__(self, matrix: SharedRows, diagonal: np.ndarray) -> None:
        self._matrix, self._columns = matrix, matrix.matrix.col_indices()
        self._offsets = matrix.matrix.crow_indices().long()
        self._rows = torch.repeat_interleave(torch.arange(len(diagonal)), self._offsets.diff())
        scale = torch.from_numpy(diagonal).rsqrt()
        beside = matrix.beside(scale).index_select(0, self._columns)
        self._strength = matrix.matrix.values().abs() * scale[self._rows] * beside

    def kind(self, n: int) -> torch.dtype:
        """Return the type of whole numbers up to n, of which the largest can be taken."""
        return torch.float32 if n < 2**24 else torch.float64

    def around(self, values: Tensor) -> Tensor:
        """Return the largest value among each point and its neighbours, (point here,)."""
        beside = self._matrix.beside(values).index_select(0, self._columns)
        return torch.maximum(torch.segment_reduce(beside, "max", offsets=self._offsets, initial=0.0), values)

    def joined(self, aggregates: Tensor) -> Tensor:
        """Return the aggregates (point here,) after a round, in which each point without one joins its strongest
        neighbour that has one; -1: there is none."""
        neighbour = self._matrix.beside(aggregates).index_select(0, self._columns)
        strength = torch.where(neighbour >= 0, self._strength, -1.0)
        best = torch.segment_reduce(strength, "max", offsets=self._offsets, initial=-1.0)
        taken = (strength == best[self._rows]) & (strength >= 0) & (aggregates[self._rows] < 0)
        entries = taken.nonzero()[:, 0].flip(0)  # of equally strong ones the first is written last
        joining = aggregates.clone()
        joining[self._rows[entries]] = neighbour[entries]
        return joining


class _Compiled:
    """The same in one pass over the rows, with 32-bit columns."""

    def __init__(self, matrix: SharedRows, diagonal: np.ndarray, kernels: ModuleType) -> None:
        self._matrix, self._kernels = matrix, kernels
        offsets, columns = matrix.matrix.crow_indices(), matrix.matrix.col_indices()
        self._rows = offsets.int().numpy(), columns.numpy()
        scale = matrix.beside(torch.from_numpy(diagonal).rsqrt())
        self._weights = matrix.matrix.values().numpy(), scale.numpy()

    def kind(self, n: int) -> torch.dtype:
        return torch.int32

    def around(self, values: Tensor) -> Tensor:
        beside = self._matrix.beside(values).numpy()
        return torch.from_numpy(self._kernels.largest_around(*self._rows, beside, self._matrix.before))

    def joined(self, aggregates: Tensor) -> Tensor:
        beside = self._matrix.beside(aggregates).numpy()
        return torch.from_numpy(self._kernels.joined(*self._rows, *self._weights, beside, self._matrix.before))


def _priorities(count: int, seed: int) -> Tensor:
    """Return the numbers from 1 to count in random order."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)) + 1
