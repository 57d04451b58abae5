"""Undirected weighted graphs over points: all that spectral clustering asks of a graph is its degrees and products.

With W the symmetric matrix of non-negative weights, the degree of a point is its row's sum, and every step that
follows (eigenvectors, cuts) needs W only as a factor. So a graph need not be stored to be clustered.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, final

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.products import sparse_product

with warnings.catch_warnings():
    # Torch warns once in a process that its CSR tensors are in beta: it does so here, where the warning is ignored.
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
    torch.empty(0, 0, layout=torch.sparse_csr)

Progress = Callable[[str], None]
"""A function that is called with words for what is being done."""

BUDGET = 2**28
"""Bytes of the intermediate results that are in memory at a time."""


class Graph(ABC):
    """A symmetric matrix W of non-negative weights, (point, point).

    Attributes:
        n: number of points.
        device: where its products are computed.
    """

    n: int
    device: torch.device

    @property
    def most(self) -> int:
        """The points of the process that holds most of them: as many steps as it needs, all take together."""
        return self.n

    @abstractmethod
    def degrees(self) -> Tensor:
        """Return the sums of the rows of W, (point,), float64."""

    @abstractmethod
    def multiply(self, block: Tensor) -> Tensor:
        """Return W times some vectors, (point, vector) float32 or float64, in the same shape and type."""

    def total(self, rows: Tensor) -> Tensor:
        """Return the sum of a table (point, column) over all points, (column,); also over those of other processes."""
        return rows.sum(dim=0)

    def volumes(self, labels: Tensor, n_clusters: int) -> Tensor:
        """Return the sum of the degrees of each cluster, (cluster,) float64, by labels (point,) int64."""
        zeros = torch.zeros(n_clusters, dtype=torch.float64, device=self.device)
        return zeros.index_add_(0, labels.long(), self.degrees().double())


@final
class SparseGraph(Graph):
    """A graph whose edges are stored.

    Example:
        >>> SparseGraph.from_scipy(scipy.sparse.csr_array([[0, 2], [2, 0]])).degrees().tolist()
        [2.0, 2.0]

    Attributes:
        matrix: W, sparse_csr, float64.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        self.n = matrix.shape[0]
        self.device = matrix.device
        self._single: Tensor | None = None  # W in float32, once it was asked for

    @classmethod
    def from_scipy(cls, matrix: Any) -> "SparseGraph":
        """Return the graph of a scipy sparse matrix, which must be symmetric; a stored 0 is no edge."""
        rows = scipy.sparse.csr_array(matrix, dtype=np.float64)
        if not rows.has_canonical_format or not rows.data.all():
            rows = rows.copy()  # the caller's own stays as it is
            rows.sum_duplicates()
            rows.eliminate_zeros()
        return cls(sparse_rows(rows, torch.float64))

    def to(self, device: torch.device) -> "SparseGraph":
        """Return the same graph on a device."""
        return self if device == self.device else SparseGraph(self.matrix.to(device))

    def part(self, points: Tensor) -> "SparseGraph":
        """Return the graph of some of its points (point,) int64, and of the edges between them."""
        weights, some = self.scipy(), points.cpu().numpy()
        if not (some[1:] > some[:-1]).all():
            return SparseGraph.from_scipy(weights[some][:, some]).to(self.device)
        # In rising order the columns of a row stay in theirs: much less is to be done for small parts.
        places = np.full(self.n, -1, dtype=weights.indices.dtype)
        places[some] = np.arange(len(some))
        begins = weights.indptr[some]
        lengths = weights.indptr[some + 1] - begins
        ends = np.cumsum(lengths, dtype=np.int64)
        entries = np.arange(lengths.sum()) + np.repeat(begins - (ends - lengths), lengths)
        columns = places[weights.indices[entries]]
        inside = columns >= 0
        if not inside.all():
            entries, columns = entries[inside], columns[inside]
            ends = np.concatenate([[0], np.cumsum(inside)])[ends]
        values = torch.from_numpy(weights.data[entries])
        return SparseGraph(_rows(np.append(0, ends), columns, values, (len(some), len(some)))).to(self.device)

    def scipy(self) -> scipy.sparse.csr_array:
        """Return W as a scipy array, which shares its memory where the graph is on the CPU."""
        pointers, columns = self.matrix.crow_indices(), self.matrix.col_indices()
        parts = (part.cpu().numpy() for part in (self.matrix.values(), columns, pointers))
        return scipy.sparse.csr_array(tuple(parts), shape=tuple(self.matrix.shape))

    def degrees(self) -> Tensor:
        return self.multiply(torch.ones(self.n, 1, dtype=torch.float64, device=self.device))[:, 0]

    def multiply(self, block: Tensor) -> Tensor:
        if block.dtype == torch.float64:
            return sparse_product(self.matrix, block)
        if self._single is None:
            self._single = self.matrix.float()
        return sparse_product(self._single, block)


def sparse_rows(matrix: scipy.sparse.csr_array, dtype: torch.dtype) -> Tensor:
    """Return a scipy matrix as a torch one, sparse_csr, with 32-bit indices where they suffice, as MKL wants them."""
    matrix.sum_duplicates()  # scipy may do so in place later, under the tensor that shares the indices
    return _rows(matrix.indptr, matrix.indices, torch.from_numpy(matrix.data).to(dtype), matrix.shape)


def _rows(pointers: np.ndarray, columns: np.ndarray, values: Tensor, shape: tuple[int, int]) -> Tensor:
    index = np.int32 if max(*shape, len(values)) < 2**31 else np.int64
    return torch.sparse_csr_tensor(
        torch.from_numpy(pointers.astype(index, copy=False)),
        torch.from_numpy(columns.astype(index, copy=False)),
        values,
        size=shape,
        check_invariants=False,
    )


def spread_evenly(n: int, count: int) -> Tensor:
    """Return ``count`` of the numbers from 0 to n - 1, evenly spread, (count,) int64."""
    return torch.linspace(0, n - 1, count, dtype=torch.float64).round().long()
