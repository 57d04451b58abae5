"""Sparse tensors in a state of dense ones: a checkpoint and a module's buffers hold no others.

A sparse_csr tensor ``points`` is stored as ``points_values``, ``points_columns``, ``points_offsets`` and
``points_width``.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

PARTS = ("_values", "_columns", "_offsets", "_width")


def without_sparse(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state whose sparse tensors are stored by their parts.

    Example:
        >>> sorted(without_sparse({"points": torch.eye(2).to_sparse_csr(), "scale": torch.ones(2)}))
        ['points_columns', 'points_offsets', 'points_values', 'points_width', 'scale']
    """
    dense: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.layout == torch.sparse_csr:
            parts = value.values(), value.col_indices(), value.crow_indices(), torch.tensor(value.shape[1])
            dense |= {name + part: held for part, held in zip(PARTS, parts, strict=True)}
        else:
            dense[name] = value
    return dense


def with_sparse(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state that ``without_sparse`` has stored."""
    whole = dict(state)
    for name in [key.removesuffix(PARTS[-1]) for key in state if key.endswith(PARTS[-1])]:
        values, columns, offsets, width = (whole.pop(name + part) for part in PARTS)
        size = (len(offsets) - 1, int(width))
        whole[name] = torch.sparse_csr_tensor(offsets, columns, values, size=size, check_invariants=False)
    return whole
