"""A sparse matrix times a block of vectors: compiled on CPUs, in half of torch's time and less.

The compiled one adds the entries of a row in their order and fuses no multiply-add. torch's did so too where they were
compared, to the last bit; which kernel its library takes depends on the machine.

Of several processes each may hold some points. Then the columns of the matrix are points before its own, its own, and
points behind; ``block`` holds the own ones, and ``others`` those before and behind.
"""

from typing import Any

import torch
from torch import Tensor

from suite_spectral.kernels import compiled_products

WORTH_THREADS = 1_000_000
"""Multiplications below which one thread does a product alone."""


def sparse_product(matrix: Tensor, block: Tensor, others: Tensor | None = None, before: int = 0) -> Tensor:
    """Return a matrix (row, column) sparse_csr times vectors (column, vector) of its type.

    Args:
        matrix: (row, column) sparse_csr.
        block: (column, vector) of its type; with ``others``, of the columns from ``before`` on.
        others: (column, vector), of the columns before these and behind them; None: there are none.
        before: how many of the others come before.

    Example:
        >>> sparse_product(torch.eye(2).to_sparse_csr(), torch.tensor([[1.0], [2.0]])).tolist()
        [[1.0], [2.0]]
    """
    if not _is_compiled(matrix, block):
        return matrix @ joined(block, others, before)
    result = block.new_empty(matrix.shape[0], block.shape[1])
    _combine(matrix, block, result, 1, 0, 0, others, before)
    return result


def sparse_recurrence(
    matrix: Tensor,
    block: Tensor,
    last: Tensor,
    product: float,
    own: float,
    kept: float,
    others: Tensor | None = None,
    before: int = 0,
) -> Tensor:
    """Return product * matrix @ block + own * block + kept * last, in the place of ``last``.

    Args:
        matrix: (point, point) sparse_csr; where ``own`` is 0, (point, column).
        block: (point, vector) of its type.
        last: (point, vector), another one.
        product, own, kept: how much of each.
        others, before: as of ``sparse_product``.
    """
    if not _is_compiled(matrix, block):
        image = matrix @ joined(block, others, before)
        last.mul_(kept)
        return (last.add_(block, alpha=own) if own else last).add_(image, alpha=product)
    _combine(matrix, block, last, product, own, kept, others, before)
    return last


def sparse_smoothing(
    matrix: Tensor,
    step: Tensor,
    inverse: Tensor,
    rest: Tensor,
    total: Tensor,
    results: tuple[Tensor, Tensor, Tensor],
    again: float,
    fresh: float,
    others: Tensor | None = None,
    before: int = 0,
) -> None:
    """Put a step of a Chebyshev iteration into ``results``: what is left, the next step, and the sum of all.

    That is rest - matrix @ step; again * step + fresh * inverse * the first of them; and total + the second.

    Args:
        matrix: (point, point) sparse_csr float32.
        step: (point, vector) float32.
        inverse: (point, 1).
        rest: (point, vector), which may be the first of the results.
        total: (point, vector), which may be the third.
        results: (point, vector) each.
        again, fresh: how much of each.
        others, before: as of ``sparse_product``.
    """
    left, following, solution = results
    if not _is_compiled(matrix, step):
        torch.sub(rest, matrix @ joined(step, others, before), out=left)
        torch.mul(step, again, out=following).addcmul_(inverse, left, value=fresh)
        torch.add(total, following, out=solution)
        return
    kernels = compiled_products()
    assert kernels is not None
    shared = inverse, rest, total, left, following, solution
    assert all(part.is_contiguous() for part in shared)
    kernels.smooth(*_arrays(matrix, step, others), before, *map(_array, shared), again, fresh, _threads(matrix, step))


def joined(block: Tensor, others: Tensor | None, before: int) -> Tensor:
    """Return a block (point, ...) between the others, of which ``before`` come first; itself where there are none."""
    return block if others is None else torch.cat([others[:before], block, others[before:]])


def _is_compiled(matrix: Tensor, block: Tensor) -> bool:
    if block.shape[1] == 0 or matrix.shape[0] == 0:
        return False
    if matrix.device.type != "cpu" or matrix.crow_indices().dtype != torch.int32:
        return False
    return compiled_products() is not None


def _combine(
    matrix: Tensor,
    block: Tensor,
    result: Tensor,
    product: float,
    own: float,
    kept: float,
    others: Tensor | None,
    before: int,
) -> None:
    kernels = compiled_products()
    assert kernels is not None and result.is_contiguous()
    parts = _arrays(matrix, block, others)
    kernels.combine(*parts, before, _array(result), product, own, kept, _threads(matrix, block))


def _arrays(matrix: Tensor, block: Tensor, others: Tensor | None) -> list[Any]:
    others = block[:0] if others is None else others
    parts = matrix.crow_indices(), matrix.col_indices(), matrix.values(), block.contiguous(), others.contiguous()
    return [_array(part) for part in parts]


def _array(block: Tensor) -> Any:
    return block.detach().numpy()


def _threads(matrix: Tensor, block: Tensor) -> int:
    return torch.get_num_threads() if matrix.values().numel() * block.shape[1] >= WORTH_THREADS else 1
