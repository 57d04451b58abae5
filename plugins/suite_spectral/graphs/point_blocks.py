"""Points in blocks along a tree, and the rows whose products are half the squared distances of points."""

from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

BUDGET = 256 * 2**20
"""Bytes that a search may hold beyond its input, its output and the candidates, a few for each neighbour asked."""

BLOCK = 1024  # points: a product of two blocks, 4 MB, stays in the cache; 512 and 2048 took longer at 10 and 784 dim

Array = npt.NDArray[Any]


def rounding(dim: int, unit: float) -> float:
    # of half a squared distance, as a share of the larger norm squared: a sum of dim + 2 products whose absolute
    # values add up to twice that, and the rounding of factors and of what is stored
    return 2 * (dim + 8) * unit


def frame_of(points: Array, others: Array) -> tuple[Array, float, Array]:
    low = np.minimum(points.min(0), others.min(0)).astype(np.float64)
    high = np.maximum(points.max(0), others.max(0)).astype(np.float64)
    centre = low / 2 + high / 2
    if points is others:
        centre = points.mean(0, dtype=np.float64)  # nearer to most points than the middle: smaller rounding errors
    widest = float((high - low).max()) if points.shape[1] else 0.0
    return centre, widest or 1.0, np.flatnonzero(high > low)


def in_blocks(points: Array, centre: Array, scale: float, columns: Array) -> "Blocks":
    n = points.shape[0]
    blocks = max(1, n // min(BLOCK, _rows_within(len(columns))))
    starts = np.linspace(0, n, blocks + 1).astype(np.int64)
    order = np.arange(n)
    if blocks > 1 and len(columns):
        order = _tree_order(_leading(points, centre, scale, columns))
    return Blocks(points, order, starts, centre, scale, columns)


def _tree_order(coordinates: Array) -> Array:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(coordinates, leafsize=BLOCK, compact_nodes=False).indices, dtype=np.int64)


def _leading(points: Array, centre: Array, scale: float, columns: Array) -> Array:
    """Return at most 12 coordinates by which points are ordered: their own, or the principal ones of a sample."""
    if len(columns) <= 12:
        return (points[:, columns] - centre[columns]) / scale
    some = np.linspace(0, points.shape[0] - 1, min(256, points.shape[0])).astype(np.int64)
    sample = (points[some][:, columns] / scale).astype(np.float32)
    sample -= sample.mean(0)
    if sample.shape[0] < sample.shape[1]:
        axes = sample.T @ np.linalg.eigh(sample @ sample.T)[1][:, -8:]  # column axis
        axes /= np.maximum(np.linalg.norm(axes, axis=0), np.float32(1e-30))
    else:
        axes = np.linalg.eigh(sample.T @ sample)[1][:, -8:]
    coordinates = np.empty((points.shape[0], axes.shape[1]), dtype=np.float32)
    step = _rows_within(len(columns))
    for start in range(0, points.shape[0], step):
        coordinates[start : start + step] = (points[start : start + step, columns] / scale).astype(np.float32) @ axes
    return coordinates


def _rows_within(dim: int) -> int:
    """Return how many rows of ``dim`` float64 fit into the budget a few times."""
    return max(64, BUDGET // 64 // max(1, dim))


def opposite(rows: Array) -> Array:
    """Return rows (-x, |x|²/2, 1) for rows (x, 1, |x|²/2)."""
    turned = np.negative(rows)
    turned[:, -2] = rows[:, -1]
    turned[:, -1] = 1
    return turned


class Blocks(NamedTuple):
    """Points in the order of the blocks.

    Attributes:
        points: as they were given, (point, dim).
        order: the row of ``points`` that each is, (point,).
        starts: where each block begins, and the end, (block + 1,).
        centre: what is subtracted before the products, (dim,), float64.
        scale: what they are divided by then.
        columns: those that are not constant, (column,).
    """

    points: Array
    order: Array
    starts: Array
    centre: Array
    scale: float
    columns: Array


@final
class Factors:
    """Rows (x, 1, |x|²/2) of blocks, kept where they fit into the budget."""

    def __init__(self, ordered: Blocks, dtype: type[np.floating[Any]]) -> None:
        self.ordered = ordered
        self.dtype = dtype
        n, dim = ordered.points.shape[0], len(ordered.columns)
        self.kept: Array | None = None
        self.norms = np.empty(n)
        fits = n * (dim + 2) * np.dtype(dtype).itemsize <= BUDGET * 3 // 4
        if fits:
            self.kept = np.empty((n, dim + 2), dtype=dtype)
        self.means = np.empty((len(ordered.starts) - 1, dim))
        self.radii = np.empty(len(ordered.starts) - 1)
        for block, (start, end) in enumerate(zip(ordered.starts[:-1], ordered.starts[1:], strict=True)):
            rows = self._computed_rows(start, end)
            self.norms[start:end] = np.sqrt(2 * rows[:, -1].astype(np.float64))
            self.means[block] = rows[:, :dim].mean(0, dtype=np.float64)
            away = rows[:, :dim] - self.means[block].astype(dtype)
            radius = np.sqrt(np.einsum("ij,ij->i", away, away).max(initial=0))
            self.radii[block] = radius * (1 + (dim + 8) * float(np.finfo(dtype).eps))
            if self.kept is not None:
                self.kept[start:end] = rows

    def _computed_rows(self, start: int, end: int) -> Array:
        frame = self.ordered
        exact = frame.points[frame.order[start:end]][:, frame.columns].astype(np.float64)
        exact -= frame.centre[frame.columns]
        exact /= frame.scale
        rows = np.empty((end - start, len(frame.columns) + 2), dtype=self.dtype)
        rows[:, :-2] = exact
        rows[:, -2] = 1
        rows[:, -1] = np.einsum("ij,ij->i", exact, exact) / 2
        return rows

    def rows(self, start: int, end: int) -> Array:
        return self._computed_rows(start, end) if self.kept is None else self.kept[start:end]
