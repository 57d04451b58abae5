"""How alike embeddings are: all of one set with all of another, or one with its partner.

``cosine``       of the angle between them, which forgets how long they are
``dot``          product
``euclidean``, ``manhattan``    distance, negative, so that more is more alike
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Measure = Literal["cosine", "dot", "euclidean", "manhattan"]

Vectors = Tensor | NDArray[Any] | Sequence[Tensor] | Sequence[NDArray[Any]]
"""(vector, dim), or (dim,) for one vector."""

_NORM = {"euclidean": 2.0, "manhattan": 1.0}


def similarity(first: Vectors, second: Vectors, measure: Measure = "cosine") -> Tensor:
    """Return how alike each of the first vectors is to each of the second, (first, second).

    Raises:
        ValueError: the measure is unknown, or the vectors differ in their dims.

    Example:
        >>> similarity(torch.tensor([[3.0, 4.0], [0.0, 2.0]]), torch.tensor([0.0, 1.0])).tolist()
        [[0.800000011920929], [1.0]]
    """
    a, b = (vectors[None] if vectors.dim() == 1 else vectors for vectors in _pair(first, second, measure))
    if measure in _NORM:
        return -torch.cdist(a, b, p=_NORM[measure])
    return a @ b.T


def similarity_pairwise(first: Vectors, second: Vectors, measure: Measure = "cosine") -> Tensor:
    """Return how alike each of the first vectors is to the second vector of the same number, (vector,).

    Raises:
        ValueError: the measure is unknown, or the vectors differ in number or dims.

    Example:
        >>> similarity_pairwise(torch.eye(2), torch.ones(2, 2), "dot").tolist()
        [1.0, 1.0]
    """
    a, b = _pair(first, second, measure)
    if a.shape != b.shape:
        raise ValueError(f"similarity_pairwise: expected as many vectors, got {tuple(a.shape)} and {tuple(b.shape)}")
    if measure in _NORM:
        distance: Tensor = torch.linalg.vector_norm(a - b, ord=_NORM[measure], dim=-1)
        return -distance
    return (a * b).sum(dim=-1)


def _pair(first: Vectors, second: Vectors, measure: Measure) -> tuple[Tensor, Tensor]:
    """Return both as tensors of floats, of length 1 where only the angle counts."""
    if measure not in ("cosine", "dot", *_NORM):
        raise ValueError(f"similarity: expected cosine, dot, euclidean or manhattan, got {measure!r}")
    a, b = _tensor(first), _tensor(second)
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"similarity: expected vectors of the same dims, got {tuple(a.shape)} and {tuple(b.shape)}")
    b = b.to(a.device)
    return (functional.normalize(a, dim=-1), functional.normalize(b, dim=-1)) if measure == "cosine" else (a, b)


def _tensor(vectors: Vectors) -> Tensor:
    if not isinstance(vectors, Tensor):
        one_by_one = isinstance(vectors, Sequence) and len(vectors) > 0 and isinstance(vectors[0], Tensor)
        vectors = torch.stack(list(vectors)) if one_by_one else torch.as_tensor(np.asarray(vectors))  # type: ignore[arg-type]
    return vectors if vectors.is_floating_point() else vectors.float()
