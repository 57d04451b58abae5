"""The lowest eigenvectors of a sparse Laplacian whose rows several processes hold in shares.

Process 0 hands each process the rows of its share, or each has made its own (``suite_spectral.shares.spectrum``). From
there on all of them do the same: they build the levels (``suite_spectral.eigen.hierarchy``), of which the finest alone
is in shares, and iterate.
"""

from collections.abc import Callable
from typing import NamedTuple

import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.eigen.blocks import inner_products
from suite_spectral.eigen.hierarchy import Wanted, hierarchy
from suite_spectral.eigen.lobpcg import Lowest, lowest
from suite_spectral.eigen.vcycle import corrected
from suite_spectral.eigen.warm_start import best_start
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.shares.group import Group
from suite_spectral.shares.share import Share, block_starts, blocks_of
from suite_spectral.shares.shared_rows import SharedRows

Report = Callable[[int, float], None]


class Problem(NamedTuple):
    """What is asked for, and of which matrix.

    Attributes:
        similarity: S, (point here, point) float64.
        null: (point here,) float64, the known eigenvector, of unit length over all points.
        added: (point here,) e of an S + e e' that is meant; None: 0.
        warm: (point here, vector) further vectors to start from; None: none.
        wanted: what is wanted.
        tolerance, by_gap: as of ``suite_spectral.eigen.lobpcg.lowest``.
    """

    similarity: scipy.sparse.csr_array
    null: Tensor
    added: Tensor | None
    warm: Tensor | None
    wanted: Wanted
    tolerance: float
    by_gap: bool

    def some(self, points: slice) -> "Problem":
        """Return what a process needs that holds some of the points."""
        return self._replace(
            similarity=self.similarity[points],
            null=self.null[points].clone(),
            added=None if self.added is None else self.added[points].clone(),
            warm=None if self.warm is None else self.warm[points].clone(),
        )

    def solved(self, share: Share, report: Report) -> Lowest | None:
        """Return the lowest eigenpairs, of the vectors the rows here; every process calls this at once.

        Of several processes, None where the graph has no coarser level.
        """
        found = hierarchy(self.similarity, self.null, self.added, self.wanted, share)
        if found is None:
            return None
        levels, start = found
        del found
        exact = SharedRows(sparse_rows(self.similarity, torch.float64))
        exact = exact if share.group.size == 1 else exact.among(share)

        def product(block: Tensor) -> Tensor:  # S + e e' times a block
            image = exact.times(block)
            if self.added is None:
                return image
            return image + self.added[:, None] * inner_products(self.added[:, None], 1, block, share)

        if self.warm is not None:
            start = best_start(product, torch.cat([self.warm, start], 1), self.null, self.wanted.width, share)
        held = [start]
        del start  # its memory serves the iteration
        return lowest(
            product,
            held.pop(),
            self.null,
            self.wanted.sure,
            precondition=lambda block: corrected(levels, 0, block.float()),
            tolerance=self.tolerance,
            by_gap=self.by_gap,
            share=share,
            report=report,
        )


def solved_together(whole: list[Problem], group: Group, report: Report) -> Lowest:
    """Return the lowest eigenpairs in process 0, which holds all and asks the others for their part.

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


def _part(whole: list[Problem] | None, group: Group, report: Report) -> Lowest | None:
    def part_of(rank: int) -> Problem:
        assert whole is not None
        starts = block_starts(len(whole[0].null))
        held = blocks_of(rank, group.size, len(starts) - 1)
        return whole[0].some(slice(int(starts[held.start]), int(starts[held.stop])))

    part = group.handed(None if whole is None else part_of)
    if whole is not None:
        whole.clear()  # its memory serves the iteration
    share = Share.of(group, part.similarity.shape[1])
    pairs = part.solved(share, report)
    if pairs is None:  # there is nothing to share: process 0 solves it
        parts = group.first_hears(part)
        return None if parts is None else joined(parts).solved(Share.alone(share.n), report)
    vectors = group.first_hears(pairs.vectors)
    return None if vectors is None else pairs._replace(vectors=torch.cat(vectors))


def joined(parts: list[Problem]) -> Problem:
    """Return the problem of all points, of what the processes have of it."""

    def rows(name: str) -> Tensor | None:
        every = [getattr(part, name) for part in parts]
        return None if every[0] is None else torch.cat(every)

    null = rows("null")
    assert null is not None
    similarity = scipy.sparse.vstack([part.similarity for part in parts], format="csr")
    return parts[0]._replace(similarity=similarity, null=null, added=rows("added"), warm=rows("warm"))
