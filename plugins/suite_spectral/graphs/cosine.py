"""The cosine graph of texts or other rows of non-negative features: W = X X', never formed.

With rows of unit length w_ij is the cosine of the angle between two rows (for texts, of their tf-idf). A product takes
X (X' B), so that the graph of all pairs costs no more than its features.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

import torch
from torch import Tensor

from lightning_suite.errors import DataError
from suite_spectral.graphs.affinity import Affinity, Average, OutOfSampleWeights, SimilarityGraph
from suite_spectral.graphs.graph import BUDGET, Graph
from suite_spectral.graphs.row_hash import NumberTable, row_hash


def transposed_product(features: Tensor, table: Tensor) -> Tensor:
    """Return X' times a table of the points, (dim, column) float64."""
    table = table.double()
    if features.layout == torch.sparse_csr:
        pointers = features.crow_indices().long()
        points = torch.arange(len(pointers) - 1, device=table.device).repeat_interleave(pointers.diff())
        indices = torch.stack([features.col_indices().long(), points])
        shape = (features.shape[1], features.shape[0])
        return torch.sparse_coo_tensor(indices, features.values().double(), shape, check_invariants=False) @ table
    total = torch.zeros(features.shape[1], table.shape[1], dtype=torch.float64, device=table.device)
    size = max(1, BUDGET // (8 * max(1, features.shape[1])))
    for start in range(0, len(table), size):
        part = slice(start, start + size)
        total += features[part].double().T @ table[part]
    return total


def unit_rows(features: Tensor) -> Tensor:
    """Return rows divided by their lengths, dense or sparse_csr; rows of zeros stay."""
    if features.layout == torch.strided:
        lengths = features.norm(dim=1, keepdim=True)
        return features / torch.where(lengths > 0, lengths, 1)
    offsets, columns, values = features.crow_indices(), features.col_indices(), features.values()
    rows = torch.repeat_interleave(torch.arange(len(offsets) - 1, device=offsets.device), offsets.diff().long())
    squares = torch.zeros(len(offsets) - 1, dtype=values.dtype, device=values.device).index_add_(
        0, rows, values.square()
    )
    values = values / torch.where(squares > 0, squares, 1).sqrt()[rows]
    return torch.sparse_csr_tensor(offsets, columns, values, size=tuple(features.shape), check_invariants=False)


@final
class CosineGraph(Graph):
    """The cosine graph of rows of unit length, or of zeros.

    Example:
        >>> CosineGraph(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).degrees().tolist()
        [1.0, 1.0]

    Args:
        features: (point, dim), dense or sparse_csr.

    Raises:
        DataError: a point's weights add up to less than 0: its features are not of one sign.
    """

    def __init__(self, features: Tensor) -> None:
        self.n = features.shape[0]
        self.device = features.device
        self.features: Tensor = features.double()
        turned = self.features.transpose(0, 1)
        self._turned = turned.to_sparse_csr() if features.layout == torch.sparse_csr else turned
        self._single: tuple[Tensor, Tensor] | None = None
        low = self.degrees().min() if self.n else 0.0
        if low < -1e-9:
            raise DataError(
                f"Negative values in data: the cosines of a point with all others add up to {float(low):.3g}: the "
                "cosine graph needs features of 0 or more, as tf-idf's are; take nearest_neighbors for others",
                "features",
            )

    def degrees(self) -> Tensor:
        return self.multiply(torch.ones(self.n, 1, dtype=torch.float64, device=self.device))[:, 0]

    def multiply(self, block: Tensor) -> Tensor:
        if block.dtype == torch.float64:
            return self.features @ (self._turned @ block)
        if self._single is None:
            self._single = (self.features.float(), self._turned.float())
        features, turned = self._single
        return features @ (turned @ block)


@final
@dataclass(frozen=True, eq=False)
class CosineWeights(OutOfSampleWeights):
    """The weights of new points in a cosine graph: sums over its points are products with X', so no point is kept.

    Attributes:
        total: (dim,) float64, the sum of the rows of X.
        hashes: (point,) int64, ``row_hash`` of the features of each point.
    """

    total: Tensor
    hashes: Tensor

    @property
    def dim(self) -> int:
        return len(self.total)

    def prepare(self, content: Tensor) -> Tensor:
        return unit_rows(content)

    def average(self, queries: Tensor, table: Tensor) -> Average:
        """Return averages with each query's weights of what ``reduce`` has made of a table, (dim, column)."""
        degrees = (queries.to(table.dtype) @ self.total.to(table.dtype)[:, None])[:, 0]
        values = queries.to(table.dtype) @ table
        return Average(values / torch.where(degrees > 0, degrees, 1)[:, None], degrees)

    def find(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        return self._table.find(row_hash(content))

    @cached_property
    def _table(self) -> NumberTable:
        return NumberTable(self.hashes)

    def reduce(self, graph: Graph, table: Tensor) -> Tensor:
        assert isinstance(graph, CosineGraph)
        return transposed_product(graph.features, table)


@final
@dataclass(frozen=True)
class Cosine(Affinity):
    """The cosine of the angle between rows of features."""

    name: ClassVar[str] = "cosine"
    sparse: ClassVar[bool] = True
    nonnegative: ClassVar[bool] = True
    weights_class: ClassVar[type[OutOfSampleWeights]] = CosineWeights

    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        graph = CosineGraph(unit_rows(content))
        ones = torch.ones(graph.n, 1, dtype=torch.float64, device=graph.device)
        weights = CosineWeights(transposed_product(graph.features, ones)[:, 0], row_hash(content))
        line = f"cosines of {content.shape[1]:,} features, never stored"
        return SimilarityGraph(graph, weights, self, {}, line)
