"""From eigenvectors whose rows several processes hold to labels, component by component.

As ``suite_spectral.clusters.labelling`` for k-means, of vectors that lie in one component each.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.clusters.cuts import ncut
from suite_spectral.clusters.labelling import scaled_rows
from suite_spectral.clusters.loose_components import distances_to_clusters
from suite_spectral.eigen.spectrum import Spectrum
from suite_spectral.graphs.graph import Graph
from suite_spectral.settings import Settings
from suite_spectral.shares.kmeans import kmeans, largest_first, mean_rows
from suite_spectral.shares.share import Share

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def rows_for_kmeans(spectrum: Spectrum, root: Tensor, share: Share, settings: Settings, used: int) -> Floats:
    """Return the rows that k-means sees, (point, vector), those that are here."""
    rows = np.empty((len(share), used))
    for part in share.parts():  # block by block: no number depends on what else is here
        block = scaled_rows(spectrum.vectors[part, :used].double().cpu(), root[part].cpu(), settings.rows)
        rows[part] = block.numpy()
    return rows


def by_component(
    rows: Floats,
    spectrum: Spectrum,
    volume: Floats,
    n_clusters: int,
    *,
    share: Share,
    points: Tensor,
    settings: Settings,
    seed: int,
    graph: Graph | None = None,
) -> Integers:
    """Return the labels of the points here, (point,) int64; where there are enough, each component has its own.

    Args:
        rows: (point, vector), by ``rows_for_kmeans``, at least ``n_clusters`` vectors unless there are fewer.
        spectrum: each vector of which lies in one component.
        volume: (component,) of the components.
        n_clusters: how many clusters.
        share: which points are here.
        points: (point, dim), by which components that are too many find the nearest cluster.
        settings: how k-means begins.
        seed: of its starts.
        graph: whose normalised cut decides between starts that are about as good; None: their distances do.
    """
    components, count = spectrum.components.numpy(), len(volume)
    n_init = settings.n_init
    if count == 1:
        return kmeans(rows, share, n_clusters, n_init=n_init, seed=seed, cost=cut_by(graph, n_clusters))
    if count >= n_clusters:
        means = mean_rows(points.double().cpu().numpy(), components, share, count)
        ranked = np.argsort(-volume, kind="stable")
        cluster = np.empty(count, dtype=np.int64)
        cluster[ranked[:n_clusters]] = np.arange(n_clusters)
        for part in ranked[n_clusters:]:
            cluster[part] = np.square(means[ranked[:n_clusters]] - means[part]).sum(axis=1).argmin()
        return largest_first(cluster[components], share, n_clusters)
    labels, begun = np.empty(len(rows), dtype=np.int64), 0
    # The first of a component's vectors is constant in the scale of the random walk and tells k-means nothing.
    first = 1 if settings.rows == "random-walk" else 0
    for component, vectors in enumerate(_own_vectors(rows, components, count, n_clusters, share)):
        inside = np.flatnonzero(components == component)
        own = share.some(inside)
        labels[inside] = begun
        if len(vectors) > 1:
            cost = cut_by(graph, len(vectors), inside)
            kept = rows[inside][:, vectors[first:]]
            labels[inside] += kmeans(kept, own, len(vectors), n_init=n_init, seed=seed, cost=cost)
        begun += len(vectors)
    return largest_first(labels, share, n_clusters)


def cut_by(graph: Graph | None, n_clusters: int, inside: Integers | None = None) -> Callable[[Integers], float] | None:
    """Return a function from labels to their normalised cut; None without a graph. All processes call it at once.

    Args:
        graph: the rows here.
        n_clusters: how many clusters.
        inside: which points here have the labels, of a component without edges to the others; None: all.
    """
    if graph is None:
        return None

    def cost(labels: Integers) -> float:
        if inside is None:
            return ncut(graph, torch.from_numpy(labels), n_clusters)
        every = np.full(graph.n, n_clusters)
        every[inside] = labels
        return ncut(graph, torch.from_numpy(every), n_clusters + 1)

    return cost


def _own_vectors(rows: Floats, components: Integers, count: int, n_clusters: int, share: Share) -> list[Integers]:
    """Return which vectors are each component's own: its first, whatever its rank, and then those of least value."""

    def mass(part: slice) -> Floats:
        columns = [np.bincount(components[part], np.square(column[part]), count) for column in rows.T]
        return np.column_stack(columns)

    home = share.total(mass).argmax(axis=0)
    _, leaders = np.unique(home, return_index=True)
    others = np.setdiff1d(np.arange(len(home)), leaders)
    kept = np.sort(np.concatenate([leaders, others[: n_clusters - len(leaders)]]))
    return [kept[home[kept] == component] for component in range(count)]


def labels_with_loose(labels: Integers, core: Integers, components: Integers, points: Tensor, share: Share) -> Integers:
    """Return the labels of all points here, (point,): a loose component joins the cluster of the point next to it.

    The loose points, which are few, are told to every process, and each looks among its own for the nearest.

    Args:
        labels: (core,) of the points here in no loose component.
        core: (core,) which these are.
        components: (point,).
        points: (point, dim).
        share: which points are here.
    """
    loose = np.setdiff1d(np.arange(len(components)), core)
    queries = torch.from_numpy(share.joined(points[torch.from_numpy(loose)].cpu().numpy())).to(points)
    owners = share.joined(components[loose])
    n_clusters = max(share.group.gathered(int(labels.max(initial=-1)))) + 1
    own = distances_to_clusters(queries, points[torch.from_numpy(core)], torch.from_numpy(labels), n_clusters)
    distances = np.min(share.group.gathered(own.numpy()), axis=0)
    order = np.lexsort((distances.min(axis=1), owners))
    numbers, at = np.unique(owners[order], return_index=True)
    chosen = np.zeros(int(owners.max(initial=0)) + 1, dtype=np.int64)
    chosen[numbers] = distances[order[at]].argmin(axis=1)
    everywhere = np.empty(len(components), dtype=np.int64)
    everywhere[core], everywhere[loose] = labels, chosen[components[loose]]
    return everywhere
