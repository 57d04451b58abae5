"""How the rows of the eigenvectors are scaled before they are clustered.

Each point is a row of the k eigenvectors; the rows are taken as they are (Khan, 2020), at unit length (Ng, Jordan and
Weiss, 2002) or divided by the root of the degree (Shi and Malik, 2000).
"""

import torch
from torch import Tensor

from lightning_suite.errors import UsageError
from suite_spectral.settings import RowScaling


def scaled_rows(vectors: Tensor, root: Tensor, rows: RowScaling) -> Tensor:
    """Return the rows that k-means sees, (point, vector).

    Args:
        vectors: (point, vector) eigenvectors of the normalised Laplacian.
        root: (point,) square roots of the degrees.
        rows: "plain" for U itself, "njw" for its rows at unit length, "random-walk" for D^-1/2 U. A row of zeros stays
            one, and a point without degree has a row of zeros.

    Raises:
        UsageError: rows is none of the three.
    """
    if rows == "plain":
        return vectors
    if rows == "njw":
        return vectors / _one_for_zero(vectors.norm(dim=1, keepdim=True))
    if rows == "random-walk":
        return vectors / _one_for_zero(root[:, None]) * (root[:, None] > 0)
    raise UsageError(f"rows {rows!r}: expected plain, njw or random-walk")


def _one_for_zero(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, 1)
