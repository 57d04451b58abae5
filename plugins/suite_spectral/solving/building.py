"""The graph that the settings ask for: of neighbours, of all pairs, of cosines, of pixels, or as it was given."""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.choosing import choose_graph, choose_sigma
from suite_spectral.eigen.solvers import Progress
from suite_spectral.graphs.cosine import CosineGraph, unit_rows
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.graphs.landmark_graph import LandmarkGraph
from suite_spectral.graphs.neighbour_graph import SCALE_NEIGHBOUR, Weights, edge_scale, graph_of, median_sigma
from suite_spectral.graphs.neighbours import Neighbours, automatic_search, nearest
from suite_spectral.graphs.pixels import pixel_graph, scaled_pixels
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.settings import Affinity, Settings

AROUND = 64
"""Pixels of the fitted image that a new pixel is compared with."""


MEASURED = 10_000
"""Points whose pairs are weighed for the normalised cut where landmarks are there because all pairs are too many."""


class Built(NamedTuple):
    """A graph, and what it was built with.

    Attributes:
        graph: the graph.
        points: what new points are compared with, see ``suite_spectral.new_points.fitted.Fitted``.
        scale: likewise.
        n_neighbors: of each point, itself counted; 0 for a graph of no neighbours.
        weights: of the edges.
        line: what a reader should know of it.
    """

    graph: Graph
    points: Tensor
    scale: Tensor
    n_neighbors: int
    weights: Weights
    line: str


def build(
    content: Tensor | SparseGraph, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Built:
    """The graph of the settings over points, features, pixels, or the one that was given.

    Raises:
        UsageError: the content is not what the affinity is of.
    """
    affinity = settings.affinity
    refuse_other_content(content, affinity)
    progress(f"graph of {count_of(content):,} points")
    if isinstance(content, SparseGraph):
        return _built(content, f"given, {_edges(content)}")
    if affinity == "nearest_neighbors":
        return _of_neighbours(content, settings, seed, progress)
    if affinity in ("rbf", "self-tuning"):
        return _of_all_pairs(content, settings, seed, progress)
    if affinity == "cosine":
        return _built(CosineGraph(unit_rows(content)), f"cosines of {content.shape[1]:,} features, never stored")
    image = image_of(content)
    graph = pixel_graph(
        image, radius=settings.radius, sigma_color=settings.sigma_color, sigma_position=settings.sigma_position
    )
    places = scaled_pixels(content, settings.sigma_position, settings.sigma_color)
    # Of exp(-|x - y|^2 / (2 sigma^2)); the others are kept for new pixels.
    scale = places.new_tensor([math.sqrt(0.5), settings.sigma_position, settings.sigma_color])
    line = f"pixels of {image.shape[1]} x {image.shape[0]} within {settings.radius:g}, {_edges(graph)}"
    return Built(graph, places, scale, min(AROUND, len(places)), "gaussian", line)


def refuse_other_content(content: Tensor | SparseGraph, affinity: Affinity) -> None:
    """Refuses points for what is of a graph, and a graph for what is of points.

    Raises:
        UsageError: it is so.
    """
    if isinstance(content, SparseGraph) != (affinity == "precomputed"):
        given = "a graph" if isinstance(content, SparseGraph) else "points"
        raise UsageError(f"affinity {affinity!r} cannot be had of {given}; leave it to 'auto'")


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


def width_of(points: Tensor, settings: Settings, seed: int, progress: Progress) -> tuple[float, str]:
    """Sigma of the Gaussian of all pairs, and how it was found."""
    if settings.sigma is None:
        return median_sigma(points, seed=seed), "median distance"
    if settings.sigma != "stable":
        return settings.sigma, "given"
    chosen = choose_sigma(
        points, settings.n_clusters, rows=settings.rows, largest=settings.max_clusters, seed=seed, progress=progress
    )
    return chosen.sigma, "chosen"


def _of_neighbours(points: Tensor, settings: Settings, seed: int, progress: Progress) -> Built:
    assert settings.sigma != "stable"  # ``refuse_impossible``
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


def _of_all_pairs(points: Tensor, settings: Settings, seed: int, progress: Progress) -> Built:
    budget = int(settings.memory_gib * 2**30)
    if settings.affinity == "rbf":
        sigma, said = width_of(points, settings, seed, progress)
        scale = torch.tensor([sigma], dtype=torch.float64, device=points.device)
        line = f"all pairs, Gaussian of sigma {sigma:.4g} ({said})"
        return Built(GaussianGraph(points, sigma, budget), points, scale, 0, "gaussian", line)
    near = nearest(points, min(SCALE_NEIGHBOUR, len(points) - 1), search=settings.search, seed=seed)
    scale = torch.as_tensor(edge_scale(near, weights="self-tuning"), device=points.device)
    line = f"all pairs, self-tuning by neighbour {near.distances.shape[1]}"
    return Built(GaussianGraph(points, scale, budget), points, scale, 0, "self-tuning", line)


def _chosen(points: Tensor, settings: Settings, seed: int, progress: Progress) -> tuple[int, Weights]:
    """The number of neighbours and the weights by the label-free rule."""
    chosen = choose_graph(
        points,
        settings.n_clusters,
        rows=settings.rows,
        largest=settings.max_clusters,
        search=settings.search,
        seed=seed,
        progress=progress,
    )
    return chosen.n_neighbors, chosen.weights


def _built(graph: Graph, line: str) -> Built:
    none = torch.empty(0, dtype=torch.float64, device=graph.device)
    return Built(graph, none.reshape(0, 0), none, 0, "connectivity", line)


def count_of(content: Tensor | SparseGraph) -> int:
    """How many points there are, or nodes of a graph."""
    return content.n if isinstance(content, SparseGraph) else content.shape[0]


def _edges(graph: SparseGraph) -> str:
    return f"{graph.matrix.values().numel():,} weights"


def measured(content: Tensor | SparseGraph, settings: Settings, fitted: Fitted) -> Graph:
    """The graph on which the normalised cut of labels is measured: that of the settings over what is measured.

    By landmarks alone it is that of the fitted landmarks, and for all pairs of too many points of some of them, see
    ``evenly``.
    """
    chosen = fitted.chosen
    if settings.route != "landmarks":
        if settings.affinity == "nearest_neighbors":  # what was chosen is not chosen again
            sigma = float(fitted.scale[-1]) if chosen.weights == "gaussian" else None
            settings = replace(settings, n_neighbors=chosen.n_neighbors, weights=chosen.weights, sigma=sigma)
        elif settings.affinity == "rbf":
            settings = replace(settings, sigma=float(fitted.scale[-1]))
        return build(content, settings).graph
    assert isinstance(content, Tensor)
    if settings.affinity == "rbf":
        return sampled_pairs(content, float(fitted.scale[0]), settings.memory_gib)
    return LandmarkGraph(content, fitted.points, nearest=chosen.near, sigma=float(fitted.scale[0]))


def evenly(n: int, count: int) -> Tensor:
    """So many places among n, evenly spread, (count,) int64."""
    return torch.linspace(0, n - 1, count, dtype=torch.float64).round().long()


def sampled_pairs(points: Tensor, sigma: float, memory: float) -> GaussianGraph:
    """The Gaussian graph of all points, or of ``MEASURED`` of them where there are more.

    Args:
        points: (point, dim).
        sigma: of the Gaussian, in the units of the points.
        memory: GiB that the weights may take.
    """
    budget = int(memory * 2**30)
    some = points[evenly(len(points), min(len(points), MEASURED)).to(points.device)]
    return GaussianGraph(some, sigma, budget)
