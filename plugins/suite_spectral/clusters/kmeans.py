"""k-means of the rows of eigenvectors, the same whatever the number of threads."""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.one_thread import one_thread

SAMPLE = 100_000
"""Rows by which k-means chooses between its starts."""


class Labelling(NamedTuple):
    """Clusters, the one of most points first.

    Attributes:
        labels: (point,) int64.
        centroids: (cluster, vector) float64, the mean row of each cluster.
    """

    labels: Tensor
    centroids: Tensor


def kmeans(rows: Tensor, n_clusters: int, *, n_init: int = 10, seed: int = 0, start: Tensor | None = None) -> Labelling:
    """Return the clusters of least squared distance to their means, the best of n_init starts.

    Scikit-learn's k-means on one thread in float64: with more threads its sums depend on how many there are. Of more
    than 100,000 rows a sample decides between the starts, and all of them go on from the best.

    Example:
        >>> kmeans(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 2).centroids.tolist()
        [[0.5], [10.5]]

    Args:
        rows: (point, vector).
        n_clusters: how many clusters.
        n_init: how many starts.
        seed: of the starts.
        start: (cluster, vector) centroids of earlier clusters, which are gone on from in place of starts of its own;
            the clusters keep their numbers.

    Raises:
        UsageError: there are fewer distinct rows than clusters.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    values = np.ascontiguousarray(rows.detach().double().cpu().numpy())
    if n_clusters == 1 and len(values):
        labels = np.zeros(len(values), dtype=np.int64)
    elif len(values) < n_clusters:
        raise UsageError(f"expected at least {n_clusters} points for {n_clusters} clusters, got {len(values)}")
    else:
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if start is None and len(values) > SAMPLE:
                some = np.random.default_rng(seed).choice(len(values), SAMPLE, replace=False)
                sampled = KMeans(n_clusters, n_init=n_init, random_state=seed).fit(values[np.sort(some)])
                labels = KMeans(n_clusters, init=sampled.cluster_centers_, n_init=1).fit(values).labels_
            elif start is None:
                labels = KMeans(n_clusters, n_init=n_init, random_state=seed).fit(values).labels_
            else:
                labels = KMeans(n_clusters, init=start.double().cpu().numpy(), n_init=1).fit(values).labels_
    if n_clusters > 1 and (filled := len(np.unique(labels))) < n_clusters:
        raise UsageError(
            f"expected at least {n_clusters} distinct rows for {n_clusters} clusters, got {filled}: "
            "ask for fewer clusters"
        )
    clusters = torch.from_numpy(labels).long().to(rows.device)
    if start is None:
        clusters = largest_first(clusters, n_clusters)
    return Labelling(clusters, mean_rows(rows, clusters, n_clusters))


def mean_rows(rows: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """Return the mean row of each cluster, (cluster, vector) float64; zeros for one without points."""
    sums = torch.zeros(n_clusters, rows.shape[1], dtype=torch.float64, device=rows.device)
    sums.index_add_(0, labels, rows.double())
    return sums / labels.bincount(minlength=n_clusters).clamp_min(1)[:, None]


def largest_first(labels: Tensor, n_clusters: int) -> Tensor:
    sizes = labels.bincount(minlength=n_clusters)
    # Equal sizes: the cluster of the first point comes first, whatever the solver's signs.
    first = torch.full((n_clusters,), len(labels), dtype=torch.int64, device=labels.device)
    first.scatter_reduce_(0, labels, torch.arange(len(labels), device=labels.device), "amin")
    number = torch.empty_like(sizes)
    order = sorted(range(n_clusters), key=lambda cluster: (-int(sizes[cluster]), int(first[cluster])))
    number[torch.tensor(order, device=labels.device)] = torch.arange(n_clusters, device=labels.device)
    return number[labels]
