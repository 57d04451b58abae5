"""From points, texts' features or a given graph to clusters, and from clusters to the labels of new points.

What the Lightning module and the scikit-learn estimator share: ``solve`` builds the graph of the settings and clusters
it, ``assign`` labels new points (``suite_spectral.extension``). In between lies ``Fitted``, tensors and nothing else,
so that it can be saved and moved to another device.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.affinities import Mutual, Weights, edge_scale, graph_of, median_sigma
from suite_spectral.choosing import choose_graph, eigengap_clusters
from suite_spectral.clustering import Clustering, cluster
from suite_spectral.cosine import CosineGraph
from suite_spectral.cuts import ncut
from suite_spectral.eigen import Progress, Solver, Spectrum
from suite_spectral.extension import (
    Average,
    CosineTies,
    Extension,
    GaussianTies,
    NeighbourTies,
    Ties,
    cluster_groups,
    folded,
    nearest_cluster,
    table_of,
)
from suite_spectral.gaussian import GaussianGraph
from suite_spectral.graph import Graph, SparseGraph
from suite_spectral.labelling import Rows, TwoWay, by_component, kmeans, mean_rows, scaled_rows, two_way
from suite_spectral.landmarks import (
    LandmarkGraph,
    Landmarks,
    landmark_votes,
    nystrom,
    place_landmarks,
    sparse_landmarks,
)
from suite_spectral.laplacian import Laplacian
from suite_spectral.neighbours import Neighbours, Search, automatic_search, nearest
from suite_spectral.pixels import pixel_graph

Affinity = Literal["nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed", "pixels"]
Kind = Literal["points", "texts", "graph", "image"]

FOR_KIND: dict[Kind, Affinity] = {
    "points": "nearest_neighbors",
    "texts": "cosine",
    "graph": "precomputed",
    "image": "pixels",
}
"""The similarity that each kind of data is clustered by when none is asked for."""

AFFINITIES: tuple[Affinity, ...] = ("nearest_neighbors", "rbf", "self-tuning", "cosine", "precomputed", "pixels")
WEIGHTS: tuple[Weights, ...] = ("connectivity", "gaussian", "self-tuning")
ROWS: tuple[Rows, ...] = ("plain", "njw", "random-walk")

LOCAL = 7
"""Self-tuning measures a point's scale by the distance to this neighbour (Zelnik-Manor and Perona, 2004)."""
MEASURED = 10_000
"""Points whose pairs are weighed for the normalised cut where landmarks are there because all pairs are too many."""
AROUND = 64
"""Pixels of the fitted image that a new pixel is compared with."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How something is clustered; see ``suite_spectral.module.SpectralClusterer`` for each."""

    n_clusters: int | None
    affinity: Affinity
    n_neighbors: int | None
    weights: Weights
    mutual: Mutual
    search: Search
    sigma: float | None
    rows: Rows
    assign: TwoWay
    solver: Solver
    regularisation: float
    n_init: int
    largest: int
    landmarks: int | None
    memory: float
    tolerance: float | None
    radius: float
    sigma_color: float
    sigma_position: float


class Fitted(NamedTuple):
    """What is known of fitted points: all that labels new ones. See ``suite_spectral.extension`` for most of it.

    Attributes:
        points: (reference, dim) the points that new ones are compared with; none for cosine and given graphs.
        table: (reference, vector + cluster) float64, f = D^-1/2 u of each vector, and one column a cluster; (dim, ...)
            for cosine.
        values: (vector,) float64, the eigenvalue of L of each vector.
        eigenvalues: (value,) float64, all that were computed, in rising order: one more than clusters where there is.
        centroids: (cluster, vector) float64.
        groups: (cluster,) int64, the component each cluster lies in.
        labels: (point,) int64, of the fitted points.
        scale: sigma of the Gaussian as (1,), or the scale of each fitted point as (reference,).
        total: (dim,) float64, the sum of all features of a cosine graph.
        codes: (point,) int64, ``codes_of`` the rows of a given graph or of the features of a cosine graph.
        choices: (5,) int64: number of neighbours; affinity, weights and rows by their place in ``AFFINITIES``,
            ``WEIGHTS`` and ``ROWS``; 1 for landmarks, whose table has a column of their weights at its end.
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
    codes: Tensor
    choices: Tensor

    @property
    def affinity(self) -> Affinity:
        """The similarity it was clustered by."""
        return AFFINITIES[int(self.choices[1])]

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return len(self.centroids)


class Built(NamedTuple):
    """A graph, and what it was built with.

    Attributes:
        graph: the graph.
        points: what new points are compared with, see ``Fitted``.
        scale: likewise.
        n_neighbors: likewise; 0 for a graph of no neighbours.
        weights: likewise.
        line: what a reader should know of it.
    """

    graph: Graph
    points: Tensor
    scale: Tensor
    n_neighbors: int
    weights: Weights
    line: str


class Solution(NamedTuple):
    """Clusters, and what labels new points.

    Attributes:
        fitted: what labels new points.
        clustering: labels, spectrum and measures.
        graph: what was clustered.
        line: graph, solver, components and choices in one line.
    """

    fitted: Fitted
    clustering: Clustering
    graph: Graph
    line: str


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
        codes=places.clone(),
        choices=torch.zeros(5, dtype=torch.int64),
    )


def solve(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Solution:
    """Clusters points, features or a graph.

    Args:
        content: (point, dim) points; for cosine rows of unit length, dense or sparse_csr; for precomputed a graph;
            for pixels (pixel, 2 + channel), row, column and channels of every pixel of an image.
        settings: how.
        seed: of all that is drawn.
        progress: told what is being done.

    Raises:
        UsageError: a setting that does not fit the content.
    """
    refuse_impossible(settings, _count(content))
    if settings.landmarks is not None:
        return _by_landmarks(content, settings, seed, progress)
    built = build(content, settings, seed=seed, progress=progress)
    found = cluster(
        built.graph,
        settings.n_clusters,
        rows=settings.rows,
        assign=settings.assign,
        solver=settings.solver,
        regularisation=settings.regularisation,
        n_init=settings.n_init,
        largest=settings.largest,
        points=built.points if len(built.points) == built.graph.n else None,
        seed=seed,
        tolerance=settings.tolerance,
        progress=progress,
    )
    return Solution(_fitted(content, built, found, settings), found, built.graph, _line(built, found))


def refuse_impossible(settings: Settings, n: int) -> None:
    """Refuses settings that no data, or not so many points, can be clustered with.

    Raises:
        UsageError: it is so.
    """
    wanted = settings.n_clusters
    if wanted is not None and wanted < 1:
        raise UsageError(f"n_clusters: expected 1 or more, or none for as many as the eigengap says, got {wanted}")
    if wanted is not None and wanted > n:
        raise UsageError(f"n_clusters: {wanted} clusters were asked for, and there are {n:,} points")
    if n < 2:
        raise UsageError(f"expected at least 2 points to cluster, got n_samples = {n}")
    if settings.landmarks is not None and settings.affinity not in ("nearest_neighbors", "rbf"):
        raise UsageError(f"landmarks are for the affinities nearest_neighbors and rbf, not {settings.affinity!r}")
    if settings.assign != "kmeans" and wanted not in (None, 2):
        raise UsageError(f"assign {settings.assign!r} makes 2 clusters of the second eigenvector, not {wanted}")


def build(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Built:
    """The graph of the settings over points, features, pixels, or the one that was given.

    Raises:
        UsageError: the content is not what the affinity is of.
    """
    affinity = settings.affinity
    if isinstance(content, SparseGraph) != (affinity == "precomputed"):
        given = "a graph" if isinstance(content, SparseGraph) else "points"
        raise UsageError(f"affinity {affinity!r} cannot be had of {given}; leave it to 'auto'")
    progress(f"graph of {_count(content):,} points")
    if isinstance(content, SparseGraph):
        return _built(content, f"given, {_edges(content)}")
    if affinity == "nearest_neighbors":
        return _of_neighbours(content, settings, seed, progress)
    if affinity in ("rbf", "self-tuning"):
        return _of_all_pairs(content, settings, seed)
    if affinity == "cosine":
        return _built(CosineGraph(_of_unit_length(content)), f"cosines of {content.shape[1]:,} features, never stored")
    image = image_of(content)
    graph = pixel_graph(
        image, radius=settings.radius, sigma_color=settings.sigma_color, sigma_position=settings.sigma_position
    )
    places = _scaled_pixels(content, settings.sigma_position, settings.sigma_color)
    # Of exp(-|x - y|^2 / (2 sigma^2)); the others are kept for new pixels.
    scale = places.new_tensor([math.sqrt(0.5), settings.sigma_position, settings.sigma_color])
    line = f"pixels of {image.shape[1]} x {image.shape[0]} within {settings.radius:g}, {_edges(graph)}"
    return Built(graph, places, scale, min(AROUND, len(places)), "gaussian", line)


def image_of(pixels: Tensor) -> Tensor:
    """The image (height, width, channel) of (pixel, 2 + channel) rows, columns and channels.

    Raises:
        UsageError: there is not one pixel for each place of a rectangle.
    """
    rows, columns = pixels[:, 0].long(), pixels[:, 1].long()
    rows, columns = rows - rows.min(), columns - columns.min()
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    places = rows * width + columns
    if height * width != len(pixels) or int(places.bincount().max()) > 1:
        raise UsageError(
            f"expected all {height * width:,} pixels of {height} rows and {width} columns, got {len(pixels):,}"
        )
    image = torch.empty(height * width, pixels.shape[1] - 2, dtype=pixels.dtype, device=pixels.device)
    image[places] = pixels[:, 2:]
    if not torch.equal(places, torch.arange(len(places), device=places.device)):
        raise UsageError("expected the pixels of an image row by row")
    return image.reshape(height, width, -1)


def _of_neighbours(points: Tensor, settings: Settings, seed: int, progress: Progress) -> Built:
    weights, asked, said = settings.weights, settings.n_neighbors, ""
    if asked is None:
        asked, weights = _chosen(points, settings, seed, progress)
        said = " (chosen)"
    count = min(asked, len(points))
    fewer = f" (of {asked} asked for)" if asked > count else ""
    search = settings.search
    if search == "auto":
        search = automatic_search(len(points), points.shape[1], points.device)
    found = nearest(points, count - 1, search=search, seed=seed)
    scale = edge_scale(found, weights=weights, sigma=settings.sigma)
    if weights == "connectivity":
        found = Neighbours(found.indices, found.distances[:, :0])  # of many points they are worth freeing
    graph = graph_of(found, weights=weights, scale=scale, mutual=settings.mutual)
    widths = torch.as_tensor([] if scale is None else scale, dtype=torch.float64, device=points.device).reshape(-1)
    line = f"{count} nearest neighbours{fewer}{said} ({search}), {weights}, {settings.mutual}, {_edges(graph)}"
    return Built(graph, points, widths, count, weights, line)


def _of_all_pairs(points: Tensor, settings: Settings, seed: int) -> Built:
    budget = int(settings.memory * 2**30)
    if settings.affinity == "rbf":
        sigma = settings.sigma if settings.sigma is not None else median_sigma(points, seed=seed)
        said = "given" if settings.sigma is not None else "median distance"
        scale = torch.tensor([sigma], dtype=torch.float64, device=points.device)
        line = f"all pairs, Gaussian of sigma {sigma:.4g} ({said})"
        return Built(GaussianGraph(points, sigma, budget), points, scale, 0, "gaussian", line)
    near = nearest(points, min(LOCAL, len(points) - 1), search=settings.search, seed=seed)
    scale = torch.as_tensor(edge_scale(near, weights="self-tuning"), device=points.device)
    line = f"all pairs, self-tuning by neighbour {near.distances.shape[1]}"
    return Built(GaussianGraph(points, scale, budget), points, scale, 0, "self-tuning", line)


def _chosen(points: Tensor, settings: Settings, seed: int, progress: Progress) -> tuple[int, Weights]:
    """The number of neighbours and the weights by the label-free rule."""
    chosen = choose_graph(
        points,
        settings.n_clusters,
        rows=settings.rows,
        largest=settings.largest,
        search=settings.search,
        seed=seed,
        progress=progress,
    )
    return chosen.n_neighbors, chosen.weights


def _built(graph: Graph, line: str) -> Built:
    none = torch.empty(0, dtype=torch.float64, device=graph.device)
    return Built(graph, none.reshape(0, 0), none, 0, "connectivity", line)


def _fitted(content: Tensor | SparseGraph, built: Built, found: Clustering, settings: Settings) -> Fitted:
    device = built.graph.device
    root = Laplacian(built.graph, settings.regularisation).root
    labels, count = found.labels.to(device), len(found.centroids)
    rows, centroids, used = settings.rows, found.centroids.double().to(device), slice(0, found.centroids.shape[1])
    if settings.assign != "kmeans":
        rows, used = "random-walk", slice(1, 2)
    vectors = found.spectrum.vectors[:, used].double().to(device)
    table = table_of(vectors, root, labels, count)
    if settings.assign != "kmeans":
        centroids = _around_threshold(table[:, 0], labels)
    choices = (
        built.n_neighbors,
        AFFINITIES.index(settings.affinity),
        WEIGHTS.index(built.weights),
        ROWS.index(rows),
        0,
    )
    fitted = empty()._replace(
        points=built.points,
        table=table,
        values=found.spectrum.values[used].double().to(device),
        eigenvalues=found.spectrum.values.double().to(device),
        centroids=centroids,
        groups=cluster_groups(labels, found.spectrum.components.to(device), count),
        labels=labels,
        scale=built.scale,
        choices=torch.tensor(choices, device=device),
    )
    if isinstance(content, SparseGraph):
        return fitted._replace(codes=codes_of(content.matrix))
    if settings.affinity == "cosine":
        features = _of_unit_length(content).double()
        return fitted._replace(
            table=folded(features, table), total=CosineTies.of(features).total, codes=codes_of(content)
        )
    return fitted


def _around_threshold(entries: Tensor, labels: Tensor) -> Tensor:
    """Two centroids, (cluster, 1), whose middle is the threshold between two clusters of numbers."""
    parts = [entries[labels == cluster] for cluster in (0, 1)]
    low, high = (0, 1) if parts[0].mean() <= parts[1].mean() else (1, 0)
    threshold = (parts[low].max() + parts[high].min()) / 2
    reach = torch.empty(2, 1, dtype=entries.dtype, device=entries.device)
    reach[low], reach[high] = -1, 1
    return threshold + reach * (entries.max() - entries.min())


def assign(fitted: Fitted, content: Tensor) -> Tensor:
    """The clusters of new points, (query,) int64; a point that equals a fitted one has the cluster of that one.

    Args:
        fitted: what is known of the fitted points.
        content: (query, dim) points, features or pixels, as the fitted ones were; or, for a given graph, the weights
            between new and fitted points, (query, reference) sparse_csr.
    """
    queries = _queries(fitted, content)
    if int(fitted.choices[4]):
        return _from_landmarks(fitted, queries)[1]
    labels = _extension(fitted).predict(queries)
    if fitted.affinity == "precomputed":  # a row of weights does not say whose it is
        return labels
    places = (
        _found(codes_of(content), fitted.codes) if fitted.affinity == "cosine" else places_of(queries, fitted.points)
    )
    return torch.where(places >= 0, fitted.labels[places.clamp_min(0)], labels)


def embed(fitted: Fitted, content: Tensor) -> Tensor:
    """The rows of new points, (query, vector) float64, near the centroid of their cluster; see ``assign``."""
    queries = _queries(fitted, content)
    if int(fitted.choices[4]):
        return _from_landmarks(fitted, queries)[0]
    return _extension(fitted).transform(queries)


def places_of(queries: Tensor, points: Tensor) -> Tensor:
    """Which point each query is, bit for bit, (query,) int64: the first of several, -1 for none."""
    places = _found(codes_of(queries), codes_of(points))
    if not len(points):
        return places
    return torch.where((points[places] == queries).all(dim=1), places, -1)


def codes_of(rows: Tensor) -> Tensor:
    """An integer for each row, dense or sparse_csr: that of an equal row, in whatever company; others differ.

    Whole numbers are added, which gives the same in any order.
    """
    factors = torch.randint(1, 2**62, (rows.shape[1],), generator=torch.Generator().manual_seed(0)).to(rows.device)
    codes = torch.zeros(rows.shape[0], dtype=torch.int64, device=rows.device)
    if rows.layout != torch.strided:
        offsets, columns = rows.crow_indices().long(), rows.col_indices().long()
        owners = torch.repeat_interleave(torch.arange(len(codes), device=rows.device), offsets.diff())
        return codes.index_add_(0, owners, _mixed(rows.values()) * factors[columns])
    for column in range(rows.shape[1]):  # by columns, so that no second table as large as the rows is made
        codes += _mixed(rows[:, column]) * factors[column]
    return codes


def _mixed(values: Tensor) -> Tensor:
    """The bits of numbers as integers, so that a factor spreads the high ones too."""
    bits = (values + 0.0).contiguous()  # -0 is 0
    whole = bits.view(torch.int32 if bits.dtype == torch.float32 else torch.int64).long()
    return whole ^ (whole >> 29)


def _found(queries: Tensor, codes: Tensor) -> Tensor:
    """Where each number stands first among others, (query,) int64; -1 for nowhere."""
    if not len(codes) or not len(queries):
        return torch.full((len(queries),), -1, dtype=torch.int64, device=queries.device)
    ordered, order = codes.sort(stable=True)
    places = torch.searchsorted(ordered, queries).clamp_max(len(codes) - 1)
    return torch.where(ordered[places] == queries, order[places], -1)


@final
class EdgeTies(Ties):
    """The weights of a given graph: new points come as rows of weights, (query, reference) sparse_csr."""

    def average(self, queries: Tensor, table: Tensor) -> Average:
        columns = torch.cat([table, torch.ones_like(table[:, :1])], dim=1)
        sums = queries.to(table.dtype) @ columns
        degrees = sums[:, -1]
        return Average(sums[:, :-1] / torch.where(degrees > 0, degrees, 1.0)[:, None], degrees)


def _extension(fitted: Fitted) -> Extension:
    rows = ROWS[int(fitted.choices[3])]
    return Extension(_ties(fitted), fitted.table, fitted.values, fitted.centroids, fitted.groups, rows)


def _ties(fitted: Fitted) -> Ties:
    if fitted.affinity == "cosine":
        return CosineTies(fitted.total)
    if fitted.affinity == "precomputed":
        return EdgeTies()
    count, weights = int(fitted.choices[0]), WEIGHTS[int(fitted.choices[2])]
    scale: Tensor | float = (
        fitted.scale if weights == "self-tuning" else float(fitted.scale[0]) if len(fitted.scale) else 1.0
    )
    if count:
        return NeighbourTies(fitted.points, count, weights=weights, scale=None if weights == "connectivity" else scale)
    return GaussianTies(fitted.points, scale)


def _queries(fitted: Fitted, content: Tensor) -> Tensor:
    if fitted.affinity == "pixels":
        _, sigma_position, sigma_color = fitted.scale.tolist()
        return _scaled_pixels(content, sigma_position, sigma_color)
    if fitted.affinity == "cosine":
        return _of_unit_length(content)
    if fitted.affinity == "precomputed":
        return content
    return content.to(fitted.points.dtype)


def _of_unit_length(features: Tensor) -> Tensor:
    """Rows divided by their lengths, dense or sparse_csr; rows of zeros stay."""
    if features.layout == torch.strided:
        lengths = features.norm(dim=1, keepdim=True)
        return features / torch.where(lengths > 0, lengths, 1)
    offsets, columns, values = features.crow_indices(), features.col_indices(), features.values()
    rows = torch.repeat_interleave(torch.arange(len(offsets) - 1, device=offsets.device), offsets.diff().long())
    squares = torch.zeros(len(offsets) - 1, dtype=values.dtype, device=values.device).index_add_(
        0, rows, values.square()
    )
    values = values / squares.sqrt()[rows]
    return torch.sparse_csr_tensor(offsets, columns, values, size=tuple(features.shape), check_invariants=False)


def _scaled_pixels(pixels: Tensor, sigma_position: float, sigma_color: float) -> Tensor:
    """Pixels whose weight is exp(-|x - y|^2)."""
    pixels = pixels.double()
    return torch.cat([pixels[:, :2] / sigma_position, pixels[:, 2:] / sigma_color], dim=1)


def _by_landmarks(content: Tensor | SparseGraph, settings: Settings, seed: int, progress: Progress) -> Solution:
    """The same by way of landmarks: sparse ones for neighbours, Nystroem's for the Gaussian of all pairs."""
    assert isinstance(content, Tensor) and settings.landmarks is not None
    begun = time.process_time()
    wanted = settings.n_clusters
    count = min(settings.largest, settings.landmarks, len(content)) if wanted is None else wanted
    progress(f"{settings.landmarks:,} landmarks")
    landmarks = place_landmarks(content, settings.landmarks, seed=seed)
    progress(f"graph and eigenvectors of {len(content):,} points by landmarks")
    if settings.affinity == "rbf":
        sigma = settings.sigma if settings.sigma is not None else median_sigma(content, seed=seed)
        found = nystrom(content, landmarks, sigma, count)
        graph: Graph = _sampled_pairs(content, sigma, settings.memory)
        line = f"all pairs, Gaussian of sigma {sigma:.4g}, by {len(landmarks):,} landmarks (Nystroem)"
        if graph.n < len(content):
            line += f", Ncut of {graph.n:,} points"
    else:
        sparse = LandmarkGraph(content, landmarks, sigma=settings.sigma)
        found, graph = sparse_landmarks(sparse, count), sparse
        line = f"{sparse.nearest} nearest of {len(sparse.landmarks):,} landmarks, sigma {sparse.sigma:.4g}"
    solved = time.process_time()
    k = wanted or (2 if settings.assign != "kmeans" else eigengap_clusters(found.spectrum.values, settings.largest))
    spectrum = found.spectrum._replace(
        values=found.spectrum.values[: k + 1],
        vectors=found.spectrum.vectors[:, : k + 1],
        residuals=found.spectrum.residuals[: k + 1],
    )
    progress("clusters from the eigenvectors")
    rows = scaled_rows(spectrum.vectors[:, :k], found.root, settings.rows)
    if settings.assign != "kmeans":
        if not isinstance(graph, LandmarkGraph):
            raise UsageError(
                f"assign {settings.assign!r} needs the degrees of all points; with rbf landmarks take kmeans"
            )
        labels = two_way(graph, spectrum, settings.assign, seed=seed)
        centroids = mean_rows(rows, labels, k)
    elif isinstance(graph, LandmarkGraph):
        labels, centroids = by_component(
            graph, spectrum, k, root=found.root, rows=settings.rows, n_init=settings.n_init, seed=seed
        )
    else:
        labels, centroids = kmeans(rows, k, n_init=settings.n_init, seed=seed)
    values = spectrum.values
    clustering = Clustering(
        labels=labels,
        spectrum=spectrum,
        rows=rows,
        centroids=centroids,
        ncut=ncut(graph, labels[evenly(len(labels), graph.n)], k),
        lower_bound=float(values[:k].sum()) if isinstance(graph, LandmarkGraph) else math.nan,
        eigengap=float(values[k] - values[k - 1]) if len(values) > k else math.nan,
        n_components=int(spectrum.components.max()) + 1,
        seconds={"eigenvectors": solved - begun, "labels": time.process_time() - solved},
    )
    scale = torch.tensor([found.sigma], dtype=torch.float64, device=content.device)
    built = Built(graph, found.points, scale, found.nearest, "gaussian", line)
    fitted = _fitted_landmarks(found, graph, clustering, built, settings)
    return Solution(fitted, clustering, graph, _line(built, clustering))


def _fitted_landmarks(
    found: Landmarks, graph: Graph, clustering: Clustering, built: Built, settings: Settings
) -> Fitted:
    count, labels, device = clustering.n_clusters, clustering.labels, built.points.device
    rows, centroids = settings.rows, clustering.centroids
    used = slice(0, centroids.shape[1])
    if settings.assign != "kmeans":
        rows, used = "random-walk", slice(1, 2)
        entries = scaled_rows(clustering.spectrum.vectors[:, used], found.root, rows)
        centroids = _around_threshold(entries[:, 0], labels)
    votes = torch.zeros(len(found.points), count, dtype=torch.float64, device=device)
    if isinstance(graph, LandmarkGraph):
        votes = landmark_votes(graph, labels, count)
    choices = (built.n_neighbors, AFFINITIES.index(settings.affinity), WEIGHTS.index("gaussian"), ROWS.index(rows), 1)
    return empty()._replace(
        points=found.points,
        table=torch.cat([found.table[:, used], votes, found.weight[:, None]], dim=1),
        values=clustering.spectrum.values[used].to(device),
        eigenvalues=clustering.spectrum.values.to(device),
        centroids=centroids,
        groups=cluster_groups(labels, clustering.spectrum.components.to(device), count),
        labels=labels,
        scale=built.scale,
        choices=torch.tensor(choices, device=device),
    )


def _from_landmarks(fitted: Fitted, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (query, vector) and clusters (query,) of new points."""
    width = len(fitted.values)
    landmarks = Landmarks(
        fitted.points,
        fitted.table[:, :width],
        fitted.table[:, -1],
        float(fitted.scale[0]),
        int(fitted.choices[0]),
        Spectrum(fitted.eigenvalues, fitted.table[:0], fitted.values, fitted.groups, ""),
        fitted.values,
    )
    rows = landmarks.rows_of(queries, ROWS[int(fitted.choices[3])])
    votes = landmarks.averages(queries, fitted.table[:, width:-1])
    return rows, nearest_cluster(rows, votes, fitted.centroids, fitted.groups)


def measured(content: Tensor | SparseGraph, settings: Settings, fitted: Fitted) -> Graph:
    """The graph on which the normalised cut of labels is measured: that of the settings over what is measured.

    With landmarks it is that of the fitted landmarks, and for all pairs of too many points of some of them, see
    ``evenly``.
    """
    if settings.landmarks is None:
        if settings.affinity == "nearest_neighbors":  # what was chosen is not chosen again
            weights = WEIGHTS[int(fitted.choices[2])]
            sigma = float(fitted.scale[0]) if weights == "gaussian" else None
            settings = replace(settings, n_neighbors=int(fitted.choices[0]), weights=weights, sigma=sigma)
        elif settings.affinity == "rbf":
            settings = replace(settings, sigma=float(fitted.scale[0]))
        return build(content, settings).graph
    assert isinstance(content, Tensor)
    if settings.affinity == "rbf":
        return _sampled_pairs(content, float(fitted.scale[0]), settings.memory)
    nearest_ones = int(fitted.choices[0])
    return LandmarkGraph(content, fitted.points, nearest=nearest_ones, sigma=float(fitted.scale[0]))


def evenly(n: int, count: int) -> Tensor:
    """So many places among n, evenly spread, (count,) int64."""
    return torch.linspace(0, n - 1, count, dtype=torch.float64).round().long()


def _sampled_pairs(points: Tensor, sigma: float, memory: float) -> GaussianGraph:
    budget = int(memory * 2**30)
    some = points[evenly(len(points), min(len(points), MEASURED)).to(points.device)]
    return GaussianGraph(some, sigma, budget)


def _count(content: Tensor | SparseGraph) -> int:
    return content.n if isinstance(content, SparseGraph) else content.shape[0]


def _edges(graph: SparseGraph) -> str:
    return f"{graph.matrix.values().numel():,} weights"


def _line(built: Built, found: Clustering) -> str:
    parts = "1 component" if found.n_components == 1 else f"{found.n_components} components, clustered one by one"
    bound = "" if math.isnan(found.lower_bound) else f", not below {found.lower_bound:.4g}"
    return (
        f"{len(found.labels):,} points; graph: {built.line}; {parts}; solver: {found.spectrum.solver}; "
        f"{found.n_clusters} clusters, Ncut {found.ncut:.4g}{bound}"
    )
