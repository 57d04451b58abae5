"""How many neighbours, which weights, which sigma: chosen without labels.

The graph is the one whose clusters change least with the points that happened to be drawn (Ben-Hur, Elisseeff and
Guyon, 2002; von Luxburg, 2010). Four subsamples of 80 % of the points are drawn once and clustered by each candidate;
its stability is the mean adjusted Rand index, over the six pairs of them, of the points that both have. The graph is
the one of the largest product of its stability and of how even its clusters are, which is 1 where the smallest has
half of the mean size or more, and less in proportion where not: merely splitting off a few points is stable
too. Among those within 0.01 of the largest it is the first in the list, which starts with scikit-learn's own graph.

Stability alone grows with the number of neighbours, whatever the clusters: two spirals with 30 are .97 stable and half
wrong. Numbers and product were fixed on 24 sets made up for it, of 12 kinds (blobs, moons, spirals, a ring around
blobs, uneven densities, few samples of many dims, moved shapes and others): mean ARI .551, with unit rows .578; .531
and .555 with ten neighbours always; .494 and .495 by the most stable of 5 to 30 neighbours whose smallest cluster has a
tenth of the mean size, the rule of the last release. By the labels, of ten graphs and both rows, it is at most .610.
Three quarters of the mean size in place of the half gave .582 and .593 there, and lost a set of two clusters of 97 and
276 points (ARI .71 in place of 1) when it was first tried on others: their labels have decided between these two.

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
from suite_spectral.clusters.number_of_clusters import eigengap_clusters, relative_gaps
from suite_spectral.eigen.laplacian import Laplacian
from suite_spectral.eigen.spectrum import spectrum
from suite_spectral.graphs.affinity import Affinity
from suite_spectral.graphs.gaussian import GaussianGraph
from suite_spectral.graphs.graph import Graph, Progress, SparseGraph
from suite_spectral.settings import Settings

SUBSAMPLES = 4
"""On how many subsamples each candidate is clustered."""
SHARE = 0.8
"""Share of the points in a subsample."""
TIE = 0.01
"""Graphs whose worth is nearer to each other than this are equally good."""
EVEN = 0.5
"""Least size of the smallest cluster, as a share of the mean one, where clusters are even enough."""


def choose(
    affinity: Affinity,
    points: Tensor,
    settings: Settings,
    *,
    candidates: Sequence[Affinity] | None = None,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> "Choice":
    """Return the affinity with the value of its open setting whose graph is the best by the rule above.

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
    best = max(candidate.worth for candidate in tried)
    chosen = next(candidate for candidate in tried if candidate.worth > best - TIE)
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

    @property
    def worth(self) -> float:
        """What the rule compares."""
        return self.stability * min(1.0, self.smallest / EVEN)


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
