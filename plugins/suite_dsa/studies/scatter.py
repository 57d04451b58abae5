"""How far the weight vectors of a head differ between sentences, where a static head has one vector for all."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Scatter(NamedTuple):
    """Three measures of the weight vectors of each head, all (head,).

    Attributes:
        spread: mean distance of a vector from the mean vector of its head, over the length of that mean; static: 0.
        alignment: length of the mean of the vectors, each scaled to length 1 (Mardia and Jupp, Directional Statistics,
            2000): 1 where all point the same way, as static ones do; 0 where they point in all directions alike.
        beside_heads: mean distance of a vector from the mean vector of its head, over the mean distance of that from
            the mean vectors of the other heads: above 1 where a head differs more between sentences than from other
            heads; nan for a single head.
    """

    spread: Tensor
    alignment: Tensor
    beside_heads: Tensor


def scatter(vectors: Tensor) -> Scatter:
    """Return how far weight vectors scatter, (sentence, head, head_dim).

    Example:
        >>> opposite = torch.tensor([[[3.0, 1.0]], [[3.0, -1.0]]])
        >>> spread, alignment, _ = scatter(opposite)
        >>> round(spread.item(), 3), round(alignment.item(), 3)
        (0.333, 0.949)
    """
    means = vectors.mean(dim=0)  # head head_dim
    distance = torch.linalg.vector_norm(vectors - means, dim=-1).mean(dim=0)
    heads = len(means)
    apart = torch.cdist(means, means).sum(dim=1) / (heads - 1) if heads > 1 else torch.full((1,), torch.nan)
    return Scatter(
        spread=distance / torch.linalg.vector_norm(means, dim=-1),
        alignment=torch.linalg.vector_norm(functional.normalize(vectors, dim=-1).mean(dim=0), dim=-1),
        beside_heads=distance / apart,
    )
