"""Loose ends: parts of a given graph so small that no cluster is meant, which hang on to the rest by one edge.

The normalised cut of two nodes that hang on by one edge is 1/3, less than that of a community of a real network. So
such an end may take the place of a cluster. Where one does, all of them are left out while the others are clustered,
and each joins the cluster of the node that it hangs on to. Which it is shows in either of two ways: afterwards, where a
cluster lies in the ends; or, without clusters of the whole graph, by the eigenvalues of the rest. The indicator of an
end has about its normalised cut as Rayleigh quotient, so that of k clusters one goes to the end, and not to the rest,
where that is below the k-th eigenvalue of the rest.

An edge that alone holds its two sides together is a bridge. It is an edge of every spanning tree, and the one edge
between the part of the tree below it and all else. Every edge has a random number, which is added at one of its nodes
and subtracted at the other: the sum over a part of the tree is that of the edges which leave it, and so the number of
the edge above it just where that is a bridge (but for one case in 2^64). The compiled form finds the same bridges by a
depth-first search.
"""

import warnings
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order
from torch import Tensor

from suite_spectral.clusters.loose_components import LOOSE
from suite_spectral.graphs.graph import SparseGraph
from suite_spectral.kernels import compiled_cuts

LIKELY = 0.1
"""Ends whose weight over their volume is below this may take a cluster, so that the others are solved before them. It
decides on time alone: what is above is found out afterwards."""

NONE = float(np.finfo(np.float64).max)
"""The least quotient of no ends."""


class Ends(NamedTuple):
    """The loose ends of a graph.

    Attributes:
        core: (point,) int64, the points that are in none, in rising order.
        hosts: (point,) int64, for each point of an end the one that the end hangs on to, for others the point itself.
        least: the least weight of the edge that holds an end over the end's volume.
    """

    core: Tensor
    hosts: Tensor
    least: float


def ends_of(graph: SparseGraph, degrees: Tensor, components: Tensor, n_clusters: int) -> Ends | None:
    """Return the loose ends of a graph; None where there are none, or fewer other points than clusters.

    Args:
        graph: the graph.
        degrees: (point,).
        components: (point,) int64, the component of each point.
        n_clusters: how many clusters there will be.

    Raises:
        OpsError: there is no compiled form, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    if n_clusters == 1:
        return None
    most = LOOSE * float(degrees.sum()) / n_clusters
    found, least = hosts_of(graph.scipy(), degrees.cpu().numpy(), components.cpu().numpy(), most)
    hosts = torch.from_numpy(found)
    core = (hosts == torch.arange(graph.n)).nonzero()[:, 0]
    if not n_clusters <= len(core) < graph.n:
        return None
    return Ends(core.to(degrees.device), hosts.to(degrees.device), least)


def ends_taken(graph: SparseGraph, degrees: Tensor, components: Tensor, labels: Tensor, n_clusters: int) -> Ends | None:
    """Return the loose ends of a graph if one of its clusters lies in them; else None.

    Args:
        graph, degrees, components, n_clusters: see `ends_of`.
        labels: (point,) int64, its clusters.
    """
    volume = torch.zeros(n_clusters, dtype=torch.float64, device=degrees.device).index_add_(0, labels, degrees.double())
    if not bool((volume < LOOSE * float(degrees.sum()) / n_clusters).any()):
        return None
    ends = ends_of(graph, degrees, components, n_clusters)
    if ends is None or bool((labels[ends.core].bincount(minlength=n_clusters) > 0).all()):
        return None
    return ends


def warn_of_ends(n: int, ends: Ends) -> None:
    """Warn of how many points hang on loosely.

    Warns:
        RuntimeWarning: with what became of them.
    """
    warnings.warn(
        f"{n - len(ends.core):,} points hang on to the others by one edge, in parts below {LOOSE:.0%} of the mean "
        "volume of a cluster, which would take a cluster: they were left out, and have joined what they hang on to",
        RuntimeWarning,
        stacklevel=3,
    )


def hosts_of(
    weights: scipy.sparse.csr_array, degrees: NDArray[np.float64], components: NDArray[np.int64], most: float
) -> tuple[NDArray[np.int64], float]:
    """Return the hosts as of `Ends`, of ends of less volume than ``most``, and the least quotient of them all.

    An end may lie in another, and both count for the quotient; it is ``NONE`` where there are no ends.
    """
    kernels = compiled_cuts()
    if kernels is None or weights.indices.dtype != np.int32:
        return hosts_reference(weights, degrees, components, most)
    edges = weights.indptr, weights.indices, weights.data
    hosts, least = kernels.ends(*edges, degrees, _tops(degrees, components), most)
    return hosts, least


def hosts_reference(
    weights: scipy.sparse.csr_array, degrees: NDArray[np.float64], components: NDArray[np.int64], most: float
) -> tuple[NDArray[np.int64], float]:
    """Return the same as `hosts_of`, in numpy."""
    n = len(degrees)
    # The node of most edges of each component is joined to one more node, the root: then there is one tree.
    tops = _tops(degrees, components)
    edges = scipy.sparse.triu(weights, 1).tocoo()
    ends = np.concatenate([edges.row, tops]), np.concatenate([edges.col, np.full(len(tops), n)])
    numbers = np.random.default_rng(0).integers(1, 2**63 - 1, len(ends[0]))
    signed = scipy.sparse.csr_array((numbers, ends), shape=(n + 1, n + 1))
    order, above = breadth_first_order(signed, n, directed=False)
    place = np.empty(n + 1, dtype=np.int64)
    place[order] = np.arange(n + 1)
    parents = np.concatenate([[0], place[above[order[1:]]]])  # by place, rising
    bounds = [0, 1]
    while bounds[-1] <= n:
        bounds.append(int(np.searchsorted(parents, bounds[-1])))
    levels = [slice(*pair) for pair in pairwise(bounds[1:])]  # without that of the root
    sums = (np.asarray(signed.sum(axis=1)) - np.asarray(signed.sum(axis=0)))[order]
    volumes = np.append(degrees, 0.0)[order]
    for level in reversed(levels):
        np.add.at(sums, parents[level], sums[level])
        np.add.at(volumes, parents[level], volumes[level])
    both = (signed - signed.T).tocsr()
    upward = np.zeros(n + 1, dtype=np.int64)
    upward[1:] = both[order[1:], above[order[1:]]]
    loose = (sums == upward) & (volumes < most) & (parents > 0)  # a whole component hangs on to nothing
    places = np.flatnonzero(loose)
    held = weights[order[places], above[order[places]]] / volumes[places] if len(places) else np.array([NONE])
    hosts = np.arange(n + 1)
    for level in levels:  # from the root: what hangs on an end hangs on its host
        higher = parents[level]
        inside = hosts[higher] != higher
        hosts[level] = np.where(inside, hosts[higher], np.where(loose[level], higher, hosts[level]))
    found = np.empty(n + 1, dtype=np.int64)
    found[order] = order[hosts]
    return found[:n], float(held.min())


def _tops(degrees: NDArray[np.float64], components: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the node of most edges of each component, (component,)."""
    ranked = np.lexsort((-degrees, components))
    tops: NDArray[np.int64] = ranked[np.flatnonzero(np.diff(components[ranked], prepend=-1))]
    return tops
