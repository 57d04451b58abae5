"""Nearest neighbours of points, the first step to a sparse graph, by the search that fits their number and dimension.

Three searches, two of them exact:

- tree: scipy's k-d tree, asked in its own order so that neighbouring questions touch the same memory; exact.
- blocked: products of blocks of points, see ``suite_spectral.graphs.exact_neighbours``; exact, on any device.
- approximate: the nearest of some cells, see ``suite_spectral.graphs.approximate_neighbours``.

``automatic_search`` says which of them "auto" means.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.approximate_neighbours import nearest_by_cells, without_itself
from suite_spectral.graphs.exact_neighbours import nearest_by_blocks, nearest_by_blocks_to, nearest_on_device
from suite_spectral.graphs.sparse_points import is_sparse, nearest_sparse
from suite_spectral.settings import Search

TREE_DIM = 7  # measured: 20,000 points in 6 dim .15 s by tree, .23 s by blocks; in 8 dim .25-.40 s and .22-.26 s
EXACT_WORK = 5e12  # of queries * points * (dim + 50): about 45 CPU seconds by blocks
QUERIES = 2**16  # asked at a time: bounds what a search holds besides its answer

Array = npt.NDArray[Any]
Tree = Any
"""A ``scipy.spatial.cKDTree``, which has no types."""


class Neighbours(NamedTuple):
    """The points nearest to each query.

    Attributes:
        indices: (query, neighbour) int64, nearest first.
        distances: Euclidean, (query, neighbour), float32 where the points are float32, else float64.
    """

    indices: Tensor
    distances: Tensor


def automatic_search(n: int, dim: int, device: torch.device, *, queries: int | None = None) -> Search:
    """What "auto" means for n points: tree in at most 7 dim on the CPU, else blocked, on the CPU approximate where
    queries * n * (dim + 50) exceeds 5e12, as for 300,000 points in 10 dim or 80,000 in 784.

    Args:
        queries: points whose neighbours are asked; None: all n.
    """
    if device.type != "cpu":
        return "blocked"
    if dim <= TREE_DIM:
        return "tree"
    asked = n if queries is None else queries
    return "approximate" if float(asked) * n * (dim + 50) > EXACT_WORK else "blocked"


SQUARED = (1e-150, 1e150)
"""The largest coordinate lies between these: squared distances beyond are 0 or infinite, and have no order."""


def nearest(
    points: Tensor, count: int, *, search: Search = "auto", seed: int = 0, rows: slice | None = None
) -> Neighbours:
    """Return the nearest other points of every point; none is its own neighbour, also among duplicates.

    Example:
        >>> nearest(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 1).indices.tolist()
        [[1], [0], [3], [2]]

    Args:
        points: (point, dim), any real type, no NaN; dim may be 0 (all points are one). Of sparse_csr ones on the CPU
            the search is that of ``suite_spectral.graphs.sparse_points``.
        count: neighbours of each point, 0 to n - 1.
        search: see the module; the exact ones agree but for the order among equal distances.
        seed: of the cells of the approximate search.
        rows: the points whose neighbours are found, by "tree" or "approximate"; None: all.

    Raises:
        UsageError: count is not below the number of points, the search does not exist or does not run on the points'
            device, a coordinate is not finite, or faiss is needed and not installed.
    """
    check_points(points, "nearest: points")
    n = points.shape[0]
    if not 0 <= count < n:
        raise UsageError(
            f"nearest: {n} points have {max(n - 1, 0)} neighbours each, but {count} were asked for; "
            "give fewer neighbours or more points"
        )
    chosen = _chosen(search, n, points, n)
    if count == 0:
        return _none_of(points if rows is None else points[rows], 0)
    if is_sparse(points):
        return _answer(*nearest_sparse(None, points, count), points)
    if points.device.type != "cpu":
        moved = _floating(points)
        return _typed(*nearest_on_device(moved, moved, count, True), points)
    array = _array(points)
    if chosen == "tree":
        return _by_tree(array, None, count, points, rows=rows)
    if chosen == "approximate":
        return _answer(*nearest_by_cells(array, None, count, seed, rows), points)
    assert rows is None
    return _answer(*nearest_by_blocks(array, count), points)


def tree_where_used(points: Tensor) -> Tree | None:
    """Return the k-d tree of points in which "auto" searches, for many calls of ``nearest_to``; None where in none."""
    used = automatic_search(len(points), points.shape[1], points.device, queries=1) == "tree"
    return tree_of(points) if used and not is_sparse(points) else None


def tree_of(points: Tensor) -> Tree:
    """Return the k-d tree of points on the CPU."""
    return _tree(_array(points))


def nearest_to(
    queries: Tensor, points: Tensor, count: int, *, search: Search = "auto", seed: int = 0, tree: Tree | None = None
) -> Neighbours:
    """Return the points nearest to each query; a query that is one of the points is its own nearest.

    Example:
        >>> nearest_to(torch.tensor([[9.0]]), torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 2).indices.tolist()
        [[2, 3]]

    Args:
        queries: (query, dim), real, no NaN, on the device of the points.
        points: (point, dim).
        count: neighbours of each query, 0 to n.
        search, seed: as for ``nearest``.
        tree: of the points, by ``tree_where_used``; None: made where it is needed.

    Raises:
        UsageError: as for ``nearest``, or the dimensions or devices differ.
    """
    check_points(queries, "nearest_to: queries")
    check_points(points, "nearest_to: points")
    if queries.shape[1] != points.shape[1]:
        raise UsageError(
            f"nearest_to: queries must have the {points.shape[1]} columns of the points, got {queries.shape[1]}"
        )
    if queries.device != points.device:
        raise UsageError(f"nearest_to: queries must be on the points' device {points.device}, got {queries.device}")
    n = points.shape[0]
    if not 0 <= count <= n:
        raise UsageError(f"nearest_to: {count} neighbours were asked for, but there are only {n} points")
    chosen = _chosen(search, n, points, len(queries))
    if count == 0 or len(queries) == 0:
        return _none_of(queries, count)
    if is_sparse(points):
        return _answer(*nearest_sparse(queries, points, count), queries)
    if points.device.type != "cpu":
        kind = torch.promote_types(_floating(queries).dtype, _floating(points).dtype)
        return _typed(*nearest_on_device(queries.to(kind), points.to(kind), count, False), queries)
    if chosen == "tree":
        return _by_tree(_array(points), _array(queries), count, queries, tree)
    if chosen == "approximate":
        return _answer(*nearest_by_cells(_array(points), _array(queries), count, seed), queries)
    return _answer(*nearest_by_blocks_to(_array(queries), _array(points), count), queries)


def check_points(points: Tensor, name: str) -> None:
    if points.ndim != 2 or points.is_complex():
        raise UsageError(
            f"{name} must be real numbers of shape (point, dim), got {points.dtype} of shape {tuple(points.shape)}"
        )
    if is_sparse(points):
        points = points.values()[:, None]
    if points.is_floating_point():
        finite = points.isfinite()
        if not bool(finite.all()):
            row, column = (int(number) for number in torch.nonzero(~finite)[0])
            raise UsageError(
                f"{name} must be finite numbers, but row {row}, column {column} is {float(points[row, column])}; "
                "remove or fill such rows"
            )
        largest = float(points.abs().max()) if points.numel() else 0.0
        if largest and not SQUARED[0] <= largest <= SQUARED[1]:
            raise UsageError(
                f"{name} must be numbers whose squares can be told apart, but the largest is {largest:.3g}; "
                "scale all of them by a power of ten"
            )


def _chosen(search: Search, n: int, points: Tensor, queries: int) -> Search:
    if search == "auto":
        return automatic_search(n, points.shape[1], points.device, queries=queries)
    if search not in ("tree", "blocked", "approximate"):
        raise UsageError(f"search must be one of auto, tree, blocked, approximate, got {search!r}")
    if points.device.type != "cpu" and search != "blocked":
        raise UsageError(
            f"search={search!r} runs on the CPU only, but the points are on {points.device}; "
            "use search='blocked' or move the points to the CPU"
        )
    return search


def _floating(points: Tensor) -> Tensor:
    return points if points.dtype in (torch.float32, torch.float64) else points.double()


def _array(points: Tensor) -> Array:
    if points.dtype in (torch.float16, torch.bfloat16):
        points = points.float()
    elif points.dtype == torch.bool:
        points = points.to(torch.uint8)
    return np.asarray(points.detach())


def _none_of(points: Tensor, count: int) -> Neighbours:
    shape = (points.shape[0], count)  # one of them 0
    return _typed(
        torch.empty(shape, dtype=torch.int64, device=points.device),
        torch.empty(shape, dtype=torch.float64, device=points.device),
        points,
    )


def _answer(indices: Array, distances: Array, points: Tensor) -> Neighbours:
    return _typed(torch.from_numpy(indices), torch.from_numpy(distances), points)


def _typed(indices: Tensor, distances: Tensor, points: Tensor) -> Neighbours:
    return Neighbours(indices, distances.float() if points.dtype == torch.float32 else distances)


def _tree(points: Array) -> Tree:
    from scipy.spatial import cKDTree

    # cells cut in the middle of space and not tightened: as fast to ask, faster to build than scipy's defaults
    return cKDTree(points if points.shape[1] else np.zeros((len(points), 1)), balanced_tree=False, compact_nodes=False)


def _by_tree(
    points: Array,
    queries: Array | None,
    count: int,
    like: Tensor,
    tree: Tree | None = None,
    rows: slice | None = None,
) -> Neighbours:
    tree = _tree(points) if tree is None else tree
    if points.shape[1] == 0:
        points, queries = np.zeros((len(points), 1)), None if queries is None else np.zeros((len(queries), 1))
    asked = points if queries is None else queries
    first, last, _ = (rows or slice(None)).indices(len(asked))
    if queries is None:
        order = tree.indices
        order = order if rows is None else order[(order >= first) & (order < last)]
    elif len(queries) > QUERIES // 8:
        order = _tree(queries).indices
    else:
        order = np.arange(len(queries))
    indices = np.empty((last - first, count), dtype=np.int64)
    distances = np.empty((last - first, count), dtype=np.float32 if like.dtype == torch.float32 else np.float64)
    for start in range(0, last - first, QUERIES):
        own = order[start : start + QUERIES]
        more = count + (queries is None)
        lengths, near = (part.reshape(len(own), more) for part in tree.query(asked[own], more))
        if queries is None:
            stays = without_itself(near, own)
            near, lengths = near[stays].reshape(-1, count), lengths[stays].reshape(-1, count)
        indices[own - first], distances[own - first] = near, lengths
    return _answer(indices, distances, like)
