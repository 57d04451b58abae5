"""The graph of an image: pixels close to each other are joined, the more the closer and the more alike they are.

w_ij = exp(-|F_i - F_j|² / sigma_color²) exp(-|X_i - X_j|² / sigma_position²) within a radius of pixels, else 0, with
F the colour and X the position (Shi, Malik, 2000, section 5).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.affinity import Affinity, Average, OutOfSampleWeights, SimilarityGraph, edge_count
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.nearest_neighbours import NeighbourWeights
from suite_spectral.graphs.row_hash import RowTable

AROUND = 64
"""Pixels of the clustered image that a new pixel is compared with."""

BUDGET = 16 * 2**20  # bytes of the weights of one band of rows, before those outside the image are dropped


def pixel_graph(
    image: Tensor, *, radius: float = 5.0, sigma_color: float = 0.1, sigma_position: float = 4.0
) -> SparseGraph:
    """Return the graph of the pixels of an image, row by row: pixel (y, x) is point y * width + x.

    Example:
        >>> pixel_graph(torch.zeros(4, 5, 3)).n
        20

    Args:
        image: (height, width, channel), 0 to 1.
        radius: how far apart joined pixels may be, in pixels.
        sigma_color: in units of the channels.
        sigma_position: in pixels.

    Raises:
        UsageError: another shape, a value that is not finite, or a radius or sigma that is not positive.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise UsageError(f"pixel_graph: image must be (height, width, channel), got shape {tuple(image.shape)}")
    for name, value in (("radius", radius), ("sigma_color", sigma_color), ("sigma_position", sigma_position)):
        if not (value > 0 and math.isfinite(value)):
            raise UsageError(f"pixel_graph: {name} must be a positive number, got {value}")
    colours = image.double() if not image.is_floating_point() else image
    if not bool(colours.isfinite().all()):
        raise UsageError("pixel_graph: image must have finite values, got NaN or infinity")
    height, width, _ = image.shape
    device = image.device
    # in the order of the columns of a row of the matrix
    reach_y, reach_x = min(int(radius), height - 1), min(int(radius), width - 1)
    offsets = [
        (down, right)
        for down in range(-reach_y, reach_y + 1)
        for right in range(-reach_x, reach_x + 1)
        if down**2 + right**2 <= radius**2
    ]
    steps = torch.tensor([down * width + right for down, right in offsets], device=device)
    n = height * width
    most = sum((height - abs(down)) * (width - abs(right)) for down, right in offsets)
    index = torch.int32 if most < 2**31 else torch.int64
    columns = torch.empty(most, dtype=index, device=device)
    values = torch.empty(most, dtype=torch.float64, device=device)
    starts = torch.zeros(n + 1, dtype=index, device=device)
    stored = 0
    band = max(1, BUDGET // (8 * width * len(offsets)))
    for top in range(0, height, band):
        rows = min(band, height - top)
        weights = torch.zeros(rows, width, len(offsets), dtype=torch.float64, device=device)
        for step, (down, right) in enumerate(offsets):
            first, last = max(0, -down - top), min(rows, height - down - top)
            left, end = max(0, -right), min(width, width - right)
            if first >= last:
                continue
            here = colours[top + first : top + last, left:end]
            there = colours[top + first + down : top + last + down, left + right : end + right]
            away = (here - there).double().square().sum(2)
            near = (down**2 + right**2) / sigma_position**2
            weights[first:last, left:end, step] = torch.exp(-(away / sigma_color**2 + near))
        kept = (weights > 0).view(rows * width, -1)  # not what lies outside, nor what is 0 in float64
        points = torch.arange(top * width, (top + rows) * width, device=device)
        inside = weights.view(rows * width, -1)[kept]
        values[stored : stored + len(inside)] = inside
        columns[stored : stored + len(inside)] = (points[:, None] + steps).to(index)[kept]
        starts[points + 1] = (kept.sum(1).cumsum(0) + stored).to(index)
        stored += len(inside)
    matrix = torch.sparse_csr_tensor(starts, columns[:stored], values[:stored], size=(n, n), check_invariants=False)
    return SparseGraph(matrix)


def scaled_pixels(pixels: Tensor, sigma_position: float, sigma_color: float) -> Tensor:
    """Return pixels scaled so that their weight is exp(-|x - y|^2)."""
    pixels = pixels.double()
    return torch.cat([pixels[:, :2] / sigma_position, pixels[:, 2:] / sigma_color], dim=1)


def image_of(pixels: Tensor) -> Tensor:
    """Return the image (height, width, channel) of (pixel, 2 + channel) rows, columns and channels.

    Raises:
        UsageError: the pixels do not fill a rectangle.
    """
    rows, columns = pixels[:, 0].long(), pixels[:, 1].long()
    rows, columns = rows - rows.min(), columns - columns.min()
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    numbers = rows * width + columns
    if height * width != len(pixels) or int(numbers.bincount().max()) > 1:
        raise UsageError(
            f"expected all {height * width:,} pixels of {height} rows and {width} columns, got {len(pixels):,}"
        )
    image = torch.empty(height * width, pixels.shape[1] - 2, dtype=pixels.dtype, device=pixels.device)
    image[numbers] = pixels[:, 2:]
    if not torch.equal(numbers, torch.arange(len(numbers), device=numbers.device)):
        raise UsageError("expected the pixels of an image row by row")
    return image.reshape(height, width, -1)


@final
@dataclass(frozen=True, eq=False)
class PixelWeights(OutOfSampleWeights):
    """The weights of new pixels to the nearest of an image's, by position and colour without a radius.

    Attributes:
        points: (pixel, dim) float64, ``scaled_pixels`` of the image.
        sigma_position: in pixels.
        sigma_color: in units of the channels.
    """

    points: Tensor
    sigma_position: float
    sigma_color: float

    @property
    def dim(self) -> int:
        return self.points.shape[1]

    def prepare(self, content: Tensor) -> Tensor:
        return scaled_pixels(content, self.sigma_position, self.sigma_color)

    def average(self, queries: Tensor, table: Tensor) -> Average:
        # Gaussian weights are exp(-|x - y|^2 / (2 sigma^2)), those of scaled pixels exp(-|x - y|^2)
        return self._neighbours.average(queries, table)

    def find(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        return self._table.find(self.prepare(content))

    @cached_property
    def _neighbours(self) -> NeighbourWeights:
        return NeighbourWeights(self.points, min(AROUND, len(self.points)), "gaussian", math.sqrt(0.5))

    @cached_property
    def _table(self) -> RowTable:
        return RowTable(self.points)

    def positions(self) -> Tensor:
        return self.points

    def content(self) -> Tensor:
        positions = (self.points[:, :2] * self.sigma_position).round()
        return torch.cat([positions, self.points[:, 2:] * self.sigma_color], dim=1)


@final
@dataclass(frozen=True)
class Pixels(Affinity):
    """Edges between pixels near to each other, by position and colour.

    Attributes:
        radius: how far apart joined pixels may be, in pixels.
        sigma_color: in units of the channels.
        sigma_position: in pixels.
    """

    radius: float
    sigma_color: float
    sigma_position: float

    name: ClassVar[str] = "pixels"
    weights_class: ClassVar[type[OutOfSampleWeights]] = PixelWeights

    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        image = image_of(content)
        graph = pixel_graph(image, radius=self.radius, sigma_color=self.sigma_color, sigma_position=self.sigma_position)
        points = scaled_pixels(content, self.sigma_position, self.sigma_color)
        weights = PixelWeights(points, float(self.sigma_position), float(self.sigma_color))
        line = f"pixels of {image.shape[1]} x {image.shape[0]} within {self.radius:g}, {edge_count(graph)}"
        return SimilarityGraph(graph, weights, self, {}, line)
