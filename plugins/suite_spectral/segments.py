"""Segments of an image by its normalised cut, and what they are: sizes, colours, positions, borders.

Pixels near each other and of like colour are joined (``suite_spectral.graphs.pixels``), and the graph is cut where that
costs least for what is cut off (Shi and Malik, 2000). Colours are compared in CIE L*a*b*, where equal distances look
about equally different (ISO/CIE 11664-4). Large images are cut at a smaller size: the eigenvectors of a million pixels
cost minutes, and segments are far larger than a pixel. Their borders are brought back smoothly.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lightning_suite.errors import UsageError
from suite_spectral.clusters.by_eigenvectors import Clustering
from suite_spectral.clusters.clustering import cluster
from suite_spectral.graphs.graph import Progress
from suite_spectral.graphs.pixels import pixel_graph
from suite_spectral.settings import SEGMENT_SIZE, SEGMENTATION, Settings

LAB_UNIT = 100.0
"""L* of white: distances are in units of black against white, so that ``sigma_color`` means the same as in grey."""

FLOOR = 1e-3
"""The least weight of an edge. Without it a few pixels of a colour of their own would be cut off for nothing, before
any object."""

_FROM_RGB = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)  # D65, the white of sRGB


class Segments(NamedTuple):
    """Segments of an image.

    Attributes:
        labels: (height, width) int64, the segment of most pixels first.
        cut_size: height and width at which the image was cut.
        clustering: of those pixels.
    """

    labels: Tensor
    cut_size: tuple[int, int]
    clustering: Clustering


class Segment(NamedTuple):
    """One segment.

    Attributes:
        number: its label.
        pixels: how many it has.
        share: of all pixels.
        colour: (channel,) the mean of each channel, 0 to 1.
        box: top, left, bottom and right pixel, all in it.
        middle: row and column of its pixel that is farthest from its border.
    """

    number: int
    pixels: int
    share: float
    colour: tuple[float, ...]
    box: tuple[int, int, int, int]
    middle: tuple[int, int]


def segment(
    image: Tensor,
    n_segments: int,
    *,
    size: int = SEGMENT_SIZE,
    radius: float = SEGMENTATION.radius,
    sigma_color: float = SEGMENTATION.sigma_color,
    sigma_position: float = SEGMENTATION.sigma_position,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> Segments:
    """Cut an image into segments.

    Args:
        image: (height, width, 1 or 3), 0 to 1, sRGB.
        n_segments: how many.
        size: the longer side at which it is cut; a smaller image is not enlarged.
        radius, sigma_color, sigma_position: of ``pixel_graph``, in pixels of that size and in units of L*a*b* / 100.
        seed: of k-means.
        progress: is called with words for what is being done.

    Raises:
        UsageError: the image has fewer pixels than there are to be segments, or an option is out of its range.

    Example:
        >>> image = torch.zeros(20, 30, 3)
        >>> image[:, 10:] = 1
        >>> segment(image, 2).labels[0].bincount().tolist()
        [20, 10]
    """
    if size < 2:
        raise UsageError(f"size: expected at least 2 pixels, got {size}")
    height, width, _ = image.shape
    small = shrunk(image, size)
    rows, columns, _ = small.shape
    if not 2 <= n_segments <= rows * columns:
        raise UsageError(
            f"expected from 2 segments to {rows * columns:,}, the pixels at which it is cut, got {n_segments}"
        )
    progress(f"graph of {rows * columns:,} pixels")
    graph = pixel_graph(lab(small), radius=radius, sigma_color=sigma_color, sigma_position=sigma_position)
    graph.matrix.values().clamp_min_(FLOOR)
    clustering = cluster(graph, Settings(n_clusters=n_segments), seed=seed, progress=progress)
    progress("borders at full size")
    labels = enlarged(clustering.labels.reshape(rows, columns), height, width)
    return Segments(labels, (rows, columns), clustering)


def lab(image: Tensor) -> Tensor:
    """Return an sRGB image in CIE L*a*b* / 100, (height, width, 3) float64; of a grey one L* / 100 alone."""
    linear = torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).double()
    if image.shape[2] == 1:
        return (116 * _lightness(linear) - 16) / LAB_UNIT
    light = linear @ linear.new_tensor(_FROM_RGB).T / linear.new_tensor(_WHITE)
    x, y, z = _lightness(light).unbind(2)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=2) / LAB_UNIT


def shrunk(image: Tensor, size: int) -> Tensor:
    """Return the image with its longer side at most so long, each pixel the mean of those it replaces."""
    height, width, _ = image.shape
    factor = size / max(height, width)
    if factor >= 1:
        return image
    shape = (max(1, round(height * factor)), max(1, round(width * factor)))
    channels = image.permute(2, 0, 1)[None]
    return interpolate(channels, shape, mode="bilinear", antialias=True)[0].permute(1, 2, 0).clamp(0, 1)


def enlarged(labels: Tensor, height: int, width: int) -> Tensor:
    """Labels (row, column) at another size, (height, width): of each pixel the label that has most weight around it.

    One label at a time, so that memory does not grow with the number of segments.
    """
    if labels.shape == (height, width):
        return labels
    best = torch.full((height, width), -math.inf)
    large = torch.zeros(height, width, dtype=torch.int64)
    for label in torch.unique(labels).tolist():
        inside = (labels == label).float()[None, None]
        weight = interpolate(inside, (height, width), mode="bilinear", align_corners=False)[0, 0]
        nearer = weight > best
        best[nearer], large[nearer] = weight[nearer], label
    return large


def segments_of(image: Tensor, labels: Tensor) -> list[Segment]:
    """Return what each segment is, in the order of their labels; one without pixels is left out.

    Args:
        image: (height, width, channel), 0 to 1.
        labels: (height, width) int64.
    """
    from scipy.ndimage import distance_transform_edt

    segments = []
    for number in torch.unique(labels).tolist():
        inside = labels == number
        rows, columns = inside.any(dim=1).nonzero()[:, 0], inside.any(dim=0).nonzero()[:, 0]
        box = (int(rows[0]), int(columns[0]), int(rows[-1]), int(columns[-1]))
        part = inside[box[0] : box[2] + 1, box[1] : box[3] + 1]
        # A frame of pixels outside: the border of the image is a border of its segments.
        depth = torch.from_numpy(distance_transform_edt(torch.nn.functional.pad(part, (1, 1, 1, 1)).numpy()))
        deepest = divmod(int(depth[1:-1, 1:-1].argmax()), part.shape[1])
        pixels = int(inside.sum())
        segments.append(
            Segment(
                number=number,
                pixels=pixels,
                share=pixels / labels.numel(),
                colour=tuple(image[inside].double().mean(dim=0).tolist()),
                box=box,
                middle=(box[0] + deepest[0], box[1] + deepest[1]),
            )
        )
    return segments


def borders(labels: Tensor) -> Tensor:
    """Return the pixels whose right or lower neighbour is of another segment, (height, width) bool.

    Example:
        >>> borders(torch.tensor([[0, 0, 1]])).tolist()
        [[False, True, False]]
    """
    edges = torch.zeros(labels.shape, dtype=torch.bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges


def _lightness(light: Tensor) -> Tensor:
    """The cube root of CIE 1976, straight near black."""
    return torch.where(light > 216 / 24389, light.clamp_min(1e-9) ** (1 / 3), (24389 / 27 * light + 16) / 116)
