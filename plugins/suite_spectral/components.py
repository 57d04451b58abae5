"""The connected components of a graph.

The multiplicity of the eigenvalue 0 of L is their number (von Luxburg, 2007, proposition 4). So where there are
several, the null space is known exactly, and nothing has to be found by iteration that a search of the edges tells.
"""

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from suite_spectral.graph import Graph, SparseGraph


def components(graph: Graph) -> Tensor:
    """The number of each point's component, (point,) int64 on the CPU; that with the most points is 0.

    Components of equal size keep the order of their first points. A graph that does not store its edges is taken for
    one: Gaussian weights are positive between all points. A cosine graph may fall apart, and then is not told so: its
    many texts without a word in common with others would else be the clusters.
    """
    if not isinstance(graph, SparseGraph):
        return torch.zeros(graph.n, dtype=torch.int64)
    count, found = connected_components(graph.scipy(), directed=False)
    if count == 1:
        return torch.zeros(graph.n, dtype=torch.int64)
    _, first = np.unique(found, return_index=True)
    sizes = np.bincount(found, minlength=count)
    order = np.lexsort((first, -sizes))  # by size, then by first point
    ranks = np.empty(count, dtype=np.int64)
    ranks[order] = np.arange(count)
    return torch.from_numpy(ranks[found])
