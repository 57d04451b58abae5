"""From eigenvectors to labels: k-means on the rows of each component, or a threshold of the second eigenvector.

Each point is a row of the k eigenvectors; the rows are taken as they are (Khan, 2020), at unit length (Ng, Jordan and
Weiss, 2002) or divided by the root of the degree (Shi and Malik, 2000). The eigenvectors of a graph of several
components say nothing inside a component, so each component is clustered by its own: among the k smallest eigenvalues
of all components, as many as are a component's own is the number of its clusters.
"""

import warnings
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import Sweep, ncut, sweep
from suite_spectral.clusters.lloyd import lloyd
from suite_spectral.clusters.rotation import cluster_qr, discretize
from suite_spectral.clusters.starts import best_start
from suite_spectral.eigen.component_vectors import component_vectors
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.graphs.graph import Graph, SparseGraph
from suite_spectral.graphs.sparse_points import as_csr, is_sparse
from suite_spectral.settings import Assign, RowScaling, TwoWay


class Labelling(NamedTuple):
    """Clusters, the one of most points first.

    Attributes:
        labels: (point,) int64.
        centroids: (cluster, vector) float64, the mean row of each cluster.
    """

    labels: Tensor
    centroids: Tensor


def by_component(
    graph: Graph,
    spectrum: Spectrum,
    n_clusters: int,
    *,
    root: Tensor | None = None,
    rows: RowScaling = "random-walk",
    points: Tensor | None = None,
    assign: Assign = "kmeans",
    n_init: int = 10,
    seed: int = 0,
) -> Labelling:
    """Return the clusters of a graph of several components; where there are enough, each lies in one component.

    A component of one cluster is that cluster; in another, k-means sees its own points and its own eigenvectors. With
    more components than clusters, those of most volume are the clusters and every other joins the one whose mean point
    is nearest, or, where there are no points, the one of least volume. A connected graph is clustered as a whole.

    Args:
        graph: the graph.
        spectrum: its spectrum, at least n_clusters vectors unless it has more components than that.
        n_clusters: how many clusters.
        root: (point,) square roots of the degrees; None for those of the graph.
        rows: how the rows are scaled.
        points: (point, dim), for the distances between components.
        assign: "kmeans", "discretize" or "cluster_qr" of the rows.
        n_init: starts of k-means.
        seed: of k-means, and of the start of discretize.

    Returns:
        The labels, and the mean over each cluster of the scaled rows of the first n_clusters vectors.

    Raises:
        UsageError: the graph has fewer points, or a component fewer distinct rows, than clusters.
    """
    root = graph.degrees().sqrt() if root is None else root
    columns = spectrum.vectors[:, :n_clusters].double()
    scaled = scaled_rows(columns, root, rows)
    components = spectrum.components.to(columns.device)
    count = int(components.max()) + 1
    if count == 1:
        return _divided(graph, scaled, n_clusters, assign, n_init, seed)
    if count >= n_clusters:
        labels = _joined(graph.degrees(), components, n_clusters, points)
    else:
        labels = torch.empty_like(components)
        used = 0
        # The first of a component's vectors is constant in the scale of the random walk and tells k-means nothing.
        first = 1 if rows == "random-walk" and assign == "kmeans" else 0
        for part in component_vectors(spectrum, n_clusters):
            clusters = part.vectors.shape[1]
            inside = torch.zeros(len(part.points), dtype=torch.int64, device=labels.device)
            if clusters > 1:
                own = scaled_rows(part.vectors, root[part.points], rows)[:, first:]
                part_of = graph.part(part.points) if isinstance(graph, SparseGraph) else graph
                inside = _divided(part_of, own, clusters, assign, n_init, seed).labels
            labels[part.points] = inside + used
            used += clusters
    labels = largest_first(labels, n_clusters)
    return Labelling(labels, mean_rows(scaled, labels, n_clusters))


def two_way(graph: Graph, spectrum: Spectrum, how: TwoWay, *, root: Tensor | None = None, seed: int = 0) -> Tensor:
    """Return two clusters by the second eigenvector, divided by the root of the degree, (point,) int64.

    Args:
        graph: the graph.
        spectrum: its eigenvectors, at least two.
        how: "sign" of the entries, the halves below and above their "median", the threshold of least normalised
            cut ("ncut": every threshold where the edges are stored, else one of 128), or "kmeans" in one dimension.
        root: (point,) square roots of the degrees, which regularisation raises; None for those of the graph.
        seed: of k-means.

    Raises:
        UsageError: how is none of the four, or there is no second eigenvector.
    """
    if spectrum.vectors.shape[1] < 2:
        raise UsageError("two clusters from the second eigenvector: the graph has only one")
    root = graph.degrees().sqrt() if root is None else root
    second = spectrum.vectors[:, 1]
    # A point without edges is a component, which its vector names; there is no degree to divide by.
    entries = torch.where(root > 0, scaled_rows(second[:, None], root, "random-walk")[:, 0], second)
    if how == "kmeans":
        return kmeans(entries[:, None], 2, seed=seed).labels
    if how == "sign":
        return largest_first((entries > 0).long(), 2)
    order = entries.argsort(stable=True)
    if how == "median":
        size = graph.n // 2
    elif how == "ncut":
        size = _cheapest(sweep(graph, order), entries[order])
    else:
        raise UsageError(f"assign {how!r}: expected kmeans, sign, median or ncut")
    labels = torch.zeros(graph.n, dtype=torch.int64, device=order.device)
    labels[order[size:]] = 1
    return largest_first(labels, 2)


def scaled_rows(vectors: Tensor, root: Tensor, rows: RowScaling) -> Tensor:
    """Return the rows that k-means sees, (point, vector).

    Args:
        vectors: (point, vector) eigenvectors of the normalised Laplacian.
        root: (point,) square roots of the degrees.
        rows: "plain" for U itself, "njw" for its rows at unit length, "random-walk" for D^-1/2 U. A row of zeros stays
            one, and a point without degree has a row of zeros.

    Raises:
        UsageError: rows is none of the three.
    """
    if rows == "plain":
        return vectors
    if rows == "njw":
        return vectors / _one_for_zero(vectors.norm(dim=1, keepdim=True))
    if rows == "random-walk":
        return vectors / _one_for_zero(root[:, None]) * (root[:, None] > 0)
    raise UsageError(f"rows {rows!r}: expected plain, njw or random-walk")


def kmeans(
    rows: Tensor,
    n_clusters: int,
    *,
    n_init: int = 10,
    seed: int = 0,
    start: Tensor | None = None,
    graph: Graph | None = None,
) -> Labelling:
    """Return the clusters of k-means, the best of n_init starts.

    In float64 on one thread. The first start is by pivoted QR, the others are by k-means++, see
    ``suite_spectral.clusters.starts``.

    Example:
        >>> kmeans(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), 2).centroids.tolist()
        [[0.5], [10.5]]

    Args:
        rows: (point, vector).
        n_clusters: how many clusters.
        n_init: how many starts.
        seed: of the starts.
        start: (cluster, vector) centroids of earlier clusters to start from, in place of random starts;
            the clusters keep their numbers.
        graph: of the points. Where it stores its edges, the normalised cut decides between starts of about the same
            squared distance to their means; otherwise that distance does.

    Raises:
        UsageError: there are fewer distinct rows than clusters.
    """
    values = np.ascontiguousarray(rows.detach().double().cpu().numpy())
    if n_clusters == 1 and len(values):
        labels = np.zeros(len(values), dtype=np.int64)
    elif len(values) < n_clusters:
        raise UsageError(f"expected at least {n_clusters} points for {n_clusters} clusters, got {len(values)}")
    elif start is not None:
        labels = lloyd(values, start.double().cpu().numpy()).labels
    else:
        measured = graph if isinstance(graph, SparseGraph) else None
        cost = measured and (lambda labels: ncut(measured, torch.from_numpy(labels), n_clusters))
        labels = best_start(values, n_clusters, n_init=n_init, seed=seed, cost=cost).labels
    if n_clusters > 1 and (filled := len(np.unique(labels))) < n_clusters:
        raise UsageError(
            f"expected at least {n_clusters} distinct rows for {n_clusters} clusters, got {filled}: "
            "ask for fewer clusters"
        )
    clusters = torch.from_numpy(labels).long().to(rows.device)
    if start is None:
        clusters = largest_first(clusters, n_clusters)
    return Labelling(clusters, mean_rows(rows, clusters, n_clusters))


def _divided(graph: Graph, rows: Tensor, n_clusters: int, assign: Assign, n_init: int, seed: int) -> Labelling:
    """Return the clusters of rows by k-means or by their rotation."""
    if assign == "kmeans":
        return kmeans(rows, n_clusters, n_init=n_init, seed=seed, graph=graph)
    values = rows.detach().double().cpu().numpy()
    found = cluster_qr(values) if assign == "cluster_qr" else discretize(values, random_state=seed)
    labels = largest_first(torch.from_numpy(found).to(rows.device), n_clusters)
    if (filled := int((labels.bincount(minlength=n_clusters) > 0).sum())) < n_clusters:
        warnings.warn(
            f"{assign} has left {n_clusters - filled} of {n_clusters} clusters without a point: take kmeans, or fewer",
            RuntimeWarning,
            stacklevel=2,
        )
    return Labelling(labels, mean_rows(rows, labels, n_clusters))


def mean_rows(rows: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """Return the mean row of each cluster, (cluster, vector) float64, dense; zeros for one without points."""
    sums = torch.zeros(n_clusters, rows.shape[1], dtype=torch.float64, device=rows.device)
    if is_sparse(rows):
        ones = np.ones(len(labels)), (labels.numpy(), np.arange(len(labels)))
        inside = scipy.sparse.csr_array(ones, shape=(n_clusters, len(labels)))
        sums += torch.from_numpy((inside @ as_csr(rows)).toarray())
    else:
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


def _joined(degrees: Tensor, components: Tensor, n_clusters: int, points: Tensor | None) -> Tensor:
    count = int(components.max()) + 1
    volume = torch.zeros(count, dtype=torch.float64, device=degrees.device).index_add_(0, components, degrees.double())
    ranked = volume.argsort(descending=True, stable=True)
    chosen, rest = ranked[:n_clusters], ranked[n_clusters:]
    cluster = torch.empty(count, dtype=torch.int64, device=degrees.device)
    cluster[chosen] = torch.arange(n_clusters, device=degrees.device)
    if points is None or not len(rest):
        cluster[rest] = n_clusters - 1
    else:
        means = mean_rows(points.to(degrees.device), components, count)
        cluster[rest] = torch.cdist(means[rest], means[chosen]).argmin(dim=1)
    return cluster[components]


def _cheapest(cuts: Sweep, ascending: Tensor) -> int:
    """Return how many of the first points the best threshold cuts off; no threshold lies between equal entries."""
    steps = ascending.diff()
    ncuts = torch.where(steps[cuts.sizes - 1] > 0, cuts.ncuts, torch.inf)
    best = ncuts.argmin()
    # Without volume on either side of every threshold, as of a point without edges, the widest step is taken.
    return int(cuts.sizes[best]) if bool(ncuts[best].isfinite()) else int(steps.argmax()) + 1


def _one_for_zero(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, 1)
