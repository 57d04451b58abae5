"""The normalised Laplacian of a graph, L = D^-1/2 (D - W) D^-1/2, as an operator.

W is never changed: L x = x - S x with S = D^-1/2 W D^-1/2, whose products come from those of the graph. Degree
regularisation adds the same small weight between all points, W + tau/n 1 1', which keeps the eigenvectors from
describing nothing but a few loosely hanging points (Amini and others, 2013; Zhang and Rohe, 2018: its normalised cut
is the CoreCut). tau is given as a share of the mean degree.
"""

import math
from functools import cached_property
from typing import final

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from lightning_suite.errors import DataError, UsageError
from suite_spectral.graphs.dense_graph import DenseGraph
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, SparseGraph


@final
class Laplacian:
    """L of a graph.

    Attributes:
        graph: the graph.
        n: number of points.
        degrees: row sums of the regularised W, (point,) float64.
        root: their square roots, an eigenvector of L with eigenvalue 0. A point without any edge has a row of zeros in
            S, and no part in this vector.
        inverse: 1 / root, and 0 where that is 0.
        tau: what regularisation adds to every degree.

    Raises:
        UsageError: regularisation is not a number of 0 or more.
        DataError: a degree is negative or not finite.
    """

    def __init__(self, graph: Graph, regularisation: float = 0.0) -> None:
        if not 0 <= regularisation < math.inf:
            raise UsageError(f"regularisation: expected 0 or more, a share of the mean degree, got {regularisation}")
        degrees = graph.degrees()
        bad = (~(torch.isfinite(degrees) & (degrees >= 0))).nonzero()
        if len(bad):
            point = int(bad[0, 0])
            raise DataError(
                f"the weights of point {point} add up to {float(degrees[point])}: expected finite weights of 0 or more",
                "graph",
            )
        self.graph = graph
        self.n: int = graph.n
        self.tau: float = regularisation * float(degrees.mean())
        self.degrees: Tensor = degrees + self.tau
        self.root: Tensor = self.degrees.sqrt()
        self.inverse: Tensor = torch.where(self.root > 0, 1 / self.root, 0.0)

    @cached_property
    def components(self) -> Tensor:
        """The component of each point in the graph without regularisation, (point,) int64 on the CPU."""
        return components(self.graph)

    def similarity(self, block: Tensor) -> Tensor:
        """Return S times some vectors, (point, vector); L x = x - S x."""
        inverse = self.inverse.to(block.dtype)[:, None]
        scaled = block * inverse
        product = self.graph.multiply(scaled)
        if self.tau:
            product += self.tau / self.n * scaled.sum(dim=0)
        return product.mul_(inverse)


def components(graph: Graph) -> Tensor:
    """Return the number of each point's component, (point,) int64 on the CPU; that with the most points is 0.

    Components of equal size keep the order of their first points. Of a Gaussian graph a point whose weights to all
    others are below rounding is one, and the rest are one. The components of a cosine graph are not looked for: its
    many texts without a word in common with others would else be the clusters.

    Example:
        >>> components(SparseGraph(torch.eye(3, dtype=torch.float64).to_sparse_csr())).tolist()
        [0, 1, 2]
    """
    if isinstance(graph, GaussianGraph):
        alone = graph.alone().cpu()
        return alone.cumsum(0) * alone if not bool(alone.all()) else torch.arange(graph.n)
    if isinstance(graph, DenseGraph):
        numbers = graph.components().cpu().numpy()
        count = int(numbers.max()) + 1
    elif isinstance(graph, SparseGraph):
        count, numbers = connected_components(graph.scipy(), directed=False)
    else:
        return torch.zeros(graph.n, dtype=torch.int64)
    if count == 1:
        return torch.zeros(graph.n, dtype=torch.int64)
    _, first = np.unique(numbers, return_index=True)
    sizes = np.bincount(numbers, minlength=count)
    order = np.lexsort((first, -sizes))  # by size, then by first point
    ranks = np.empty(count, dtype=np.int64)
    ranks[order] = np.arange(count)
    return torch.from_numpy(ranks[numbers])
