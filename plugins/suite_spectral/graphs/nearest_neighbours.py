"""What the graph of nearest neighbours offers: weights of new points, landmarks, and the choice of a number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.affinity import (
    Affinity,
    Average,
    LandmarkSimilarity,
    OutOfSampleWeights,
    SimilarityGraph,
    edge_count,
)
from suite_spectral.graphs.edge_weights import edge_scale, weights_to
from suite_spectral.graphs.graph import BUDGET, Graph
from suite_spectral.graphs.landmark_graph import LandmarkGraph, LandmarkWeights, MixtureWeights
from suite_spectral.graphs.neighbour_graph import graph_of
from suite_spectral.graphs.neighbours import Neighbours, Tree, automatic_search, nearest, tree_where_used
from suite_spectral.graphs.row_hash import RowTable
from suite_spectral.graphs.sparse_points import is_sparse
from suite_spectral.settings import Mutual, Search, Weights

N_NEIGHBORS = (10, 15, 20, 5)
"""Numbers of neighbours among which the rule without labels chooses, the point itself counted: see
``suite_spectral.clusters.choosing``."""

WEIGHTS: tuple[Weights, ...] = ("connectivity", "self-tuning")
"""Weights among which the rule chooses."""


@final
@dataclass(frozen=True, eq=False)
class NeighbourWeights(OutOfSampleWeights):
    """The weights of new points to their nearest neighbours among the points of a graph.

    Attributes:
        points: (point, dim), those of the graph, dense or sparse_csr.
        n_neighbors: to how many of them a new point is joined.
        weights: which weights the graph has.
        scale: sigma, or that of each point (point,) for self-tuning; None for connectivity.
    """

    points: Tensor
    n_neighbors: int
    weights: Weights = "connectivity"
    scale: Tensor | float | None = None

    @property
    def dim(self) -> int:
        return self.points.shape[1]

    def prepare(self, content: Tensor) -> Tensor:
        same = content.to(self.points.dtype)
        if is_sparse(self.points):
            return same if is_sparse(same) else same.to_sparse_csr()
        return same.to_dense()

    def average(self, queries: Tensor, table: Tensor) -> Average:
        count = min(self.n_neighbors, len(self.points))
        indices, weights = weights_to(
            queries, self.points, count, weights=self.weights, scale=self.scale, tree=self._tree
        )
        weights = weights.to(table.dtype)
        degrees = weights.sum(dim=1)
        values = torch.empty(len(queries), table.shape[1], dtype=table.dtype, device=table.device)
        size = max(1, BUDGET // (8 * count * table.shape[1]))
        for start in range(0, len(queries), size):
            part = slice(start, start + size)
            values[part] = torch.einsum("qn,qnc->qc", weights[part], table[indices[part]]) / degrees[part, None]
        return Average(values, degrees)

    def find(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        return self._table.find(self.prepare(content))

    @cached_property
    def _tree(self) -> Tree | None:
        return tree_where_used(self.points)

    @cached_property
    def _table(self) -> RowTable:
        return RowTable(self.points)

    def positions(self) -> Tensor:
        return self.points


@final
@dataclass(frozen=True)
class NearestNeighbours(Affinity):
    """Edges between points and their nearest neighbours.

    Example:
        >>> affinity = NearestNeighbours(2, "connectivity", "mean", "auto", None)
        >>> affinity.build(torch.tensor([[0.0], [1.0], [10.0], [11.0]])).line
        '2 nearest neighbours (tree), connectivity, mean, 8 weights'

    Attributes:
        n_neighbors: neighbours of each point, itself counted; None: chosen, with the weights, without labels.
        weights: of the edges.
        mutual: how the directed graph is made symmetric, see ``neighbour_graph``.
        search: how neighbours are found.
        sigma: of Gaussian weights; None: the median distance to the last neighbour.
        by_rule: whether the rule has chosen the number of neighbours.
        found: the neighbours of the points, where they were found before; None: they are looked for.
    """

    n_neighbors: int | None
    weights: Weights
    mutual: Mutual
    search: Search
    sigma: float | None
    by_rule: bool = False
    found: Neighbours | None = None

    name: ClassVar[str] = "nearest_neighbors"
    sparse: ClassVar[bool] = True
    weights_class: ClassVar[type[OutOfSampleWeights]] = NeighbourWeights
    landmark_class: ClassVar[type[LandmarkWeights] | None] = MixtureWeights
    sample_size: ClassVar[int] = 10_000

    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        assert self.n_neighbors is not None
        n = len(content)
        count = min(self.n_neighbors, n)
        if is_sparse(content) and (self.search != "auto" or content.device.type != "cpu"):
            content = content.to_dense()
        search = automatic_search(n, content.shape[1], content.device) if self.search == "auto" else self.search
        neighbours = self.found
        if neighbours is None:
            neighbours = nearest(content, count - 1, search=search, seed=seed)
        found = "products of sparse rows" if is_sparse(content) else search
        scale = edge_scale(neighbours, weights=self.weights, sigma=self.sigma)
        if self.weights == "connectivity":  # the distances of many points are worth freeing
            neighbours = Neighbours(neighbours.indices, neighbours.distances[:, :0])
        graph = graph_of(neighbours, weights=self.weights, scale=scale, mutual=self.mutual)
        chosen: dict[str, Any] = {"n_neighbors": count, "weights": self.weights}
        if isinstance(scale, float):
            chosen["sigma"] = scale
        fewer = f" (of {self.n_neighbors} asked for)" if self.n_neighbors > count else ""
        return SimilarityGraph(
            graph,
            NeighbourWeights(content, count, self.weights, scale),
            replace(self, found=None),
            chosen,
            f"{count} nearest neighbours{fewer}{' (chosen)' if self.by_rule else ''} ({found}), {self.weights}, "
            f"{self.mutual}, {edge_count(graph)}",
        )

    def by_landmarks(self, points: Tensor, landmarks: Tensor, *, seed: int = 0) -> LandmarkSimilarity:
        graph = LandmarkGraph(points, landmarks, sigma=self.sigma)
        line = f"{graph.nearest} nearest of {len(graph.landmarks):,} landmarks, sigma {graph.sigma:.4g}"
        return LandmarkSimilarity(graph.weights, graph, line)

    @property
    def open_setting(self) -> str | None:
        return "n_neighbors" if self.n_neighbors is None else None

    def candidates(self, points: Tensor, least: int, *, seed: int = 0) -> "list[NearestNeighbours]":
        counts = [count for count in N_NEIGHBORS if 2 <= count <= least]
        if not counts:
            raise UsageError(
                f"n_neighbors: expected some from 2 to {least}, 80 % of the points, got {list(N_NEIGHBORS)}"
            )
        return [
            replace(self, n_neighbors=count, weights=weights, by_rule=True) for weights in WEIGHTS for count in counts
        ]

    def graphs(self, candidates: Sequence[Affinity], points: Tensor, *, seed: int = 0) -> Iterator[Graph]:
        tried = [candidate for candidate in candidates if isinstance(candidate, NearestNeighbours)]
        most = max(candidate.n_neighbors or 0 for candidate in tried)
        neighbours = nearest(points, most - 1, search=self.search, seed=seed)
        for candidate in tried:
            count, weights = (candidate.n_neighbors or 0) - 1, candidate.weights
            near = Neighbours(neighbours.indices[:, :count], neighbours.distances[:, :count])
            yield graph_of(near, weights=weights, scale=edge_scale(near, weights=weights), mutual="mean")
