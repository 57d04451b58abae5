"""Examples of one source, all in memory, of which batches are cut."""

import hashlib
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from suite_spectral.batches import Batch, Rows, Scaling


def scaling_of(points: Any) -> tuple[Scaling, NDArray[np.int64]]:
    """The scaling of points, and the columns that are constant."""
    if scipy.sparse.issparse(points):
        low, high = points.min(axis=0).toarray().ravel(), points.max(axis=0).toarray().ravel()
        center = np.asarray(points.mean(axis=0)).ravel()
        square = np.asarray(points.multiply(points).mean(axis=0)).ravel()
        scale = np.sqrt(np.maximum(square - center**2, 0))
    else:
        low, high = points.min(axis=0), points.max(axis=0)
        center = points.mean(axis=0, dtype=np.float64)
        with np.errstate(over="ignore"):
            scale = points.std(axis=0, dtype=np.float64)
    constant = low == high
    center = np.where(constant, 0.0, center)
    scale = np.where(constant, 1.0, scale)
    return Scaling(torch.from_numpy(center), torch.from_numpy(scale)), np.flatnonzero(constant)


def fingerprint(content: Any, chosen: NDArray[np.int64], labels: Tensor | None) -> str:
    """Changes when what is clustered, its order or its labels do."""
    digest = hashlib.sha256(chosen.tobytes())
    if isinstance(content, list):
        for place in chosen:
            digest.update(content[place].encode("utf-8", "backslashreplace") + b"\0")
    elif isinstance(content, GraphRows) or scipy.sparse.issparse(content):
        matrix = content.weights if isinstance(content, GraphRows) else content[chosen]
        for part in (matrix.indptr, matrix.indices, matrix.data):
            digest.update(np.ascontiguousarray(part).tobytes())
    else:
        for begin in range(0, len(chosen), 65536):  # a copy of a part at a time
            digest.update(np.ascontiguousarray(content[chosen[begin : begin + 65536]]).tobytes())
    if labels is not None:
        digest.update(labels.numpy().tobytes())
    return digest.hexdigest()


@final
class Examples(Dataset[Batch]):
    """Some examples of a source; a batch of them is cut out at once.

    Args:
        content: all examples of the file: points (point, dim), dense or csr; texts; W (node, node), csr.
        chosen: (example,) places in the file of those that are here, rising.
        labels: (example,) of those that are here, or None.
    """

    def __init__(self, content: Any, chosen: NDArray[np.int64], labels: Tensor | None) -> None:
        self.chosen = chosen
        self.labels = labels
        self.content = content

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, place: int) -> Batch:
        return self.__getitems__([place])

    def __getitems__(self, places: Sequence[int]) -> Batch:
        """The examples at some places among those that are here; torch's loader asks so, a batch at a time."""
        here = np.asarray(places, dtype=np.int64)
        chosen = self.chosen[here]
        labels = None if self.labels is None else self.labels[torch.from_numpy(here)]
        content: Tensor | list[str] | Rows
        if isinstance(self.content, list):
            content = [self.content[place] for place in chosen]
        elif isinstance(self.content, GraphRows):
            content = self.content.of(here)
        elif scipy.sparse.issparse(self.content):
            content = torch.from_numpy(self.content[chosen].toarray())
        else:
            content = torch.from_numpy(self.content[chosen])
        return Batch(torch.from_numpy(chosen), content, labels)


@final
class GraphRows:
    """The rows of W among the nodes that are here.

    Args:
        weights: W (node, node), csr, of the nodes that are here.
    """

    def __init__(self, weights: scipy.sparse.csr_array) -> None:
        self.weights = weights

    def of(self, places: NDArray[np.int64]) -> Rows:
        """Some rows, with columns counted among the nodes that are here."""
        rows = self.weights[places]
        return Rows(
            torch.from_numpy(rows.indices.astype(np.int64)),
            torch.from_numpy(rows.data.astype(np.float64)),
            torch.from_numpy(rows.indptr.astype(np.int64)),
        )
