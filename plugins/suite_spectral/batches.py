"""Batches of examples on their way from the files to the solver, which needs all of them at once.

An example travels as it stands in its file, with its place there: so the batches of several processes, in which the
loader may repeat some examples, are put together again. Points are scaled, and texts become rows of numbers, where
they have arrived, by a ``Scaling`` and a ``suite_spectral.texts.Vocabulary`` that lie in the checkpoint.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor


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
