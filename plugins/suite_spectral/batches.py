"""Batches of examples on their way from the files to the solver, which needs all of them at once.

An example travels as it stands in its file, with its index there: so the batches of several processes, in which the
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

from lightning_suite.errors import UsageError
from lightning_suite.offsets import offsets_of
from lightning_suite.offsets import select as select_entries
from suite_spectral.graphs.graph import sparse_rows
from suite_spectral.graphs.sparse_points import rows_of, stacked
from suite_spectral.shares.share import Share
from suite_spectral.sources.texts import Vocabulary


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

    def matrix(self, n_nodes: int | None = None) -> Tensor:
        """Return the rows as a matrix, (batch, point) sparse_csr.

        Args:
            n_nodes: how many points there are; None: as many as rows.
        """
        count = len(self.offsets) - 1
        n_nodes = count if n_nodes is None else n_nodes
        index = torch.int32 if max(len(self.columns), n_nodes) < 2**31 else torch.int64
        pointers, columns = self.offsets.to(index), self.columns.to(index)
        return torch.sparse_csr_tensor(pointers, columns, self.values, size=(count, n_nodes), check_invariants=False)


class Batch(NamedTuple):
    """Some examples.

    Attributes:
        index: (batch,) int64, the number of each example in its file, from 0; each is another.
        content: (batch, dim) float32 or float64 for points, sparse_csr where they are sparse in their file; a pixel is
            one with row, column and its channels in 0..1. Texts are a list, rows of a graph are ``Rows``.
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
        """Return points (point, dim) scaled in float64, in their own type."""
        center, scale = self.center.to(points.device), self.scale.to(points.device)
        return ((points.double() - center) / scale).to(points.dtype)


def join(batches: Sequence[Batch]) -> Batch:
    """Return all examples of some batches of one kind, each once, in the order of their indices.

    Raises:
        ValueError: there is no batch.
    """
    if not batches:
        raise ValueError("join: expected at least one batch, got none")
    index = torch.cat([batch.index for batch in batches])
    first: Tensor | slice = slice(None)
    if not bool((index.diff() > 0).all()):
        index, first = _distinct(index)
    labels = [batch.labels for batch in batches if batch.labels is not None]
    contents = [batch.content for batch in batches]
    content: Tensor | list[str] | Rows
    if tensors := [part for part in contents if isinstance(part, Tensor)]:
        whole_points = stacked(tensors)
        content = whole_points if isinstance(first, slice) else rows_of(whole_points, first)
    elif rows := [part for part in contents if isinstance(part, Rows)]:
        offsets = offsets_of(torch.cat([part.offsets.diff() for part in rows]))
        columns, values = torch.cat([part.columns for part in rows]), torch.cat([part.values for part in rows])
        whole = Rows(columns, values, offsets)
        content = whole if isinstance(first, slice) else select(whole, first)
    else:
        texts = list(chain.from_iterable(part for part in contents if isinstance(part, list)))
        content = texts if isinstance(first, slice) else [texts[number] for number in first.tolist()]
    return Batch(index, content, torch.cat(labels)[first] if len(labels) == len(batches) else None)


def prepared(
    content: Tensor | list[str] | Rows,
    scaling: Scaling | None,
    vocabulary: Vocabulary | None,
    n_nodes: int | None = None,
) -> Tensor:
    """Return examples as they are clustered: points scaled, texts as rows of tf-idf, rows of a graph as a matrix.

    Sparse points that are not scaled, and texts, stay sparse_csr.

    Args:
        content: of a batch.
        scaling: of points; None: they stay as they are.
        vocabulary: of texts.
        n_nodes: nodes of the graph that the rows are of; None: as many as there are rows.

    Raises:
        UsageError: the content is texts, and there is no vocabulary.
    """
    if isinstance(content, Rows):
        return content.matrix(n_nodes)
    if isinstance(content, Tensor):
        return content if scaling is None else scaling.apply(content.to_dense())  # no zero stays one
    if vocabulary is None:
        raise UsageError("the clusters are not of texts")
    return vocabulary.rows(content)


def select(rows: Rows, chosen: Tensor) -> Rows:
    """Return some of the rows, by their numbers (chosen,) int64, in that order."""
    entries, offsets = select_entries(rows.offsets, chosen)
    return Rows(rows.columns[entries], rows.values[entries], offsets)


def _distinct(index: Tensor) -> tuple[Tensor, Tensor]:
    """Return the different numbers in rising order, and where each stands first."""
    ordered, order = index.sort(stable=True)
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new], order[new]


def scaling_of(points: Any) -> tuple[Scaling, NDArray[np.int64]]:
    """Return the scaling of points, and the columns that are constant."""
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
    return _scaling(low, high, center, scale)


def scaling_of_large(content: Any, chosen: NDArray[np.int64]) -> tuple[Scaling, NDArray[np.int64]]:
    """Return the same of points that stay in their file; they are read twice, a block at a time.

    Args:
        content: points (point, dim), of which rows can be asked for.
        chosen: those that are meant, rising.
    """
    share = Share.alone(len(chosen))
    blocks = list(share.parts())

    def rows(part: slice) -> NDArray[np.float64]:
        return np.asarray(content[chosen[part]], dtype=np.float64)

    ends = [(block.min(axis=0), block.max(axis=0)) for block in map(rows, blocks)]
    low, high = np.min([end for end, _ in ends], axis=0), np.max([end for _, end in ends], axis=0)
    center = share.total(lambda part: rows(part).sum(axis=0)) / len(chosen)
    with np.errstate(over="ignore"):
        scale = np.sqrt(share.total(lambda part: np.square(rows(part) - center).sum(axis=0)) / len(chosen))
    return _scaling(low, high, center, scale)


def _scaling(low: Any, high: Any, center: Any, scale: Any) -> tuple[Scaling, NDArray[np.int64]]:
    constant = low == high
    center, scale = np.where(constant, 0.0, center), np.where(constant, 1.0, scale)
    return Scaling(torch.from_numpy(center), torch.from_numpy(scale)), np.flatnonzero(constant)


def fingerprint(content: Any, chosen: NDArray[np.int64], labels: Tensor | None) -> str:
    """Return a hash that changes when what is clustered, its order or its labels do."""
    digest = hashlib.sha256(chosen.tobytes())
    if isinstance(content, list):
        for number in chosen:
            digest.update(content[number].encode("utf-8", "backslashreplace") + b"\0")
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
        chosen: (example,) indices in the file of those that are here, rising.
        labels: (example,) of those that are here, or None.
    """

    def __init__(self, content: Any, chosen: NDArray[np.int64], labels: Tensor | None) -> None:
        self.chosen = chosen
        self.labels = labels
        self.content = content

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, position: int) -> Batch:
        return self.__getitems__([position])

    def __getitems__(self, positions: Sequence[int]) -> Batch:
        """Return the examples at some positions as one batch; torch's loader asks for a batch at a time."""
        return self._at(np.asarray(positions, dtype=np.int64))

    def among(self, numbers: NDArray[np.int64]) -> Batch:
        """Return the examples of some numbers in the file, rising, as one batch; dense points that are all are no copy.

        Args:
            numbers: (example,), each of an example that is here.
        """
        is_array = isinstance(self.content, np.ndarray) and self.content.flags.writeable
        if is_array and len(numbers) == len(self.chosen) == len(self.content):
            return Batch(torch.from_numpy(self.chosen), torch.from_numpy(self.content), self.labels)
        return self._at(np.searchsorted(self.chosen, numbers))

    def _at(self, here: NDArray[np.int64]) -> Batch:
        chosen = self.chosen[here]
        labels = None if self.labels is None else self.labels[torch.from_numpy(here)]
        content: Tensor | list[str] | Rows
        if isinstance(self.content, list):
            content = [self.content[number] for number in chosen]
        elif isinstance(self.content, GraphRows):
            content = self.content.of(here)
        elif scipy.sparse.issparse(self.content):
            rows = self.content[chosen]
            content = sparse_rows(rows, torch.from_numpy(rows.data[:0]).dtype)
        else:
            content = torch.from_numpy(np.asarray(self.content[chosen]))
        return Batch(torch.from_numpy(chosen), content, labels)


@final
class GraphRows:
    """The rows of W among the nodes that are here.

    Args:
        weights: W (node, node), csr, of the nodes that are here.
    """

    def __init__(self, weights: scipy.sparse.csr_array) -> None:
        self.weights = weights

    def of(self, positions: NDArray[np.int64]) -> Rows:
        """Return some rows, with columns counted among the nodes that are here."""
        rows = self.weights[positions]
        return Rows(
            torch.from_numpy(rows.indices.astype(np.int64)),
            torch.from_numpy(rows.data.astype(np.float64)),
            torch.from_numpy(rows.indptr.astype(np.int64)),
        )
