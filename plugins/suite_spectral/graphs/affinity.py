"""What an affinity is: the graph of some points, and the weights between new points and those.

An affinity is a value that holds its own settings, and has a file with its graph. To add one, write that file, with a
final class for the affinity and one for its out-of-sample weights; add its name to the choices in
``suite_spectral.settings`` and its class to the table in ``suite_spectral.graphs.affinities``.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.graphs.landmark_graph import LandmarkGraph, LandmarkWeights

State = dict[str, Tensor | int | float | str]
"""What is stored of weights: the arguments of their class by name."""


class Average(NamedTuple):
    """Weighted averages of a table over the points of a graph, one for each new point.

    Attributes:
        values: (query, column); zeros for a point without any weight.
        degrees: (query,) the sums of the weights.
    """

    values: Tensor
    degrees: Tensor


class OutOfSampleWeights(ABC):
    """The weights between new points and those of a graph.

    A final class is a frozen dataclass whose fields are tensors, numbers, strings or None: these are its state. What
    is computed from them once and kept, such as a search tree, is a ``cached_property``.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @property
    @abstractmethod
    def dim(self) -> int:
        """How many columns new points have."""

    @abstractmethod
    def prepare(self, content: Tensor) -> Tensor:
        """Return new points as those of the graph are: in the same type and scaled alike."""

    @abstractmethod
    def average(self, queries: Tensor, table: Tensor) -> Average:
        """Return averages of a table (point, column) with the weights of prepared new points (query, dim)."""

    @abstractmethod
    def find(self, content: Tensor, index: Tensor | None = None) -> Tensor:
        """Return which point of the graph each row equals bit for bit, (query,) int64; -1 where there is none.

        Args:
            content: (query, dim).
            index: (query,) int64, the only point that each row may be; None: any.
        """

    def reduce(self, graph: Graph, table: Tensor) -> Tensor:
        """Return what ``average`` takes in place of a table (point, column) of the points of the graph."""
        return table

    def positions(self) -> Tensor | None:
        """Return the points between which distances mean something (point, dim); None where none are kept."""
        return None

    def content(self) -> Tensor | None:
        """Return what was clustered; None where it is not kept."""
        return self.positions()

    def state(self) -> State:
        """Return the arguments from which the class makes the same weights again."""
        return {name: value for name, value in self.__getstate__().items() if value is not None}


class SimilarityGraph(NamedTuple):
    """A graph, and how new points are joined to it.

    Attributes:
        graph: the graph.
        weights: those of new points.
        affinity: the affinity, with the settings that a rule without labels has chosen.
        chosen: settings by which the graph of other points is built the same way, by name.
        line: a summary in one line.
    """

    graph: Graph
    weights: OutOfSampleWeights
    affinity: "Affinity"
    chosen: dict[str, Any]
    line: str


class LandmarkSimilarity(NamedTuple):
    """How points are joined to landmarks that stand for all of them.

    Attributes:
        weights: between any points and the landmarks.
        graph: the graph in which points are joined through landmarks; None: that of all pairs, by Nyström's method.
        line: a summary in one line.
    """

    weights: LandmarkWeights
    graph: LandmarkGraph | None
    line: str


class Affinity(ABC):
    """How similar points are. A final class is a frozen dataclass; a field with the name of a setting is that setting.

    Attributes:
        name: what the option calls it.
        of_graph: whether it takes a graph instead of points.
        sparse: whether it takes sparse rows.
        nonnegative: whether it needs features of 0 or more.
        weights_class: that of its out-of-sample weights.
        landmark_class: that of its weights to landmarks; None where landmarks cannot stand for the points.
        sample_size: how many points its open setting is chosen by, if there are more.
    """

    name: ClassVar[str]
    of_graph: ClassVar[bool] = False
    sparse: ClassVar[bool] = False
    nonnegative: ClassVar[bool] = False
    weights_class: ClassVar[type[OutOfSampleWeights]]
    landmark_class: ClassVar[type[LandmarkWeights] | None] = None
    sample_size: ClassVar[int] = 0

    @abstractmethod
    def build(self, content: Tensor, *, seed: int = 0) -> SimilarityGraph:
        """Return the graph of points (point, dim), features, pixels or of W itself.

        Raises:
            UsageError: the settings do not fit the points.
        """

    def by_landmarks(self, points: Tensor, landmarks: Tensor, *, seed: int = 0) -> LandmarkSimilarity:
        """Return how points (point, dim) are joined to landmarks (landmark, dim)."""
        raise UsageError(f"affinity {self.name!r}: landmarks cannot stand for its points")

    @property
    def open_setting(self) -> str | None:
        """The name of the setting that is left to a rule without labels; None where there is none."""
        return None

    def candidates(self, points: Tensor, least: int, *, seed: int = 0) -> "Sequence[Affinity]":
        """Return the affinity with each value of its open setting that is tried, the preferred first.

        Args:
            points: (point, dim).
            least: how many points a subsample has.
            seed: of whatever is drawn.
        """
        return [self]

    def graphs(self, candidates: "Sequence[Affinity]", points: Tensor, *, seed: int = 0) -> Iterator[Graph]:
        """Yield the graph of a subsample by each of the candidates."""
        return (candidate.build(points, seed=seed).graph for candidate in candidates)


def no_match(content: Tensor) -> Tensor:
    """Return -1 for each row: none is known to be a point of the graph."""
    return torch.full((content.shape[0],), -1, dtype=torch.int64, device=content.device)


def edge_count(graph: SparseGraph) -> str:
    """Return how many weights a graph stores, in words."""
    return f"{graph.matrix.values().numel():,} weights"
