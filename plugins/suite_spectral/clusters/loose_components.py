"""Loose components: parts of a graph so small that none of its clusters is meant.

The normalised cut of a component is 0, whatever its size. So the few nodes that hang loose from a network would be its
clusters, and all the rest one more. A component of far less than the mean volume of a cluster is therefore left out
while the others are clustered, and joins a cluster afterwards.
"""

import warnings

import torch
from torch import Tensor

from suite_spectral.graphs.neighbours import nearest_to
from suite_spectral.graphs.sparse_points import rows_of

LOOSE = 0.1
"""Volume of a loose component, as a share of the mean volume of a cluster, is below this."""

HELD = 0.5
"""Least share of the volume in components that are not loose: a graph that holds less has fallen to pieces."""


def core_of(degrees: Tensor, components: Tensor, n_clusters: int) -> Tensor | None:
    """Return the points of the components that are not loose, (point,) int64 in rising order; None: all of them.

    None is loose where those that are not would hold less than half of the volume, or fewer points than clusters: a
    graph that has fallen to pieces has no others.

    Example:
        >>> core_of(torch.tensor([4.0, 4, 4, 4, 0]), torch.tensor([0, 0, 0, 0, 1]), 2).tolist()
        [0, 1, 2, 3]

    Args:
        degrees: (point,).
        components: (point,) int64, the component of each point.
        n_clusters: how many clusters there will be.
    """
    count = int(components.max()) + 1
    if count == 1 or n_clusters == 1:
        return None
    components = components.to(degrees.device)
    volume = torch.zeros(count, dtype=torch.float64, device=degrees.device).index_add_(0, components, degrees.double())
    loose = loose_of(volume, components.bincount(minlength=count), n_clusters)
    return None if loose is None else (~loose[components]).nonzero()[:, 0]


def loose_of(volume: Tensor, sizes: Tensor, n_clusters: int) -> Tensor | None:
    """Return which components are loose, (component,) bool; None: none is, or all are.

    Args:
        volume: (component,) of each.
        sizes: (component,) int64, how many points each has.
        n_clusters: how many clusters there will be.
    """
    loose = volume < LOOSE * volume.sum() / n_clusters
    held = volume[~loose].sum() >= HELD * volume.sum() and int(sizes[~loose].sum()) >= n_clusters
    return loose if len(volume) > 1 and n_clusters > 1 and bool(loose.any()) and bool(held) else None


def labels_with_loose(labels: Tensor, core: Tensor, components: Tensor, points: Tensor | None) -> Tensor:
    """Return the labels of all points, (point,) int64: a loose component joins the cluster of the point next to it.

    Args:
        labels: (core,) int64, those of the others.
        core: by ``core_of``.
        components: (point,) int64.
        points: (point, dim), between which distances are measured; None: a loose component joins the cluster of most
            points, which is right for most of them where nothing else is known.
    """
    components = components.to(labels.device)
    everywhere = torch.full_like(components, int(labels.bincount().argmax()))
    everywhere[core] = labels
    if points is None:
        return everywhere
    loose = torch.ones_like(components, dtype=torch.bool).index_fill_(0, core, False).nonzero()[:, 0]
    distances = distances_to_clusters(rows_of(points, loose), rows_of(points, core), labels, int(labels.max()) + 1)
    # of each component the point that is nearest to the others comes first
    order = distances.amin(1).argsort(stable=True)
    order = order[components[loose[order]].argsort(stable=True)]
    numbers, sizes = torch.unique_consecutive(components[loose[order]], return_counts=True)
    closest = order[torch.cat([sizes.new_zeros(1), sizes.cumsum(0)[:-1]])]
    chosen = torch.empty(int(components.max()) + 1, dtype=torch.int64, device=labels.device)
    chosen[numbers] = distances[closest].argmin(1)
    everywhere[loose] = chosen[components[loose]]
    return everywhere


def distances_to_clusters(queries: Tensor, points: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """Return how far each query is from the nearest point of each cluster, (query, cluster) float64; inf: it has none.

    Each cluster is searched by itself: of a search among all points, which of several that are equally far is found
    depends on where the others lie, and several processes have other points each.

    Args:
        queries: (query, dim).
        points: (point, dim).
        labels: (point,) int64.
        n_clusters: how many clusters there are.
    """
    distances = torch.full((len(queries), n_clusters), torch.inf, dtype=torch.float64, device=labels.device)
    members = torch.split(labels.argsort(stable=True), labels.bincount(minlength=n_clusters).tolist())
    for cluster, own in enumerate(members):
        if len(own):
            nearest = nearest_to(queries, rows_of(points, own), 1).distances[:, 0]
            distances[:, cluster] = nearest.double().to(labels.device)
    return distances


def loose_line(n: int, core: Tensor, components: Tensor, *, nearest: bool) -> str:
    """Return in words how many points lie in how many loose components, and what became of them.

    Args:
        n: how many points there are.
        core: by ``core_of``.
        components: (point,) int64.
        nearest: whether they have joined the nearest cluster; else the largest.
    """
    count = int(components.max()) + 1 - len(torch.unique(components.to(core.device)[core]))
    return loose_words(n - len(core), count, nearest=nearest)


def loose_words(points: int, count: int, *, nearest: bool) -> str:
    """Return in words what became of so many points in so many loose components."""
    many = f"{count:,} components are" if count > 1 else "1 component is"
    return (
        f"{many} too small for clusters ({points:,} points, each component below {LOOSE:.0%} of the mean volume "
        f"of a cluster) and joined the {'nearest' if nearest else 'largest'} cluster"
    )


def warn_of_pieces(count: int, n_clusters: int) -> None:
    """Warn of a graph that has more components than clusters, although none of them is loose.

    Warns:
        RuntimeWarning: with what would connect the graph.
    """
    if count > n_clusters:
        warnings.warn(
            f"the graph has fallen into {count:,} components, more than the {n_clusters} clusters: the largest are the "
            "clusters, and the others join them. More neighbours, a larger sigma or regularisation connect a graph",
            RuntimeWarning,
            stacklevel=3,
        )
