"""What scikit-learn's users pass: arrays, frames, scipy's matrices, tensors or networkx's graphs, and random states."""

import sys
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data
from torch import Tensor

from suite_spectral.graphs.affinities import AFFINITIES
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.solving.memory import refuse_dense
from suite_spectral.solving.warm_start import Earlier


class Input(NamedTuple):
    """X, checked.

    Attributes:
        rows: (point, dim) an array, a csr_array, or a tensor that is on another device than the CPU.
        like: X where it is a tensor: answers are tensors on its device then; None for anything else.
    """

    rows: Any
    like: Tensor | None

    def tensor(self, *, sparse: bool) -> Tensor:
        """Return the rows as a tensor; those of a matrix of scipy are sparse_csr where that is wanted."""
        if isinstance(self.rows, Tensor):
            return self.rows
        return as_tensor(self.rows, sparse=sparse)

    def answer(self, values: Tensor) -> Any:
        """Return values as what X is: a tensor on its device, or an array."""
        return values.to(self.like.device) if self.like is not None else values.cpu().numpy()


def as_arrays(tensor: Tensor) -> Any:
    """Return a tensor as scikit-learn reads it: an array, or a scipy matrix of a sparse one."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    if tensor.layout == torch.strided:
        return tensor.numpy()
    rows = tensor.to_sparse_csr()
    parts = rows.values(), rows.col_indices(), rows.crow_indices()
    return scipy.sparse.csr_array(tuple(part.numpy() for part in parts), shape=tuple(rows.shape))


def as_tensor(rows: Any, *, sparse: bool = True) -> Tensor:
    """Return an array, or a matrix of scipy, as a tensor; the matrix dense where ``sparse`` is false.

    Raises:
        UsageError: a dense matrix of that size does not fit into memory.
    """
    if scipy.sparse.issparse(rows):
        if sparse:
            rows = scipy.sparse.csr_array(rows)
            return sparse_rows(rows, torch.from_numpy(rows.data[:0]).dtype)
        refuse_dense(rows.shape, rows.dtype.itemsize)
        rows = rows.toarray()
    rows = np.ascontiguousarray(rows)
    # Torch cannot share memory that may only be read.
    return torch.from_numpy(rows if rows.flags.writeable else rows.copy())


def is_network(X: Any) -> bool:
    """Return whether X is a graph of networkx, which is not imported for it."""
    networkx = sys.modules.get("networkx")
    return networkx is not None and isinstance(X, networkx.Graph)


def network_weights(network: Any) -> Any:
    """Return the weights of a graph of networkx in the order of its nodes, csr_array; an edge without any has 1.

    Raises:
        ValueError: it has no nodes.
    """
    if not len(network):
        raise ValueError("expected a graph with nodes, got an empty one")
    return sys.modules["networkx"].to_scipy_sparse_array(network, dtype=np.float64, weight="weight", format="csr")


def earlier_of(fitted: Any) -> Earlier:
    """Return what fitted clusters leave for a refit to start from.

    Raises:
        ValueError: they are not fitted, or landmarks stood for the points.
    """
    earlier: Earlier | None = getattr(fitted, "_earlier", None)
    if earlier is None:
        raise ValueError(f"warm_start: expected a SpectralClustering fitted without landmarks, got {fitted!r}")
    return earlier


def seed_of(random_state: Any) -> int:
    """Return a seed drawn from what scikit-learn takes as random_state, or from a Generator of numpy.

    Example:
        >>> seed_of(0) == seed_of(np.random.RandomState(0)), seed_of(np.random.default_rng(0))
        (True, 1826701614)
    """
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def read(estimator: Any, X: Any, *, reset: bool) -> Input:
    """Return X after scikit-learn's checks; a tensor on a GPU stays there where the affinity is one of our own.

    Args:
        estimator: with an affinity; it learns the number and the names of the columns.
        X: arrays, frames, scipy's matrices, tensors or networkx's graphs.
        reset: whether the estimator is fitted to X, or has been fitted before.

    Raises:
        ValueError: X is not what it should be.
    """
    if is_network(X):
        if estimator.affinity != "precomputed":
            raise ValueError("X is a graph of networkx: take affinity='precomputed'")
        X = network_weights(X)
    like = X if isinstance(X, Tensor) else None
    if like is not None and like.device.type != "cpu" and estimator.affinity in AFFINITIES:
        return Input(_checked_on_device(like, estimator, reset), like)
    rows = validate_data(
        estimator,
        X if like is None else as_arrays(like),
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        reset=reset,
        ensure_min_samples=2 if reset else 1,
    )
    return Input(rows, like)


def _checked_on_device(points: Tensor, estimator: Any, reset: bool) -> Tensor:
    points = points.detach()
    if points.ndim != 2 or not points.is_floating_point():
        raise ValueError(f"expected points (point, dim) of real numbers, got {points.dtype} {tuple(points.shape)}")
    if not bool(torch.isfinite(points).all()):
        raise ValueError("the points contain NaN or infinity")
    if reset:
        estimator.n_features_in_ = points.shape[1]
    elif points.shape[1] != estimator.n_features_in_:
        raise ValueError(f"X has {points.shape[1]} features, but {estimator.n_features_in_} were fitted")
    return points
