"""What is known of fitted points, and the labels of new ones from it.

A ``Fitted`` is tensors and nothing else, so that it can be saved and moved to another device.
"""

from typing import NamedTuple, get_args

import torch
from torch import Tensor

from suite_spectral.eigen.landmarks import Landmarks
from suite_spectral.eigen.row_scaling import Rows
from suite_spectral.eigen.solvers import Spectrum
from suite_spectral.graphs.cosine import CosineTies, unit_rows
from suite_spectral.graphs.gaussian import GaussianTies
from suite_spectral.graphs.graph import EdgeTies, Ties
from suite_spectral.graphs.neighbour_graph import NeighbourTies, Weights
from suite_spectral.graphs.pixels import scaled_pixels
from suite_spectral.new_points.nystroem import Extension, nearest_cluster
from suite_spectral.new_points.row_hash import codes_of, found_among, places_of
from suite_spectral.settings import Affinity

# A checkpoint holds the place of a choice among these: new ones go to the end.
AFFINITIES: tuple[Affinity, ...] = get_args(Affinity)
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
ROWS: tuple[Rows, ...] = get_args(Rows)


class Choices(NamedTuple):
    """What the graph and the rows were made with, as far as new points need to know it.

    Attributes:
        affinity: the similarity.
        n_neighbors: of a point in the graph of neighbours, itself counted; 0 where there is none.
        weights: of that graph's edges.
        rows: how the rows of the eigenvectors were scaled.
        by_landmarks: whether the eigenvectors are sums over landmarks, see ``suite_spectral.eigen.landmarks``.
        near: how many landmarks a point is tied to; 0 for all of them.
    """

    affinity: Affinity
    n_neighbors: int
    weights: Weights
    rows: Rows
    by_landmarks: bool = False
    near: int = 0

    def tensor(self) -> Tensor:
        """As numbers, (6,) int64 in the order of the attributes; the names by their places among all there are."""
        names = AFFINITIES.index(self.affinity), WEIGHTS.index(self.weights), ROWS.index(self.rows)
        return torch.tensor([names[0], self.n_neighbors, *names[1:], int(self.by_landmarks), self.near])

    @classmethod
    def of(cls, numbers: Tensor) -> "Choices":
        """From what ``tensor`` gave."""
        affinity, n_neighbors, weights, rows, by_landmarks, near = numbers.tolist()
        return cls(AFFINITIES[affinity], n_neighbors, WEIGHTS[weights], ROWS[rows], bool(by_landmarks), near)


class Fitted(NamedTuple):
    """What is known of fitted points: all that labels new ones; most of it for ``new_points.nystroem``.

    Attributes:
        points: (reference, dim) the points that new ones are compared with, or the landmarks; none for cosine and given
            graphs.
        table: (reference, vector + cluster) float64, f = D^-1/2 u of each vector, and one column a cluster; (dim, ...)
            for cosine; landmarks have one column more, of their weights.
        values: (vector,) float64, the eigenvalue of L of each vector.
        eigenvalues: (value,) float64, all that were computed, in rising order: one more than clusters where there is.
        centroids: (cluster, vector) float64.
        groups: (cluster,) int64, the component each cluster lies in.
        labels: (point,) int64, of the fitted points.
        scale: sigma of the Gaussian as (1,), or the scale of each fitted point as (reference,); of landmarks their
            sigma, and behind it that of the graph of all points, where there is one.
        total: (dim,) float64, the sum of all features of a cosine graph.
        added: (1 + vector,) float64, what regularisation adds to the sums of new points; none without it.
        codes: (point,) int64, ``codes_of`` the rows of a given graph or of the features of a cosine graph.
        choices: (6,) int64, a ``Choices`` as a tensor.
    """

    points: Tensor
    table: Tensor
    values: Tensor
    eigenvalues: Tensor
    centroids: Tensor
    groups: Tensor
    labels: Tensor
    scale: Tensor
    total: Tensor
    added: Tensor
    codes: Tensor
    choices: Tensor

    @property
    def chosen(self) -> Choices:
        """What the graph and the rows were made with."""
        return Choices.of(self.choices)

    @property
    def affinity(self) -> Affinity:
        """The similarity it was clustered by."""
        return self.chosen.affinity

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return len(self.centroids)


def empty() -> Fitted:
    """What is known before anything was fitted: nothing."""
    numbers, table = torch.empty(0, dtype=torch.float64), torch.empty(0, 0, dtype=torch.float64)
    places = torch.empty(0, dtype=torch.int64)
    return Fitted(
        points=table,
        table=table.clone(),
        values=numbers,
        eigenvalues=numbers.clone(),
        centroids=table.clone(),
        groups=places,
        labels=places.clone(),
        scale=numbers.clone(),
        total=numbers.clone(),
        added=numbers.clone(),
        codes=places.clone(),
        choices=torch.zeros(len(Choices._fields), dtype=torch.int64),
    )


def assign(fitted: Fitted, content: Tensor) -> Tensor:
    """The clusters of new points, (query,) int64; a point that equals a fitted one has the cluster of that one.

    Args:
        fitted: what is known of the fitted points.
        content: (query, dim) points, features or pixels, as the fitted ones were; or, for a given graph, the weights
            between new and fitted points, (query, reference) sparse_csr.
    """
    queries = _queries(fitted, content)
    if fitted.chosen.by_landmarks:
        return _from_landmarks(fitted, queries)[1]
    labels = _extension(fitted).predict(queries)
    if fitted.affinity == "precomputed":  # a row of weights does not say whose it is
        return labels
    places = (
        found_among(codes_of(content), fitted.codes)
        if fitted.affinity == "cosine"
        else places_of(queries, fitted.points)
    )
    return torch.where(places >= 0, fitted.labels[places.clamp_min(0)], labels)


def embed(fitted: Fitted, content: Tensor) -> Tensor:
    """The rows of new points, (query, vector) float64, near the centroid of their cluster; see ``assign``."""
    queries = _queries(fitted, content)
    if fitted.chosen.by_landmarks:
        return _from_landmarks(fitted, queries)[0]
    return _extension(fitted).transform(queries)


def _extension(fitted: Fitted) -> Extension:
    rows = fitted.chosen.rows
    return Extension(_ties(fitted), fitted.table, fitted.values, fitted.centroids, fitted.groups, rows, fitted.added)


def _ties(fitted: Fitted) -> Ties:
    chosen = fitted.chosen
    if chosen.affinity == "cosine":
        return CosineTies(fitted.total)
    if chosen.affinity == "precomputed":
        return EdgeTies()
    count, weights = chosen.n_neighbors, chosen.weights
    scale: Tensor | float = (
        fitted.scale if weights == "self-tuning" else float(fitted.scale[0]) if len(fitted.scale) else 1.0
    )
    if count:
        return NeighbourTies(fitted.points, count, weights=weights, scale=None if weights == "connectivity" else scale)
    return GaussianTies(fitted.points, scale)


def _queries(fitted: Fitted, content: Tensor) -> Tensor:
    if fitted.affinity == "pixels":
        _, sigma_position, sigma_color = fitted.scale.tolist()
        return scaled_pixels(content, sigma_position, sigma_color)
    if fitted.affinity == "cosine":
        return unit_rows(content)
    if fitted.affinity == "precomputed":
        return content
    return content.to(fitted.points.dtype)


def _from_landmarks(fitted: Fitted, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (query, vector) and clusters (query,) of new points."""
    width, chosen = len(fitted.values), fitted.chosen
    landmarks = Landmarks(
        fitted.points,
        fitted.table[:, :width],
        fitted.table[:, -1],
        float(fitted.scale[0]),
        chosen.near,
        Spectrum(fitted.eigenvalues, fitted.table[:0], fitted.values, fitted.groups, ""),
        fitted.values,
    )
    rows = landmarks.rows_of(queries, chosen.rows)
    votes = landmarks.averages(queries, fitted.table[:, width:-1])
    return rows, nearest_cluster(rows, votes, fitted.centroids, fitted.groups)
