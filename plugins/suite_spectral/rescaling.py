"""Features and pixels as their graphs want them; new ones are treated as the fitted ones were."""

import torch
from torch import Tensor


def unit_rows(features: Tensor) -> Tensor:
    """Rows divided by their lengths, dense or sparse_csr; rows of zeros stay."""
    if features.layout == torch.strided:
        lengths = features.norm(dim=1, keepdim=True)
        return features / torch.where(lengths > 0, lengths, 1)
    offsets, columns, values = features.crow_indices(), features.col_indices(), features.values()
    rows = torch.repeat_interleave(torch.arange(len(offsets) - 1, device=offsets.device), offsets.diff().long())
    squares = torch.zeros(len(offsets) - 1, dtype=values.dtype, device=values.device).index_add_(
        0, rows, values.square()
    )
    values = values / torch.where(squares > 0, squares, 1).sqrt()[rows]
    return torch.sparse_csr_tensor(offsets, columns, values, size=tuple(features.shape), check_invariants=False)


def scaled_pixels(pixels: Tensor, sigma_position: float, sigma_color: float) -> Tensor:
    """Pixels whose weight is exp(-|x - y|^2)."""
    pixels = pixels.double()
    return torch.cat([pixels[:, :2] / sigma_position, pixels[:, 2:] / sigma_color], dim=1)
