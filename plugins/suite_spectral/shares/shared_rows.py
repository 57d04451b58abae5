"""Rows of a sparse matrix in each of several processes, times blocks and sparse matrices that these hold in shares."""

import itertools
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from torch import Tensor

from suite_spectral.graphs.products import joined, sparse_product, sparse_recurrence, sparse_smoothing
from suite_spectral.shares.group import Group
from suite_spectral.shares.share import Share


@final
class SharedRows:
    """The rows that this process holds of a sparse matrix (row, point); at first all, of all points.

    A row keeps the order of its columns, so that a product has the same bits for any number of processes.

    Example:
        >>> SharedRows(torch.eye(2).to_sparse_csr()).times(torch.tensor([[1.0], [2.0]])).tolist()
        [[1.0], [2.0]]

    Attributes:
        matrix: (row here, column) sparse_csr; its columns are points: those before this process's own that it needs of
            others, its own, and those behind.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        self._group: Group | None = None  # None: all points are here
        self._sent: list[Tensor] = []  # to each process, of the points here
        self._counts: list[int] = []  # of points that come from each
        self._before = 0  # points that come from the processes before

    def some(self, rows: slice) -> "SharedRows":
        """Return some of the rows, in memory of their own."""
        pointers = self.matrix.crow_indices()[rows.start : rows.stop + 1]
        entries = slice(int(pointers[0]), int(pointers[-1]))
        columns, values = self.matrix.col_indices()[entries].clone(), self.matrix.values()[entries].clone()
        return SharedRows(_rows(pointers - pointers[0], columns, values, self.matrix.shape[1]))

    def among(self, share: Share) -> "SharedRows":
        """Return the same rows for blocks that processes hold in shares; every process calls this at once.

        Each is told once which of its points the others need.
        """
        columns, here = self.matrix.col_indices().numpy(), share.rows
        outside = (columns < here.start) | (columns >= here.stop)
        others = columns[outside]
        needed = np.unique(others)
        starts = [*share.group.gathered(here.start), share.n]
        lists = [
            those[slice(*np.searchsorted(those, [here.start, here.stop]))] for those in share.group.gathered(needed)
        ]
        counts = np.diff(np.searchsorted(needed, starts)).tolist()
        before = sum(counts[: share.group.rank])
        places = columns - columns.dtype.type(here.start - before)
        places[outside] = np.searchsorted(needed, others) + np.where(others < here.start, 0, len(share))
        pointers, values = self.matrix.crow_indices(), self.matrix.values()
        shared = SharedRows(_rows(pointers, torch.from_numpy(places), values, len(needed) + len(share)))
        shared._group, shared._counts, shared._before = share.group, counts, before
        shared._sent = [torch.from_numpy(those.astype(np.int64) - here.start) for those in lists]
        return shared

    def single(self) -> "SharedRows":
        """Return the same in float32."""
        return self._with(self.matrix.values().float())

    def scaled(self, factors: Tensor) -> "SharedRows":
        """Return D A D with D the factors (point here,); all call this at once."""
        values = self.matrix.values() * factors.repeat_interleave(self.matrix.crow_indices().diff())
        return self._with(values.mul_(self.beside(factors).index_select(0, self.matrix.col_indices())))

    def _with(self, values: Tensor) -> "SharedRows":
        """Return the same with other values; positions and lists stay where they are."""
        pointers, columns = self.matrix.crow_indices(), self.matrix.col_indices()
        same = SharedRows(_rows(pointers, columns, values, self.matrix.shape[1]))
        same._group, same._sent, same._counts, same._before = self._group, self._sent, self._counts, self._before
        return same

    def scipy(self) -> csr_array:
        """Return the matrix as a scipy array, which shares its memory."""
        parts = self.matrix.values(), self.matrix.col_indices(), self.matrix.crow_indices()
        return csr_array(tuple(part.numpy() for part in parts), shape=tuple(self.matrix.shape))

    @property
    def before(self) -> int:
        """Points of the processes before, which are the first columns."""
        return self._before

    def beside(self, block: Tensor) -> Tensor:
        """Return what the columns ask for of a block (point here, ...), (column, ...); all call this at once."""
        return joined(block, self._others(block), self._before)

    def _others(self, block: Tensor) -> Tensor | None:
        """Return what the columns ask for of other processes' points; None: nothing, all are here."""
        if self._group is None:
            return None
        return self._group.swapped([block[rows] for rows in self._sent], self._counts)

    def times(self, block: Tensor) -> Tensor:
        """Return the product, (row here, vector), with a block (point here, vector); all call this at once."""
        return sparse_product(self.matrix, block, self._others(block), self._before)

    def taken_off(self, block: Tensor, rest: Tensor) -> Tensor:
        """Return rest - the product with a block, both (point here, vector), in the place of ``rest``.

        All call this at once.
        """
        return sparse_recurrence(self.matrix, block, rest, -1, 0, 1, self._others(block), self._before)

    def smoothed(
        self,
        step: Tensor,
        inverse: Tensor,
        rest: Tensor,
        total: Tensor,
        results: tuple[Tensor, Tensor, Tensor],
        again: float,
        fresh: float,
    ) -> None:
        """Do a step of ``suite_spectral.graphs.products.sparse_smoothing``; all call this at once."""
        others = self._others(step)
        sparse_smoothing(self.matrix, step, inverse, rest, total, results, again, fresh, others, self._before)

    def times_rows(self, rows: csr_array) -> csr_array:
        """Return the product, (row here, column), with a sparse matrix (point here, column); all call this at once.

        Each entry is a sum in the order of the points.
        """
        if self._group is None:
            return self.scipy() @ rows
        pieces = [rows[some.numpy()] for some in self._sent]
        lengths = self._group.swapped([torch.from_numpy(np.diff(piece.indptr)) for piece in pieces], self._counts)
        ends = np.append(0, np.cumsum(lengths.numpy(), dtype=np.int64))
        counts = np.diff(ends[np.append(0, np.cumsum(self._counts))]).tolist()
        columns = self._group.swapped([torch.from_numpy(piece.indices) for piece in pieces], counts).numpy()
        values = self._group.swapped([torch.from_numpy(piece.data) for piece in pieces], counts).numpy()
        cut = int(ends[self._before])
        pointers = np.concatenate([ends[: self._before], cut + rows.indptr, ends[self._before + 1 :] + rows.nnz])
        index = np.int32 if max(ends[-1] + rows.nnz, rows.shape[1]) < 2**31 else np.int64
        wider = csr_array(
            (
                np.concatenate([values[:cut], rows.data, values[cut:]]),
                np.concatenate([columns[:cut], rows.indices, columns[cut:]]).astype(index, copy=False),
                pointers.astype(index),
            ),
            shape=(self.matrix.shape[1], rows.shape[1]),
        )
        return self.scipy() @ wider

    def times_joined(self, block: Tensor) -> Tensor:
        """Return the rows of all processes of the same, (row, vector)."""
        rows = self.times(block)
        return rows if self._group is None else torch.cat(self._group.gathered(rows))


def transposed(rows: csr_array, share: Share, starts: Sequence[int]) -> csr_array:
    """Return the rows that this process gets of the transposed matrix, (column here, point), their points rising.

    Every process calls this at once, and sends each entry to the one that gets its column.

    Args:
        rows: (point here, column).
        share: which points are here.
        starts: the first column that each process gets, and their number, (process + 1,).
    """
    back = rows.T.tocsr()
    group = share.group
    if group.size == 1:
        return back
    index = np.int32 if max(share.n, back.nnz) < 2**31 else np.int64
    of_each = list(itertools.pairwise(starts))
    entries = [slice(first, last) for first, last in itertools.pairwise(back.indptr[list(starts)].tolist())]
    lengths = torch.from_numpy(np.diff(back.indptr))
    width = of_each[group.rank][1] - of_each[group.rank][0]
    heard = group.swapped([lengths[first:last] for first, last in of_each], [width] * group.size).numpy()
    counts = heard.reshape(group.size, width).sum(axis=1).tolist()
    points, weights = torch.from_numpy(back.indices.astype(index) + index(share.start)), torch.from_numpy(back.data)
    del back
    columns = group.swapped([points[some] for some in entries], counts).numpy()
    del points
    values = group.swapped([weights[some] for some in entries], counts).numpy()
    del weights
    owners = np.repeat(np.tile(np.arange(width, dtype=index), group.size), heard)
    # A column's points stay in the order in which they come: that of the processes, which is theirs.
    return coo_array((values, (owners, columns)), shape=(width, share.n)).tocsr()


def _rows(pointers: Tensor, columns: Tensor, values: Tensor, width: int) -> Tensor:
    size = len(pointers) - 1, width
    return torch.sparse_csr_tensor(pointers, columns, values, size=size, check_invariants=False)
