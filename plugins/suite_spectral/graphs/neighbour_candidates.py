"""What may be among the nearest of each query, while blocks of points are multiplied with each other."""

from typing import final

import numpy as np

from suite_spectral.graphs.point_blocks import Array, Blocks, rounding

SPARE = 64  # candidates of a point, beyond twice its neighbours, before the rounding errors are resolved


@final
class Candidates:
    """What may be among the nearest of each query, and the bound below which more are taken.

    Attributes:
        bounds: half the squared distance, (query,) float32, up to which a computed one is taken; -inf: no more.
    """

    queries: Blocks
    points: Blocks
    count: int
    unit: float

    def __init__(self, queries: Blocks, points: Blocks, norms: Array, count: int, unit: float) -> None:
        self.queries, self.points, self.count, self.unit = queries, points, count, unit
        self.norms = norms
        self.n = queries.points.shape[0]
        self.itself: bool = queries is points
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
        """Return bounds and margins of queries whose count-th nearest candidate has half the squared distance reach."""
        # a neighbour has at most the norm of the query and its distance; a quarter more covers the rounding of both
        norm = 1.25 * (self.norms[rows] + np.sqrt(2 * reach))
        margins = rounding(len(self.points.columns), self.unit) * norm**2 + 2.0**-22 * reach
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
        """Return the candidates, of crowded queries only the nearest by exact distances."""
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
        """Return squared distances of pairs, in float64, by differences."""
        sums = np.empty(len(rows))
        queries, points = self.queries, self.points
        step = max(1, 2**17 // max(1, points.points.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            away = queries.points[queries.order[rows[part]]].astype(np.float64)
            away -= points.points[points.order[columns[part]]]
            sums[part] = np.einsum("ij,ij->i", away, away)
        return sums

    def ranked(self) -> tuple[Array, Array]:
        """Return the nearest of each query, in the order in which queries and points came."""
        self.tighten()
        rows, columns, _ = self.parts.pop()
        indices = np.empty((self.n, self.count), dtype=np.int64)
        distances = np.empty((self.n, self.count))
        numbers = self.points.order[columns]
        ranks = np.argsort((rows.astype(np.int64) << 32) | numbers)
        rows, columns, numbers = rows[ranks], columns[ranks], numbers[ranks]
        first = np.searchsorted(rows, np.arange(self.n + 1, dtype=np.int32))
        squares = self.squares(rows, columns)
        step = 2**14
        for start in range(0, self.n, step):
            end = min(self.n, start + step)
            part = slice(first[start], first[end])
            width = int(np.diff(first[start : end + 1]).max())
            at = (rows[part] - start, np.arange(first[start], first[end]) - first[rows[part]])
            table, named = np.full((end - start, width), np.inf), np.zeros((end - start, width), dtype=np.int64)
            table[at], named[at] = squares[part], numbers[part]
            best = np.argsort(table, axis=1, kind="stable")[:, : self.count]
            original = self.queries.order[start:end]
            indices[original] = np.take_along_axis(named, best, 1)
            distances[original] = np.sqrt(np.take_along_axis(table, best, 1))
        return indices, distances
