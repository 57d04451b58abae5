"""What scikit-learn's users pass as X: arrays, scipy's matrices or tensors; points or a graph."""

from typing import Any, NamedTuple

import scipy.sparse
import torch
from torch import Tensor

from suite_spectral.graphs.graph import SparseGraph


def as_arrays(tensor: Tensor) -> Any:
    """Return a tensor on the CPU as scikit-learn reads it: an array, or a scipy matrix of a sparse one."""
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    if tensor.layout == torch.strided:
        return tensor.numpy()
    rows = tensor.to_sparse_csr()
    parts = rows.values(), rows.col_indices(), rows.crow_indices()
    return scipy.sparse.csr_array(tuple(part.numpy() for part in parts), shape=tuple(rows.shape))


def refuse_negative(weights: Tensor) -> None:
    """Raise ValueError where a weight of a sparse_csr matrix is below 0."""
    if len(weights.values()) and float(weights.values().min()) < 0:
        raise ValueError("precomputed weights: expected weights of 0 or more")


def given_graph(content: Tensor) -> SparseGraph:
    """Return the graph of a matrix of weights (point, point), dense or sparse.

    Raises:
        ValueError: it is not square, not symmetric, or a weight is below 0.
    """
    if content.shape[0] != content.shape[1]:
        raise ValueError(f"precomputed weights: expected a square matrix, got shape {tuple(content.shape)}")
    matrix = content.double()
    if matrix.layout == torch.strided:
        matrix = matrix.to_sparse_csr()
    if matrix.device.type != "cpu":
        return SparseGraph(matrix)
    graph = SparseGraph(matrix)
    difference = abs(graph.scipy() - graph.scipy().T)
    if difference.nnz and difference.max() > 1e-8 * abs(graph.scipy()).max():
        raise ValueError("precomputed weights: expected a symmetric matrix; (W + W') / 2 is one")
    refuse_negative(matrix)
    return SparseGraph.from_scipy((graph.scipy() + graph.scipy().T) / 2)


class Input(NamedTuple):
    """X, as ``suite_spectral.solving.routes.solve`` takes it.

    Attributes:
        content: points, features or a graph.
        like: X where it is a tensor: answers are tensors on its device then; None for arrays.
    """

    content: Tensor
    like: Tensor | None

    def answer(self, values: Tensor) -> Any:
        """Return values as what X is: a tensor on its device, or an array."""
        return values.to(self.like.device) if self.like is not None else values.cpu().numpy()
