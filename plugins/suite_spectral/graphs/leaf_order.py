"""Points in an order in which those next to each other lie together, and their neighbours in it.

It is that of the leaves of a k-d tree, of the points alone, so every process that holds them comes to the same. It
takes the place of that of Cuthill and McKee, which needs the whole graph.
"""

from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.graphs.approximate_neighbours import without_itself
from suite_spectral.graphs.neighbours import QUERIES, Neighbours, check_points, tree_of


@final
class LeafOrder:
    """Points in the order of the leaves of their k-d tree.

    Example:
        >>> leaves = LeafOrder(torch.tensor([[0.0], [9.0], [1.0], [8.0]]))
        >>> leaves.order[leaves.nearest(1, slice(0, 4)).indices[leaves.places]][:, 0].tolist()
        [2, 3, 0, 1]

    Attributes:
        order: (place,) int64, the point at each place.
        places: (point,) int64, the place of each point.
    """

    order: NDArray[np.int64]
    places: NDArray[np.int64]

    def __init__(self, points: Tensor) -> None:
        """Put points in this order.

        Args:
            points: (point, dim) on the CPU, dim at least 1.

        Raises:
            UsageError: a coordinate is not finite, or its square would not be.
        """
        check_points(points, "nearest: points")
        self._points = points
        self._tree = tree_of(points)
        self.order = self._tree.indices.astype(np.int64)
        self.places = np.empty_like(self.order)
        self.places[self.order] = np.arange(len(self.order))

    def nearest(self, count: int, places: slice) -> Neighbours:
        """Return the nearest other points of those at some places, (place, neighbour), by their own places.

        As ``suite_spectral.graphs.neighbours.nearest`` by "tree"; what is found for a point depends on no other query.

        Args:
            count: neighbours of each point, from 0 to n - 1.
            places: whose neighbours are found.
        """
        own = self.order[places]
        single = self._points.dtype == torch.float32
        indices = np.empty((len(own), count), dtype=np.int64)
        distances = np.empty((len(own), count), dtype=np.float32 if single else np.float64)
        for start in range(0, len(own), QUERIES):
            some = own[start : start + QUERIES]
            queries = self._points[torch.from_numpy(some)].numpy()
            lengths, near = (part.reshape(len(some), count + 1) for part in self._tree.query(queries, count + 1))
            stays = without_itself(near, some)
            indices[start : start + len(some)] = self.places[near[stays].reshape(-1, count)]
            distances[start : start + len(some)] = lengths[stays].reshape(-1, count)
        return Neighbours(torch.from_numpy(indices), torch.from_numpy(distances))
