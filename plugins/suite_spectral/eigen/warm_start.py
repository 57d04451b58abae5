"""Eigenvectors of an earlier graph as a start for those of a graph that has changed a little.

What a graph and a slightly larger one have in common is not u, whose entries grow with the root of the degree, but the
functions f = D^-1/2 u on their points. The start is the best in the span of the earlier functions and of the start that
would be taken without them (Rayleigh and Ritz), so it is no worse where the earlier ones are of no use.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from suite_spectral.eigen.lobpcg import lowest
from suite_spectral.shares.share import Share

NOTHING = 1e-6
"""A column that is shorter than this part of the longest says nothing about a component."""


def best_start(
    similarity: Callable[[Tensor], Tensor], block: Tensor, null: Tensor, width: int, share: Share | None = None
) -> Tensor:
    """Return the best vectors in the span of a block, (point, width) float64: those of the smallest x' L x.

    Args:
        similarity: S times a block, (point, vector) float64; L = I - S.
        block: (point, vector), at least as many as are wanted.
        null: (point,), of unit length, to which they are orthogonal.
        width: how many.
        share: which points are here; None: all. Every process calls this at once.
    """
    share = Share.alone(len(block)) if share is None else share
    lengths = share.total(lambda part: block[part].square().sum(dim=0)).sqrt()
    block = block[:, lengths > NOTHING * lengths.max()]
    pairs = lowest(
        similarity, block, null, 1, precondition=lambda residual: residual, tolerance=1.0, limit=0, share=share
    )
    return pairs.vectors[:, :width].contiguous()


def functions_of(vectors: Tensor, root: Tensor) -> Tensor:
    """Return f = D^-1/2 u, (point, vector) float32; 0 for a point without edges.

    Args:
        vectors: (point, vector) eigenvectors u.
        root: (point,) square roots of the degrees.
    """
    return (vectors * torch.where(root > 0, 1 / root, 0.0).to(vectors.device)[:, None]).float()


def extended(functions: Tensor, weights: Tensor, places: Tensor | None = None) -> Tensor:
    """Return f of more points, of which some had them: a new point's is the mean over its neighbours among these.

    Example:
        >>> edges = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 3.0], [1.0, 3.0, 0.0]])
        >>> extended(torch.tensor([[4.0], [8.0]]), edges.to_sparse_csr()).tolist()
        [[4.0], [8.0], [7.0]]

    Args:
        functions: (old, vector).
        weights: (point, point) sparse_csr or dense, of old and new points.
        places: (old,) int64, which of the points the old ones are; None: the first.
    """
    n = weights.shape[0]
    places = torch.arange(len(functions)) if places is None else places
    places = places.to(weights.device)
    known = torch.zeros(n, functions.shape[1] + 1, dtype=weights.dtype, device=weights.device)
    known[places, :-1], known[places, -1] = functions.to(known), 1
    sums = weights @ known
    means = sums[:, :-1] / torch.where(sums[:, -1:] > 0, sums[:, -1:], 1.0)
    return torch.where(known[:, -1:] > 0, known[:, :-1], means).to(functions.dtype)
