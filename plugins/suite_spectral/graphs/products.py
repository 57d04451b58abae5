"""A sparse matrix times a block of vectors: compiled where the block is wide, for there torch waits for memory.

The compiled one adds the entries of a row in their order and fuses no multiply-add. torch's did so too where they were
compared, to the last bit; which kernel its library takes depends on the machine.
"""

import torch
from torch import Tensor

from suite_spectral.kernels import compiled_products

WIDE = 32
"""Vectors from which on the compiled product is taken: below, torch's is as fast, and adds in another order."""


def sparse_product(matrix: Tensor, block: Tensor) -> Tensor:
    """Return a matrix (row, column) sparse_csr times vectors (column, vector) of its type.

    Example:
        >>> sparse_product(torch.eye(2).to_sparse_csr(), torch.tensor([[1.0], [2.0]])).tolist()
        [[1.0], [2.0]]
    """
    if not _is_compiled(matrix, block):
        return matrix @ block
    result = block.new_empty(matrix.shape[0], block.shape[1])
    _combine(matrix, block, result, 1, 0, 0)
    return result


def sparse_recurrence(matrix: Tensor, block: Tensor, before: Tensor, product: float, own: float, kept: float) -> Tensor:
    """Return product * matrix @ block + own * block + kept * before, in the place of ``before``.

    Args:
        matrix: (point, point) sparse_csr.
        block: (point, vector) of its type.
        before: (point, vector), another one.
        product, own, kept: how much of each.
    """
    if not _is_compiled(matrix, block):
        return before.mul_(kept).add_(block, alpha=own).add_(matrix @ block, alpha=product)
    _combine(matrix, block, before, product, own, kept)
    return before


def _is_compiled(matrix: Tensor, block: Tensor) -> bool:
    narrow = block.shape[1] < WIDE or matrix.shape[0] == 0
    if narrow or matrix.device.type != "cpu" or matrix.crow_indices().dtype != torch.int32:
        return False
    return compiled_products() is not None


def _combine(matrix: Tensor, block: Tensor, result: Tensor, product: float, own: float, kept: float) -> None:
    kernels = compiled_products()
    assert kernels is not None and result.is_contiguous()
    parts = (matrix.crow_indices(), matrix.col_indices(), matrix.values(), block.contiguous(), result)
    kernels.combine(*(part.detach().numpy() for part in parts), product, own, kept, torch.get_num_threads())
