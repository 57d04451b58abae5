"""Rows that are equal bit for bit, by an integer hash of each row.

A point that was clustered keeps its label when it comes again, whatever the formula for new points says.
"""

import torch
from torch import Tensor


def find_rows(queries: Tensor, points: Tensor) -> Tensor:
    """Return which point each query equals bit for bit, (query,) int64: the first of several, -1 where there is none.

    Example:
        >>> find_rows(torch.tensor([[3.0, 4.0], [5.0, 6.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [1, -1]
    """
    matches = first_match(row_hash(queries), row_hash(points))
    if not len(points):
        return matches
    return torch.where((points[matches] == queries).all(dim=1), matches, -1)


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
    for column in range(rows.shape[1]):  # by columns, so that no second table as large as the rows is made
        hashes += _mixed(rows[:, column]) * factors[column]
    return hashes


def first_match(queries: Tensor, numbers: Tensor) -> Tensor:
    """Return where each query stands first among some numbers, (query,) int64; -1 where it does not."""
    if not len(numbers) or not len(queries):
        return torch.full((len(queries),), -1, dtype=torch.int64, device=queries.device)
    ordered, order = numbers.sort(stable=True)
    matches = torch.searchsorted(ordered, queries).clamp_max(len(numbers) - 1)
    return torch.where(ordered[matches] == queries, order[matches], -1)


def _mixed(values: Tensor) -> Tensor:
    """Return the bits of numbers as integers, mixed so that a factor spreads the high bits too."""
    bits = (values + 0.0).contiguous()  # -0 is 0
    whole = bits.view(torch.int32 if bits.dtype == torch.float32 else torch.int64).long()
    return whole ^ (whole >> 29)
