"""Labels of new points from their weights to landmarks (``suite_spectral.eigen.landmarks``)."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.graphs.affinity import no_match
from suite_spectral.graphs.landmark_graph import LandmarkGraph, LandmarkWeights
from suite_spectral.new_points.extension import Extension
from suite_spectral.settings import RowScaling


def landmark_votes(graph: LandmarkGraph, labels: Tensor, n_clusters: int) -> Tensor:
    """Return which clusters the points near each landmark are in, (landmark, cluster) float64, rows adding up to 1."""
    chosen = np.zeros((graph.n, n_clusters))
    chosen[np.arange(graph.n), labels.cpu().numpy()] = 1
    votes = torch.from_numpy(graph.gathered(chosen)) / graph.counts.sqrt()[:, None]
    return votes.to(graph.device)


@final
@dataclass(frozen=True, eq=False)
class ByLandmarks(Extension):
    """Rows as sums over landmarks, by the formula that gives those of the clustered points.

    Attributes:
        weights: of points to landmarks.
        table: (landmark, vector) float64, see ``suite_spectral.eigen.landmarks.Landmarks``.
        divisor: (landmark,) float64, see there.
        votes: (landmark, cluster) float64, by ``landmark_votes``; zeros where all landmarks are one component.
    """

    weights: LandmarkWeights
    table: Tensor
    divisor: Tensor
    votes: Tensor

    @property
    def dim(self) -> int:
        return self.weights.landmarks.shape[1]

    def rows_and_votes(self, content: Tensor, rows: RowScaling) -> tuple[Tensor, Tensor]:
        votes = self.weights.sums(content.to(self.weights.landmarks.dtype), self.votes)
        return self.embed(content, rows), votes

    def embed(self, content: Tensor, rows: RowScaling) -> Tensor:
        queries = content.to(self.weights.landmarks.dtype)
        columns = torch.cat([self.table, self.divisor[:, None]], dim=1)
        sums = self.weights.sums(queries, columns)
        # Where the approximate degree is not positive nothing is known but the numerator's direction.
        degrees = sums[:, -1].clamp_min(torch.finfo(torch.float64).tiny ** 0.5)
        functions = sums[:, :-1] / degrees[:, None]
        if rows != "random-walk":
            root = torch.ones_like(degrees) if self.weights.unit_degrees else degrees.sqrt()
            functions = scaled_rows(functions * root[:, None], root, rows)
        return functions

    def find(self, content: Tensor, index: Tensor | None) -> Tensor:
        return no_match(content)
