"""The eigenvectors of an earlier fit, carried over to its points and some more: what a refit starts from."""

from typing import NamedTuple, final

import torch
from torch import Tensor

from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.warm_start import extended, functions_of
from suite_spectral.graphs.affinity import OutOfSampleWeights
from suite_spectral.graphs.dense_graph import GivenGraph
from suite_spectral.new_points.nystroem import Nystroem
from suite_spectral.settings import Settings
from suite_spectral.solving.solution import Solution


@final
class Earlier(NamedTuple):
    """What an earlier fit leaves to start from.

    Attributes:
        functions: (point, vector) float32, D^-1/2 u of all eigenvectors that were computed.
        weights: those of new points.
    """

    functions: Tensor
    weights: OutOfSampleWeights

    @classmethod
    def of(cls, solution: Solution, settings: Settings) -> "Earlier | None":
        """Return what a solution leaves; None for one by landmarks, whose eigenvectors are not iterated."""
        extension = solution.fitted.extension
        if not isinstance(extension, Nystroem):
            return None
        regularisation = solution.fitted.chosen.get("regularisation", settings.regularisation) or 0.0
        root = Laplacian(solution.graph, regularisation).root
        pairs = solution.clustering.spectrum
        vectors = pairs.vectors if pairs.guards is None else torch.cat([pairs.vectors, pairs.guards], 1)
        return cls(functions_of(vectors, root), extension.weights)

    def start(self, content: Tensor | GivenGraph) -> Tensor:
        """Return where to start for points, or for a graph whose first points are the earlier ones, (point, vector).

        An earlier point keeps its values, wherever it stands among the points; another has the mean of those next to
        it, or 0 where that is not known.
        """
        if isinstance(content, GivenGraph):
            return extended(self.functions[: content.n], content.matrix)
        known = self.weights.find(content)
        values = self.functions[known.clamp_min(0)] * (known >= 0)[:, None]
        new = (known < 0).nonzero()[:, 0]
        if len(new) and self.weights.positions() is not None:
            queries = self.weights.prepare(content if content.layout != torch.strided else content[new])
            means = self.weights.average(queries, self.functions).values
            values[new] = means if len(means) == len(new) else means[new]
        return values
