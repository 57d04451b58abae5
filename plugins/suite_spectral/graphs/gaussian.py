"""The Gaussian graph of all pairs of points, w_ij = exp(-|x_i - x_j|^2 / (2 sigma^2)) (Khan, 2020).

With a scale of its own for each point it is the self-tuning graph, w_ij = exp(-|x_i - x_j|^2 / (sigma_i sigma_j))
(Zelnik-Manor and Perona, 2004). The weights, n^2 of them, are kept in float32 where they fit into a budget of memory;
else every product computes them again, some rows at a time, and only points and vectors are held.
"""

from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.graph import Graph

STORED = 2 << 30
"""Bytes that weights may take, unless another budget is given."""

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
