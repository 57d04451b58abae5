"""Landmarks, some points that stand for all: the weights of points to them, and the graph of points through them.

Sparse landmarks (LSC; Chen and Cai, 2011) write each point as a mixture of its r nearest landmarks, Z (point,
landmark). With Lambda, the column sums of Z, as diagonal matrix, W = Z Lambda^-1 Z' is a graph all of whose degrees
are 1.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, final

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import Graph, sparse_rows
from suite_spectral.graphs.neighbours import Neighbours, nearest_to

BLOCK_VALUES = 2**23
"""Numbers of a block of weights that are in memory at a time, 64 MiB."""


class LandmarkWeights(ABC):
    """The weights between points and landmarks. A final class is a frozen dataclass of tensors and numbers.

    Attributes:
        landmarks: (landmark, dim).
        sigma: scale of the weights, in the unit of the points.
        unit_degrees: whether all degrees of the graph through landmarks are 1.
    """

    landmarks: Tensor
    sigma: float
    unit_degrees: ClassVar[bool]

    @abstractmethod
    def sums(self, queries: Tensor, table: Tensor) -> Tensor:
        """Return sums of a table (landmark, column) with the weights of points (query, dim), (query, column)."""

    @abstractmethod
    def graph(self, points: Tensor, memory_gib: float) -> Graph:
        """Return the graph on which labels of points (point, dim) are measured."""

    def state(self) -> dict[str, Any]:
        """Return the arguments from which the class makes the same weights again."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]


@final
@dataclasses.dataclass(frozen=True, eq=False)
class MixtureWeights(LandmarkWeights):
    """Gaussian weights of the nearest landmarks, which add up to 1.

    Attributes:
        nearest: how many landmarks each point is joined to.
    """

    landmarks: Tensor
    sigma: float
    nearest: int

    unit_degrees: ClassVar[bool] = True

    def sums(self, queries: Tensor, table: Tensor) -> Tensor:
        sums = torch.empty(len(queries), table.shape[1], dtype=torch.float64, device=queries.device)
        for part in parts(len(queries), self.nearest * table.shape[1]):
            neighbours = nearest_to(queries[part], self.landmarks, self.nearest)
            weights = mixture_weights(neighbours, self.sigma)
            sums[part] = torch.einsum("qn,qnc->qc", weights, table[neighbours.indices])
        return sums

    def graph(self, points: Tensor, memory_gib: float) -> Graph:
        return LandmarkGraph(points, self.landmarks, nearest=self.nearest, sigma=self.sigma)


@final
class LandmarkGraph(Graph):
    """The graph of sparse landmarks, W = Z Lambda^-1 Z'; every degree is 1.

    Attributes:
        landmarks: (landmark, dim), those that some point is a mixture of.
        mixtures: Z Lambda^-1/2, (point, landmark) scipy float64.
        counts: the column sums of Z, (landmark,) float64.
        sigma: the scale of the weights, in units of the points.
        nearest: how many landmarks each point is a mixture of.
    """

    def __init__(self, points: Tensor, landmarks: Tensor, *, nearest: int = 5, sigma: float | None = None) -> None:
        """Make the graph.

        Args:
            points: (point, dim).
            landmarks: (landmark, dim).
            nearest: how many landmarks each point is a mixture of.
            sigma: the scale of the weights; None for the mean distance between points and their landmarks.
        """
        self.nearest = min(nearest, len(landmarks))
        neighbours = nearest_to(points, landmarks, self.nearest)
        self.sigma = float(neighbours.distances.mean()) if sigma is None else sigma
        indices = neighbours.indices.cpu().numpy()
        weights = mixture_weights(neighbours, self.sigma).cpu().numpy()
        counts = np.bincount(indices.ravel(), weights.ravel(), len(landmarks))
        used = counts > 0
        column_of = np.cumsum(used) - 1
        self.n, self.device = len(points), points.device
        self.landmarks = landmarks[torch.from_numpy(used).to(landmarks.device)]
        self.counts = torch.from_numpy(counts[used])
        # A weight of 0 in a column that is left out keeps its entry, in whatever column.
        columns = column_of[indices].clip(0).astype(np.int32)
        weights /= np.sqrt(np.where(used, counts, 1))[indices]
        pointers = np.arange(0, weights.size + 1, self.nearest)
        shape = (self.n, len(self.landmarks))
        self.mixtures = scipy.sparse.csr_array((weights.ravel(), columns.ravel(), pointers), shape=shape)
        self._tensors: dict[torch.dtype, tuple[Tensor, Tensor]] = {}

    @property
    def weights(self) -> MixtureWeights:
        """The weights of any points to the landmarks of this graph."""
        return MixtureWeights(self.landmarks, self.sigma, self.nearest)

    def degrees(self) -> Tensor:
        return torch.ones(self.n, dtype=torch.float64, device=self.device)

    def multiply(self, block: Tensor) -> Tensor:
        if block.dtype not in self._tensors:
            pair = (self.mixtures, scipy.sparse.csr_array(self.mixtures.T))
            there, back = (sparse_rows(matrix, block.dtype).to(self.device) for matrix in pair)
            self._tensors[block.dtype] = (there, back)
        there, back = self._tensors[block.dtype]
        return there @ (back @ block)


def mixture_weights(neighbours: Neighbours, sigma: float) -> Tensor:
    """Return Gaussian weights of the nearest landmarks that add up to 1, (query, neighbour) float64."""
    exponents = neighbours.distances.double().square() / (-2 * max(sigma, torch.finfo(torch.float64).tiny ** 0.5) ** 2)
    return torch.softmax(exponents, dim=1)


def parts(count: int, width: int) -> Iterator[slice]:
    """Yield slices of ``count`` rows, so that rows of ``width`` numbers fit into ``BLOCK_VALUES``."""
    size = max(1, BLOCK_VALUES // max(1, width))
    for start in range(0, count, size):
        yield slice(start, start + size)
