"""Nearest neighbours of very many points by cells: each point is compared with those of the nearest cells alone.

An inverted file (Jégou, Douze, Schmid, 2011): the points are grouped by faiss's k-means into 4 sqrt(n) cells and each
is compared with those of the 32 nearest cells. Of the 10 nearest neighbours it finds .997 for 10,000 handwritten digits
(784 dim) and .992 for 200,000 points of five Gaussian blobs in 10 dim. Distances and their order are exact, what is
missing is a neighbour. In few dimensions the comparisons are compiled, and made for several points of a cell at once;
otherwise, or where nothing is compiled, faiss makes them on one thread.

The compiled search compares a point with few of very many cells: that in which it lies is sought near the nearest of
some sqrt(cells) centroids, and the 32 nearest among the 256 that are nearest to that.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from lightning_suite.errors import UsageError
from suite_spectral.graphs.exact_neighbours import nearest_by_blocks_to
from suite_spectral.kernels import compiled_cells

QUERIES = 2**16
"""Asked at a time: bounds what a search holds besides its answer."""

PROBES = 32
"""Cells that a query is compared with."""

FEW_DIM = 32
"""Dimensions up to which the compiled search is taken."""

FEW_CELLS = 256
"""Cells among which those nearest to a query are sought: the ones that are nearest to its own."""

LANES = 16
"""Points of a cell that it compares at once."""

AWAY = 1e15
"""Coordinate of what fills up a cell: no point is as far."""

Array = npt.NDArray[Any]
Asked = Callable[[Array, Array, int], Array]
"""From queries (query, dim), moved and scaled, their numbers and a count to the nearest points, (query, count).

-1 for none."""


class _Lists(NamedTuple):
    """Points by cell, or centroids by what is near to them, as the compiled search reads them; see ``by_columns``."""

    columns: Array
    first: Array
    number: Array


def nearest_by_cells(
    points: Array, queries: Array | None, count: int, seed: int, rows: slice | None = None
) -> tuple[Array, Array]:
    """Return indices and distances of the points that are nearest to each query, (query, count).

    Args:
        points: (point, dim).
        queries: (query, dim); None: the points, of which none is its own neighbour.
        count: how many, above 0.
        seed: of the cells.
        rows: of the queries, those that are asked; None: all.

    Raises:
        UsageError: faiss is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise UsageError(
            f"the approximate search for {len(points):,} points in {points.shape[1]} dimensions needs faiss. "
            "Install it with: pip install lightning-suite[spectral]; or take search='blocked', exact and slower"
        ) from error
    n, dim = points.shape
    centre = points.mean(0, dtype=np.float64)
    furthest = [np.abs(end - centre).max(initial=0) for end in (points.min(0), points.max(0))]
    scale = float(max(furthest)) or 1.0

    def moved(some: Array) -> Array:
        return np.ascontiguousarray(((some - centre) / scale).astype(np.float32))

    cells = max(1, min(int(4 * n**0.5), n // 8))
    asked = points if queries is None else queries
    first, last, _ = (rows or slice(None)).indices(len(asked))
    more = min(n, count + (queries is None))
    indices = np.empty((last - first, count), dtype=np.int64)
    distances = np.empty((last - first, count))
    short = []
    step = max(1, min(QUERIES, 2**24 // (more * max(1, dim))))
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # another number of them could round, and so answer, differently
    try:
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dim), dim, cells)
        index.cp.seed, index.cp.niter = seed + 1, 6
        index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, 64
        index.train(moved(points[np.random.default_rng(seed).permutation(n)[: 64 * cells]]))
        search = _compiled_search if compiled_cells() is not None and 0 < dim <= FEW_DIM else _faiss_search
        nearest, order = search(index, points, asked, moved)
        order = order[(order >= first) & (order < last)]
        for start in range(0, len(order), step):
            own = order[start : start + step]
            some = asked[own]
            near = nearest(moved(some), own, more)
            if queries is None:
                near = near[without_itself(near, own)].reshape(-1, count)
            short.append(own[(near < 0).any(axis=1)])  # too few points in the cells
            squares = np.empty(near.shape)
            for column in range(count):
                away = some.astype(np.float64) - points[near[:, column]]
                squares[:, column] = np.einsum("ij,ij->i", away, away)
            ranks = np.lexsort((near, squares), axis=1)
            indices[own - first] = np.take_along_axis(near, ranks, 1)
            distances[own - first] = np.sqrt(np.take_along_axis(squares, ranks, 1))
    finally:
        faiss.omp_set_num_threads(threads)
    rest = np.concatenate([np.empty(0, dtype=np.int64), *short])
    if len(rest):
        more = min(n, count + 1) if queries is None else count
        near, lengths = nearest_by_blocks_to(asked[rest], points, more)
        if queries is None:
            stays = without_itself(near, rest)
            near, lengths = near[stays].reshape(-1, count), lengths[stays].reshape(-1, count)
        indices[rest - first], distances[rest - first] = near, lengths
    return indices, distances


def without_itself(indices: Array, own: Array) -> Array:
    """Return which (query, neighbour) stay: all but the query itself, or but the last where it is not among them."""
    stays: Array = indices != own[:, None]
    stays[stays.all(axis=1), -1] = False  # more duplicates than neighbours
    return stays


def _faiss_search(index: Any, points: Array, asked: Array, moved: Callable[[Array], Array]) -> tuple[Asked, Array]:
    """Return the search by faiss, and the order in which to ask."""
    for start in range(0, len(points), QUERIES):
        index.add(moved(points[start : start + QUERIES]))
    index.nprobe = min(PROBES, index.nlist)

    def nearest(some: Array, own: Array, count: int) -> Array:
        near: Array = index.search(some, count)[1]
        return near

    return nearest, np.arange(len(asked))


def _compiled_search(index: Any, points: Array, asked: Array, moved: Callable[[Array], Array]) -> tuple[Asked, Array]:
    """Return the compiled search, and the order in which to ask: by cell, whose points are then in the cache."""
    kernels = compiled_cells()
    assert kernels is not None
    centroids = index.quantizer.reconstruct_n(0, index.nlist)
    threads = torch.get_num_threads()
    every = _one_list(centroids)

    def near(heads: Array, number: int) -> _Lists:
        """Return for each of some places the centroids that are nearest to it."""
        none = np.zeros((len(heads), 1), dtype=np.int64)
        cells = every.number[kernels.nearest_in_cells(every.columns, every.first, heads, none, number, threads)]
        blocks = np.ascontiguousarray(centroids[cells].transpose(0, 2, 1)).ravel()
        return _Lists(blocks, np.arange(len(heads) + 1) * number, cells.ravel())

    def listed(some: Array, lists: _Lists, own: Array, count: int) -> Array:
        columns = kernels.nearest_in_cells(lists.columns, lists.first, some, own[:, None], count, threads)
        nearest: Array = lists.number[columns]
        return nearest

    steps = [every]
    if index.nlist > 2 * FEW_CELLS:
        heads = np.ascontiguousarray(centroids[:: round(index.nlist**0.5)])
        steps = [_one_list(heads), near(heads, max(FEW_CELLS, index.nlist // (8 * LANES) * LANES))]

    def own_cells(some: Array) -> Array:
        parts = [np.empty(0, dtype=np.int64)]
        for at in range(0, len(some), QUERIES):
            part = moved(some[at : at + QUERIES])
            own = np.zeros(len(part), dtype=np.int64)
            for lists in steps:
                own = listed(part, lists, own, 1)[:, 0]
            parts.append(own)
        return np.concatenate(parts)

    cell = own_cells(points)
    columns, first, number = by_columns(moved(points), cell, index.nlist)
    probes = min(PROBES, index.nlist)
    asked_cell = cell if asked is points else own_cells(asked)

    def search(some: Array, own: Array, count: int) -> Array:
        lists, place = every, np.zeros(len(some), dtype=np.int64)
        if index.nlist > FEW_CELLS:
            there, place = np.unique(asked_cell[own], return_inverse=True)
            lists = near(centroids[there], FEW_CELLS)
        cells = listed(some, lists, place, probes)
        found = kernels.nearest_in_cells(columns, first, some, cells, count, threads)
        return np.where(found < 0, -1, number[found])

    return search, np.argsort(asked_cell, kind="stable")


def _one_list(points: Array) -> _Lists:
    return _Lists(*by_columns(points, np.zeros(len(points), dtype=np.int64), 1))


def by_columns(points: Array, cell: Array, cells: int) -> tuple[Array, Array, Array]:
    """Return points as the compiled search reads them, (dim, width) for each cell one after the other.

    Args:
        points: (point, dim) float32.
        cell: (point,) int64, which cell each lies in.
        cells: how many there are.

    Returns:
        The blocks, flat, each filled up to a multiple of ``LANES`` columns; the column at which each cell begins,
        (cells + 1,); and the number of the point in each column, -1 where there is none.
    """
    sizes = np.bincount(cell, minlength=cells)
    widths = -(-sizes // LANES) * LANES
    first = np.concatenate([[0], np.cumsum(widths)])
    order = np.argsort(cell, kind="stable")
    begin = np.cumsum(sizes) - sizes
    column = first[cell[order]] + np.arange(len(points)) - begin[cell[order]]
    number = np.full(first[-1], -1, dtype=np.int64)
    number[column] = order
    dim = points.shape[1]
    blocks = np.full(first[-1] * dim, AWAY, dtype=np.float32)
    place = first[cell[order]] * dim + (column - first[cell[order]])
    for axis in range(dim):
        blocks[place + axis * widths[cell[order]]] = points[order, axis]
    return blocks, first, number
