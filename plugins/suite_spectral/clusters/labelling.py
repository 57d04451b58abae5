"""From eigenvectors to labels: k-means on the rows of each component, or a threshold of the second eigenvector.

The eigenvalue 0 of a graph of several components belongs to all their indicators together, so its eigenvectors are any
rotation of these and say nothing inside a component. Each component is therefore clustered by its own eigenvectors:
among the k smallest eigenvalues of all components, as many as are a component's own is the number of its clusters.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.clusters.cuts import Sweep, sweep
from suite_spectral.clusters.kmeans import Labelling, kmeans, largest_first, mean_rows
from suite_spectral.eigen.row_scaling import scaled_rows
from suite_spectral.eigen.solvers import Spectrum
from suite_spectral.graphs.graph import Graph
from suite_spectral.settings import RowScaling, TwoWay

PURE = 0.99
"""A column with this much of its squared length in one component belongs to it."""
PRESENT = 0.01
"""Less squared length than this in a component is error of the solver."""


class Columns(NamedTuple):
    """The eigenvectors of one component.

    Attributes:
        component: its number.
        points: (member,) int64, its points.
        vectors: (member, vector) float64, as many as the clusters it gets.
    """

    component: int
    points: Tensor
    vectors: Tensor


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


def by_component(
    graph: Graph,
    spectrum: Spectrum,
    n_clusters: int,
    *,
    root: Tensor | None = None,
    rows: RowScaling = "random-walk",
    points: Tensor | None = None,
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
        n_init: starts of k-means.
        seed: of k-means.

    Returns:
        The labels, and the mean over each cluster of the scaled rows of the first n_clusters vectors.

    Raises:
        UsageError: the graph has fewer points, or a component fewer distinct rows, than clusters.
    """
    degrees = graph.degrees()
    root = degrees.sqrt() if root is None else root
    columns = spectrum.vectors[:, :n_clusters].double()
    scaled = scaled_rows(columns, root, rows)
    components = spectrum.components.to(columns.device)
    count = int(components.max()) + 1
    if count == 1:
        return kmeans(scaled, n_clusters, n_init=n_init, seed=seed)
    if count >= n_clusters:
        labels = _joined(degrees, components, n_clusters, points)
    else:
        labels = torch.empty_like(components)
        used = 0
        # The first of a component's vectors is constant in the scale of the random walk and tells no points apart.
        first = 1 if rows == "random-walk" else 0
        for own in own_vectors(spectrum, n_clusters):
            clusters = own.vectors.shape[1]
            inside = torch.zeros(len(own.points), dtype=torch.int64, device=labels.device)
            if clusters > 1:
                part = scaled_rows(own.vectors, root[own.points], rows)[:, first:]
                inside = kmeans(part, clusters, n_init=n_init, seed=seed).labels
            labels[own.points] = inside + used
            used += clusters
    labels = largest_first(labels, n_clusters)
    return Labelling(labels, mean_rows(scaled, labels, n_clusters))


def own_vectors(spectrum: Spectrum, n_clusters: int) -> list[Columns]:
    """Return the eigenvectors of each component: of the n_clusters smallest eigenvalues those that are its own.

    An eigenvector reaches over several components only where their eigenvalues coincide. Its part in each is then an
    eigenvector of that component, so the parts are made orthogonal (Rayleigh and Ritz) and those that carry most of the
    squared length are kept, as many as there were. Every component has at least its vector of eigenvalue 0.
    """
    vectors = spectrum.vectors.double()
    components = spectrum.components.to(vectors.device)
    count = int(components.max()) + 1
    mass = torch.zeros(count, vectors.shape[1], dtype=torch.float64, device=vectors.device)
    mass.index_add_(0, components, vectors.square())
    home = mass.argmax(dim=0)
    pure = mass.amax(dim=0) >= PURE
    order = components.argsort(stable=True)
    members = torch.split(order, components.bincount(minlength=count).tolist())
    # eigenvalue, component, vector on the component's points
    candidates = [(float(spectrum.values[j]), int(home[j]), vectors[members[home[j]], j]) for j in pure.nonzero()[:, 0]]
    candidates += _unmixed(spectrum.values[~pure], vectors[:, ~pure], mass[:, ~pure], members)
    # A component whose first vector the solver missed still is one: its vector is as good as any other as a label.
    missed = set(range(count)) - {component for _, component, _ in candidates}
    candidates += [(0.0, lost, torch.full_like(members[lost], 1, dtype=torch.float64)) for lost in sorted(missed)]
    # The first of each component is kept whatever its rank: an error of rounding must not lose a component.
    candidates.sort(key=lambda candidate: candidate[:2])
    leaders: dict[int, int] = {}
    for rank, (_, component, _) in enumerate(candidates):
        leaders.setdefault(component, rank)
    others = [rank for rank in range(len(candidates)) if rank not in set(leaders.values())]
    kept = sorted([*leaders.values(), *others[: max(0, n_clusters - len(leaders))]])
    return [
        Columns(number, members[number], torch.stack([candidates[j][2] for j in kept if candidates[j][1] == number], 1))
        for number in sorted(leaders)
    ]


def _unmixed(
    values: Tensor, vectors: Tensor, mass: Tensor, members: tuple[Tensor, ...]
) -> list[tuple[float, int, Tensor]]:
    parts = []
    for component in (mass.sum(dim=1) > PRESENT).nonzero()[:, 0].tolist():
        part = vectors[members[component]]  # member, vector
        squares, turn = torch.linalg.eigh(part.T @ part)
        squares, turn = squares[squares > PRESENT], turn[:, squares > PRESENT]
        lengths = squares.sqrt()
        inner = lengths[:, None] * (turn.T @ (values[:, None] * turn)) / lengths
        own, within = torch.linalg.eigh((inner + inner.T) / 2)
        basis = part @ turn / lengths @ within
        weight = within.T.square() @ squares  # of the squared length each new vector explains
        parts += [(round(-float(weight[j]), 2), float(own[j]), component, basis[:, j]) for j in range(len(own))]
    parts.sort(key=lambda part: part[:3])
    return [part[1:] for part in parts[: len(values)]]


def _cheapest(cuts: Sweep, ascending: Tensor) -> int:
    """Return how many of the first points the best threshold cuts off; no threshold lies between equal entries."""
    steps = ascending.diff()
    ncuts = torch.where(steps[cuts.sizes - 1] > 0, cuts.ncuts, torch.inf)
    best = ncuts.argmin()
    # Without volume on either side of every threshold, as of a point without edges, the widest step is taken.
    return int(cuts.sizes[best]) if bool(ncuts[best].isfinite()) else int(steps.argmax()) + 1


def _joined(degrees: Tensor, components: Tensor, n_clusters: int, points: Tensor | None) -> Tensor:
    count = int(components.max()) + 1
    volume = torch.zeros(count, dtype=torch.float64, device=degrees.device).index_add_(0, components, degrees.double())
    ranked = volume.argsort(descending=True, stable=True)
    chosen, rest = ranked[:n_clusters], ranked[n_clusters:]
    cluster = torch.empty(count, dtype=torch.int64, device=degrees.device)
    cluster[chosen] = torch.arange(n_clusters, device=degrees.device)
    if points is None:
        cluster[rest] = n_clusters - 1
    else:
        means = mean_rows(points.to(degrees.device), components, count)
        cluster[rest] = torch.cdist(means[rest], means[chosen]).argmin(dim=1)
    return cluster[components]
