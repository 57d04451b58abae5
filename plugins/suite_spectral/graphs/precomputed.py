"""A graph that is clustered as it is, by its weights W (point, point)."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from suite_spectral.graphs.affinity import (
    Affinity,
    Average,
    OutOfSampleWeights,
    SimilarityGraph,
    edge_count,
    no_match,
)
from suite_spectral.graphs.dense_graph import DenseGraph
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.row_hash import row_hash


@final
@dataclass(frozen=True, eq=False)
class EdgeWeights(OutOfSampleWeights):
    """The weights of new points that come as rows of weights, (query, point), sparse_csr or dense.

    Attributes:
        hashes: (point,) int64, ``row_hash`` of each row of W.
    """

    hashes: Tensor

    @property
    def dim(self) -> int:
        return len(self.hashes)

    def prepare(self, content: Tensor) -> Tensor:
        return content

    def average(self, queries: Tensor, table: Tensor) -> Average:
        columns = torch.cat([table, torch.ones_like(table[:, :1])], dim=1)
        sums = queries.to(table.dtype) @ columns
        degrees = sums[:, -1]
        return Average(sums[:, :-1] / torch.where(degrees > 0, degrees, 1.0)[:, None], degrees)

    def find(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        """Return ``index`` where the node has the same edges as when it was clustered, else -1.

        Nodes with the same edges are different nodes all the same: without an index none is found.
        """
        if index is None:
            return no_match(content)
        inside = index < len(self.hashes)
        return torch.where(inside & (row_hash(content) == self.hashes[index * inside]), index, -1)


@final
@dataclass(frozen=True)
class Precomputed(Affinity):
    """The weights of a graph that is given."""

    name: ClassVar[str] = "precomputed"
    of_graph: ClassVar[bool] = True
    sparse: ClassVar[bool] = True
    weights_class: ClassVar[type[OutOfSampleWeights]] = EdgeWeights

    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        if content.layout == torch.strided:
            line = f"given, all of {len(content) ** 2:,} weights kept"
            return SimilarityGraph(DenseGraph(content), EdgeWeights(row_hash(content)), self, {}, line)
        graph = SparseGraph(content)
        return SimilarityGraph(graph, EdgeWeights(row_hash(content)), self, {}, f"given, {edge_count(graph)}")
