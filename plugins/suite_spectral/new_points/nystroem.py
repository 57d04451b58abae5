"""Labels for new points from the eigenvectors of the old ones, by Nyström's formula.

With f = D^-1/2 u, an eigenvector of the random walk D^-1 W with eigenvalue 1 - lambda, every point's value is an
average over its neighbours: (1 - lambda) f(i) = sum_j w_ij f(j) / d_i. The same equation gives a new point x its value,

    f(x) = 1 / (1 - lambda) sum_j w(x, j) f(j) / d(x),   d(x) = sum_j w(x, j)

(Bengio and others, 2004). Its row is scaled as the others were, and the nearest centroid is its cluster. In a graph of
several components the weights first say in which of them the point lies, and only the clusters there are compared.

Regularisation ties the new point, as it does the old ones, to every point by tau / n, so that tau times the mean of f
is added to the sum and tau to d(x).
"""

from typing import final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.eigen.row_scaling import Rows, scaled_rows
from suite_spectral.graphs.graph import Average, Ties

SMALLEST = 0.1
"""The least that 1 - lambda is taken for: dividing by less would blow up what is mostly error."""


@final
class Extension:
    """What labels new points: a table of the old ones' values, and the centroids.

    Attributes:
        ties: how new points are tied to the old ones.
        table: (point, column) D^-1/2 u of each eigenvector, then one column a cluster, 1 for its points; (dim, column)
            for cosine ties.
        values: (vector,) the eigenvalues.
        centroids: (cluster, vector).
        groups: (cluster,) int64, the component each cluster lies in.
        rows: how the rows were scaled.
        added: what regularisation adds, by ``regularising``; empty where there is none.
    """

    def __init__(
        self,
        ties: Ties,
        table: Tensor,
        values: Tensor,
        centroids: Tensor,
        groups: Tensor,
        rows: Rows,
        added: Tensor | None = None,
    ) -> None:
        self.ties = ties
        self.table = table
        self.values = values
        self.centroids = centroids
        self.groups = groups
        self.rows = rows
        self.added = torch.empty(0) if added is None else added

    def predict(self, queries: Tensor) -> Tensor:
        """The clusters of new points (query, dim), (query,) int64.

        Raises:
            UsageError: the points are not of the dimension that the old ones have.
        """
        return self._split(queries)[1]

    def transform(self, queries: Tensor) -> Tensor:
        """The rows of new points in the eigenvectors, scaled as the others were, (query, vector)."""
        return self._split(queries)[0]

    def _split(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        if queries.dim() != 2:
            raise UsageError(f"expected new points of shape (point, dim), got {tuple(queries.shape)}")
        average = self.ties.average(queries, self.table)
        count = len(self.values)
        functions = regularised(Average(average.values[:, :count], average.degrees), self.added)
        rows = new_rows(functions, self.values, self.rows)
        return rows, nearest_cluster(rows, average.values[:, count:], self.centroids, self.groups)


def table_of(vectors: Tensor, root: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """The table of an `Extension`, (point, vector + cluster) float64: D^-1/2 U, and which cluster a point is in."""
    functions = scaled_rows(vectors.double(), root, "random-walk")
    return torch.cat([functions, torch.nn.functional.one_hot(labels, n_clusters).double()], dim=1)


def regularising(tau: float, functions: Tensor) -> Tensor:
    """What regularisation adds to the sums of new points, (1 + vector,) float64; empty where tau is 0.

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
    """The averages of f in the regularised graph, from those in the graph itself and from ``regularising``."""
    if not len(added):
        return average
    degrees = average.degrees + added[0]
    return Average((average.values * average.degrees[:, None] + added[1:]) / degrees[:, None], degrees)


def around_threshold(entries: Tensor, labels: Tensor) -> Tensor:
    """Two centroids, (cluster, 1), whose middle is the threshold between two clusters of numbers (point,)."""
    parts = [entries[labels == cluster] for cluster in (0, 1)]
    low, high = (0, 1) if parts[0].mean() <= parts[1].mean() else (1, 0)
    threshold = (parts[low].max() + parts[high].min()) / 2
    reach = torch.empty(2, 1, dtype=entries.dtype, device=entries.device)
    reach[low], reach[high] = -1, 1
    return threshold + reach * (entries.max() - entries.min())


def cluster_groups(labels: Tensor, components: Tensor, n_clusters: int) -> Tensor:
    """The component that most points of each cluster lie in, (cluster,) int64."""
    count = int(components.max()) + 1
    pairs, sizes = torch.unique(labels * count + components, return_counts=True)
    groups = torch.zeros(n_clusters, dtype=torch.int64, device=labels.device)
    for place in sizes.argsort(stable=True).tolist():  # the largest is written last
        groups[pairs[place] // count] = pairs[place] % count
    return groups


def new_rows(average: Average, values: Tensor, rows: Rows) -> Tensor:
    """The rows of new points, (query, vector), from the averages of f over their neighbours.

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


def nearest_cluster(rows: Tensor, votes: Tensor, centroids: Tensor, groups: Tensor) -> Tensor:
    """The nearest centroid among those of the group that has most of the weight, (query,) int64.

    Args:
        rows: (query, vector).
        votes: (query, cluster) the share of each cluster in the weights.
        centroids: (cluster, vector).
        groups: (cluster,) int64.
    """
    distances = torch.cdist(rows.double(), centroids.double(), compute_mode="donot_use_mm_for_euclid_dist")
    kinds, numbers = torch.unique(groups, return_inverse=True)
    if len(kinds) > 1:
        shares = torch.zeros(len(rows), len(kinds), dtype=votes.dtype, device=votes.device)
        shares.index_add_(1, numbers, votes)
        distances.masked_fill_(numbers != shares.argmax(dim=1)[:, None], torch.inf)
    return distances.argmin(dim=1)
