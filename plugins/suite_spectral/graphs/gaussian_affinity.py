"""What the Gaussian graphs of all pairs offer: weights of new points, landmarks, and the choice of a width."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal, final

import torch
from torch import Tensor

from suite_spectral.graphs.affinity import Affinity, Average, LandmarkSimilarity, OutOfSampleWeights, SimilarityGraph
from suite_spectral.graphs.edge_weights import SCALE_NEIGHBOUR, edge_scale, median_sigma
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import BUDGET, Graph, spread_evenly
from suite_spectral.graphs.landmark_graph import LandmarkWeights, parts
from suite_spectral.graphs.neighbours import nearest
from suite_spectral.graphs.row_hash import RowTable
from suite_spectral.graphs.underflow import warn_of_underflow
from suite_spectral.settings import Search

MEASURED = 10_000
"""Points whose pairs are weighed for the normalised cut where landmarks are used because all pairs are too many."""

SCALES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Sigmas among which the rule without labels chooses, in units of the median distance."""


@final
@dataclass(frozen=True, eq=False)
class GaussianWeights(OutOfSampleWeights):
    """The weights of new points to all points of a Gaussian graph.

    Attributes:
        points: (point, dim), those of the graph.
        sigma: the scale, or that of each point (point,) for self-tuning.
    """

    points: Tensor
    sigma: float | Tensor

    @property
    def dim(self) -> int:
        return self.points.shape[1]

    def prepare(self, content: Tensor) -> Tensor:
        return content.to(self.points.dtype)

    def find(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        return self._table.find(self.prepare(content))

    @cached_property
    def _table(self) -> RowTable:
        return RowTable(self.points)

    def positions(self) -> Tensor:
        return self.points

    def average(self, queries: Tensor, table: Tensor) -> Average:
        values = torch.empty(len(queries), table.shape[1], dtype=table.dtype, device=table.device)
        degrees = torch.empty(len(queries), dtype=table.dtype, device=table.device)
        size = max(1, BUDGET // (24 * len(self.points)))
        for start in range(0, len(queries), size):
            part = slice(start, start + size)
            exponents = self._exponents(queries[part]).to(table.dtype)  # query, point
            # Relative to the largest weight, so that a point far from all others has weights.
            largest = exponents.amax(dim=1, keepdim=True)
            weights = (exponents - largest).exp_()
            sums = weights.sum(dim=1)
            values[part] = weights @ table / sums[:, None]
            degrees[part] = sums * largest[:, 0].exp()
        return Average(values, degrees)

    def _exponents(self, queries: Tensor) -> Tensor:
        distances = torch.cdist(queries.double(), self.points.double(), compute_mode="donot_use_mm_for_euclid_dist")
        if isinstance(self.sigma, float | int):
            return distances.square_().div_(-2 * self.sigma**2)
        nearest = min(SCALE_NEIGHBOUR, len(self.points))
        own = distances.kthvalue(nearest, dim=1).values.clamp_min_(torch.finfo(torch.float64).tiny ** 0.5)
        return -distances.square_() / own[:, None] / self.sigma.double()


@final
@dataclass(frozen=True, eq=False)
class GaussianLandmarkWeights(LandmarkWeights):
    """Gaussian weights of points to all landmarks (Nyström's method)."""

    landmarks: Tensor
    sigma: float

    unit_degrees: ClassVar[bool] = False

    def sums(self, queries: Tensor, table: Tensor) -> Tensor:
        sums = torch.empty(len(queries), table.shape[1], dtype=torch.float64, device=queries.device)
        for part, block in self.blocks(queries):
            sums[part] = block @ table
        return sums

    def kernel(self, points: Tensor) -> Tensor:
        """Return the weights of points with all landmarks, (point, landmark) float64."""
        middle = self.landmarks.double().mean(dim=0)  # far from the origin the squares would lose the differences
        first, second = (points.double() - middle) / self.sigma, (self.landmarks.double() - middle) / self.sigma
        exponents = first @ second.T
        exponents -= first.square().sum(dim=1, keepdim=True) / 2
        exponents -= second.square().sum(dim=1) / 2
        return exponents.clamp_max_(0).exp_()

    def blocks(self, points: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Yield the weights of some points at a time, each block with its slice of the points."""
        for part in parts(len(points), len(self.landmarks)):
            yield part, self.kernel(points[part])

    def graph(self, points: Tensor, memory_gib: float) -> Graph:
        """Return the graph of all pairs of the points, or of ``MEASURED`` of them where there are more."""
        some = points[spread_evenly(len(points), min(len(points), MEASURED)).to(points.device)]
        return GaussianGraph(some, self.sigma, int(memory_gib * 2**30))


@final
@dataclass(frozen=True)
class Gaussian(Affinity):
    """The Gaussian of all pairs.

    Attributes:
        sigma: its width; None: the median distance; "stable": chosen by the rule without labels.
        memory_gib: GiB that the weights may take.
        origin: where sigma comes from, in words.
    """

    sigma: float | Literal["stable"] | None
    memory_gib: float
    origin: str = "given"

    name: ClassVar[str] = "rbf"
    weights_class: ClassVar[type[OutOfSampleWeights]] = GaussianWeights
    landmark_class: ClassVar[type[LandmarkWeights] | None] = GaussianLandmarkWeights
    sample_size: ClassVar[int] = 1_500

    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        settled, sigma = self._with_sigma(content, seed)
        line = f"all pairs, Gaussian of sigma {sigma:.4g} ({settled.origin})"
        graph = GaussianGraph(content, sigma, int(self.memory_gib * 2**30))
        warn_of_underflow(int(graph.alone().sum()), content, sigma)
        return SimilarityGraph(graph, GaussianWeights(content, sigma), settled, {"sigma": sigma}, line)

    def by_landmarks(self, points: Tensor, landmarks: Tensor, *, seed: int = 0) -> LandmarkSimilarity:
        settled, sigma = self._with_sigma(points, seed)
        line = f"all pairs, Gaussian of sigma {sigma:.4g} ({settled.origin}), by {len(landmarks):,} landmarks (Nyström)"
        return LandmarkSimilarity(GaussianLandmarkWeights(landmarks, sigma), None, line)

    @property
    def open_setting(self) -> str | None:
        return "sigma" if self.sigma == "stable" else None

    def candidates(self, points: Tensor, least: int, *, seed: int = 0) -> "list[Gaussian]":
        middle = median_sigma(points, seed=seed)
        return [replace(self, sigma=scale * middle, origin="chosen") for scale in SCALES]

    def graphs(self, candidates: Sequence[Affinity], points: Tensor, *, seed: int = 0) -> Iterator[Graph]:
        sigmas = [candidate.sigma for candidate in candidates if isinstance(candidate, Gaussian)]
        return (GaussianGraph(points, sigma) for sigma in sigmas if isinstance(sigma, float))

    def _with_sigma(self, points: Tensor, seed: int) -> "tuple[Gaussian, float]":
        assert self.sigma != "stable"  # the rule has chosen before
        if self.sigma is not None:
            return self, float(self.sigma)
        sigma = median_sigma(points, seed=seed)
        return replace(self, sigma=sigma, origin="median distance"), sigma


@final
@dataclass(frozen=True)
class SelfTuning(Affinity):
    """The Gaussian of all pairs with a scale of its own for each point, the distance to its 7th neighbour.

    Attributes:
        search: how that neighbour is found.
        memory_gib: GiB that the weights may take.
    """

    search: Search
    memory_gib: float

    name: ClassVar[str] = "self-tuning"
    weights_class: ClassVar[type[OutOfSampleWeights]] = GaussianWeights

    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        neighbours = nearest(content, min(SCALE_NEIGHBOUR, len(content) - 1), search=self.search, seed=seed)
        scale = torch.as_tensor(edge_scale(neighbours, weights="self-tuning"), device=content.device)
        line = f"all pairs, self-tuning by neighbour {neighbours.distances.shape[1]}"
        graph = GaussianGraph(content, scale, int(self.memory_gib * 2**30))
        return SimilarityGraph(graph, GaussianWeights(content, scale), self, {}, line)
