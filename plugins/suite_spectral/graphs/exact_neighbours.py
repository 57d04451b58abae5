"""Exact nearest neighbours by matrix products, in bounded memory.

Half the squared distance of two points is |x|²/2 + |y|²/2 - x·y, one entry of a product of two matrices whose rows
carry two columns more, (x, 1, |x|²/2) and (-y, |y|²/2, 1). The points are ordered along a tree, so that blocks of
them are close together; the product of two blocks serves the neighbours of both. What is kept of a product are the
entries below a bound that every point has: the count-th smallest distance it has met so far.

The products are in float32, their answers are not: the bound is widened by twice the largest rounding error that a
product can have (Higham, 2002, Accuracy and Stability of Numerical Algorithms, section 3.1), and what is left below
it is ranked by the distances in float64, sums of squared differences. A block whose ball lies beyond the bound of a
point is not multiplied at all.
"""

from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

BUDGET = 256 * 2**20
"""Bytes that a search may hold beyond its input, its output and the candidates, a few for each neighbour asked."""

BLOCK = 1024  # points: a product of two blocks, 4 MB, stays in the cache; 512 and 2048 took longer at 10 and 784 dim
NEAR = 4  # blocks that are met first, for tight bounds
SPARE = 64  # candidates of a point, beyond twice its neighbours, before the rounding errors are resolved

Array = npt.NDArray[Any]


class Ordered(NamedTuple):
    """Points in the order of the blocks.

    Attributes:
        points: as they were given, (point, dim).
        order: the place in points of each, (point,).
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


def nearest_by_blocks(points: Array, count: int) -> tuple[Array, Array]:
    """The neighbours of every point among the others, exact also where float32 is not.

    Among equal distances the lower index is the neighbour, but among more duplicates than neighbours any of them.

    Args:
        points: (point, dim), any real type.
        count: neighbours of each, below the number of points.

    Returns:
        indices (point, count) int64, nearest first, and distances (point, count) float64.
    """
    frame = _frame(points, points)
    mine = _ordered(points, *frame)
    return _search(mine, mine, count)


def nearest_by_blocks_to(queries: Array, points: Array, count: int) -> tuple[Array, Array]:
    """The same for points, (query, dim), that are not among those searched."""
    frame = _frame(points, queries)
    return _search(_ordered(queries, *frame), _ordered(points, *frame), count)


def nearest_on_device(queries: Tensor, points: Tensor, count: int, itself: bool) -> tuple[Tensor, Tensor]:
    """The same in torch alone, on the device where the points are: products with topk, ranked again in float64.

    Rows whose rounding errors leave the answer open are searched once more, in float64.

    Args:
        queries: (query, dim), floating.
        points: (point, dim), floating, of the same type.
        count: neighbours of each query.
        itself: whether query i is point i, which is then no neighbour of its own.
    """
    n, dim = points.shape
    taken = min(n, count + itself + 16)
    low, high = points.amin(0).double(), points.amax(0).double()
    centre = (low + high) / 2
    scale = float((high - low).max()) or 1.0 if dim else 1.0
    # "high" and "medium" let the device multiply in tf32 or bfloat16
    units = {torch.float32: 2.0**-24 if torch.get_float32_matmul_precision() == "highest" else 2.0**-8}
    units[torch.float64] = 2.0**-53
    kind = torch.float32
    rows = max(1, BUDGET // 4 // max(1, 3 * n + 8 * taken * dim))
    indices = torch.empty(queries.shape[0], count, dtype=torch.int64, device=points.device)
    distances = torch.empty(queries.shape[0], count, dtype=torch.float64, device=points.device)
    moved = ((points.double() - centre) / scale).to(kind)
    start = 0
    while start < queries.shape[0]:
        some = queries[start : start + rows].double()
        asked = ((some - centre) / scale).to(kind)
        half = asked.square().sum(1) / 2
        found = torch.addmm(moved.square().sum(1) / 2, asked, moved.T, alpha=-1) + half[:, None]  # query point
        own = torch.arange(start, start + len(some), device=points.device)
        if itself:
            found[own - start, own] = torch.inf
        values, places = found.topk(taken, dim=1, largest=False)
        exact = (points[places].double() - some[:, None]).square().sum(2)
        if itself:
            exact.masked_fill_(places == own[:, None], torch.inf)
        squares, ranks = exact.sort(dim=1, stable=True)
        squares, best = squares[:, :count], places.gather(1, ranks)[:, :count]
        reach = values[:, count - 1].double().clamp(min=0)
        norm = 1.25 * ((2 * half.double()).sqrt() + (2 * reach).sqrt())
        margin = 2 * _rounding(dim, units[kind]) * norm.square()
        # nothing is nearer than duplicates
        unsure = torch.nonzero((values[:, -1] <= reach + margin) & (squares[:, -1] > 0))[:, 0] if taken < n else own[:0]
        if kind == torch.float32 and 16 * len(unsure) > len(some):
            kind = torch.float64
            moved = (points.double() - centre) / scale
            continue
        for row in map(int, unsure):
            everything = (points.double() - some[row]).square().sum(1)
            if itself:
                everything[row + start] = torch.inf
            squares[row], best[row] = everything.topk(count, largest=False)
        indices[own], distances[own] = best, squares.sqrt()
        start += len(some)
    return indices, distances


def _rounding(dim: int, unit: float) -> float:
    # of half a squared distance, as a share of the larger norm squared: a sum of dim + 2 products whose absolute
    # values add up to twice that, and the rounding of factors and of what is stored
    return 2 * (dim + 8) * unit


def _frame(points: Array, others: Array) -> tuple[Array, float, Array]:
    low = np.minimum(points.min(0), others.min(0)).astype(np.float64)
    high = np.maximum(points.max(0), others.max(0)).astype(np.float64)
    centre = low / 2 + high / 2
    if points is others:
        centre = points.mean(0, dtype=np.float64)  # nearer to most points than the middle: smaller rounding errors
    widest = float((high - low).max()) if points.shape[1] else 0.0
    return centre, widest or 1.0, np.flatnonzero(high > low)


def _ordered(points: Array, centre: Array, scale: float, columns: Array) -> Ordered:
    n = points.shape[0]
    blocks = max(1, n // min(BLOCK, _rows_within(len(columns))))
    starts = np.linspace(0, n, blocks + 1).astype(np.int64)
    order = np.arange(n)
    if blocks > 1 and len(columns):
        order = _tree_order(_leading(points, centre, scale, columns))
    return Ordered(points, order, starts, centre, scale, columns)


def _tree_order(coordinates: Array) -> Array:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(coordinates, leafsize=BLOCK, compact_nodes=False).indices, dtype=np.int64)


def _leading(points: Array, centre: Array, scale: float, columns: Array) -> Array:
    """At most 12 coordinates to order the points by: their own, or the principal ones of a sample."""
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
    found = np.empty((points.shape[0], axes.shape[1]), dtype=np.float32)
    step = _rows_within(len(columns))
    for start in range(0, points.shape[0], step):
        found[start : start + step] = (points[start : start + step, columns] / scale).astype(np.float32) @ axes
    return found


def _rows_within(dim: int) -> int:
    """Rows of so many float64 that a few copies of them stay within the budget."""
    return max(64, BUDGET // 64 // max(1, dim))


@final
class _Factors:
    """Rows (x, 1, |x|²/2) of blocks, kept where they fit into the budget."""

    def __init__(self, ordered: Ordered, dtype: type[np.floating[Any]]) -> None:
        self.ordered = ordered
        self.dtype = dtype
        n, dim = ordered.points.shape[0], len(ordered.columns)
        self.kept: Array | None = None
        self.norms = np.empty(n)
        fits = n * (dim + 2) * np.dtype(dtype).itemsize <= BUDGET // 2
        if fits:
            self.kept = np.empty((n, dim + 2), dtype=dtype)
        self.means = np.empty((len(ordered.starts) - 1, dim))
        self.radii = np.empty(len(ordered.starts) - 1)
        for block, (start, end) in enumerate(zip(ordered.starts[:-1], ordered.starts[1:], strict=True)):
            rows = self._made(start, end)
            self.norms[start:end] = np.sqrt(2 * rows[:, -1].astype(np.float64))
            self.means[block] = rows[:, :dim].mean(0, dtype=np.float64)
            away = rows[:, :dim] - self.means[block].astype(dtype)
            radius = np.sqrt(np.einsum("ij,ij->i", away, away).max(initial=0))
            self.radii[block] = radius * (1 + (dim + 8) * float(np.finfo(dtype).eps))
            if self.kept is not None:
                self.kept[start:end] = rows

    def _made(self, start: int, end: int) -> Array:
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
        return self._made(start, end) if self.kept is None else self.kept[start:end]


def _opposite(rows: Array) -> Array:
    """Rows (-x, |x|²/2, 1) of (x, 1, |x|²/2)."""
    turned = np.negative(rows)
    turned[:, -2] = rows[:, -1]
    turned[:, -1] = 1
    return turned


@final
class _Candidates:
    """What may be among the nearest of each query, and the bound below which more are taken.

    Attributes:
        bounds: half the squared distance, (query,) float32, up to which a computed one is taken; -inf: no more.
    """

    def __init__(self, queries: Ordered, points: Ordered, norms: Array, count: int, unit: float) -> None:
        self.queries, self.points, self.count, self.unit = queries, points, count, unit
        self.norms = norms
        self.n = queries.points.shape[0]
        self.itself = queries is points
        self.bounds = np.full(self.n, np.inf, dtype=np.float32)
        self.parts: list[tuple[Array, Array, Array]] = []
        self.pending = 0
        self.enough = max(2**18, self.n * count)

    def add(self, rows: Array, columns: Array, values: Array) -> None:
        self.parts.append((rows.astype(np.int32), columns.astype(np.int32), np.maximum(values, 0).astype(np.float32)))
        self.pending += len(rows)
        if self.pending > self.enough:
            self.tighten()

    def widened(self, rows: Array, reach: Array) -> tuple[Array, Array]:
        """Bounds and margins of queries whose count-th nearest candidate is at half the squared distance reach."""
        # a neighbour has at most the norm of the query and its distance; a quarter more covers the rounding of both
        norm = 1.25 * (self.norms[rows] + np.sqrt(2 * reach))
        margins = _rounding(len(self.points.columns), self.unit) * norm**2 + 2.0**-22 * reach
        return np.nextafter((reach + 2 * margins).astype(np.float32), np.float32(np.inf)), margins

    def tighten(self) -> None:
        """Set the bounds by what was found and drop what is beyond them."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        # non-negative float32 sort as their bits do
        ranks = np.argsort((rows.astype(np.int64) << 32) | values.view(np.int32))
        rows, columns, values = rows[ranks], columns[ranks], values[ranks]
        first = np.searchsorted(rows, np.arange(self.n + 1, dtype=np.int32))
        full = np.flatnonzero((np.diff(first) >= self.count) & (self.bounds != -np.inf))
        reach = values[first[full] + self.count - 1].astype(np.float64)
        self.bounds[full] = self.widened(full, reach)[0]
        keep = values <= np.abs(self.bounds)[rows]  # abs: all that is left of queries that are done
        rows, columns, values = rows[keep], columns[keep], values[keep]
        crowded = np.bincount(rows, minlength=self.n) > 2 * self.count + SPARE
        if crowded.any():
            rows, columns, values = self._resolved(rows, columns, values, crowded)
        self.parts = [(rows, columns, values)]
        self.pending = 0
        self.enough = max(2**18, len(rows))

    def _resolved(self, rows: Array, columns: Array, values: Array, crowded: Array) -> tuple[Array, Array, Array]:
        """Of queries with too many candidates within the rounding errors, the nearest by exact distances."""
        open_ones = crowded[rows]
        some, others = rows[open_ones], columns[open_ones]
        squares = self.squares(some, others)
        ranks = np.lexsort((self.points.order[others], squares, some))
        some, others, squares = some[ranks], others[ranks], squares[ranks]
        first = np.searchsorted(some, np.arange(self.n + 1, dtype=np.int32))
        best = np.arange(len(some)) - first[some] < self.count
        done = np.flatnonzero(crowded)
        done = done[squares[first[done] + self.count - 1] == 0]
        self.bounds[done] = -np.inf  # nothing is nearer than duplicates
        exact = squares[best] / (2 * self.points.scale**2)
        rest = ~open_ones
        return (
            np.concatenate([rows[rest], some[best]]),
            np.concatenate([columns[rest], others[best]]),
            np.concatenate([values[rest], exact.astype(np.float32)]),
        )

    def squares(self, rows: Array, columns: Array) -> Array:
        """Squared distances of pairs, in float64, by differences."""
        found = np.empty(len(rows))
        queries, points = self.queries, self.points
        step = max(1, 2**17 // max(1, points.points.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            away = queries.points[queries.order[rows[part]]].astype(np.float64)
            away -= points.points[points.order[columns[part]]]
            found[part] = np.einsum("ij,ij->i", away, away)
        return found

    def ranked(self) -> tuple[Array, Array]:
        """The nearest of each query in the order in which queries and points were given."""
        self.tighten()
        rows, columns, _ = self.parts.pop()
        indices = np.empty((self.n, self.count), dtype=np.int64)
        distances = np.empty((self.n, self.count))
        places = self.points.order[columns]
        ranks = np.argsort((rows.astype(np.int64) << 32) | places)
        rows, columns, places = rows[ranks], columns[ranks], places[ranks]
        first = np.searchsorted(rows, np.arange(self.n + 1, dtype=np.int32))
        squares = self.squares(rows, columns)
        step = 2**14
        for start in range(0, self.n, step):
            end = min(self.n, start + step)
            part = slice(first[start], first[end])
            width = int(np.diff(first[start : end + 1]).max())
            at = (rows[part] - start, np.arange(first[start], first[end]) - first[rows[part]])
            table, named = np.full((end - start, width), np.inf), np.zeros((end - start, width), dtype=np.int64)
            table[at], named[at] = squares[part], places[part]
            best = np.argsort(table, axis=1, kind="stable")[:, : self.count]
            given = self.queries.order[start:end]
            indices[given] = np.take_along_axis(named, best, 1)
            distances[given] = np.sqrt(np.take_along_axis(table, best, 1))
        return indices, distances


def _search(queries: Ordered, points: Ordered, count: int) -> tuple[Array, Array]:
    found = _swept(queries, points, count, np.float32)
    if found is None:  # points so close together, for how far they are apart, that float32 tells too few from others
        found = _swept(queries, points, count, np.float64)
    assert found is not None
    return found.ranked()


def _swept(queries: Ordered, points: Ordered, count: int, dtype: type[np.floating[Any]]) -> _Candidates | None:
    itself = queries is points
    theirs = _Factors(points, dtype)
    mine = theirs if itself else _Factors(queries, dtype)
    unit = float(np.finfo(dtype).eps) / 2
    found = _Candidates(queries, points, mine.norms, count, unit)
    away = np.sqrt(_squares_between(mine.means, theirs.means))  # block block
    near = np.argsort(away, axis=1)[:, : NEAR + 1]
    met = np.zeros(away.shape, dtype=bool)
    for block in range(len(away)):
        other = block if itself else int(near[block, 0])
        met[block, other] = True
        if not _begin(mine, theirs, found, block, other):
            return None
    found.tighten()
    for sequences in (near, np.argsort(away, axis=1)):
        for block in range(len(away)):
            start, end = queries.starts[block : block + 2]
            rows = mine.rows(start, end)[:, :-2].astype(np.float64)
            to_theirs = np.sqrt(_squares_between(rows, theirs.means)) - theirs.radii  # query block
            others = [int(other) for other in sequences[block] if not met[block, other]]
            for other in others:
                met[block, other] = True
                theirs_active: Array = np.zeros(0, dtype=np.int64)
                if itself:
                    met[other, block] = True
                    begin, stop = points.starts[other : other + 2]
                    back = theirs.rows(begin, stop)[:, :-2].astype(np.float64)
                    to_mine = np.sqrt(_squares_between(back, mine.means[[block]])[:, 0]) - mine.radii[block]
                    theirs_active = np.flatnonzero(to_mine <= _reach(found, begin, stop))
                active = np.flatnonzero(to_theirs[:, other] <= _reach(found, start, end))
                _meet(mine, theirs, found, block, other, active, theirs_active)
        found.tighten()
    return found


def _reach(found: _Candidates, start: int, end: int) -> Array:
    bounds = found.bounds[start:end].astype(np.float64)
    slack = 2e-6 * (1 + len(found.points.columns) ** 0.5)  # the rounding of coordinates, which are at most 1, and means
    return np.where(bounds < 0, -np.inf, np.sqrt(2 * np.maximum(bounds, 0)) * 1.00001 + slack)


def _squares_between(rows: Array, others: Array) -> Array:
    norms = np.einsum("ij,ij->i", rows, rows)[:, None] + np.einsum("ij,ij->i", others, others)
    squares: Array = np.maximum(norms - 2 * (rows @ others.T), 0)
    return squares


def _begin(mine: _Factors, theirs: _Factors, found: _Candidates, block: int, other: int) -> bool:
    """Multiply the first two blocks of these queries and set their bounds; False where float32 rounds too much off."""
    rows = np.arange(*mine.ordered.starts[block : block + 2])
    columns = np.arange(*theirs.ordered.starts[other : other + 2])
    halves = mine.rows(rows[0], rows[-1] + 1) @ _opposite(theirs.rows(columns[0], columns[-1] + 1)).T  # row column
    if mine is theirs:
        np.fill_diagonal(halves, np.inf)
    count = found.count
    if count < len(columns):
        kth = np.maximum(np.partition(halves, count - 1, axis=1)[:, count - 1], 0).astype(np.float64)
        found.bounds[rows], margins = found.widened(rows, kth)
        open_ones = np.flatnonzero(margins >= 0.1 * kth)
        # duplicates look like points too close together; those with enough of them are done
        best = columns[np.argpartition(halves[open_ones], count - 1, axis=1)[:, :count]]
        some = np.repeat(rows[open_ones], count)
        same = ~found.squares(some, best.ravel()).reshape(-1, count).any(axis=1)
        done = rows[open_ones[same]]
        found.bounds[done] = -np.inf
        blurred = len(open_ones) - len(done)
        if 2 * blurred > len(rows) and found.unit > 2.0**-30:
            return False  # float64 may do better
        found.add(np.repeat(done, count), best[same].ravel(), np.zeros(len(done) * count))
    _keep(found, halves, rows, columns)
    return True


def _meet(
    mine: _Factors, theirs: _Factors, found: _Candidates, block: int, other: int, active: Array, back: Array
) -> None:
    """Multiply the active rows of two blocks and keep the entries below the bounds of either side.

    Args:
        active: rows of the first block whose bounds reach into the other.
        back: rows of the other whose bounds reach into the first; none of them where the points are not the queries.
    """
    if not len(active) and not len(back):
        return
    start, end = mine.ordered.starts[block : block + 2]
    begin, stop = theirs.ordered.starts[other : other + 2]
    left, rows = mine.rows(start, end), np.arange(start, end)
    right, columns = theirs.rows(begin, stop), np.arange(begin, stop)
    if not len(back):
        left, rows = left[active], rows[active]
    if not len(active):
        right, columns = right[back], columns[back]
    halves = left @ _opposite(right).T  # row column
    _keep(found, halves, rows, columns)
    if mine is theirs:
        _keep(found, halves.T, columns, rows)


def _keep(found: _Candidates, halves: Array, rows: Array, columns: Array) -> None:
    bounds = found.bounds[rows]
    least = halves.min(axis=1)
    hit = np.flatnonzero((least <= bounds) & np.isfinite(least))
    if not len(hit):
        return
    if len(hit) < len(rows) // 2 or not halves.flags.c_contiguous:
        halves, rows, bounds = np.ascontiguousarray(halves[hit]), rows[hit], bounds[hit]
    below = halves <= bounds[:, None]
    places = np.flatnonzero(below)
    at = places // len(columns)
    values = halves.ravel()[places]
    known = np.isfinite(values)
    if not known.all():
        places, at, values = places[known], at[known], values[known]
    found.add(rows[at], columns[places - at * len(columns)], values)
