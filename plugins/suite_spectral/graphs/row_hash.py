"""Rows that are equal bit for bit, by an integer hash of each row.

A point that was clustered keeps its label when it comes again, whatever the formula for new points says.
"""

from typing import final

import numpy as np
import torch
from torch import Tensor

from suite_spectral.shares.share import Share

BLOCK = 2**18
"""Numbers of dense rows that are hashed at a time."""


def find_rows(queries: Tensor, points: Tensor) -> Tensor:
    """Return which point each query equals bit for bit, (query,) int64: the first of several, -1 where there is none.

    Example:
        >>> find_rows(torch.tensor([[3.0, 4.0], [5.0, 6.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [1, -1]
    """
    return RowTable(points).find(queries)


def row_hash(rows: Tensor) -> Tensor:
    """Return an integer for each row, dense or sparse_csr, (row,) int64, by which equal rows are known.

    Whole numbers are added, whose sum is the same in any order: a row has its hash whatever the other rows are.
    """
    factors = torch.randint(1, 2**62, (rows.shape[1],), generator=torch.Generator().manual_seed(0)).to(rows.device)
    hashes = torch.zeros(rows.shape[0], dtype=torch.int64, device=rows.device)
    if rows.layout != torch.strided:
        offsets, columns = rows.crow_indices().long(), rows.col_indices().long()
        owners = torch.repeat_interleave(torch.arange(len(hashes), device=rows.device), offsets.diff())
        return hashes.index_add_(0, owners, _mixed(rows.values()) * factors[columns])
    step = max(1, BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(hashes), step):  # so that no second table as large as the rows is made
        part = slice(start, start + step)
        hashes[part] = (_mixed(rows[part]) * factors).sum(dim=1)
    return hashes


def equal_rows(rows: Tensor) -> Tensor | None:
    """Return the number of each row's group of equal rows, dense or sparse_csr, (row,) int64; None where all differ.

    Example:
        >>> equal_rows(torch.tensor([[1.0], [2.0], [1.0]])).tolist()
        [0, 1, 0]
    """
    hashes = row_hash(rows)
    ordered = hashes.sort().values
    if not bool((ordered[1:] == ordered[:-1]).any()):  # which is soon known
        return None
    _, groups = torch.unique(hashes, return_inverse=True)
    count = int(groups.max()) + 1
    first = torch.full((count,), len(groups), dtype=torch.int64, device=groups.device)
    first.scatter_reduce_(0, groups, torch.arange(len(groups), device=groups.device), "amin")
    return first.argsort().argsort()[groups]


def distinct_rows(rows: Tensor, share: Share, enough: int) -> int:
    """Return how many rows of all processes differ, but not more than ``enough``; every process calls this at once.

    Example:
        >>> distinct_rows(torch.tensor([[1.0], [2.0], [1.0]]), Share.alone(3), 9)
        2
    """
    own = torch.unique(row_hash(rows)).cpu().numpy()
    if max(share.group.gathered(len(own))) >= enough:
        return enough
    return min(enough, len(np.unique(share.joined(own))))


def first_match(queries: Tensor, numbers: Tensor) -> Tensor:
    """Return where each query stands first among some numbers, (query,) int64; -1 where it does not."""
    return NumberTable(numbers).find(queries)


def _mixed(values: Tensor) -> Tensor:
    """Return the bits of numbers as integers, mixed so that a factor spreads the high bits too."""
    bits = (values + 0.0).contiguous()  # -0 is 0
    whole = bits.view(torch.int32 if bits.dtype == torch.float32 else torch.int64).long()
    return whole ^ (whole >> 29)


@final
class NumberTable:
    """Whole numbers (number,) int64 among which others are looked up, batch after batch: they are sorted once."""

    def __init__(self, numbers: Tensor) -> None:
        self._ordered, self._order = numbers.sort(stable=True)

    def find(self, queries: Tensor) -> Tensor:
        """Return where each query stands first, (query,) int64; -1 where it does not."""
        if not len(self._ordered) or not len(queries):
            return torch.full((len(queries),), -1, dtype=torch.int64, device=queries.device)
        matches = torch.searchsorted(self._ordered, queries).clamp_max(len(self._ordered) - 1)
        return torch.where(self._ordered[matches] == queries, self._order[matches], -1)


@final
class RowTable:
    """Points (point, dim), dense or sparse_csr, among which rows are looked up, batch after batch: hashed once."""

    def __init__(self, points: Tensor) -> None:
        self._points, self._hashes = points, NumberTable(row_hash(points))

    def find(self, queries: Tensor) -> Tensor:
        """Return which point each query equals bit for bit, as ``find_rows`` does; of sparse ones by the hash alone."""
        matches = self._hashes.find(row_hash(queries))
        if not len(self._points) or self._points.layout != torch.strided:
            return matches
        return torch.where((self._points[matches] == queries).all(dim=1), matches, -1)
