"""Batches of examples on their way from the files to the solver, which needs all of them at once.

An example travels as it stands in its file, with its place there: so the batches of several processes, in which the
loader may repeat some examples, are put together again. Points are scaled, and texts become rows of numbers, where
they have arrived, by a ``Scaling`` and a ``suite_spectral.sources.texts.Vocabulary`` that lie in the checkpoint.
"""

import hashlib
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, final

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset


class Rows(NamedTuple):
    """Rows of a graph's weights W, each as long as its point has edges.

    Row i of a batch has the weights ``values[offsets[i]:offsets[i + 1]]`` in ``columns[offsets[i]:offsets[i + 1]]``. W
    is symmetric: an edge is in the rows of both its ends, a loop once in its own.

    Attributes:
        columns: (edge,) int64, 0 .. point - 1: the point at the other end, counted among the points that are
            clustered, in the order of their indices.
        values: (edge,) float64, above 0.
        offsets: (batch + 1,) int64.
    """

    columns: Tensor
    values: Tensor
    offsets: Tensor


class Batch(NamedTuple):
    """Some examples.

    Attributes:
        index: (batch,) int64, the place of each in its file, from 0; some may be left out, none has that of another.
        content: (batch, dim) float32 or float64 for points; a pixel is one with row, column and its channels in 0..1.
            Texts are a list, rows of a graph are ``Rows``.
        labels: (batch,) int64, the number of the class, or None where nothing says it.
    """

    index: Tensor  # type: ignore[assignment]  # a tuple has a method of this name, which nobody needs here
    content: Tensor | list[str] | Rows
    labels: Tensor | None


class Scaling(NamedTuple):
    """The z-scores of points, (x - center) / scale, by the mean and the standard deviation of those clustered.

    Attributes:
        center: (dim,) float64, 0 for a column that is constant.
        scale: (dim,) float64, 1 for a column that is constant.
    """

    center: Tensor
    scale: Tensor

    def apply(self, points: Tensor) -> Tensor:
        """The points (point, dim), scaled in float64 and given back in their own type."""
        center, scale = self.center.to(points.device), self.scale.to(points.device)
        return ((points.double() - center) / scale).to(points.dtype)


def join(batches: Sequence[Batch]) -> Batch:
    """All examples of some batches of one kind, each once, in the order of their places.

    Raises:
        ValueError: there is no batch.
    """
    if not batches:
        raise ValueError("join: expected at least one batch, got none")
    index, first = _first_of_each(torch.cat([batch.index for batch in batches]))
    content = _joined([batch.content for batch in batches], first)
    labels = [batch.labels for batch in batches if batch.labels is not None]
    return Batch(index, content, torch.cat(labels)[first] if len(labels) == len(batches) else None)


def select(rows: Rows, chosen: Tensor) -> Rows:
    """Some of the rows, by their places (chosen,) int64, in that order."""
    lengths = rows.offsets.diff()[chosen]
    offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    shift = (rows.offsets[chosen] - offsets[:-1]).repeat_interleave(lengths)
    places = torch.arange(int(offsets[-1]), device=shift.device) + shift
    return Rows(rows.columns[places], rows.values[places], offsets)


def _first_of_each(index: Tensor) -> tuple[Tensor, Tensor]:
    """The different numbers in rising order, and where each stands first."""
    ordered, places = index.sort(stable=True)
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new], places[new]


def _joined(contents: Sequence[Tensor | list[str] | Rows], chosen: Tensor) -> Tensor | list[str] | Rows:
    tensors = [content for content in contents if isinstance(content, Tensor)]
    if tensors:
        return torch.cat(tensors)[chosen]
    rows = [content for content in contents if isinstance(content, Rows)]
    if rows:
        lengths = torch.cat([each.offsets.diff() for each in rows])
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        columns, values = torch.cat([each.columns for each in rows]), torch.cat([each.values for each in rows])
        return select(Rows(columns, values, offsets), chosen)
    texts = list(chain.from_iterable(content for content in contents if isinstance(content, list)))
    return [texts[place] for place in chosen.tolist()]


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
