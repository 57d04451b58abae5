"""How many clusters, how many neighbours, which weights, which sigma: chosen without labels.

The number of clusters is that of the largest relative eigengap. In a graph of k clusters with nothing between them the
k smallest eigenvalues of L are 0 and the next is not; weights between the clusters turn the k eigenvectors by an angle
that is small where the gap behind them is large (Davis and Kahan; von Luxburg, 2007, sections 7 and 8.3). Relative,

    gap(k) = (lambda_{k+1} - lambda_k) / (lambda_{k+1} + floor),

because a denser graph has larger eigenvalues all over. The floor is a tenth of the mean of lambda_1 ..
lambda_{max_clusters+1}: without it the gap behind the components of a graph is 1, however many clusters these hold.
The tenth was fixed on 28 sets made up for it, of 2 to 15 clusters: the number is right on 20, without a floor on 10,
with shares from .03 to .3 on 18 to 20. Where another gap has .8 of the largest the number is undecided, and said to be:
on 6 of the 8 where it is wrong, and on 4 of the 20 where it is right.

The graph is the one whose clusters change least with the points that happened to be drawn (Ben-Hur, Elisseeff and
Guyon, 2002; von Luxburg, 2010). Four subsamples of 80 % of the points are drawn once and clustered by each candidate;
its stability is the mean adjusted Rand index, over the six pairs of them, of the points that both have. One rule for
all data:

1. A candidate is trusted if its smallest cluster has, on average, at least a tenth of the mean size of a cluster:
   merely splitting off a few outliers is stable too. If none is trusted, the one whose smallest cluster is the largest
   wins.
2. The most stable of the trusted ones wins; among those within 0.01 of it, the first in the list, which starts with
   scikit-learn's own graph.

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
from suite_spectral.clusters.loose_components import core_of
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import Spectrum, spectrum
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, Progress, SparseGraph
from suite_spectral.settings import Settings

SUBSAMPLES = 4
"""On how many subsamples each candidate is clustered."""
SHARE = 0.8
"""Share of the points in a subsample."""
TIE = 0.01
"""Stabilities nearer to each other than this are the same."""
SMALLEST = 0.1
"""The least size of a cluster, as a share of the mean one, in a graph that is trusted."""
ZERO = 1e-9
"""Eigenvalues below this are 0."""
FLOOR = 0.1
"""What a gap is relative to beside the eigenvalue above it, as a share of the mean eigenvalue."""
RIVAL = 0.8
"""A gap of this share of the largest leaves the number of clusters undecided."""


def relative_gaps(values: Tensor) -> Tensor:
    """Return (lambda_{k+1} - lambda_k) / lambda_{k+1} for k = 1, 2 ..., (value - 1,); 0 where lambda_{k+1} is 0."""
    lower, upper = values[:-1].double().clamp_min(0), values[1:].double()
    lower = torch.where(lower < ZERO, 0, lower)
    return torch.where(upper < ZERO, 0, (upper - lower) / upper.clamp_min(ZERO))


def eigengap_clusters(values: Tensor, max_clusters: int) -> int:
    """Return the number of clusters, 2 to ``max_clusters``, of the largest gap by the rule above, the first of equals.

    Args:
        values: (value,) ascending eigenvalues of L; k clusters can be recognised from k + 1 of them.
        max_clusters: the most clusters.

    Raises:
        UsageError: max_clusters is below 2, or there are fewer than three eigenvalues.
    """
    # Rounded, for the same answer on every machine.
    return 2 + int((_gaps_above_floor(values, max_clusters) * 1e9).round().argmax())


def rival_of(n_clusters: int, values: Tensor, max_clusters: int) -> int | None:
    """Return the number of clusters whose gap is the largest but for that of n_clusters, if hardly smaller; else None.

    Example:
        >>> rival_of(2, torch.tensor([0.0, 0.001, 0.301, 0.302, 0.602, 0.603]), 4)
        >>> rival_of(4, torch.tensor([0.0, 0.001, 0.101, 0.102, 1.0, 1.01]), 4)
        2
    """
    gaps = _gaps_above_floor(values, max_clusters)
    largest = float(gaps[n_clusters - 2])
    gaps[n_clusters - 2] = -1
    return 2 + int(gaps.argmax()) if largest > 0 and float(gaps.max()) >= RIVAL * largest else None


def _gaps_above_floor(values: Tensor, max_clusters: int) -> Tensor:
    """Return gap(2), gap(3) .. up to gap(max_clusters), as far as there are eigenvalues."""
    if max_clusters < 2:
        raise UsageError(f"the number of clusters by eigengap: expected max_clusters of 2 or more, got {max_clusters}")
    if len(values) < 3:
        raise UsageError(f"the number of clusters by eigengap needs at least 3 eigenvalues, got {len(values)}")
    some = values[: max_clusters + 1].double().clamp_min(0)
    some = torch.where(some < ZERO, 0, some)
    return (some[1:] - some[:-1])[1:] / (some[2:] + FLOOR * some.mean()).clamp_min(ZERO)


def clusters_of(pairs: Spectrum, max_clusters: int) -> int:
    """Return the number of clusters by the eigengap of a graph's spectrum, see ``eigengap_clusters``.

    Raises:
        UsageError: the graph has more components than max_clusters, so that no gap is among its eigenvalues; and what
            ``eigengap_clusters`` refuses.

    Warns:
        RuntimeWarning: another gap is hardly smaller than the largest.
    """
    count = int(pairs.components.max()) + 1
    if count > max_clusters:
        raise UsageError(
            f"the number of clusters by eigengap: expected at most {max_clusters}, and the graph has {count:,} "
            "components already; give n_clusters, let it choose more (max_clusters), or give the points more neighbours"
        )
    chosen = eigengap_clusters(pairs.values, max_clusters)
    rival = rival_of(chosen, pairs.values, max_clusters)
    if rival is not None:
        warnings.warn(
            f"the number of clusters is undecided: {chosen} by the largest eigengap, and {rival} by one hardly "
            "smaller; give n_clusters",
            RuntimeWarning,
            stacklevel=3,
        )
    return chosen


def choose(
    affinity: Affinity,
    points: Tensor,
    settings: Settings,
    *,
    candidates: Sequence[Affinity] | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> "Choice":
    """Return the affinity with the value of its open setting whose graph is the most stable by the rule above.

    Args:
        affinity: the affinity; where there are more points than its ``sample_size``, as many of them decide.
        points: (point, dim).
        settings: how many clusters, and how the rows are scaled; n_clusters None: by the largest gap, each time anew.
        candidates: the affinity with each value that is tried, the preferred first; None: those that it offers.
        seed: of the sample and of k-means.
        progress: is called with words for what is being done.

    Raises:
        UsageError: no candidate fits the points, or a subsample has fewer points than there are clusters.
    """
    sample = _sample(points, affinity.sample_size, seed)
    least = max(2, int(SHARE * len(sample)))
    _refuse_few(least, settings.n_clusters, affinity.open_setting or "the setting")
    if candidates is None:
        candidates = affinity.candidates(points, least, seed=seed)
    runs: list[list[SubsampleClusters]] = [[] for _ in candidates]
    for number, some in enumerate(_subsamples(len(sample), seed)):
        graphs = affinity.graphs(candidates, sample[some.to(sample.device)], seed=seed)
        for tried, (run, graph) in enumerate(zip(runs, graphs, strict=True)):
            progress(f"graph {tried + 1} of {len(candidates)}, subsample {number + 1} of {SUBSAMPLES}")
            run.append(_clustered(graph, settings, some, len(sample), seed))
    return _choice([_candidate(*pair) for pair in zip(candidates, runs, strict=True)], len(sample))


def _refuse_few(points: int, n_clusters: int | None, instead: str) -> None:
    """Raise a UsageError where subsamples of so many points cannot be clustered."""
    wanted = 3 if n_clusters is None else n_clusters
    if points < wanted:
        raise UsageError(
            f"the graph is chosen by clusters of four fifths of the points: {points}, and {wanted} are needed"
            f"{' for an eigengap' if n_clusters is None else ''}; give {instead}, or more points"
        )


def _clustered(graph: Graph, settings: Settings, some: Tensor, n: int, seed: int) -> "SubsampleClusters":
    whole, n_clusters = Laplacian(graph), settings.n_clusters
    core = core_of(whole.degrees, whole.components, n_clusters or settings.max_clusters)
    laplacian = whole
    if core is not None:  # what is loose has no label
        assert isinstance(graph, SparseGraph | GaussianGraph)
        graph, some = graph.part(core), some[core.cpu()]
        laplacian = Laplacian(graph)
    wanted = min(settings.max_clusters, graph.n - 1) if n_clusters is None else n_clusters
    with warnings.catch_warnings():
        # The graph that is chosen is solved again, and warned of then.
        warnings.filterwarnings("ignore", message="the eigenvectors are less accurate", category=RuntimeWarning)
        pairs = spectrum(laplacian, wanted, seed=seed)
    clusters = eigengap_clusters(pairs.values, wanted) if n_clusters is None else n_clusters
    gaps = relative_gaps(pairs.values)
    labels = by_component(graph, pairs, clusters, root=laplacian.root, rows=settings.rows, n_init=3, seed=seed).labels
    everywhere = np.full(n, -1, dtype=np.int64)
    everywhere[some.numpy()] = labels.cpu().numpy()
    return SubsampleClusters(
        everywhere,
        clusters,
        smallest=int(labels.bincount(minlength=clusters).min()) * clusters / graph.n,
        gap=float(gaps[clusters - 1]) if clusters <= len(gaps) else 0.0,
        n_components=int(whole.components.max()) + 1,
    )


def _candidate(affinity: Affinity, run: "list[SubsampleClusters]") -> "Candidate":
    from sklearn.metrics import adjusted_rand_score

    agreements = []
    for first, second in combinations(run, 2):
        both = (first.labels >= 0) & (second.labels >= 0)
        agreements.append(adjusted_rand_score(first.labels[both], second.labels[both]))
    return Candidate(
        affinity,
        n_clusters=int(np.bincount([one.n_clusters for one in run]).argmax()),
        stability=float(np.mean(agreements)),
        smallest=float(np.mean([one.smallest for one in run])),
        gap=float(np.mean([one.gap for one in run])),
        n_components=int(np.median([one.n_components for one in run])),
    )


def _choice(tried: "list[Candidate]", n_points: int) -> "Choice":
    trusted = [candidate for candidate in tried if candidate.smallest >= SMALLEST]
    if trusted:
        best = max(candidate.stability for candidate in trusted)
        chosen = next(candidate for candidate in trusted if candidate.stability > best - TIE)
    else:
        chosen = max(tried, key=lambda candidate: candidate.smallest)
    return Choice(chosen.affinity, chosen.n_clusters, tried, n_points)


def _subsamples(n: int, seed: int) -> list[Tensor]:
    draw = np.random.default_rng(seed)
    size = max(2, int(SHARE * n))
    return [torch.from_numpy(np.sort(draw.choice(n, size, replace=False))) for _ in range(SUBSAMPLES)]


def _sample(points: Tensor, most: int, seed: int) -> Tensor:
    if len(points) <= most:
        return points
    some = np.random.default_rng(seed).choice(len(points), most, replace=False)
    return points[torch.from_numpy(np.sort(some)).to(points.device)]


class Candidate(NamedTuple):
    """A graph that was tried.

    Attributes:
        affinity: what builds it.
        n_clusters: how many clusters; where that was left open, the number that came out most often.
        stability: the mean adjusted Rand index between the clusters of two subsamples, at most 1.
        smallest: points of the smallest cluster, as a share of the mean one, mean of the subsamples.
        gap: the relative eigengap behind the clusters, mean of the subsamples.
        n_components: connected components, median of the subsamples.
    """

    affinity: Affinity
    n_clusters: int
    stability: float
    smallest: float
    gap: float
    n_components: int


class SubsampleClusters(NamedTuple):
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


class Choice(NamedTuple):
    """The chosen graph, and the others.

    Attributes:
        affinity: what builds it.
        n_clusters: how many clusters.
        candidates: all that were tried, in their order.
        n_points: how many points they were tried on.
    """

    affinity: Affinity
    n_clusters: int
    candidates: list[Candidate]
    n_points: int
