"""The neighbours of all points, found by several processes: each looks for those of its own rows among all points.

A neighbour does not depend on whose row it is found for, so the graph is the same for any number of processes.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from suite_spectral.graphs.neighbours import QUERIES, Neighbours, automatic_search, nearest
from suite_spectral.graphs.sparse_points import is_sparse
from suite_spectral.settings import Settings
from suite_spectral.shares.group import Group


def neighbours_by_rows(points: Tensor, settings: Settings, group: Group, *, seed: int = 0) -> Neighbours | None:
    """Return the neighbours of all points in process 0, as ``nearest`` finds them; every process calls this at once.

    Without their distances where the weights do not depend on these.

    None in the other processes, and where no rows can be shared out: of one process; where the number of neighbours is
    to be chosen; on a device; and by products of blocks, which find the neighbours of both points of a pair at once.

    Args:
        points: (point, dim), all of them.
        settings: of the graph.
        group: the processes.
        seed: of the approximate search.
    """
    n = len(points)
    if group.size == 1 or settings.affinity != "nearest_neighbors" or settings.n_neighbors is None or is_sparse(points):
        return None
    search = automatic_search(n, points.shape[1], points.device) if settings.search == "auto" else settings.search
    if search == "blocked" or points.device.type != "cpu" or n < 2:
        return None
    count = min(settings.n_neighbors, n) - 1
    steps = -(-n // QUERIES)  # whole steps: what is found together stays together
    ends = [min(n, rank * steps // group.size * QUERIES) for rank in range(group.size + 1)]
    near = nearest(points, count, search=search, seed=seed, rows=slice(ends[group.rank], ends[group.rank + 1]))
    distances = near.distances[:, :0] if settings.weights == "connectivity" else near.distances
    parts: list[Any] | None = group.first_hears((near.indices.numpy().astype(np.int32), distances.numpy()))
    del near
    if parts is None:
        return None
    indices, lengths = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    return Neighbours(torch.from_numpy(indices.astype(np.int64)), torch.from_numpy(lengths))
