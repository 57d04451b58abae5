"""Tall blocks of vectors times small matrices: what a step of block conjugate gradients does beside its products.

``basis`` and ``image`` (point, column) hold the columns X, P and W side by side and L times them, of which the first
``used`` are in use; ``share`` says which points these are. Sums over the points of all processes are taken in its
order, so they have the same bits for any number of processes. Compiled, a step passes over the columns as often as it
must and no more; torch, whose products of so narrow matrices keep the processor waiting, passes in chunks of rows that
the cache holds.
"""

from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite_spectral.kernels import compiled_blocks
from suite_spectral.shares.share import Share, Sum, added_up

CHUNK = 8192
"""Points whose rows go through a step of torch together: few enough for the processor's cache."""

MOST_COLUMNS = 192
"""Of the basis, up to which the compiled form is taken: the more, the nearer torch's products come to its speed."""

TINY = torch.finfo(torch.float64).tiny
"""A vector of length 0 is divided by this."""

Starts = NDArray[np.int64]


def turned(
    basis: Tensor, image: Tensor, values: Tensor, used: int, turn: Tensor, share: Share
) -> tuple[Tensor, Tensor]:
    """Replace the columns in use by combinations; return X diag(values) - L X of the new ones, and its norms.

    Args:
        basis, image: (point, column) float64.
        values: (vector,), of the first combinations, which are X.
        used: columns in use.
        turn: (used, combination).
        share: which points are here; every process calls this at once.

    Returns:
        (point, vector), of the points here, and (vector,), over all points.
    """
    kernels = _kernels(basis)
    width = len(values)
    rest = basis.new_empty(len(basis), width)

    def compiled(starts: Starts) -> Tensor:
        assert kernels is not None
        parts = _array(basis), _array(image), used, _array(turn), _array(values), _array(rest), starts
        return torch.from_numpy(kernels.turned(*parts))

    def chunk(rows: slice) -> Tensor:
        for block in (basis, image):
            block[rows, : turn.shape[1]] = _aligned(block[rows, :used]) @ turn
        part = torch.addcmul(-image[rows, :width], basis[rows, :width], values)
        rest[rows] = part
        return part.square_().sum(dim=0)

    return rest, _total(share, basis, kernels, compiled, chunk).sqrt()


def added(basis: Tensor, used: int, block: Tensor, null: Tensor, share: Share) -> Tensor:
    """Put a block behind the columns in use, made orthogonal to them and to null, and of unit length; return it.

    Args:
        basis: (point, column) float64.
        used: columns in use.
        block: (point, vector) float32 or float64.
        null: (point,).
        share: which points are here; every process calls this at once.
    """
    kernels = _kernels(basis)
    inside = inner_products(basis, used, block, share)
    along = inner_products(null[:, None], 1, block, share)[0]
    found = basis.new_empty(block.shape)

    def compiled(starts: Starts) -> Tensor:
        assert kernels is not None
        parts = _array(basis), used, *(_array(part) for part in (block, null, inside, along, found)), starts
        return torch.from_numpy(kernels.orthogonal(*parts))

    def chunk(rows: slice) -> Tensor:
        part = torch.addmm(block[rows].double(), _aligned(basis[rows, :used]), inside, alpha=-1)
        found[rows] = part.addr_(null[rows], along, alpha=-1)
        return part.square_().sum(dim=0)

    found *= 1 / _total(share, basis, kernels, compiled, chunk).sqrt().clamp_min(TINY)
    basis[:, used : used + block.shape[1]] = found
    return found


def imaged(
    basis: Tensor, image: Tensor, used: int, block: Tensor, product: Tensor, share: Share
) -> tuple[Tensor, Tensor]:
    """Put L times a block beside it, from S times it; return the inner products of both with the whole basis.

    Args:
        basis, image: (point, column) float64.
        used: columns in use before the block.
        block: (point, vector), which ``added`` has returned.
        product: S times it.
        share: which points are here; every process calls this at once.

    Returns:
        (column, vector) each: of L times the block, and of the block.
    """
    kernels = _kernels(basis)
    every = used + block.shape[1]

    def compiled(starts: Starts) -> tuple[Tensor, ...]:
        assert kernels is not None
        parts = _array(basis), _array(image), used, _array(block), _array(product), starts
        return tuple(torch.from_numpy(part) for part in kernels.imaged(*parts))

    def chunk(rows: slice) -> tuple[Tensor, ...]:
        fresh = torch.sub(block[rows], product[rows])
        image[rows, used:every] = fresh
        part = _aligned(basis[rows, :every])
        return part.T @ fresh, part.T @ _aligned(block[rows])

    border, products = _total(share, basis, kernels, compiled, chunk)
    return border, products


def inner_products(basis: Tensor, used: int, block: Tensor, share: Share) -> Tensor:
    """Return those of the columns in use with a block's, (used, vector) float64; every process calls this at once.

    Args:
        basis: (point, column) float64.
        used: columns in use.
        block: (point, vector) float32 or float64.
        share: which points are here.
    """
    kernels = _kernels(basis)

    def compiled(starts: Starts) -> Tensor:
        assert kernels is not None
        return torch.from_numpy(kernels.inner_products(_array(basis), used, _array(block), starts))

    def chunk(rows: slice) -> Tensor:
        return _aligned(basis[rows, :used]).T @ _aligned(block[rows].double())

    return _total(share, basis, kernels, compiled, chunk)


def _total(
    share: Share,
    basis: Tensor,
    kernels: ModuleType | None,
    compiled: Callable[[Starts], Sum],
    chunk: Callable[[slice], Sum],
) -> Sum:
    """Return a sum over all points, in the fixed order on the CPU.

    Args:
        compiled: the sum over blocks, see ``Share.total_of_trees``.
        chunk: that over some rows in torch.
    """
    if kernels is not None:
        return share.total_of_trees(compiled)

    def of_rows(rows: slice) -> Sum:
        first, *others = _chunks(rows)
        total = chunk(first)
        for part in others:
            total = added_up(total, chunk(part))
        return total

    if basis.device.type == "cpu":
        return share.total(of_rows)
    return of_rows(slice(0, len(basis)))  # of a device, which has all points: the fewer parts the better


def _kernels(basis: Tensor) -> ModuleType | None:
    if basis.device.type != "cpu" or basis.dtype != torch.float64 or basis.shape[1] > MOST_COLUMNS:
        return None
    return compiled_blocks()


def _aligned(rows: Tensor) -> Tensor:
    """Return a copy: the last bits of a product by the processor's library depend on where in memory it begins."""
    return rows.clone(memory_format=torch.contiguous_format)


def _array(block: Tensor) -> np.ndarray:
    values: np.ndarray = block.detach().contiguous().numpy()
    return values


def _chunks(rows: slice) -> Iterator[slice]:
    for begin in range(rows.start, rows.stop, CHUNK):
        yield slice(begin, min(begin + CHUNK, rows.stop))
