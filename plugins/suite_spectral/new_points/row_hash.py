"""Which rows are equal, bit for bit: an integer for each row, and where it stands among others.

A point that was clustered keeps its label when it comes again, whatever the formula for new points would say.
"""

import torch
from torch import Tensor


def places_of(queries: Tensor, points: Tensor) -> Tensor:
    """Which point each query is, bit for bit, (query,) int64: the first of several, -1 for none."""
    places = found_among(codes_of(queries), codes_of(points))
    if not len(points):
        return places
    return torch.where((points[places] == queries).all(dim=1), places, -1)


def codes_of(rows: Tensor) -> Tensor:
    """An integer for each row, dense or sparse_csr: that of an equal row, in whatever company; others differ.

    Whole numbers are added, which gives the same in any order.
    """
    factors = torch.randint(1, 2**62, (rows.shape[1],), generator=torch.Generator().manual_seed(0)).to(rows.device)
    codes = torch.zeros(rows.shape[0], dtype=torch.int64, device=rows.device)
    if rows.layout != torch.strided:
        offsets, columns = rows.crow_indices().long(), rows.col_indices().long()
        owners = torch.repeat_interleave(torch.arange(len(codes), device=rows.device), offsets.diff())
        return codes.index_add_(0, owners, _mixed(rows.values()) * factors[columns])
    for column in range(rows.shape[1]):  # by columns, so that no second table as large as the rows is made
        codes += _mixed(rows[:, column]) * factors[column]
    return codes


def found_among(queries: Tensor, codes: Tensor) -> Tensor:
    """Where each number stands first among others, (query,) int64; -1 for nowhere."""
    if not len(codes) or not len(queries):
        return torch.full((len(queries),), -1, dtype=torch.int64, device=queries.device)
    ordered, order = codes.sort(stable=True)
    places = torch.searchsorted(ordered, queries).clamp_max(len(codes) - 1)
    return torch.where(ordered[places] == queries, order[places], -1)


def _mixed(values: Tensor) -> Tensor:
    """The bits of numbers as integers, so that a factor spreads the high ones too."""
    bits = (values + 0.0).contiguous()  # -0 is 0
    whole = bits.view(torch.int32 if bits.dtype == torch.float32 else torch.int64).long()
    return whole ^ (whole >> 29)
