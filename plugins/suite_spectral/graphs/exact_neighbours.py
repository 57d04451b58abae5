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

from typing import Any

import numpy as np
import torch
from torch import Tensor

from suite_spectral.graphs.neighbour_candidates import Candidates
from suite_spectral.graphs.point_blocks import BUDGET, Array, Blocks, Factors, frame_of, in_blocks, opposite, rounding

NEAR = 4  # blocks that are met first, for tight bounds
DOUBTFUL = 16  # pairs a point, of a block, that rounding leaves open: to resolve more costs more than float64 does


def nearest_by_blocks(points: Array, count: int) -> tuple[Array, Array]:
    """Return the neighbours of every point among the others, exact also where float32 is not.

    Among equal distances the lower index is the neighbour, but among more duplicates than neighbours any of them.

    Args:
        points: (point, dim), any real type.
        count: neighbours of each, below the number of points.

    Returns:
        indices (point, count) int64, nearest first, and distances (point, count) float64.
    """
    frame = frame_of(points, points)
    mine = in_blocks(points, *frame)
    return _search(mine, mine, count)


def nearest_by_blocks_to(queries: Array, points: Array, count: int) -> tuple[Array, Array]:
    """Return the neighbours of queries (query, dim) among points (point, dim), as ``nearest_by_blocks`` does."""
    frame = frame_of(points, queries)
    return _search(in_blocks(queries, *frame), in_blocks(points, *frame), count)


def nearest_on_device(queries: Tensor, points: Tensor, count: int, itself: bool) -> tuple[Tensor, Tensor]:
    """Return the neighbours of queries by torch alone, on their device: products with topk, ranked again in float64.

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
        halves = torch.addmm(moved.square().sum(1) / 2, asked, moved.T, alpha=-1) + half[:, None]  # query point
        own = torch.arange(start, start + len(some), device=points.device)
        if itself:
            halves[own - start, own] = torch.inf
        values, nearby = halves.topk(taken, dim=1, largest=False)
        exact = (points[nearby].double() - some[:, None]).square().sum(2)
        if itself:
            exact.masked_fill_(nearby == own[:, None], torch.inf)
        squares, ranks = exact.sort(dim=1, stable=True)
        squares, best = squares[:, :count], nearby.gather(1, ranks)[:, :count]
        reach = values[:, count - 1].double().clamp(min=0)
        norm = 1.25 * ((2 * half.double()).sqrt() + (2 * reach).sqrt())
        margin = 2 * rounding(dim, units[kind]) * norm.square()
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


def _search(queries: Blocks, points: Blocks, count: int) -> tuple[Array, Array]:
    candidates = _swept(queries, points, count, np.float32)
    if candidates is None:  # points lie so close together, and so far apart, that float32 does not separate them
        candidates = _swept(queries, points, count, np.float64)
    assert candidates is not None
    return candidates.ranked()


def _swept(queries: Blocks, points: Blocks, count: int, dtype: type[np.floating[Any]]) -> Candidates | None:
    itself = queries is points
    theirs = Factors(points, dtype)
    mine = theirs if itself else Factors(queries, dtype)
    unit = float(np.finfo(dtype).eps) / 2
    candidates = Candidates(queries, points, mine.norms, count, unit)
    away = np.sqrt(_squares_between(mine.means, theirs.means))  # block block
    near = np.argsort(away, axis=1)[:, : NEAR + 1]
    met = np.zeros(away.shape, dtype=bool)
    for block in range(len(away)):
        other = block if itself else int(near[block, 0])
        met[block, other] = True
        if not _begin(mine, theirs, candidates, block, other):
            return None
    candidates.tighten()
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
                    theirs_active = np.flatnonzero(to_mine <= _reach(candidates, begin, stop))
                active = np.flatnonzero(to_theirs[:, other] <= _reach(candidates, start, end))
                _meet(mine, theirs, candidates, block, other, active, theirs_active)
        candidates.tighten()
    return candidates


def _reach(candidates: Candidates, start: int, end: int) -> Array:
    bounds = candidates.bounds[start:end].astype(np.float64)
    # the rounding of means and of coordinates, which are at most 1
    slack = 2e-6 * (1 + len(candidates.points.columns) ** 0.5)
    return np.where(bounds < 0, -np.inf, np.sqrt(2 * np.maximum(bounds, 0)) * 1.00001 + slack)


def _squares_between(rows: Array, others: Array) -> Array:
    norms = np.einsum("ij,ij->i", rows, rows)[:, None] + np.einsum("ij,ij->i", others, others)
    squares: Array = np.maximum(norms - 2 * (rows @ others.T), 0)
    return squares


def _begin(mine: Factors, theirs: Factors, candidates: Candidates, block: int, other: int) -> bool:
    """Multiply the first two blocks of these queries and set their bounds; False where float32 rounds too much off."""
    rows = np.arange(*mine.ordered.starts[block : block + 2])
    columns = np.arange(*theirs.ordered.starts[other : other + 2])
    halves = mine.rows(rows[0], rows[-1] + 1) @ opposite(theirs.rows(columns[0], columns[-1] + 1)).T  # row column
    if mine is theirs:
        np.fill_diagonal(halves, np.inf)
    count = candidates.count
    if count < len(columns):
        kth = np.maximum(np.partition(halves, count - 1, axis=1)[:, count - 1], 0).astype(np.float64)
        candidates.bounds[rows], margins = candidates.widened(rows, kth)
        open_ones = np.flatnonzero(margins >= 0.1 * kth)
        # duplicates look like points too close together; those with enough of them are done
        best = columns[np.argpartition(halves[open_ones], count - 1, axis=1)[:, :count]]
        some = np.repeat(rows[open_ones], count)
        same = ~candidates.squares(some, best.ravel()).reshape(-1, count).any(axis=1)
        done = rows[open_ones[same]]
        candidates.bounds[done] = -np.inf
        blurred = len(open_ones) - len(done)
        doubtful = np.count_nonzero((halves > kth[:, None]) & (halves <= candidates.bounds[rows][:, None]))
        if candidates.unit > 2.0**-30 and (2 * blurred > len(rows) or doubtful > DOUBTFUL * len(rows)):
            return False  # float64 may do better
        candidates.add(np.repeat(done, count), best[same].ravel(), np.zeros(len(done) * count))
    _keep(candidates, halves, rows, columns)
    return True


def _meet(
    mine: Factors, theirs: Factors, candidates: Candidates, block: int, other: int, active: Array, back: Array
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
    halves = left @ opposite(right).T  # row column
    _keep(candidates, halves, rows, columns)
    if mine is theirs:
        _keep(candidates, halves.T, columns, rows)


def _keep(candidates: Candidates, halves: Array, rows: Array, columns: Array) -> None:
    bounds = candidates.bounds[rows]
    least = halves.min(axis=1)
    hit = np.flatnonzero((least <= bounds) & np.isfinite(least))
    if not len(hit):
        return
    if len(hit) < len(rows) // 2 or not halves.flags.c_contiguous:
        halves, rows, bounds = np.ascontiguousarray(halves[hit]), rows[hit], bounds[hit]
    below = halves <= bounds[:, None]
    entries = np.flatnonzero(below)
    at = entries // len(columns)
    values = halves.ravel()[entries]
    known = np.isfinite(values)
    if not known.all():
        entries, at, values = entries[known], at[known], values[known]
    candidates.add(rows[at], columns[entries - at * len(columns)], values)
