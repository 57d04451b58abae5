"""What of clusters is exported: new points to their rows in the eigenvectors, and how far each cluster is from them.

The formulas are those of ``suite_spectral.new_points``; here all points are compared with all that are kept, at once.
"""

from collections.abc import Sequence
from typing import final

import torch
from torch import Generator, Tensor, nn

from lightning_suite.errors import UsageError
from lightning_suite.exporting.exportable import Exportable
from suite_spectral.batches import Scaling
from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.graphs.affinity import Average
from suite_spectral.graphs.cosine import CosineWeights
from suite_spectral.graphs.edge_weights import SCALE_NEIGHBOUR, weights_at
from suite_spectral.graphs.gaussian_affinity import GaussianLandmarkWeights, GaussianWeights
from suite_spectral.graphs.landmark_graph import MixtureWeights, mixture_weights
from suite_spectral.graphs.nearest_neighbours import NeighbourWeights
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.fitted import Fitted, distances_to_clusters
from suite_spectral.new_points.nystroem import Nystroem, new_rows, regularised

TINY = torch.finfo(torch.float64).tiny ** 0.5

OF_POINTS = (GaussianWeights, NeighbourWeights, GaussianLandmarkWeights, MixtureWeights)
"""Weights between new points and points that are kept."""


def exportable(fitted: Fitted, scaling: Scaling | None, left_out: str) -> Exportable:
    """Return what is exported of clusters.

    Args:
        fitted: the clusters.
        scaling: of points before they were clustered; None: none.
        left_out: what else the file does not do.

    Raises:
        UsageError: new points are joined to the old ones by more than their numbers.
    """
    network = NewPoints(fitted, scaling)
    kept = network.kept

    def reference(points: Tensor) -> tuple[Tensor, ...]:
        content = points if scaling is None else scaling.apply(points)
        rows, votes = fitted.extension.rows_and_votes(content, fitted.rows)
        return rows, distances_to_clusters(rows, votes, fitted.centroids, fitted.groups)

    def sample(sizes: Sequence[int], generator: Generator) -> tuple[Tensor, ...]:
        near = torch.randint(len(kept), (len(sizes),), generator=generator)
        spread = kept.std(dim=0, correction=0) * torch.rand(len(sizes), 1, generator=generator).double()
        points = kept[near] + spread * torch.randn(len(sizes), kept.shape[1], generator=generator).double()
        if isinstance(fitted.extension.weights, CosineWeights):
            points = points.abs() * (torch.rand(points.shape, generator=generator) < 0.5)
        points = points if scaling is None else points * scaling.scale + scaling.center
        return (points.to(network.dtype),)

    return Exportable(
        network=network,
        reference=reference,
        inputs={"points": {0: "point"}},
        outputs=["rows", "distances"],
        sample=sample,
        left_out=f"{left_out}choosing the cluster of least distance; a point that was itself clustered has the cluster "
        "of then, which may be another one",
    )


@final
class NewPoints(nn.Module):
    """Points (query, dim) to their rows (query, vector), and to distances (query, cluster), both float64.

    Args:
        fitted: the clusters.
        scaling: of points before they were clustered.

    Attributes:
        kept: (kept point, dim) float64, points that new ones are compared with; for cosines one, of ones.
        dtype: of the points.

    Raises:
        UsageError: new points are joined to the old ones by more than their numbers.
    """

    kept: Tensor

    def __init__(self, fitted: Fitted, scaling: Scaling | None) -> None:
        super().__init__()
        fitted = Fitted.from_state({name: value.clone() for name, value in fitted.state().items()})  # no views
        self._fitted, self._scaling = fitted, scaling
        self._kinds, self._numbers = torch.unique(fitted.groups, return_inverse=True)
        weights = fitted.extension.weights
        if isinstance(weights, CosineWeights):
            self.kept, self.dtype = torch.ones(1, weights.dim, dtype=torch.float64), torch.float64
            return
        points = getattr(weights, "landmarks", getattr(weights, "points", None))
        if not isinstance(weights, OF_POINTS) or points is None or points.layout != torch.strided:
            raise UsageError(
                f"affinity {fitted.affinity!r} has no export here: a new example is joined to the clustered ones by "
                "more than numbers of its own: its place in the image, its edges in the graph, or sparse rows"
            )
        self.kept, self.dtype = points.double(), points.dtype

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """(query, dim) -> (query, vector), (query, cluster)."""
        fitted, extension = self._fitted, self._fitted.extension
        if self._scaling is not None:
            points = self._scaling.apply(points)
        points = points.double()
        if isinstance(extension, ByLandmarks):
            columns = torch.cat([extension.table, extension.divisor[:, None], extension.votes], dim=1)
            sums, count = self._by_landmarks(points, columns), extension.table.shape[1]
            degrees = sums[:, count].clamp_min(TINY)
            rows, votes = sums[:, :count] / degrees[:, None], sums[:, count + 1 :]
            if fitted.rows != "random-walk":
                root = torch.ones_like(degrees) if extension.weights.unit_degrees else degrees.sqrt()
                rows = scaled_rows(rows * root[:, None], root, fitted.rows)
        else:
            assert isinstance(extension, Nystroem)
            average, count = self._average(points, extension.table), len(extension.values)
            functions = regularised(Average(average.values[:, :count], average.degrees), extension.added)
            rows, votes = new_rows(functions, extension.values, fitted.rows), average.values[:, count:]
        return rows, distances_to_clusters(rows, votes, fitted.centroids, fitted.groups, (self._kinds, self._numbers))

    def _squares(self, points: Tensor) -> Tensor:
        """Return squared distances to the kept points, (query, kept point)."""
        middle = self.kept.mean(dim=0)  # far from the origin the squares would lose the differences
        first, second = points - middle, self.kept - middle
        squares = first.square().sum(1, keepdim=True) + second.square().sum(1) - 2 * first @ second.T
        return squares.clamp_min(0)

    def _nearest(self, points: Tensor, count: int) -> tuple[Tensor, Tensor]:
        squares, indices = self._squares(points).topk(count, dim=1, largest=False)
        return squares.sqrt(), indices

    def _by_landmarks(self, points: Tensor, table: Tensor) -> Tensor:
        weights = self._fitted.extension.weights
        if isinstance(weights, MixtureWeights):
            distances, indices = self._nearest(points, weights.nearest)
            return (mixture_weights(distances, weights.sigma)[:, :, None] * table[indices]).sum(1)
        kernel: Tensor = (self._squares(points) / (-2 * weights.sigma**2)).exp()
        return kernel @ table

    def _average(self, points: Tensor, table: Tensor) -> Average:
        weights = self._fitted.extension.weights
        if isinstance(weights, CosineWeights):
            lengths = points.square().sum(1, keepdim=True).sqrt()
            return weights.average(points / torch.where(lengths > 0, lengths, 1.0), table)
        if isinstance(weights, NeighbourWeights):
            distances, indices = self._nearest(points, min(weights.n_neighbors, len(self.kept)))
            each = weights_at(distances, indices, weights.weights, weights.scale)
            degrees = each.sum(1)
            return Average((each[:, :, None] * table[indices]).sum(1) / degrees[:, None], degrees)
        exponents = self._squares(points)
        if isinstance(weights.sigma, Tensor):
            own = self._nearest(points, min(SCALE_NEIGHBOUR, len(self.kept)))[0][:, -1:].clamp_min(TINY)
            exponents = -exponents / own / weights.sigma.double()
        else:
            exponents = exponents / (-2 * weights.sigma**2)
        largest = exponents.amax(1, keepdim=True)  # so that a point far from all others has weights
        each = (exponents - largest).exp()
        sums = each.sum(1)
        return Average(each @ table / sums[:, None], sums * largest[:, 0].exp())
