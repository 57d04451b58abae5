"""Labels for new points from the eigenvectors of the old ones, by Nyström's formula.

With f = D^-1/2 u, an eigenvector of the random walk D^-1 W with eigenvalue 1 - lambda, every point's value is an
average over its neighbours: (1 - lambda) f(i) = sum_j w_ij f(j) / d_i. The same equation gives a new point x its value,

    f(x) = 1 / (1 - lambda) sum_j w(x, j) f(j) / d(x),   d(x) = sum_j w(x, j)

(Bengio and others, 2004). Its row is scaled as the others were, and the nearest centroid is its cluster. In a graph of
several components the weights first say in which of them the point lies, and only the clusters there are compared.

Regularisation gives the new point, as it does the old ones, the weight tau / n to every point, so that tau times the
mean of f is added to the sum and tau to d(x).
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.graphs.affinity import Average, OutOfSampleWeights
from suite_spectral.new_points.extension import Extension
from suite_spectral.settings import RowScaling

SMALLEST = 0.1
"""The least that 1 - lambda is taken for: dividing by less would blow up what is mostly error."""


def table_of(vectors: Tensor, root: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """Return D^-1/2 U and one indicator column per cluster, 1 for its points: (point, vector + cluster) float64."""
    functions = scaled_rows(vectors.double(), root, "random-walk")
    return torch.cat([functions, torch.nn.functional.one_hot(labels, n_clusters).double()], dim=1)


def regularising(tau: float, functions: Tensor) -> Tensor:
    """Return what regularisation adds to the sums of new points, (1 + vector,) float64; nothing where tau is 0.

    Args:
        tau: what it adds to every degree.
        functions: (point, vector) f = D^-1/2 u of the old points.

    Returns:
        tau, and tau times the mean of each f.
    """
    if not tau:
        return functions.new_empty(0, dtype=torch.float64)
    means = functions.double().mean(dim=0)
    return tau * torch.cat([torch.ones_like(means[:1]), means])


def regularised(average: Average, added: Tensor) -> Average:
    """Return averages of f in the regularised graph, from those in the graph itself and from ``regularising``."""
    if not len(added):
        return average
    degrees = average.degrees + added[0]
    return Average((average.values * average.degrees[:, None] + added[1:]) / degrees[:, None], degrees)


def new_rows(average: Average, values: Tensor, rows: RowScaling) -> Tensor:
    """Return the rows of new points, (query, vector), from averages of f over their neighbours.

    Args:
        average: of D^-1/2 u for each eigenvector, and the degrees of the new points.
        values: (vector,) the eigenvalues of the Laplacian.
        rows: how the old rows were scaled.
    """
    functions = average.values / (1 - values.to(average.values)).clamp_min(SMALLEST)
    if rows == "random-walk":
        return functions
    # An eigenvector is D^1/2 f, whose scalings are those of the old ones. At unit length no degree matters, and that of
    # a point far from all others may be 0.
    root = torch.ones_like(average.degrees) if rows == "njw" else average.degrees.sqrt()
    return scaled_rows(functions * root[:, None], root, rows)


@final
@dataclass(frozen=True, eq=False)
class Nystroem(Extension):
    """The formula above.

    Attributes:
        weights: those of new points.
        table: (point, column) float64, D^-1/2 u of each eigenvector, then one column per cluster, 1 for its points; as
            ``weights.reduce`` has made it.
        values: (vector,) float64, the eigenvalues of the Laplacian.
        added: what regularisation adds, by ``regularising``; empty where there is none.
        behind: (point, vector) float32, D^-1/2 u of the eigenvectors that were computed beyond those used, of which a
            refit makes use, reduced like the table; None where an earlier release did not keep them.
    """

    weights: OutOfSampleWeights
    table: Tensor
    values: Tensor
    added: Tensor
    behind: Tensor | None = None

    @property
    def dim(self) -> int:
        return self.weights.dim

    def rows_and_votes(self, content: Tensor, rows: RowScaling) -> tuple[Tensor, Tensor]:
        average = self.weights.average(self.weights.prepare(content), self.table)
        count = len(self.values)
        functions = regularised(Average(average.values[:, :count], average.degrees), self.added)
        return new_rows(functions, self.values, rows), average.values[:, count:]

    def functions(self) -> Tensor:
        """Return D^-1/2 u of all eigenvectors that are kept, (point, vector) float32, reduced like the table."""
        used = self.table[:, : len(self.values)].float()
        return used if self.behind is None else torch.cat([used, self.behind], 1)

    def content(self) -> Tensor | None:
        return self.weights.content()

    def find(self, content: Tensor, index: Tensor | None) -> Tensor:
        return self.weights.find(content, index)
