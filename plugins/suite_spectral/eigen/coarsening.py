"""The next coarser level of a matrix whose rows several processes hold in shares (``suite_spectral.eigen.hierarchy``).

A row is computed by the process that holds it, of what it needs of others in their order: that of A P by the one that
holds the point, that of P'A P by the one that holds the aggregate. So every entry has the same bits for any number of
processes.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from suite_spectral.eigen.aggregation import aggregated, aggregated_in_shares
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.kernels import compiled
from suite_spectral.shares.share import Share
from suite_spectral.shares.shared_rows import SharedRows, transposed

INTERPOLATION = 2 / 3
"""omega, the share of a Jacobi step by which interpolation is smoothed."""

CROWDED = 5
"""Aggregates around a point, in the mean, from which on the interpolation to it is not smoothed. Measured: 2 to 4 on
points in the plane and on letters, 6 on MNIST, 8 to 9 on blobs in ten dimensions. A million of the last took beyond
8 GiB with smoothing; without it they take 1.5, and some more steps."""

HARDLY = 0.7
"""Aggregates for each point from which on a level is not worth while."""

Floats = NDArray[np.float64]


class Coarser(NamedTuple):
    """How a level comes to the next one, and what that is.

    Attributes:
        up: P, (point here, aggregate).
        down: P', (aggregate here, point).
        matrix: P'A P, (aggregate here, aggregate).
        null: (aggregate here,), which P takes to the level's own.
    """

    up: scipy.sparse.csr_array
    down: SharedRows
    matrix: scipy.sparse.csr_array
    null: Floats


def coarsened(matrix: SharedRows, diagonal: Floats, null: Floats, seed: int, share: Share) -> Coarser | None:
    """Return the next level; None where it would have hardly fewer points. Every process calls this at once.

    Args:
        matrix: A, (point here, point) float64.
        diagonal: (point here,), of A, above 0.
        null: (point here,), which A takes to 0.
        seed: of the aggregates.
        share: which points are here.
    """
    if share.group.size == 1:
        aggregates, count = aggregated(matrix.scipy(), diagonal, seed)
        counts = [count]
    else:
        aggregates, counts = aggregated_in_shares(matrix, diagonal, seed, share, compiled())
    starts = [0, *np.cumsum(counts).tolist()]
    if (count := starts[-1]) > HARDLY * share.n:
        return None
    index = np.int32 if max(count, len(null)) < 2**31 else np.int64
    places = aggregates.astype(index), np.arange(len(null) + 1, dtype=index)
    shape = len(null), count
    members = transposed(scipy.sparse.csr_array((null, *places), shape=shape), share, starts)
    owners = np.repeat(np.arange(members.shape[0]), np.diff(members.indptr))
    lengths = np.sqrt(np.bincount(owners, members.data * members.data, members.shape[0]))
    rough = scipy.sparse.csr_array((null / share.joined(lengths)[aggregates], *places), shape=shape)
    smooth = matrix.times_rows(rough)
    smooth.data *= np.repeat(INTERPOLATION / diagonal, np.diff(smooth.indptr))
    up = scipy.sparse.csr_array(rough - smooth)
    if sum(share.group.gathered(up.nnz)) > CROWDED * share.n:
        up = rough
    down = SharedRows(sparse_rows(transposed(up, share, starts), torch.float64))
    down = down if share.group.size == 1 else down.among(share)
    return Coarser(up, down, down.times_rows(matrix.times_rows(up)), lengths)
