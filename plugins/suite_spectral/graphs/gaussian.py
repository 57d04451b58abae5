"""The Gaussian graph of all pairs of points, w_ij = exp(-|x_i - x_j|^2 / (2 sigma^2)) (Khan, 2020).

With a scale of its own for each point it is the self-tuning graph, w_ij = exp(-|x_i - x_j|^2 / (sigma_i sigma_j))
(Zelnik-Manor and Perona, 2004). The weights, n^2 of them, are kept in float32 where they fit into a budget of memory;
else every product computes them again, some rows at a time, and only points and vectors are held.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.affinity import Affinity, Average, LandmarkSimilarity, OutOfSampleWeights, SimilarityGraph
from suite_spectral.graphs.edge_weights import SCALE_NEIGHBOUR, edge_scale, median_sigma
from suite_spectral.graphs.graph import BUDGET, Graph, spread_evenly
from suite_spectral.graphs.landmark_graph import LandmarkWeights, parts
from suite_spectral.graphs.neighbours import nearest
from suite_spectral.graphs.row_hash import RowTable
from suite_spectral.graphs.underflow import warn_of_underflow
from suite_spectral.settings import Search

STORED = 2 << 30
"""Bytes that weights may take, unless another budget is given."""

MEASURED = 10_000
"""Points whose pairs are weighed for the normalised cut where landmarks are used because all pairs are too many."""

SCALES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Sigmas among which the rule without labels chooses, in units of the median distance."""

TOGETHER = 1 << 20
"""Weights that are computed at a time: they stay in the processor's cache. A GPU takes 64 times as many."""

BLURRED = 1e-3
"""An error of an exponent, and so a share of a weight, from which on float32 is not enough for the distances."""

FARTHEST = 69.0
"""-log of the smallest weight, some 1e-30: beyond lie the denormal numbers, which processors are slow with."""


ROUNDED = 1e-12
"""Weights beside that of a point with itself, which is 1, that its degree hardly shows."""


@final
class GaussianGraph(Graph):
    """The Gaussian graph of some points; the weight of a point with itself is 1.

    Example:
        >>> GaussianGraph(torch.tensor([[0.0], [10.0]]), 1.0).degrees().tolist()
        [1.0, 1.0]

    Args:
        points: (point, dim).
        sigma: the kernel's width, in the units of the points; (point,) for the self-tuning graph.
        budget: bytes that the weights may take.

    Attributes:
        kept: the weights, (point, point) float32, or None where they are computed again for every product.

    Raises:
        UsageError: a width is not above 0.
    """

    def __init__(self, points: Tensor, sigma: float | Tensor, budget: int = STORED) -> None:
        widths = torch.as_tensor(sigma, dtype=torch.float64, device=points.device)
        if not bool((torch.isfinite(widths) & (widths > 0)).all()):
            raise UsageError(f"sigma: expected numbers above 0, got {float(widths.min())}")
        self.n = len(points)
        self.device = points.device
        # Far from the origin the squares of float32 would lose the differences; and so they do, in the middle or not,
        # where the points lie very many widths apart.
        centred = points.double() - points.double().mean(dim=0)
        scaled = centred if widths.ndim else centred / (widths * 2**0.5)
        largest = (scaled / widths[:, None] if widths.ndim else scaled).square().sum(dim=1).amax()
        kind = torch.float32 if torch.finfo(torch.float32).eps * float(largest) < BLURRED else torch.float64
        self._points = scaled.to(kind)
        self._scale = widths.reciprocal().to(kind) if widths.ndim else None
        self._squares = self._points.square().sum(dim=1)
        self._height = max(1, (TOGETHER if points.device.type == "cpu" else TOGETHER << 6) // self.n)
        self.kept: Tensor | None = None
        if 4 * self.n**2 <= budget:
            self.kept = torch.empty(self.n, self.n, device=self.device)
            for begin in range(0, self.n, self._height):
                self._weights(begin, self.kept[begin : begin + self._height])
        self._degrees: Tensor | None = None
        self._given = points, sigma, budget

    def part(self, points: Tensor) -> "GaussianGraph":
        """Return the graph of some of its points (point,) int64, and of the edges between them."""
        given, sigma, budget = self._given
        some = points.to(self.device)
        return GaussianGraph(given[some], sigma[some] if isinstance(sigma, Tensor) else sigma, budget)

    def alone(self) -> Tensor:
        """Return which points have no weight to others but for rounding, (point,) bool."""
        return self.degrees() <= 1 + ROUNDED

    def degrees(self) -> Tensor:
        if self._degrees is None:
            self._degrees = torch.empty(self.n, dtype=torch.float64, device=self.device)
            for begin, rows in self._rows():
                torch.sum(rows, 1, dtype=torch.float64, out=self._degrees[begin : begin + len(rows)])
        return self._degrees

    def multiply(self, block: Tensor) -> Tensor:
        if self.kept is not None and block.dtype == torch.float32:
            return self.kept @ block
        product = torch.empty_like(block)
        # One buffer for all blocks: allocating and freeing them in turn fragments the memory.
        space = torch.empty(self._height, self.n, dtype=block.dtype, device=self.device)
        for begin, rows in self._rows():
            torch.mm(space[: len(rows)].copy_(rows), block, out=product[begin : begin + len(rows)])
        return product

    def columns(self, chosen: Tensor) -> Tensor:
        """Return the weights of all points with some, (point, chosen) float32."""
        if self.kept is not None:
            return self.kept[:, chosen]
        return torch.cat([rows[:, chosen] for _, rows in self._rows()])

    def _rows(self) -> Iterator[tuple[int, Tensor]]:
        """Yield the weights, some rows at a time, with the number of the first; they are valid until the next."""
        space = None if self.kept is not None else torch.empty(self._height, self.n, device=self.device)
        for begin in range(0, self.n, self._height):
            end = min(self.n, begin + self._height)
            if self.kept is not None:
                yield begin, self.kept[begin:end]
            else:
                assert space is not None
                yield begin, self._weights(begin, space[: end - begin])

    def _weights(self, begin: int, out: Tensor) -> Tensor:
        """Write the weights of some points with all into ``out`` (row, point), and return it."""
        rows = slice(begin, begin + len(out))
        exponents = out if self._points.dtype == out.dtype else torch.empty_like(out, dtype=self._points.dtype)
        torch.addmm(self._squares, self._points[rows], self._points.T, alpha=-2, out=exponents)
        exponents += self._squares[rows, None]
        if self._scale is not None:
            exponents *= self._scale
            exponents *= self._scale[rows, None]
        exponents.clamp_(0, FARTHEST).neg_()
        out.copy_(exponents.exp_())
        out.diagonal(begin).fill_(1)
        return out


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
