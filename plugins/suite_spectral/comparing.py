"""K-means beside spectral clustering on the same points, and the minimum cut beside the normalised one.

K-means draws flat borders between means, so it divides clusters that are not round. The eigenvectors of a graph of near
points move the points first; then k-means is enough (Khan, 2020; Ng, Jordan and Weiss, 2002).
The minimum cut of a graph is cheapest around a single point, the normalised cut is not (Shi and Malik, 2000).
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from suite_spectral.accuracy import contingency
from suite_spectral.clusters.clustering import cluster
from suite_spectral.clusters.cuts import cut, min_cut_2way, ncut
from suite_spectral.clusters.labelling import kmeans
from suite_spectral.graphs.graph import Progress, SparseGraph
from suite_spectral.point_sets import PointSet, of_arrays
from suite_spectral.settings import Settings
from suite_spectral.solving.routes import solve
from suite_spectral.sources.samples import sample

SMALL = 200
"""Points of the set whose minimum cut is searched."""

SIGMA = 0.15
"""Width of their Gaussian graph, some three times the distance of neighbours."""


class Answer(NamedTuple):
    """The clusters of one method.

    Attributes:
        method: its name.
        labels: (point,) int64, numbered as the classes or clusters that they agree with most.
        ari: agreement with the classes (Hubert and Arabie, 1985); None without them.
        nmi: normalised mutual information with them; None without them.
        ncut: on the graph of the spectral clustering, whichever method made the clusters.
        seconds: of processor time; for spectral clustering the graph's included.
    """

    method: str
    labels: Tensor
    ari: float | None
    nmi: float | None
    ncut: float
    seconds: float


class Comparison(NamedTuple):
    """Both methods on the same points.

    Attributes:
        point_set: the points.
        n_clusters: how many clusters both were asked for, or how many the eigengap gave.
        kmeans: the answer of k-means on the points.
        spectral: the answer of spectral clustering.
        line: the graph and how it was solved.
    """

    point_set: PointSet
    n_clusters: int
    kmeans: Answer
    spectral: Answer
    line: str

    @property
    def answers(self) -> tuple[Answer, Answer]:
        """The answer of k-means, then that of spectral clustering."""
        return self.kmeans, self.spectral


class TwoCuts(NamedTuple):
    """The two parts that the minimum cut and the normalised cut make of the same graph.

    Attributes:
        point_set: the points.
        smallest: (point,) int64, the parts of the minimum cut; 1 has fewer points.
        normalised: (point,) int64, the parts by the second eigenvector, at the threshold of least normalised cut.
        weights: the sum of the weights that each of them cuts.
        ncuts: the normalised cut of each.
    """

    point_set: PointSet
    smallest: Tensor
    normalised: Tensor
    weights: tuple[float, float]
    ncuts: tuple[float, float]


def compare(
    point_set: PointSet, settings: Settings, *, seed: int = 0, progress: Progress = lambda words: None
) -> Comparison:
    """Cluster the same points by both methods; k-means gets as many clusters as spectral clustering has.

    Args:
        point_set: the points.
        settings: of the spectral clustering; ``n_clusters`` None: by the eigengap. ``n_init`` is k-means' too.
        seed: of both.
        progress: is called with words for what is being done.

    Raises:
        UsageError: the points cannot be clustered with these settings.
    """
    begun = time.process_time()
    solution = solve(point_set.points, settings, seed=seed, progress=progress)
    spent = time.process_time() - begun
    k = solution.fitted.n_clusters
    spectral = solution.clustering.labels.cpu()
    progress("k-means on the points")
    begun = time.process_time()
    dense = point_set.points if point_set.points.layout == torch.strided else point_set.points.to_dense()
    means = kmeans(dense, k, n_init=settings.n_init, seed=seed).labels
    answers = []
    for method, labels, seconds in (
        ("k-means", means, time.process_time() - begun),
        ("spectral", spectral, spent),
    ):
        ari, nmi = (None, None) if point_set.labels is None else _agreement(point_set.labels, labels)
        reference = point_set.labels if point_set.labels is not None else means
        cost = ncut(solution.graph, labels, k)
        answers.append(Answer(method, numbered_like(reference, labels), ari, nmi, cost, seconds))
    return Comparison(point_set, k, answers[0], answers[1], solution.line)


def compare_sets(
    sets: Iterable[PointSet],
    settings: Settings,
    n_clusters: int | None,
    *,
    seed: int = 0,
    progress: Progress = lambda words: None,
) -> list[Comparison]:
    """Cluster each set by both methods; see ``settings_for`` for the number of clusters, and ``compare``."""
    comparisons = []
    for one in sets:

        def stage(words: str, name: str = one.name) -> None:
            progress(f"{name}: {words}")

        comparisons.append(compare(one, settings_for(settings, one, n_clusters), seed=seed, progress=stage))
    return comparisons


def compare_cuts(seed: int = 0) -> TwoCuts:
    """Return the minimum cut beside the best normalised cut, on the Gaussian graph of two moons that nearly touch."""
    drawn = sample("moons", SMALL, 0.1, seed)
    moons = of_arrays(f"moons, {SMALL} points", drawn.points, drawn.labels)
    squares = torch.cdist(moons.points, moons.points).square()
    graph = SparseGraph((-squares / (2 * SIGMA**2)).exp().to_sparse_csr())
    smallest = min_cut_2way(graph)
    normalised = cluster(graph, Settings(n_clusters=2, assign="ncut"), seed=seed)
    assert moons.labels is not None
    halves = numbered_like(moons.labels, normalised.labels)
    return TwoCuts(
        moons,
        smallest.labels,
        halves,
        (smallest.weight, float(cut(graph, halves, 2)[0])),
        (ncut(graph, smallest.labels, 2), normalised.ncut),
    )


def numbered_like(reference: Tensor, labels: Tensor) -> Tensor:
    """Return the same clusters, each with the number of the class that it is best matched with, (point,) int64.

    A cluster without a class of its own gets a number that no class has.

    Example:
        >>> numbered_like(torch.tensor([0, 0, 1]), torch.tensor([1, 1, 0])).tolist()
        [0, 0, 1]
    """
    counts = contingency(labels, reference)  # cluster class
    clusters, classes = linear_sum_assignment(counts, maximize=True)
    numbers = np.full(counts.shape[0], -1, dtype=np.int64)
    numbers[clusters] = classes
    unmatched = np.flatnonzero(numbers < 0)
    numbers[unmatched] = counts.shape[1] + np.arange(len(unmatched))
    return torch.from_numpy(numbers)[labels.cpu()]


def settings_for(settings: Settings, point_set: PointSet, n_clusters: int | None) -> Settings:
    """Return the settings with as many clusters as were asked for, else as there are classes, else by the eigengap."""
    if n_clusters is None and point_set.labels is not None:
        n_clusters = max(2, len(torch.unique(point_set.labels)))
    return replace(settings, n_clusters=n_clusters)


def _agreement(classes: Tensor, labels: Tensor) -> tuple[float, float]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    pair = classes.numpy(), labels.numpy()
    return float(adjusted_rand_score(*pair)), float(normalized_mutual_info_score(*pair))
