"""Rows of a sparse matrix in each of several processes, times a block of vectors whose rows these hold in shares."""

from typing import final

import numpy as np
import torch
from torch import Tensor

from suite_spectral.graphs.products import sparse_product
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

    def times(self, block: Tensor) -> Tensor:
        """Return the product, (row here, vector), with a block (point here, vector); all call this at once."""
        if self._group is None:
            return sparse_product(self.matrix, block)
        others = self._group.swapped([block[rows] for rows in self._sent], self._counts)
        return sparse_product(self.matrix, torch.cat([others[: self._before], block, others[self._before :]]))

    def times_joined(self, block: Tensor) -> Tensor:
        """Return the rows of all processes of the same, (row, vector)."""
        rows = self.times(block)
        return rows if self._group is None else torch.cat(self._group.gathered(rows))


def _rows(pointers: Tensor, columns: Tensor, values: Tensor, width: int) -> Tensor:
    size = len(pointers) - 1, width
    return torch.sparse_csr_tensor(pointers, columns, values, size=size, check_invariants=False)
