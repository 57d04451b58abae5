"""How many clusters, how many neighbours, which weights, which sigma: chosen without labels.

The number of clusters is that of the largest relative eigengap. In a graph of k clusters with nothing between them the
k smallest eigenvalues of L are 0 and the next is not; weights between the clusters turn the k eigenvectors by an angle
that is small where the gap behind them is large (Davis and Kahan; von Luxburg, 2007, sections 7 and 8.3). Relative,

    gap(k) = (lambda_{k+1} - lambda_k) / lambda_{k+1},

because a denser graph has larger eigenvalues all over: 1 where the clusters are components, 0 between components.

The graph is the one whose clusters change least with the points that happened to be drawn (Ben-Hur, Elisseeff and
Guyon, 2002; von Luxburg, 2010). Four subsamples of 80 % of the points are drawn once and clustered by each candidate;
its stability is the mean adjusted Rand index, over the six pairs of them, of the points that both have. One rule for
all data:

1. Trusted are the candidates whose smallest cluster has, on average, at least a tenth of the mean size of a cluster:
   what merely splits off a few stragglers is stable too. Without any, the one whose smallest is largest is taken.
2. Of these the most stable one; of those within 0.01 of it the earliest in the list, which starts with scikit-learn's
   own graph.

The rule was written down without looking at labels. One other was, the largest relative gap; labels have decided only
between these two, once, on small data sets (see the README).

Graphs of several components are clustered component by component, as everywhere; where they have more components than
clusters, other components are the largest in every subsample, and the graph is not stable.
"""

import warnings
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.labelling import by_component
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.row_scaling import Rows
from suite_spectral.eigen.solvers import Progress, Spectrum, spectrum
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph
from suite_spectral.graphs.neighbour_graph import Weights, edge_scale, graph_of, median_sigma
from suite_spectral.graphs.neighbours import Neighbours, Search, nearest

N_NEIGHBORS = (10, 15, 20, 30, 5)
"""Numbers of neighbours that are tried, the point itself counted."""
WEIGHTS: tuple[Weights, ...] = ("connectivity", "self-tuning")
SCALES = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Sigmas of dense graphs that are tried, in units of the median distance."""
SAMPLE = 10_000
"""Points by which the choice is made where there are more."""
DENSE_SAMPLE = 1_500
"""Likewise for dense graphs."""
SUBSAMPLES = 4
"""How often candidates are clustered."""
SHARE = 0.8
"""Share of the points in a subsample."""
TIE = 0.01
"""Stabilities nearer to each other than this are the same."""
SMALLEST = 0.1
"""The least size of a cluster, as a share of the mean one, in a graph that is trusted."""
ZERO = 1e-9
"""Eigenvalues below this are 0."""


class Candidate(NamedTuple):
    """A graph that was tried.

    Attributes:
        n_neighbors: neighbours of each point, itself counted; 0 for a dense graph.
        weights: of its edges.
        sigma: of a dense graph, else NaN.
        n_clusters: how many clusters; where that was left open, the number found most often.
        stability: the mean adjusted Rand index between the clusters of two subsamples, at most 1.
        smallest: points of the smallest cluster, as a share of the mean one, mean of the subsamples.
        gap: the relative eigengap behind the clusters, mean of the subsamples.
        n_components: connected components, median of the subsamples.
    """

    n_neighbors: int
    weights: Weights
    sigma: float
    n_clusters: int
    stability: float
    smallest: float
    gap: float
    n_components: int


class Clustered(NamedTuple):
    """A candidate's clusters of one subsample.

    Attributes:
        labels: (point,) int64, -1 for points that are not in it.
        n_clusters: how many clusters.
        smallest, gap, n_components: as in `Candidate`.
    """

    labels: NDArray[np.int64]
    n_clusters: int
    smallest: float
    gap: float
    n_components: int


class GraphChoice(NamedTuple):
    """The chosen graph, and the others.

    Attributes:
        n_neighbors: neighbours of each point; 0 for a dense graph.
        weights: of its edges.
        sigma: of a dense graph, else NaN.
        n_clusters: how many clusters.
        candidates: all that were tried, in their order.
        n_points: how many points they were tried on.
    """

    n_neighbors: int
    weights: Weights
    sigma: float
    n_clusters: int
    candidates: list[Candidate]
    n_points: int


def relative_gaps(values: Tensor) -> Tensor:
    """(lambda_{k+1} - lambda_k) / lambda_{k+1} for k = 1, 2 ..., (value - 1,); 0 where lambda_{k+1} is 0."""
    lower, upper = values[:-1].double().clamp_min(0), values[1:].double()
    lower = torch.where(lower < ZERO, 0, lower)
    return torch.where(upper < ZERO, 0, (upper - lower) / upper.clamp_min(ZERO))


def eigengap_clusters(values: Tensor, largest: int) -> int:
    """The number of clusters whose relative eigengap is largest, from 2 to `largest`; of equal ones the smaller.

    Args:
        values: (value,) ascending eigenvalues of L; as many more clusters as there are eigenvalues cannot be told.
        largest: the most clusters.

    Raises:
        UsageError: largest is below 2, or there are fewer than three eigenvalues.
    """
    if largest < 2:
        raise UsageError(f"the number of clusters by eigengap: expected at least 2 as the largest, got {largest}")
    if len(values) < 3:
        raise UsageError(f"the number of clusters by eigengap needs at least 3 eigenvalues, got {len(values)}")
    gaps = relative_gaps(values)[1:largest]
    # Rounded: of components, whose gap is 1 but for rounding, and for the same answer on every machine.
    return 2 + int((gaps * 1e9).round().argmax())


def clusters_of(found: Spectrum, largest: int) -> int:
    """The number of clusters that the spectrum of a graph says, by ``eigengap_clusters``.

    Raises:
        UsageError: the graph has more components than `largest`, so that no gap is among its eigenvalues; and what
            ``eigengap_clusters`` refuses.
    """
    count = int(found.components.max()) + 1
    if count > largest:
        raise UsageError(
            f"the number of clusters by eigengap: expected at most {largest}, and the graph has {count:,} components "
            "already; give n_clusters, let it choose more (largest), or tie the points to more neighbours"
        )
    return eigengap_clusters(found.values, largest)


def choose_graph(
    points: Tensor,
    n_clusters: int | None,
    *,
    n_neighbors: Sequence[int] = N_NEIGHBORS,
    weights: Sequence[Weights] = WEIGHTS,
    rows: Rows = "random-walk",
    largest: int = 20,
    search: Search = "auto",
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> GraphChoice:
    """The most stable neighbour graph by the rule above, on 10,000 of the points if there are more.

    Args:
        points: (point, dim).
        n_clusters: how many clusters; None for as many as the largest gap says, each time.
        n_neighbors: numbers of neighbours, the preferred one first; those beyond the number of points are left out.
        weights: weights, the preferred first.
        rows: how the rows are scaled, for the sizes of the clusters.
        largest: the most clusters where n_clusters is None.
        search: how neighbours are found.
        seed: of the sample and of k-means.
        progress: is told what is being done.

    Raises:
        UsageError: no number of neighbours fits the points, or a subsample has fewer points than there are clusters.
    """
    sample = _sample(points, SAMPLE, seed)
    least = max(2, int(SHARE * len(sample)))
    _refuse_few(least, n_clusters, "n_neighbors")
    fitting = [count for count in n_neighbors if 2 <= count <= least]
    if not fitting:
        raise UsageError(f"n_neighbors: expected some from 2 to {least}, 80 % of the points, got {list(n_neighbors)}")
    kinds = [(count, kind) for kind in weights for count in fitting]
    runs: list[list[Clustered]] = [[] for _ in kinds]
    for number, some in enumerate(_subsamples(len(sample), seed)):
        progress(f"neighbours of {len(some):,} points, subsample {number + 1} of {SUBSAMPLES}")
        found = nearest(sample[some.to(sample.device)], max(fitting) - 1, search=search, seed=seed)
        for run, (count, kind) in zip(runs, kinds, strict=True):
            progress(f"{count} neighbours, {kind}, subsample {number + 1} of {SUBSAMPLES}")
            near = Neighbours(found.indices[:, : count - 1], found.distances[:, : count - 1])
            graph = graph_of(near, weights=kind, scale=edge_scale(near, weights=kind), mutual="mean")
            run.append(_clustered(graph, n_clusters, some, len(sample), rows, largest, seed))
    tried = [_candidate(count, kind, float("nan"), run) for (count, kind), run in zip(kinds, runs, strict=True)]
    return _choice(tried, len(sample))


def choose_sigma(
    points: Tensor,
    n_clusters: int | None,
    *,
    scales: Sequence[float] = SCALES,
    rows: Rows = "random-walk",
    largest: int = 20,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> GraphChoice:
    """The sigma of a dense Gaussian graph by the same rule, on 1,500 of the points if there are more.

    Args:
        points: (point, dim).
        n_clusters: how many clusters; None for as many as the largest gap says, each time.
        scales: sigmas in units of the median distance between two points, the preferred first.
        rows: how the rows are scaled, for the sizes of the clusters.
        largest: the most clusters where n_clusters is None.
        seed: of the samples and of k-means.
        progress: is told what is being done.

    Raises:
        UsageError: a subsample has fewer points than there are clusters.
    """
    sample = _sample(points, DENSE_SAMPLE, seed)
    _refuse_few(max(2, int(SHARE * len(sample))), n_clusters, "sigma")
    middle = median_sigma(points, seed=seed)
    runs: list[list[Clustered]] = [[] for _ in scales]
    for number, some in enumerate(_subsamples(len(sample), seed)):
        part = sample[some.to(sample.device)]
        for run, scale in zip(runs, scales, strict=True):
            progress(f"sigma {scale * middle:.4g}, subsample {number + 1} of {SUBSAMPLES}")
            graph = GaussianGraph(part, scale * middle)
            run.append(_clustered(graph, n_clusters, some, len(sample), rows, largest, seed))
    tried = [_candidate(0, "gaussian", scale * middle, run) for scale, run in zip(scales, runs, strict=True)]
    return _choice(tried, len(sample))


def _refuse_few(points: int, n_clusters: int | None, instead: str) -> None:
    """UsageError where subsamples of so many points cannot be clustered."""
    wanted = 3 if n_clusters is None else n_clusters
    if points < wanted:
        raise UsageError(
            f"the graph is chosen by clusters of four fifths of the points: {points}, and {wanted} are needed"
            f"{' for an eigengap' if n_clusters is None else ''}; give {instead}, or more points"
        )


def _clustered(
    graph: Graph, n_clusters: int | None, some: Tensor, n: int, rows: Rows, largest: int, seed: int
) -> Clustered:
    laplacian = Laplacian(graph)
    wanted = min(largest, graph.n - 1) if n_clusters is None else n_clusters
    with warnings.catch_warnings():
        # The graph that is chosen is solved again, and warned of then.
        warnings.filterwarnings("ignore", message="the eigenvectors are less accurate", category=RuntimeWarning)
        found = spectrum(laplacian, wanted, seed=seed)
    clusters = eigengap_clusters(found.values, wanted) if n_clusters is None else n_clusters
    gaps = relative_gaps(found.values)
    labels = by_component(graph, found, clusters, root=laplacian.root, rows=rows, n_init=3, seed=seed).labels
    everywhere = np.full(n, -1, dtype=np.int64)
    everywhere[some.numpy()] = labels.cpu().numpy()
    return Clustered(
        everywhere,
        clusters,
        smallest=int(labels.bincount(minlength=clusters).min()) * clusters / graph.n,
        gap=float(gaps[clusters - 1]) if clusters <= len(gaps) else 0.0,
        n_components=int(found.components.max()) + 1,
    )


def _candidate(n_neighbors: int, weights: Weights, sigma: float, run: list[Clustered]) -> Candidate:
    from sklearn.metrics import adjusted_rand_score

    agreements = []
    for first, second in combinations(run, 2):
        both = (first.labels >= 0) & (second.labels >= 0)
        agreements.append(adjusted_rand_score(first.labels[both], second.labels[both]))
    return Candidate(
        n_neighbors,
        weights,
        sigma,
        n_clusters=int(np.bincount([one.n_clusters for one in run]).argmax()),
        stability=float(np.mean(agreements)),
        smallest=float(np.mean([one.smallest for one in run])),
        gap=float(np.mean([one.gap for one in run])),
        n_components=int(np.median([one.n_components for one in run])),
    )


def _choice(tried: list[Candidate], n_points: int) -> GraphChoice:
    trusted = [candidate for candidate in tried if candidate.smallest >= SMALLEST]
    if trusted:
        best = max(candidate.stability for candidate in trusted)
        chosen = next(candidate for candidate in trusted if candidate.stability > best - TIE)
    else:
        chosen = max(tried, key=lambda candidate: candidate.smallest)
    return GraphChoice(chosen.n_neighbors, chosen.weights, chosen.sigma, chosen.n_clusters, tried, n_points)


def _subsamples(n: int, seed: int) -> list[Tensor]:
    draw = np.random.default_rng(seed)
    size = max(2, int(SHARE * n))
    return [torch.from_numpy(np.sort(draw.choice(n, size, replace=False))) for _ in range(SUBSAMPLES)]


def _sample(points: Tensor, most: int, seed: int) -> Tensor:
    if len(points) <= most:
        return points
    some = np.random.default_rng(seed).choice(len(points), most, replace=False)
    return points[torch.from_numpy(np.sort(some)).to(points.device)]
