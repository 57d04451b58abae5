"""The graph of an image: pixels close to each other are joined, the more the closer and the more alike they are.

w_ij = exp(-|F_i - F_j|² / sigma_color²) exp(-|X_i - X_j|² / sigma_position²) within a radius of pixels, else 0, with
F the colour and X the position (Shi, Malik, 2000, section 5).
"""

import math

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.graph import SparseGraph

BUDGET = 16 * 2**20  # bytes of the weights of one band of rows, before those outside the image are dropped


def pixel_graph(
    image: Tensor, *, radius: float = 5.0, sigma_color: float = 0.1, sigma_position: float = 4.0
) -> SparseGraph:
    """The graph of the pixels of an image, row by row: pixel (y, x) is point y * width + x.

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
        for place, (down, right) in enumerate(offsets):
            first, last = max(0, -down - top), min(rows, height - down - top)
            left, end = max(0, -right), min(width, width - right)
            if first >= last:
                continue
            here = colours[top + first : top + last, left:end]
            there = colours[top + first + down : top + last + down, left + right : end + right]
            away = (here - there).double().square().sum(2)
            near = (down**2 + right**2) / sigma_position**2
            weights[first:last, left:end, place] = torch.exp(-(away / sigma_color**2 + near))
        kept = (weights > 0).view(rows * width, -1)  # not what lies outside, nor what is 0 in float64
        points = torch.arange(top * width, (top + rows) * width, device=device)
        found = weights.view(rows * width, -1)[kept]
        values[stored : stored + len(found)] = found
        columns[stored : stored + len(found)] = (points[:, None] + steps).to(index)[kept]
        starts[points + 1] = (kept.sum(1).cumsum(0) + stored).to(index)
        stored += len(found)
    matrix = torch.sparse_csr_tensor(starts, columns[:stored], values[:stored], size=(n, n), check_invariants=False)
    return SparseGraph(matrix)


def scaled_pixels(pixels: Tensor, sigma_position: float, sigma_color: float) -> Tensor:
    """Pixels whose weight is exp(-|x - y|^2)."""
    pixels = pixels.double()
    return torch.cat([pixels[:, :2] / sigma_position, pixels[:, 2:] / sigma_color], dim=1)
