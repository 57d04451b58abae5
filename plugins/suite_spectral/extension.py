"""Labels for new points from the eigenvectors of the old ones, by Nyström's formula.

With f = D^-1/2 u, an eigenvector of the random walk D^-1 W with eigenvalue 1 - lambda, every point's value is an
average over its neighbours: (1 - lambda) f(i) = sum_j w_ij f(j) / d_i. The same equation gives a new point x its value,

    f(x) = 1 / (1 - lambda) sum_j w(x, j) f(j) / d(x),   d(x) = sum_j w(x, j)

(Bengio and others, 2004). Its row is scaled as the others were, and the nearest centroid is its cluster. In a graph of
several components the weights first say in which of them the point lies, and only the clusters there are compared.

Regularisation ties the new point, as it does the old ones, to every point by tau / n, so that tau times the mean of f
is added to the sum and tau to d(x).
"""

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.affinities import SCALE_NEIGHBOUR, Weights, weights_to
from suite_spectral.labelling import Rows, scaled_rows
from suite_spectral.neighbours import Search

SMALLEST = 0.1
"""The least that 1 - lambda is taken for: dividing by less would blow up what is mostly error."""
BUDGET = 2**28
"""Bytes for what is in memory at a time."""


class Average(NamedTuple):
    """Weighted averages of a table over the old points, one for each new point.

    Attributes:
        values: (query, column); zeros for a point that is tied to none.
        degrees: (query,) the sums of the weights.
    """

    values: Tensor
    degrees: Tensor


class Ties(ABC):
    """How new points are tied to the old ones."""

    @abstractmethod
    def average(self, queries: Tensor, table: Tensor) -> Average:
        """The averages of (point, column) over the old points with each query's weights, queries (query, dim)."""


@final
class NeighbourTies(Ties):
    """The weights of a neighbour graph.

    Attributes:
        points: (point, dim) the points of the graph, or landmarks.
        n_neighbors: how many of them a new point is tied to.
        weights: which weights the graph has.
        scale: sigma, or sigma of each point (point,) for self-tuning; None for connectivity.
        search: how neighbours are found.
    """

    def __init__(
        self,
        points: Tensor,
        n_neighbors: int,
        *,
        weights: Weights = "connectivity",
        scale: Tensor | float | None = None,
        search: Search = "auto",
    ) -> None:
        self.points = points
        self.n_neighbors = min(n_neighbors, len(points))
        self.weights = weights
        self.scale = scale
        self.search = search

    def average(self, queries: Tensor, table: Tensor) -> Average:
        indices, weights = weights_to(
            queries, self.points, self.n_neighbors, weights=self.weights, scale=self.scale, search=self.search
        )
        weights = weights.to(table.dtype)
        degrees = weights.sum(dim=1)
        values = torch.empty(len(queries), table.shape[1], dtype=table.dtype, device=table.device)
        size = max(1, BUDGET // (8 * self.n_neighbors * table.shape[1]))
        for start in range(0, len(queries), size):
            part = slice(start, start + size)
            values[part] = torch.einsum("qn,qnc->qc", weights[part], table[indices[part]]) / degrees[part, None]
        return Average(values, degrees)


@final
class GaussianTies(Ties):
    """The weights of a dense Gaussian graph.

    Attributes:
        points: (point, dim) the points of the graph, or landmarks.
        sigma: the scale, or that of each point (point,) for self-tuning.
    """

    def __init__(self, points: Tensor, sigma: float | Tensor) -> None:
        self.points = points
        self.sigma = sigma

    def average(self, queries: Tensor, table: Tensor) -> Average:
        values = torch.empty(len(queries), table.shape[1], dtype=table.dtype, device=table.device)
        degrees = torch.empty(len(queries), dtype=table.dtype, device=table.device)
        size = max(1, BUDGET // (24 * len(self.points)))
        for start in range(0, len(queries), size):
            part = slice(start, start + size)
            exponents = self._exponents(queries[part]).to(table.dtype)  # query, point
            # Relative to the largest weight, so that a point far from all others is not tied to none.
            largest = exponents.amax(dim=1, keepdim=True)
            weights = (exponents - largest).exp_()
            sums = weights.sum(dim=1)
            values[part] = weights @ table / sums[:, None]
            degrees[part] = sums * largest[:, 0].exp()
        return Average(values, degrees)

    def _exponents(self, queries: Tensor) -> Tensor:
        distances = torch.cdist(queries.double(), self.points.double(), compute_mode="donot_use_mm_for_euclid_dist")
        if isinstance(self.sigma, float | int):
            return distances.square_().div_(-2 * self.sigma**2)
        nearest = min(SCALE_NEIGHBOUR, len(self.points))
        own = distances.kthvalue(nearest, dim=1).values.clamp_min_(torch.finfo(torch.float64).tiny ** 0.5)
        return -distances.square_() / own[:, None] / self.sigma.double()


@final
class CosineTies(Ties):
    """The weights of a cosine graph, W = X X': sums over the points are products with X', so no point is kept.

    A table for these ties has a row a dimension: X' times the table of the points (see `folded`).

    Attributes:
        total: (dim,) the sum of the rows of X.
    """

    def __init__(self, total: Tensor) -> None:
        self.total = total

    @classmethod
    def of(cls, features: Tensor) -> "CosineTies":
        """Of a graph's features, (point, dim), dense or sparse_csr."""
        return cls(
            folded(features, torch.ones(features.shape[0], 1, dtype=torch.float64, device=features.device))[:, 0]
        )

    def average(self, queries: Tensor, table: Tensor) -> Average:
        degrees = (queries.to(table.dtype) @ self.total.to(table.dtype)[:, None])[:, 0]
        values = queries.to(table.dtype) @ table
        return Average(values / torch.where(degrees > 0, degrees, 1)[:, None], degrees)


@final
class EdgeTies(Ties):
    """The weights of a given graph: new points come as rows of weights, (query, reference) sparse_csr."""

    def average(self, queries: Tensor, table: Tensor) -> Average:
        columns = torch.cat([table, torch.ones_like(table[:, :1])], dim=1)
        sums = queries.to(table.dtype) @ columns
        degrees = sums[:, -1]
        return Average(sums[:, :-1] / torch.where(degrees > 0, degrees, 1.0)[:, None], degrees)


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


def folded(features: Tensor, table: Tensor) -> Tensor:
    """X' times a table of the points, (dim, column) float64: all that a cosine graph needs to label new points."""
    table = table.double()
    if features.layout == torch.sparse_csr:
        pointers = features.crow_indices().long()
        points = torch.arange(len(pointers) - 1, device=table.device).repeat_interleave(pointers.diff())
        places = torch.stack([features.col_indices().long(), points])
        shape = (features.shape[1], features.shape[0])
        return torch.sparse_coo_tensor(places, features.values().double(), shape, check_invariants=False) @ table
    total = torch.zeros(features.shape[1], table.shape[1], dtype=torch.float64, device=table.device)
    size = max(1, BUDGET // (8 * max(1, features.shape[1])))
    for start in range(0, len(table), size):
        part = slice(start, start + size)
        total += features[part].double().T @ table[part]
    return total


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
