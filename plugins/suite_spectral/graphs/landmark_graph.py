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
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.graphs.graph import Graph
from suite_spectral.graphs.neighbours import nearest_to, tree_where_used
from suite_spectral.shares.share import Share

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
        tree = tree_where_used(self.landmarks)
        for part in parts(len(queries), self.nearest * table.shape[1]):
            neighbours = nearest_to(queries[part], self.landmarks, self.nearest, tree=tree)
            weights = mixture_weights(neighbours.distances, self.sigma)
            sums[part] = torch.einsum("qn,qnc->qc", weights, table[neighbours.indices])
        return sums

    def graph(self, points: Tensor, memory_gib: float) -> Graph:
        return LandmarkGraph(points, self.landmarks, nearest=self.nearest, sigma=self.sigma)


@final
class LandmarkGraph(Graph):
    """The graph of sparse landmarks, W = Z Lambda^-1 Z'; every degree is 1. Z is made block by block.

    Of several processes each holds the rows of its own points, and ``multiply`` takes and returns these.

    Attributes:
        landmarks: (landmark, dim), those that some point is a mixture of.
        mixtures: Z Lambda^-1/2, (point, landmark) scipy float64.
        counts: the column sums of Z, (landmark,) float64.
        sigma: the scale of the weights, in units of the points.
        nearest: how many landmarks each point is a mixture of.
        share: which points are here.
    """

    nearest: int

    def __init__(
        self,
        points: Tensor,
        landmarks: Tensor,
        *,
        nearest: int = 5,
        sigma: float | None = None,
        share: Share | None = None,
    ) -> None:
        """Make the graph.

        Args:
            points: (point, dim), those that are here.
            landmarks: (landmark, dim), the same in every process.
            nearest: how many landmarks each point is a mixture of.
            sigma: the scale of the weights; None for the mean distance between points and their landmarks.
            share: of several processes; None: all points are here.
        """
        self.share: Share = Share.alone(len(points)) if share is None else share
        self.n, self.device, self.nearest = len(points), points.device, min(nearest, len(landmarks))
        indices = np.empty((self.n, self.nearest), dtype=np.int32)
        weights = np.empty((self.n, self.nearest))  # distances, at first
        tree = tree_where_used(landmarks)
        for rows in self.share.parts():
            near = nearest_to(points[rows], landmarks, self.nearest, tree=tree)
            indices[rows], weights[rows] = near.indices.cpu().numpy(), near.distances.cpu().numpy()
        if sigma is None:
            sigma = float(self.share.total(lambda rows: weights[rows].sum())) / max(1, self.share.n * self.nearest)
        self.sigma = sigma
        for rows in self.share.parts():
            weights[rows] = mixture_weights(torch.from_numpy(weights[rows]), sigma).numpy()
        counts = self.share.total(
            lambda rows: np.bincount(indices[rows].ravel(), weights[rows].ravel(), len(landmarks))
        )
        used = counts > 0
        column_of = np.cumsum(used) - 1
        self.landmarks: Tensor = landmarks[torch.from_numpy(used).to(landmarks.device)]
        self.counts: Tensor = torch.from_numpy(counts[used])
        for rows in self.share.parts():
            weights[rows] /= np.sqrt(np.where(used, counts, 1))[indices[rows]]
            # A weight of 0 in a column that is left out keeps its entry, in whatever column.
            indices[rows] = column_of[indices[rows]].clip(0)
        self.mixtures: Any = self._csr(weights, indices)
        self._blocks = {rows.start: self._csr(weights[rows], indices[rows]) for rows in self.share.parts()}

    def _csr(self, weights: NDArray[np.float64], indices: NDArray[np.int32]) -> scipy.sparse.csr_array:
        pointers = np.arange(0, weights.size + 1, self.nearest, dtype=np.int32 if weights.size < 2**31 else np.int64)
        matrix = scipy.sparse.csr_array((len(weights), len(self.landmarks)))
        # Set afterwards: of views of a larger array scipy would make copies.
        matrix.data, matrix.indices, matrix.indptr = weights.ravel(), indices.ravel(), pointers
        return matrix

    @property
    def weights(self) -> MixtureWeights:
        """The weights of any points to the landmarks of this graph."""
        return MixtureWeights(self.landmarks, self.sigma, self.nearest)

    def block(self, rows: slice) -> scipy.sparse.csr_array:
        """Return the mixtures of one block of the share; no copy."""
        return self._blocks[rows.start]

    @property
    def most(self) -> int:
        return self.share.most

    def degrees(self) -> Tensor:
        return torch.ones(self.n, dtype=torch.float64, device=self.device)

    def multiply(self, block: Tensor) -> Tensor:
        return torch.from_numpy(self.mixtures @ self.gathered(block.cpu().numpy())).to(block)

    def gathered(self, block: NDArray[Any]) -> NDArray[np.float64]:
        """Return Lambda^-1/2 Z' times the rows of all processes, (landmark, column)."""
        inner: NDArray[np.float64] = self.share.total(lambda rows: self.block(rows).T @ block[rows].astype(np.float64))
        return inner

    def total(self, rows: Tensor) -> Tensor:
        sums = self.share.total(lambda part: rows[part].double().sum(dim=0).cpu())
        return sums.to(rows.device)

    def volumes(self, labels: Tensor, n_clusters: int) -> Tensor:
        numbers = labels.cpu().numpy()
        sizes = self.share.total(lambda rows: np.bincount(numbers[rows], minlength=n_clusters))
        return torch.from_numpy(sizes).double().to(self.device)


def share_graph(points: Tensor, weights: LandmarkWeights, share: Share) -> LandmarkGraph:
    """Return the graph of points that several processes hold, by the weights to landmarks that all of them know."""
    assert isinstance(weights, MixtureWeights)
    return LandmarkGraph(points, weights.landmarks, nearest=weights.nearest, sigma=weights.sigma, share=share)


def mixture_weights(distances: Tensor, sigma: float) -> Tensor:
    """Return Gaussian weights of the nearest landmarks that add up to 1, (query, neighbour) float64."""
    exponents = distances.double().square() / (-2 * max(sigma, torch.finfo(torch.float64).tiny ** 0.5) ** 2)
    return torch.softmax(exponents, dim=1)


def parts(count: int, width: int) -> Iterator[slice]:
    """Yield slices of ``count`` rows, so that rows of ``width`` numbers fit into ``BLOCK_VALUES``."""
    size = max(1, BLOCK_VALUES // max(1, width))
    for start in range(0, count, size):
        yield slice(start, start + size)
