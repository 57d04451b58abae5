"""Tall blocks of vectors times small matrices: what a step of block conjugate gradients does beside its products.

``basis`` and ``image`` (point, column) hold the columns X, P and W side by side and L times them, of which the first
``used`` are in use. Compiled, a step passes over them as often as it must and no more; torch, whose products of so
narrow matrices keep the processor waiting, passes in chunks of rows that the cache holds.
"""

from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from suite_spectral.kernels import compiled_blocks

CHUNK = 8192
"""Points whose rows go through a step of torch together: few enough for the processor's cache."""

MOST_COLUMNS = 192
"""Of the basis, up to which the compiled form is taken: the more, the nearer torch's products come to its speed."""

TINY = torch.finfo(torch.float64).tiny
"""A vector of length 0 is divided by this."""


def turned(basis: Tensor, image: Tensor, values: Tensor, used: int, turn: Tensor) -> tuple[Tensor, Tensor]:
    """Replace the columns in use by combinations; return X diag(values) - L X of the new ones, and its norms.

    Args:
        basis, image: (point, column) float64.
        values: (vector,), of the first combinations, which are X.
        used: columns in use.
        turn: (used, combination).
    """
    if (kernels := _kernels(basis)) is not None:
        arrays = (_array(each) for each in (turn, values))
        residual, squares = kernels.turned(_array(basis), _array(image), used, *arrays)
        return torch.from_numpy(residual), torch.from_numpy(squares).sqrt()
    width = len(values)
    rest = basis.new_empty(len(basis), width)
    total = torch.zeros_like(values)
    for rows in _chunks(basis):
        for block in (basis, image):
            block[rows, : turn.shape[1]] = block[rows, :used] @ turn
        part = torch.addcmul(-image[rows, :width], basis[rows, :width], values, out=rest[rows])
        total += part.square().sum(dim=0)
    return rest, total.sqrt()


def added(basis: Tensor, used: int, block: Tensor, null: Tensor) -> Tensor:
    """Put a block behind the columns in use, made orthogonal to them and to null, and of unit length; return it.

    Args:
        basis: (point, column) float64.
        used: columns in use.
        block: (point, vector) float32 or float64.
        null: (point,).
    """
    if (kernels := _kernels(basis)) is not None:
        return torch.from_numpy(kernels.added(_array(basis), used, _array(block), _array(null)))
    inside = basis.new_zeros(used, block.shape[1])
    along = basis.new_zeros(block.shape[1])
    for rows in _chunks(basis):
        part = block[rows].double()
        inside.addmm_(basis[rows, :used].T, part)
        along.addmv_(part.T, null[rows])
    orthogonal = basis.new_empty(block.shape)
    squares = torch.zeros_like(along)
    for rows in _chunks(basis):
        part = torch.addmm(block[rows].double(), basis[rows, :used], inside, alpha=-1, out=orthogonal[rows])
        squares += part.addr_(null[rows], along, alpha=-1).square().sum(dim=0)
    lengths = squares.sqrt().clamp_min(TINY)
    for rows in _chunks(basis):
        basis[rows, used : used + block.shape[1]] = orthogonal[rows].div_(lengths)
    return orthogonal


def imaged(basis: Tensor, image: Tensor, used: int, block: Tensor, product: Tensor) -> tuple[Tensor, Tensor]:
    """Put L times a block beside it, from S times it; return the inner products of both with the whole basis.

    Args:
        basis, image: (point, column) float64.
        used: columns in use before the block.
        block: (point, vector), which ``added`` has returned.
        product: S times it.

    Returns:
        (column, vector) each: of L times the block, and of the block.
    """
    if (kernels := _kernels(basis)) is not None:
        arrays = (_array(each) for each in (block, product))
        border, products = kernels.imaged(_array(basis), _array(image), used, *arrays)
        return torch.from_numpy(border), torch.from_numpy(products)
    every = used + block.shape[1]
    border, products = basis.new_zeros(2, every, block.shape[1])
    for rows in _chunks(basis):
        fresh = torch.sub(block[rows], product[rows])
        image[rows, used:every] = fresh
        border.addmm_(basis[rows, :every].T, fresh)
        products.addmm_(basis[rows, :every].T, block[rows])
    return border, products


def _kernels(basis: Tensor) -> ModuleType | None:
    if basis.device.type != "cpu" or basis.dtype != torch.float64 or basis.shape[1] > MOST_COLUMNS:
        return None
    return compiled_blocks()


def _array(block: Tensor) -> np.ndarray:
    values: np.ndarray = block.detach().contiguous().numpy()
    return values


def _chunks(block: Tensor) -> list[slice]:
    return [slice(begin, begin + CHUNK) for begin in range(0, len(block), CHUNK)]
