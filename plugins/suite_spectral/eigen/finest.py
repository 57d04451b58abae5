"""The lowest eigenvectors on the finest level of a hierarchy, whose points several processes hold in shares.

Process 0 has built the levels (``suite_spectral.eigen.multilevel``). It hands each process the rows of its share of the
finest level, and the coarser levels whole. Each holds as many aggregates as begin among its points, in their order.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from suite_spectral.eigen.blocks import inner_products
from suite_spectral.eigen.lobpcg import Lowest, lowest
from suite_spectral.eigen.vcycle import Level, corrected
from suite_spectral.eigen.warm_start import best_start
from suite_spectral.shares.group import Group
from suite_spectral.shares.share import Share, block_starts, blocks_of
from suite_spectral.shares.shared_rows import SharedRows

Report = Callable[[int, float], None]


class Finest(NamedTuple):
    """The finest level, and what is asked for.

    Attributes:
        similarity: S, (point here, point) float64.
        levels: from the finest to the coarsest, of which the finest alone may be held in shares.
        start: (point here, vector) float64.
        null: (point here,) float64, the known eigenvector, of unit length over all points.
        added: (point here,) e of an S + e e' that is meant; None: 0.
        wanted, tolerance, by_gap: as of ``suite_spectral.eigen.lobpcg.lowest``.
    """

    similarity: SharedRows
    levels: list[Level]
    start: Tensor
    null: Tensor
    added: Tensor | None
    wanted: int
    tolerance: float
    by_gap: bool

    def some(self, points: slice, aggregates: slice) -> "Finest":
        """Return what a process needs that holds some points, and some aggregates of them."""
        finest, *coarser = self.levels
        return self._replace(
            similarity=self.similarity.some(points),
            levels=[finest.some(points, aggregates), *coarser],
            start=self.start[points].clone(),
            null=self.null[points].clone(),
            added=None if self.added is None else self.added[points].clone(),
        )

    def among(self, share: Share) -> "Finest":
        """Return the same in shares; every process calls this at once."""
        finest, *coarser = self.levels
        return self._replace(similarity=self.similarity.among(share), levels=[finest.among(share), *coarser])

    def product(self, block: Tensor, share: Share) -> Tensor:
        """Return S + e e' times a block, (point here, vector) float64; every process calls this at once."""
        image = self.similarity.times(block)
        if self.added is None:
            return image
        return image + self.added[:, None] * inner_products(self.added[:, None], 1, block, share)

    def warmed(self, warm: Tensor, width: int) -> "Finest":
        """Return the same with the best start in the span of this one and of further vectors, where all is here.

        Args:
            warm: (point, vector).
            width: vectors of the start.
        """
        share, block = Share.alone(len(self.start)), torch.cat([warm, self.start], 1)
        return self._replace(start=best_start(lambda each: self.product(each, share), block, self.null, width))

    def solved(self, share: Share, report: Report) -> Lowest:
        """Return the lowest eigenpairs, of the vectors the rows here; every process calls this at once."""
        return lowest(
            lambda block: self.product(block, share),
            self.start,
            self.null,
            self.wanted,
            precondition=lambda block: corrected(self.levels, 0, block.float()),
            tolerance=self.tolerance,
            by_gap=self.by_gap,
            share=share,
            report=report,
        )


def solved_together(whole: list[Finest], group: Group, report: Report) -> Lowest:
    """Return the lowest eigenpairs of all points in process 0, which holds them and asks the others for their part.

    Args:
        whole: what is asked for, of all points; the list is emptied.
        group: the processes.
        report: as of ``suite_spectral.eigen.lobpcg.lowest``.
    """
    with group.asked():
        pairs = _part(whole, group, report)
    assert pairs is not None
    return pairs


def take_part(group: Group) -> None:
    """Solve the share of this process, which is not process 0, when that asks for it."""
    _part(None, group, lambda step, ratio: None)


def _part(whole: list[Finest] | None, group: Group, report: Report) -> Lowest | None:
    bounds = None if whole is None else _bounds(whole[0], group.size)

    def part_of(rank: int) -> Finest:
        assert whole is not None and bounds is not None
        points, aggregates = (slice(*ends[rank : rank + 2]) for ends in bounds)
        return whole[0].some(points, aggregates)

    part = group.handed(None if whole is None else part_of)
    if whole is not None:
        whole.clear()  # its memory serves the iteration
    n = sum(group.gathered(len(part.start)))
    share = Share.of(group, n)
    pairs = part.among(share).solved(share, report)
    parts = group.first_hears(pairs.vectors)
    return None if parts is None else pairs._replace(vectors=torch.cat(parts))


def _bounds(whole: Finest, size: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return where the points, and the aggregates, of each process begin, and the end.

    Which aggregates a process holds changes no bit; of these nearly all points are its own, since neighbours lie
    together in the order of the points.
    """
    down = whole.levels[0].down
    assert down is not None
    starts = block_starts(len(whole.start))
    points = [*(int(starts[blocks_of(rank, size, len(starts) - 1).start]) for rank in range(size)), int(starts[-1])]
    pointers, columns = down.matrix.crow_indices(), down.matrix.col_indices()
    first = np.sort(columns[pointers[:-1].long()].numpy())  # of each aggregate; no row of P' is empty
    return points, [*np.searchsorted(first, points[:-1]).tolist(), len(first)]
