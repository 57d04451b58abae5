"""The graph in which points are joined through the landmarks near to them."""

from typing import final

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import Graph, sparse_rows
from suite_spectral.graphs.neighbours import Neighbours, nearest_to


@final
class LandmarkGraph(Graph):
    """The graph of the sparse landmarks, W = Z Lambda^-1 Z'; every degree is 1.

    Attributes:
        landmarks: (landmark, dim), those that some point is written by.
        mixtures: Z Lambda^-1/2, (point, landmark) scipy float64.
        counts: the column sums of Z, (landmark,) float64.
        sigma: the scale of the weights, in units of the points.
        nearest: how many landmarks each point is written by.
    """

    def __init__(self, points: Tensor, landmarks: Tensor, *, nearest: int = 5, sigma: float | None = None) -> None:
        """From the points (point, dim) and landmarks (landmark, dim).

        Args:
            points: (point, dim).
            landmarks: (landmark, dim).
            nearest: how many landmarks each point is written by.
            sigma: the scale of the weights; None for the mean distance between points and their landmarks.
        """
        self.nearest = min(nearest, len(landmarks))
        found = nearest_to(points, landmarks, self.nearest)
        self.sigma = float(found.distances.mean()) if sigma is None else sigma
        indices, weights = found.indices.cpu().numpy(), mixture_weights(found, self.sigma).cpu().numpy()
        counts = np.bincount(indices.ravel(), weights.ravel(), len(landmarks))
        used = counts > 0
        places = np.cumsum(used) - 1
        self.n, self.device = len(points), points.device
        self.landmarks = landmarks[torch.from_numpy(used).to(landmarks.device)]
        self.counts = torch.from_numpy(counts[used])
        # A weight of 0 in a column that is left out keeps its entry, in whatever column.
        columns = places[indices].clip(0).astype(np.int32)
        weights /= np.sqrt(np.where(used, counts, 1))[indices]
        pointers = np.arange(0, weights.size + 1, self.nearest)
        shape = (self.n, len(self.landmarks))
        self.mixtures = scipy.sparse.csr_array((weights.ravel(), columns.ravel(), pointers), shape=shape)
        self._tensors: dict[torch.dtype, tuple[Tensor, Tensor]] = {}

    def degrees(self) -> Tensor:
        return torch.ones(self.n, dtype=torch.float64, device=self.device)

    def multiply(self, block: Tensor) -> Tensor:
        if block.dtype not in self._tensors:
            pair = (self.mixtures, scipy.sparse.csr_array(self.mixtures.T))
            there, back = (sparse_rows(each, block.dtype).to(self.device) for each in pair)
            self._tensors[block.dtype] = (there, back)
        there, back = self._tensors[block.dtype]
        return there @ (back @ block)


def mixture_weights(found: Neighbours, sigma: float) -> Tensor:
    """Gaussian weights of the nearest landmarks that add up to 1, (query, neighbour) float64."""
    exponents = found.distances.double().square() / (-2 * max(sigma, torch.finfo(torch.float64).tiny ** 0.5) ** 2)
    return torch.softmax(exponents, dim=1)
