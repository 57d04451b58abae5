"""A given graph in which most points have edges to most others: its weights are kept as a dense matrix.

A sparse matrix of them would take half as much memory again for the indices alone, its products several times as long
as a dense one's, and coarser graphs of it are as full as itself.
"""

from typing import final

import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import Graph, SparseGraph

FILLED = 0.25
"""Share of weights above 0 from which on a matrix is kept dense."""

TOGETHER = 2**22
"""Weights of the rows that are taken at a time where copies of all would be too many."""


@final
class DenseGraph(Graph):
    """A graph whose weights are a dense matrix.

    Example:
        >>> DenseGraph(torch.tensor([[1.0, 2.0], [2.0, 1.0]])).degrees().tolist()
        [3.0, 3.0]

    Attributes:
        matrix: W, symmetric, float32 or float64; it is neither copied nor changed.
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        self.n = len(matrix)
        self.device = matrix.device
        self._single: Tensor | None = None  # W in float32, once it was asked for

    def part(self, points: Tensor) -> "DenseGraph":
        """Return the graph of some of its points (point,) int64, and of the edges between them."""
        some = points.to(self.device)
        return DenseGraph(self.matrix[some[:, None], some])

    def scipy(self) -> scipy.sparse.csr_array:
        """Return W as a sparse array."""
        return scipy.sparse.csr_array(self.matrix.double().cpu().numpy())

    def sparse(self) -> SparseGraph:
        """Return the same graph with its edges stored one by one."""
        return SparseGraph.from_scipy(self.scipy())

    def columns(self, chosen: Tensor) -> Tensor:
        """Return the weights of all points with some, (point, chosen) float32."""
        return self.matrix[:, chosen].float()

    def degrees(self) -> Tensor:
        return self.matrix.sum(dim=1, dtype=torch.float64)

    def multiply(self, block: Tensor) -> Tensor:
        if block.dtype == self.matrix.dtype:
            return self.matrix @ block
        if block.dtype == torch.float32:
            if self._single is None:
                self._single = self.matrix.float()
            return self._single @ block
        return torch.cat([self.matrix[part].double() @ block for part in row_parts(self.n)])

    def components(self) -> Tensor:
        """Return the number of each point's component, (point,) int64, numbered in the order of their first points."""
        numbers = torch.full((self.n,), -1, dtype=torch.int64, device=self.device)
        count = 0
        while len(left := (numbers < 0).nonzero()[:, 0]):
            reached = left[:1]
            while len(reached):
                numbers[reached] = count
                joined = torch.zeros(self.n, dtype=torch.bool, device=self.device)
                for some in torch.split(reached, max(1, TOGETHER // self.n)):
                    joined |= (self.matrix[some] > 0).any(dim=0)
                reached = (joined & (numbers < 0)).nonzero()[:, 0]
            count += 1
        return numbers

    def cuts(self, order: Tensor) -> Tensor:
        """Return the weight between the first points of an order and the others, (point - 1,) float64."""
        changes = []
        for part in row_parts(self.n):
            rows = self.matrix[order[part, None], order].double()  # each with its points in order
            changes.append(rows.triu(part.start + 1).sum(dim=1) - rows.tril(part.start - 1).sum(dim=1))
        return torch.cat(changes).cumsum(0)[:-1].clamp_min_(0)


GivenGraph = SparseGraph | DenseGraph
"""A graph that comes as it is, by its weights."""


def row_parts(n: int) -> list[slice]:
    """Return slices of n rows of n weights, some rows at a time.

    Example:
        >>> row_parts(3)
        [slice(0, 3, None)]
    """
    height = max(1, TOGETHER // max(1, n))
    return [slice(start, min(n, start + height)) for start in range(0, n, height)]


def is_filled(matrix: Tensor) -> bool:
    """Return whether a dense matrix has so many weights that it is best kept dense."""
    return matrix.layout == torch.strided and int(matrix.count_nonzero()) >= FILLED * max(1, matrix.numel())


def differences(matrix: Tensor) -> tuple[float, float]:
    """Return the largest difference of a square dense matrix and its transpose, and that of entries that both have.

    Example:
        >>> differences(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        (1.0, 0.0)
    """
    most = both = 0.0
    for part in row_parts(len(matrix)):
        rows, columns = matrix[part], matrix[:, part].T
        away = (rows - columns).abs_()
        largest = float(away.max())
        if largest > 0:
            both = max(both, float((away * ((rows != 0) & (columns != 0))).max()))
        most = max(most, largest)
    return most, both
