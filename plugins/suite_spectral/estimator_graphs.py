"""The graphs of scikit-learn's names of similarity: our own affinities, kernels, given weights and given distances."""

import warnings
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import scipy.sparse
import torch
from sklearn.metrics.pairwise import kernel_metrics, pairwise_kernels
from sklearn.neighbors import NearestNeighbors, sort_graph_by_row_values
from torch import Tensor

from suite_spectral.estimator_inputs import Input, as_tensor
from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.affinity import Affinity, no_match
from suite_spectral.graphs.dense_graph import DenseGraph, GivenGraph, differences, is_filled
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.graphs.precomputed import Precomputed
from suite_spectral.graphs.row_hash import find_rows
from suite_spectral.graphs.symmetry import is_symmetric, lacks_directions

KERNELS = tuple(sorted(set(kernel_metrics()) - set(AFFINITIES)))
"""Kernels of ``sklearn.metrics.pairwise`` that are no affinity of our own."""

DISTANCES = "precomputed_nearest_neighbors"
"""The affinity whose X are distances, of which those to the nearest neighbours count."""

ROUNDING = 1e-8
"""What the halves of weights may differ by, as a part of the largest: ten times the error of a float32 where they are
of that type."""


def is_kernel(affinity: Any) -> bool:
    """Return whether an affinity is a function of two points, or names one of scikit-learn's."""
    return callable(affinity) or affinity in KERNELS


def kernel_weights(rows: Any, others: Any, affinity: Any, parameters: dict[str, Any]) -> Any:
    """Return the weights between points and others, (point, other) array.

    Example:
        >>> kernel_weights([[1.0, 2.0]], [[3.0, 4.0]], "linear", {}).tolist()
        [[11.0]]

    Args:
        rows: (point, dim).
        others: (other, dim); None for the points themselves.
        affinity: the name of a kernel, or a function of two points.
        parameters: of the kernel by name; one that is named does without those that it has not.
    """
    rows, others = (_with_short_indices(content) for content in (rows, others))
    return pairwise_kernels(rows, others, metric=affinity, filter_params=True, **parameters)


def _with_short_indices(rows: Any) -> Any:
    """Return a matrix of scipy with indices of 32 bits where they suffice: some kernels take no others."""
    if not scipy.sparse.issparse(rows) or max(*rows.shape, rows.nnz) >= 2**31:
        return rows
    parts = rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    return scipy.sparse.csr_matrix(parts, shape=rows.shape)


def nearest_of_distances(distances: Any, n_neighbors: int) -> Any:
    """Return 1 for the nearest points of each row, (query, point) csr.

    Example:
        >>> nearest_of_distances(scipy.sparse.csr_matrix([[0.5, 0.0, 0.1, 3.0]]), 2).toarray().tolist()
        [[1.0, 0.0, 1.0, 0.0]]

    Args:
        distances: (query, point), an array, or a sparse matrix with the distances that are known.
        n_neighbors: how many are nearest; a point counts as its own neighbour where its distance 0 is stored.

    Raises:
        ValueError: a row has fewer distances.
    """
    if scipy.sparse.issparse(distances):  # in the order that the search would else warn to be missing
        distances = sort_graph_by_row_values(scipy.sparse.csr_matrix(distances), copy=True, warn_when_not_sorted=False)
    # Of what is fitted the search reads only how many points there are.
    finder = NearestNeighbors(n_neighbors=n_neighbors, metric="precomputed")
    return finder.fit(scipy.sparse.eye_array(distances.shape[1], format="csr")).kneighbors_graph(distances)


def affinity_class(affinity: Any) -> type[Affinity]:
    """Return the class of an affinity; for kernels and distances, and for a name that is refused, that of a graph."""
    return AFFINITIES.get(affinity, Precomputed) if isinstance(affinity, str) else Precomputed


def refuse_negative(weights: Tensor, what: str = "precomputed weights") -> None:
    """Raise ValueError where a weight of a matrix, sparse_csr or dense, is below 0."""
    values = weights if weights.layout == torch.strided else weights.values()
    if values.numel() and (least := float(values.min())) < 0:
        raise ValueError(f"Negative values in data: {what}: expected weights of 0 or more, got {least:g}")


def given_graph(content: Tensor, what: str = "precomputed weights") -> GivenGraph:
    """Return the graph of a matrix of weights (point, point), dense or sparse; errors call it ``what``.

    A dense matrix stays one where a quarter of its weights are above 0. It is not copied if it is symmetric up to the
    last bits, as kernels are.

    Raises:
        ValueError: it is not square, an edge has two weights, or a weight is below 0.

    Warns:
        UserWarning: some edges have one direction alone; they get half of their weight in both.
    """
    if content.shape[0] != content.shape[1]:
        raise ValueError(f"{what}: expected a square matrix, got shape {tuple(content.shape)}")
    rounding = max(ROUNDING, 10 * torch.finfo(content.dtype).eps)
    if is_filled(content):
        refuse_negative(content, what)
        most, both = differences(content)
        allowed = rounding * float(content.max())
        if most > allowed:
            _say_asymmetric(what, contradicts=both > allowed)
        # Kernels in double precision are symmetric but for the last bit or so, which is no reason to hold them twice.
        same = most <= 4 * torch.finfo(torch.float64).eps * float(content.max())
        return DenseGraph(content if same else (content + content.T) / 2)
    matrix = content.double()
    if matrix.layout == torch.strided:
        matrix = matrix.to_sparse_csr()
    if matrix.device.type != "cpu":
        return SparseGraph(matrix)
    refuse_negative(matrix, what)
    weights = SparseGraph(matrix).scipy()
    if not is_symmetric(weights, rounding):
        _say_asymmetric(what, contradicts=not lacks_directions(weights, rounding))
    return SparseGraph.from_scipy((weights + weights.T) / 2)


def _say_asymmetric(what: str, *, contradicts: bool) -> None:
    """Refuse a matrix with two different weights of an edge, and warn of one that lacks directions of edges."""
    if contradicts:
        raise ValueError(
            f"{what}: expected a symmetric matrix, and some edges have two different weights; (W + W') / 2 is symmetric"
        )
    warnings.warn(
        f"{what}: the matrix is not symmetric; some edges have one direction alone, as in a graph of "
        "neighbours, so (W + W') / 2 is clustered",
        UserWarning,
        stacklevel=4,
    )


@final
@dataclass
class Weigher:
    """What a graph is made of, and what new points are weighed against.

    Attributes:
        affinity: the parameter of the estimator.
        n_neighbors: of given distances.
        parameters: of a kernel.
        rows: (point, dim) what was fitted, for a kernel; else None.
    """

    affinity: Any
    n_neighbors: int | None
    parameters: dict[str, Any]
    rows: Any = field(default=None, init=False)

    def kernel(self, rows: Any) -> Any:
        """Return the weights between points and those that were fitted, (point, point) array."""
        return kernel_weights(rows, self.rows, self.affinity, self.parameters)

    def fit(self, inputs: Input) -> Tensor | GivenGraph:
        """Return points as they are, or their graph.

        Raises:
            ValueError: the weights are not what they should be.
        """
        if is_kernel(self.affinity):
            self.rows = inputs.rows
            return given_graph(as_tensor(self.kernel(inputs.rows)), f"weights of the affinity {self.affinity!r}")
        if self.affinity == DISTANCES:
            nearest = self._nearest(inputs.rows)
            return given_graph(as_tensor((nearest + nearest.T) / 2))
        kind = affinity_class(self.affinity)
        content = inputs.tensor(sparse=kind.sparse)
        return given_graph(content) if kind.of_graph else content

    def weights(self, inputs: Input, device: torch.device) -> Tensor:
        """Return new points as they are, or the weights between them and those that were fitted.

        Raises:
            ValueError: a weight is below 0.
        """
        kind = affinity_class(self.affinity)
        if is_kernel(self.affinity):
            content = as_tensor(self.kernel(inputs.rows))
        elif self.affinity == DISTANCES:
            content = as_tensor(self._nearest(inputs.rows))
        else:
            content = inputs.tensor(sparse=kind.sparse)
        content = content.to(device)
        if kind.of_graph:
            refuse_negative(content)
        return content

    def known(self, inputs: Input, device: torch.device) -> Tensor:
        """Return which fitted point each row equals, of a kernel, (query,) int64; -1 where that is not known."""
        if self.rows is None or scipy.sparse.issparse(inputs.rows) or scipy.sparse.issparse(self.rows):
            return no_match(torch.empty(inputs.rows.shape[0], 0, device=device))
        fitted = as_tensor(self.rows)
        return find_rows(as_tensor(inputs.rows).to(fitted.dtype), fitted).to(device)

    def _nearest(self, distances: Any) -> Any:
        if self.n_neighbors is None:
            raise ValueError(f"n_neighbors: expected a number for the affinity {DISTANCES}, got None")
        return nearest_of_distances(distances, self.n_neighbors)
