"""The eigenvectors of an earlier fit, carried over to its points and some more: what a refit starts from."""

from typing import NamedTuple, final

import torch
from torch import Tensor

from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.warm_start import extended, functions_of
from suite_spectral.graphs.affinity import OutOfSampleWeights
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.new_points.nystroem import Nystroem
from suite_spectral.settings import Settings
from suite_spectral.solving.solution import Solution

NO_START = (
    "expected a number for {} beside it, got {}: where it is chosen, several graphs are solved, and none of them "
    "from the earlier eigenvectors"
)
"""Why a fit that chooses its regularisation cannot start from an earlier one; with the setting's name and value."""


@final
class Earlier(NamedTuple):
    """What an earlier fit leaves to start from.

    Attributes:
        functions: (point, vector) float32, D^-1/2 u of all eigenvectors that were computed.
        weights: those of new points.
        reduced: whether the functions are what ``weights.reduce`` has made of them.
    """

    functions: Tensor
    weights: OutOfSampleWeights
    reduced: bool = False

    @classmethod
    def of(cls, solution: Solution, settings: Settings) -> "Earlier | None":
        """Return what a solution leaves; None for one by landmarks, whose eigenvectors are not iterated."""
        extension = solution.fitted.extension
        if not isinstance(extension, Nystroem):
            return None
        regularisation = solution.fitted.chosen.get("regularisation", settings.regularisation) or 0.0
        root = Laplacian(solution.graph, regularisation).root
        return cls(functions_of(solution.clustering.spectrum.computed, root), extension.weights)

    @classmethod
    def kept(cls, fitted: Fitted) -> "Earlier | None":
        """Return what a checkpoint leaves of an earlier fit; None of one by landmarks."""
        extension = fitted.extension
        if not isinstance(extension, Nystroem):
            return None
        functions = extension.functions()
        return cls(functions, extension.weights, reduced=len(functions) != len(fitted.labels))

    def start(self, content: Tensor | GivenGraph, places: Tensor | None = None) -> Tensor:
        """Return where to start for points, or for the nodes of a graph, (point, vector).

        An earlier point keeps its values, wherever it stands among the points; another has the mean of those next to
        it, or 0 where that is not known.

        Args:
            content: points, or a graph.
            places: (old,) int64, which nodes of the graph the earlier ones are, -1 for one that is gone; None: the
                first.
        """
        if isinstance(content, GivenGraph):
            if places is None:
                return extended(self.functions[: content.n], content.matrix)
            there = places >= 0
            return extended(self.functions[there], content.matrix, places[there])
        if self.reduced:
            return self.weights.average(self.weights.prepare(content), self.functions.double()).values.float()
        known = self.weights.find(content)
        values = self.functions[known.clamp_min(0)] * (known >= 0)[:, None]
        new = (known < 0).nonzero()[:, 0]
        if len(new) and self.weights.positions() is not None:
            queries = self.weights.prepare(content if content.layout != torch.strided else content[new])
            means = self.weights.average(queries, self.functions).values
            values[new] = means if len(means) == len(new) else means[new]
        return values
