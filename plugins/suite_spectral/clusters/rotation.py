"""Clusters by the rotation of the eigenvectors that is nearest to one vector for each cluster, without k-means.

Were the parts of a graph not connected, its k eigenvectors would be the indicators of the parts, up to a rotation. So a
rotation is sought after which every row has one large entry, whose place is the cluster. ``cluster_qr`` takes it from
the k rows that a QR decomposition with column pivoting finds most independent (Damle, Minden and Ying, "Simple, direct
and efficient multi-way spectral clustering", 2019); ``discretize`` finds rotation and clusters in turn (Yu and Shi,
"Multiclass spectral clustering", 2003). Both make as many clusters as there are vectors.
"""

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from suite_spectral.one_thread import one_thread


def cluster_qr(vectors: ArrayLike) -> NDArray[np.int64]:
    """Return the clusters of rows by the rotation that pivoted QR gives, (point,) int64 below the number of columns.

    Example:
        >>> cluster_qr([[2.0, 0.1], [1.9, 0.0], [0.1, 1.0]]).tolist()
        [0, 0, 1]

    Args:
        vectors: (point, vector) eigenvectors, at least as many points as vectors.
    """
    rows = np.asarray(vectors)
    with one_thread():
        *_, pivots = scipy.linalg.qr(rows.T, mode="r", pivoting=True)
        rotation, _ = scipy.linalg.polar(rows[pivots[: rows.shape[1]]].T)
        return np.asarray(np.abs(rows @ rotation).argmax(axis=1), dtype=np.int64)


def discretize(
    vectors: ArrayLike,
    *,
    copy: bool = True,
    max_svd_restarts: int = 30,
    n_iter_max: int = 20,
    random_state: Any = None,
) -> NDArray[np.int64]:
    """Return the clusters of rows that a rotation of them is nearest to, (point,) int64 below the number of columns.

    Example:
        >>> discretize([[2.0, 0.1], [1.9, 0.0], [0.1, 1.0]], random_state=0).tolist()
        [0, 0, 1]

    Args:
        vectors: (point, vector) eigenvectors; they are never changed.
        copy: without effect, for calls written for scikit-learn.
        max_svd_restarts: how often another start is tried where a singular value decomposition does not converge.
        n_iter_max: most steps, each of them the nearest clusters and then the nearest rotation.
        random_state: draws the row that the start is made from.

    Raises:
        numpy.linalg.LinAlgError: no start led to an end.
    """
    random = check_random_state(random_state)
    columns = np.asarray(vectors, dtype=np.float64)
    rows = columns / _one_for_zero(np.linalg.norm(columns, axis=0))
    rows = rows / _one_for_zero(np.linalg.norm(rows, axis=1))[:, None]
    for _ in range(max_svd_restarts):
        try:
            with one_thread():
                return _turned(rows, _start(rows, int(random.randint(len(rows)))), n_iter_max)
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError(f"SVD did not converge from any of {max_svd_restarts} starts")


def _start(rows: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    """Return some rows as the columns of a rotation, each as orthogonal as can be to those before."""
    chosen, overlap = [first], np.zeros(len(rows))
    for _ in range(rows.shape[1] - 1):
        overlap += np.abs(rows @ rows[chosen[-1]])
        chosen.append(int(overlap.argmin()))
    return rows[chosen].T


def _turned(rows: NDArray[np.float64], rotation: NDArray[np.float64], steps: int) -> NDArray[np.int64]:
    reached = 0.0
    for _ in range(steps + 1):
        labels = (rows @ rotation).argmax(axis=1)
        sums = np.zeros((rows.shape[1], rows.shape[1]))  # cluster, vector
        np.add.at(sums, labels, rows)
        left, sizes, right = np.linalg.svd(sums)
        if abs(sizes.sum() - reached) < np.finfo(np.float64).eps * len(rows):
            break
        reached, rotation = sizes.sum(), right.T @ left.T
    return np.asarray(labels, dtype=np.int64)


def _one_for_zero(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(lengths > 0, lengths, 1.0)
