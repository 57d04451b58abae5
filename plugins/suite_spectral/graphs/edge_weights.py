"""How heavy the edges between neighbours are, by their distances.

An edge weighs 1 (connectivity), exp(-|x - y|² / (2 sigma²)) (gaussian; Khan, 2020; Ng, Jordan, Weiss, 2002), or
exp(-|x - y|² / (sigma_x sigma_y)) with sigma_x the distance of x to its 7th neighbour (self-tuning; Zelnik-Manor,
Perona, 2004), which follows clusters of different density.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.graphs.neighbours import Neighbours, Tree, nearest_to
from suite_spectral.settings import Search, Weights

SCALE_NEIGHBOUR = 7
"""The neighbour whose distance is a point's own scale: Zelnik-Manor and Perona's choice for all of their data."""

PAIRS = 20_000
"""Pairs of points whose median distance is taken."""


def median_sigma(points: Tensor, *, seed: int = 0) -> float:
    """Return the median distance of two points, a sigma for Gaussian weights: of all pairs, or of 20,000 random ones.

    Pairs at distance 0 are left out where more than half are; 1.0 where all points are one.

    Args:
        points: (point, dim).
        seed: of the pairs, where there are more than so many.
    """
    n = points.shape[0]
    if n < 2:
        return 1.0
    if n * (n - 1) // 2 <= PAIRS:
        return _positive_median(torch.pdist(points.double()))
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(n, (PAIRS,), generator=generator)
    # a step of 1 to n - 1 from the first: never the point itself
    second = (first + torch.randint(1, n, (PAIRS,), generator=generator)) % n
    distances = torch.empty(PAIRS, dtype=torch.float64)
    step = max(1, 2**18 // max(1, points.shape[1]))  # both blocks of points stay in the cache
    for start in range(0, PAIRS, step):
        part = slice(start, start + step)
        away = points[first[part].to(points.device)].double() - points[second[part].to(points.device)].double()
        distances[part] = away.square().sum(1).sqrt().cpu()
    return _positive_median(distances)


def edge_scale(
    neighbours: Neighbours,
    *,
    weights: Weights,
    sigma: float | None = None,
    joined: Callable[[Tensor], Tensor] = lambda numbers: numbers,
) -> Tensor | float | None:
    """Return the scale of the edges: None for "connectivity", sigma for "gaussian", sigma_i (point,) for "self-tuning".

    Args:
        neighbours: the neighbours of every point, itself not among them.
        sigma: of "gaussian"; None: the median distance to the last neighbour.
        joined: of neighbours that several processes hold: returns the numbers of all their points, given those here.

    Raises:
        UsageError: an unknown choice, or a sigma that is not a positive number.
    """
    check_weights(weights)
    if sigma is not None and weights != "gaussian":
        raise UsageError(f"sigma={sigma} belongs to weights='gaussian', got weights={weights!r}")
    if weights == "connectivity":
        return None
    if weights == "self-tuning":
        return _own_scales(joined(_distances_of_scale(neighbours.distances)))
    if sigma is None:
        return _positive_median(joined(neighbours.distances[:, -1])) if neighbours.distances.shape[1] else 1.0
    if not (sigma > 0 and np.isfinite(sigma)):
        raise UsageError(f"sigma must be a positive number, got {sigma}")
    return float(sigma)


def weights_to(
    queries: Tensor,
    points: Tensor,
    n_neighbors: int,
    *,
    weights: Weights,
    scale: Tensor | float | None,
    search: Search = "auto",
    tree: Tree | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the points nearest to each new point, and the weights of the edges to them.

    Args:
        queries: (query, dim).
        points: (point, dim), those of the graph.
        n_neighbors: neighbours of each query; a query that is one of the points is the first of them.
        scale: what weighed the edges of the graph: sigma, or sigma_i (point,); of "connectivity" None.
        search, tree: as of ``nearest_to``.

    Returns:
        indices (query, neighbour) int64, nearest first, and weights (query, neighbour) float64. Weights that would all
        be 0, of a query far from every point, are divided by the largest before they are rounded.

    Raises:
        UsageError: a scale that does not belong to the weights, or what ``nearest_to`` refuses.
    """
    check_weights(weights)
    fits = {
        "connectivity": scale is None,
        "gaussian": isinstance(scale, float | int),
        "self-tuning": isinstance(scale, Tensor) and scale.shape == (points.shape[0],),
    }[weights]
    if not fits:
        wanted = {"connectivity": "None", "gaussian": "one number", "self-tuning": f"a tensor ({points.shape[0]},)"}
        came = f"a tensor {tuple(scale.shape)}" if isinstance(scale, Tensor) else repr(scale)
        raise UsageError(f"weights_to: scale of weights={weights!r} must be {wanted[weights]}, got {came}")
    neighbours = nearest_to(queries, points, n_neighbors, search=search, tree=tree)
    return neighbours.indices, weights_at(neighbours.distances, neighbours.indices, weights, scale)


def weights_at(distances: Tensor, indices: Tensor, weights: Weights, scale: Tensor | float | None) -> Tensor:
    """Return the weights of edges from new points to their neighbours, (query, neighbour) float64; see ``weights_to``.

    Args:
        distances: (query, neighbour), nearest first.
        indices: (query, neighbour) int64.
        weights, scale: as of ``weights_to``.
    """
    if weights == "connectivity":
        return torch.ones_like(distances, dtype=torch.float64)
    mine = _new_scales(distances) if weights == "self-tuning" else scale
    exponents = _exponents(distances, mine, scale, indices)
    least = exponents.amax(1, keepdim=True) if exponents.shape[1] else exponents
    far = least < -700  # exp underflows there
    return torch.where(far, exponents - least, exponents).exp()


def check_weights(weights: str) -> None:
    if weights not in ("connectivity", "gaussian", "self-tuning"):
        raise UsageError(f"weights must be one of connectivity, gaussian, self-tuning, got {weights!r}")


def _positive_median(distances: Tensor) -> float:
    middle = float(distances.double().median()) if distances.numel() else 0.0
    if middle > 0:
        return middle
    positive = distances[distances > 0]
    return float(positive.double().median()) if positive.numel() else 1.0


def _own_scales(scales: Tensor) -> Tensor:
    """sigma_i of the points of a graph, (point,) float64: the distance to the 7th neighbour, or the last; of duplicates
    that to the last, or the median of all points."""
    return torch.where(scales > 0, scales, _positive_median(scales))


def _new_scales(distances: Tensor) -> Tensor:
    """The same of new points, of which no other says anything: one that equals its neighbours has weights of 1, by any
    scale above 0."""
    scales = _distances_of_scale(distances)
    return torch.where(scales > 0, scales, 1.0)


def _distances_of_scale(distances: Tensor) -> Tensor:
    if distances.shape[1] == 0:
        return torch.ones(distances.shape[0], dtype=torch.float64, device=distances.device)
    scales = distances[:, min(SCALE_NEIGHBOUR, distances.shape[1]) - 1].double()
    return torch.where(scales > 0, scales, distances[:, -1].double())


def _exponents(
    distances: Tensor, mine: Tensor | float | None, theirs: Tensor | float | None, indices: Tensor
) -> Tensor:
    if isinstance(mine, Tensor) and isinstance(theirs, Tensor):
        # one factor at a time: the product of two scales may underflow
        return -(distances.double() / mine[:, None]) * (distances.double() / theirs.to(indices.device)[indices])
    assert isinstance(mine, float | int)
    return -(distances.double() / mine).square() / 2


def gaussian_weights(
    distances: Tensor, mine: Tensor | float | None, theirs: Tensor | float | None, indices: Tensor
) -> Tensor:
    return _exponents(distances, mine, theirs, indices).exp_()
