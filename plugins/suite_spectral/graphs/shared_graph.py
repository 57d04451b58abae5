"""A graph whose edges are stored by rows in several processes, each of which has the rows of its own points.

Every row has the same entries in the same order as in ``suite_spectral.graphs.neighbour_graph``, where one process has
all of them.
"""

from typing import Any, final

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.graph import Graph, sparse_rows
from suite_spectral.settings import Mutual
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows, transposed

Integers = NDArray[np.int64]


@final
class SharedGraph(Graph):
    """The rows of W that this process holds; every process calls the methods at once.

    Attributes:
        n: points that are here.
        share: which they are.
        rows: W, (point here, point) float64.
    """

    def __init__(self, weights: scipy.sparse.csr_array, share: Share) -> None:
        """Take note of the rows.

        Args:
            weights: (point here, point) float64, of a symmetric matrix; a stored 0 is no edge.
            share: which points are here.
        """
        rows = SharedRows(sparse_rows(weights, torch.float64))
        self.rows: SharedRows = rows if share.group.size == 1 else rows.among(share)
        self.share, self.n, self.device = share, len(share), torch.device("cpu")

    @property
    def most(self) -> int:
        return self.share.most

    def degrees(self) -> Tensor:
        return self.multiply(torch.ones(self.n, 1, dtype=torch.float64))[:, 0]

    def multiply(self, block: Tensor) -> Tensor:
        return self.rows.times(block.double()).to(block.dtype)

    def total(self, rows: Tensor) -> Tensor:
        return self.share.total(lambda part: rows[part].double().sum(dim=0))

    def volumes(self, labels: Tensor, n_clusters: int) -> Tensor:
        degrees, numbers = self.degrees().numpy(), labels.numpy()
        sums = self.share.total(lambda part: np.bincount(numbers[part], degrees[part], n_clusters))
        return torch.from_numpy(sums)

    def components(self) -> Tensor:
        """Return the number of the component of each point here, as of ``suite_spectral.eigen.laplacian.components``.

        Each process finds those of its own points, and tells which of them an edge joins to which of another's.
        """
        group, matrix = self.share.group, self.rows.scipy()
        before = self.rows.before
        own = matrix[:, before : before + self.n]
        count, numbers = connected_components(own, directed=False)
        counts = group.gathered(int(count))
        numbers = numbers.astype(np.int64) + sum(counts[: group.rank])
        beside = self.rows.beside(torch.from_numpy(numbers)).numpy()
        outside = np.flatnonzero((matrix.indices < before) | (matrix.indices >= before + self.n))
        rows = np.searchsorted(matrix.indptr, outside, side="right") - 1
        pairs = np.unique(np.stack([numbers[rows], beside[matrix.indices[outside]]]), axis=1)
        joined = np.concatenate(group.gathered(pairs), axis=1)
        every = sum(counts)
        edges = scipy.sparse.coo_array((np.ones(joined.shape[1], dtype=np.int8), tuple(joined)), shape=(every, every))
        found, owners = connected_components(edges, directed=False)
        numbers = owners[numbers].astype(np.int64)
        sizes = self.share.total(lambda part: np.bincount(numbers[part], minlength=found))
        here, places = np.unique(numbers, return_index=True)
        first = np.full(found, self.share.n)
        first[here] = places + self.share.start
        first = np.min(group.gathered(first), axis=0)
        ranks = np.empty(found, dtype=np.int64)
        ranks[np.lexsort((first, -sizes))] = np.arange(found)
        return torch.from_numpy(ranks[numbers])


def symmetric_rows(indices: Tensor, values: Tensor | None, share: Share, mutual: Mutual) -> scipy.sparse.csr_array:
    """Return the rows of the symmetric graph of neighbours that are here, (point here, point); all call this at once.

    Edge (i, j, w) is sent to the process that holds point j, which has its row of A' from those that it gets.

    Args:
        indices: (point here, neighbour) int64, among all points, the point itself not among them.
        values: (point here, neighbour) float64, of the edges; None: all weigh 1.
        share: which points are here.
        mutual: as of ``suite_spectral.graphs.neighbour_graph.neighbour_graph``.

    Raises:
        UsageError: ``mutual`` is none of the choices.
    """
    n, (here, count) = share.n, indices.shape
    index = np.int32 if n * (count + 1) * 2 < 2**31 else np.int64
    # 1, 1/2 and 0 are the only weights of "connectivity": exact in float32
    kind = np.float32 if values is None else np.float64
    weights = np.ones(here * count, dtype=kind) if values is None else values.numpy().ravel()
    places = indices.numpy().astype(index).ravel(), np.arange(here + 1, dtype=index) * count
    directed: Any = scipy.sparse.csr_array((weights, *places), shape=(here, n)).sorted_indices()
    del weights, places
    starts = [*share.group.gathered(share.start), n]
    back = transposed(directed, share, starts)
    if mutual == "mean":
        both = directed + back
        both.data *= 0.5
    elif mutual == "either":
        both = directed.maximum(back)
    elif mutual == "both":
        both = directed.minimum(back)
    else:
        raise UsageError(f"mutual must be one of either, both, mean, got {mutual!r}")
    del directed, back
    own = (
        np.ones(here, dtype=kind),
        np.arange(share.start, share.start + here, dtype=index),
        np.arange(here + 1, dtype=index),
    )
    both = scipy.sparse.csr_array(both + scipy.sparse.csr_array(own, shape=(here, n)))
    both.eliminate_zeros()  # underflown: no edge
    return both
