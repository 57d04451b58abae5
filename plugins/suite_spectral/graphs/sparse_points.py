"""Nearest neighbours of sparse points, by products of their rows, and some of their rows.

Scikit-learn multiplies the rows as they are, block by block, so that neither the points nor the distances of all pairs
are ever dense. A product loses what two near points differ by: a few more candidates than neighbours are taken, and
ranked again by the squares of differences.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.offsets import offsets_of, select
from suite_spectral.one_thread import one_thread

SPARE = 4
"""Candidates beyond the neighbours that are asked for."""

PAIRS = 2**14
"""Pairs whose difference is taken at a time."""

Array = npt.NDArray[Any]


def is_sparse(points: Tensor) -> bool:
    """Return whether points are sparse_csr."""
    return points.layout == torch.sparse_csr


def as_csr(points: Tensor) -> scipy.sparse.csr_array:
    """Return sparse points as a scipy array, which shares their memory."""
    parts = points.values(), points.col_indices(), points.crow_indices()
    return scipy.sparse.csr_array(tuple(part.numpy() for part in parts), shape=tuple(points.shape))


def rows_of(points: Tensor, numbers: Tensor) -> Tensor:
    """Return some rows, (number, dim), of dense or sparse points."""
    if not is_sparse(points):
        return points[numbers.to(points.device)]
    entries, offsets = select(points.crow_indices().long(), numbers.to(points.device))
    return _sparse(offsets, points.col_indices()[entries], points.values()[entries], points.shape[1])


def stacked(parts: Sequence[Tensor]) -> Tensor:
    """Return the rows of all parts, (row, dim), dense where one of them is."""
    if not all(map(is_sparse, parts)):
        return torch.cat([part.to_dense() for part in parts])
    if len(parts) == 1:
        return parts[0]
    offsets = offsets_of(torch.cat([part.crow_indices().long().diff() for part in parts]))
    columns, values = (torch.cat(some) for some in zip(*((p.col_indices(), p.values()) for p in parts), strict=True))
    return _sparse(offsets, columns, values, parts[0].shape[1])


def _sparse(offsets: Tensor, columns: Tensor, values: Tensor, dim: int) -> Tensor:
    size = (len(offsets) - 1, dim)
    offsets = offsets.to(torch.int32) if len(values) < 2**31 else offsets
    return torch.sparse_csr_tensor(offsets, columns.to(offsets.dtype), values, size=size, check_invariants=False)


def nearest_sparse(queries: Tensor | None, points: Tensor, count: int) -> tuple[Array, Array]:
    """Return the neighbours of queries among points, or of points among the others, nearest first.

    Args:
        queries: (query, dim) sparse_csr; None: the points themselves, each of which is no neighbour of its own.
        points: (point, dim) sparse_csr.
        count: neighbours of each.

    Returns:
        indices (query, count) int64 and distances (query, count) float64. Among equal distances the lower index is the
        neighbour, but for those that no candidate is.
    """
    from sklearn.neighbors import NearestNeighbors

    theirs = as_csr(points)
    mine = theirs if queries is None else as_csr(queries)
    more = min(theirs.shape[0], count + SPARE + (queries is None))
    with one_thread():
        near = NearestNeighbors(n_neighbors=more, algorithm="brute").fit(theirs).kneighbors(mine, return_distance=False)
    own = np.arange(mine.shape[0])
    if queries is None:
        stays = near != own[:, None]
        stays[stays.all(axis=1), -1] = False  # more duplicates than candidates
        near = near[stays].reshape(len(own), -1)
    squares = _squares(mine, theirs, near)
    ranks = np.lexsort((near, squares), axis=1)[:, :count]
    return np.take_along_axis(near, ranks, 1).astype(np.int64), np.sqrt(np.take_along_axis(squares, ranks, 1))


def _squares(mine: scipy.sparse.csr_array, theirs: scipy.sparse.csr_array, near: Array) -> Array:
    """Return squared distances (query, candidate) in float64, by differences."""
    rows, columns = np.repeat(np.arange(len(near)), near.shape[1]), near.ravel()
    squares = np.empty(len(rows))
    for start in range(0, len(rows), PAIRS):
        part = slice(start, start + PAIRS)
        away = mine[rows[part]].astype(np.float64) - theirs[columns[part]].astype(np.float64)
        squares[part] = away.multiply(away).sum(axis=1)
    return squares.reshape(near.shape)
