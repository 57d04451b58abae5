"""Points, and the rows of a graph, in another order and in other shares.

Neighbours have to lie in one process as far as can be, or products need most points of others. Where the whole graph
is in one process, reverse Cuthill and McKee put them in such an order; where it is not, the points alone have to say.
"""

import itertools

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows

Integers = NDArray[np.int64]


class Moved:
    """How points come from where they are to their places in another order, of which some are left out.

    Example:
        >>> moved = Moved(Share.alone(3), np.array([1, -1, 0]), Share.alone(2))
        >>> moved.rows(torch.tensor([[5.0], [6.0], [7.0]])).tolist()
        [[7.0], [5.0]]
    """

    def __init__(self, share: Share, places: Integers, target: Share) -> None:
        """Take note of the places; every process calls this at once.

        Args:
            share: which points are here.
            places: (point here,) that of each among those that are kept; -1: it is not. Each place is taken once.
            target: which places will be here.
        """
        self.share, self.target, self._places = share, target, places
        group = share.group
        stays = len(target) == len(places) and bool(
            (places == np.arange(target.start, target.start + len(places))).all()
        )
        self._still: bool = all(group.gathered(stays))  # nothing moves: nothing is copied
        if self._still:
            return
        starts = [*group.gathered(target.start), target.n]
        order = np.argsort(places, kind="stable")
        order = order[np.searchsorted(places[order], 0) :]
        bounds = np.searchsorted(places[order], starts)
        self._sent = [torch.from_numpy(order[first:last]) for first, last in itertools.pairwise(bounds.tolist())]
        told = group.gathered([len(part) for part in self._sent])
        self._counts = [counts[group.rank] for counts in told]
        heard = group.swapped([torch.from_numpy(places)[part] for part in self._sent], self._counts)
        self._order = torch.from_numpy(np.argsort(heard.numpy(), kind="stable"))

    def rows(self, block: Tensor) -> Tensor:
        """Return the rows of a block (point here, ...) whose places are here, in their order; all call this at once."""
        if self._still:
            return block
        return self.share.group.swapped([block[part] for part in self._sent], self._counts)[self._order]

    def back(self, block: Tensor) -> Tensor:
        """Return rows (place here, ...) where their points are, (point here, ...); 0 where a point was left out."""
        if self._still:
            return block
        parts = torch.split(block[self._order.argsort()], self._counts)
        heard = self.share.group.swapped(list(parts), [len(part) for part in self._sent])
        result = heard.new_zeros(len(self.share), *heard.shape[1:])
        result[torch.cat(self._sent)] = heard
        return result

    def matrix(self, rows: SharedRows) -> scipy.sparse.csr_array:
        """Return the rows of a matrix whose places are here, (place here, place), without the points left out.

        Their columns rise. Every process calls this at once.

        Args:
            rows: (point here, point), among ``share``, whose columns rise.
        """
        group, matrix = self.share.group, rows.scipy()
        if self._still and group.size == 1:
            return matrix
        columns = rows.beside(torch.from_numpy(self._places)).numpy()[matrix.indices]
        if self._still:
            shape = len(self.share), self.target.n
            return scipy.sparse.csr_array(
                (matrix.data, columns.astype(matrix.indices.dtype), matrix.indptr), shape=shape
            )
        kept = columns >= 0
        ends = np.append(0, np.cumsum(kept))[matrix.indptr]
        index = np.int32 if max(self.target.n, int(ends[-1])) < 2**31 else np.int64
        entries = matrix.data[kept], columns[kept].astype(index), ends.astype(index)
        renamed = scipy.sparse.csr_array(entries, shape=(len(self.share), self.target.n))
        pieces = [renamed[part.numpy()] for part in self._sent]
        lengths = group.swapped([torch.from_numpy(np.diff(piece.indptr)) for piece in pieces], self._counts).numpy()
        bounds = np.append(0, np.cumsum(self._counts))
        counts = [int(lengths[first:last].sum()) for first, last in itertools.pairwise(bounds.tolist())]
        heard = (
            group.swapped([torch.from_numpy(piece.data) for piece in pieces], counts).numpy(),
            group.swapped([torch.from_numpy(piece.indices) for piece in pieces], counts).numpy(),
            np.append(0, np.cumsum(lengths)).astype(index),
        )
        result = scipy.sparse.csr_array(heard, shape=(len(self.target), self.target.n))[self._order.numpy()]
        result.sort_indices()
        return result
