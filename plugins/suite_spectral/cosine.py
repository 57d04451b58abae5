"""The cosine graph of texts or other rows of non-negative features: W = X X', never formed.

With rows of unit length w_ij is the cosine of the angle between two rows (for texts, of their tf-idf). A product takes
X (X' B), so that the graph of all pairs costs no more than its features.
"""

from typing import final

import torch
from torch import Tensor

from lightning_suite.errors import DataError
from suite_spectral.graph import Graph


@final
class CosineGraph(Graph):
    """The cosine graph of rows of unit length, or of zeros.

    Args:
        features: (point, dim), dense or sparse_csr.

    Raises:
        DataError: a point's weights add up to less than 0: its features are not of one sign.
    """

    def __init__(self, features: Tensor) -> None:
        self.n = features.shape[0]
        self.device = features.device
        self.features = features.double()
        turned = self.features.transpose(0, 1)
        self._turned = turned.to_sparse_csr() if features.layout == torch.sparse_csr else turned
        self._single: tuple[Tensor, Tensor] | None = None
        low = self.degrees().min() if self.n else 0.0
        if low < -1e-9:
            raise DataError(
                f"the cosines of a point with all others add up to {float(low):.3g}: the cosine graph needs features "
                "of 0 or more, as tf-idf's are; take nearest_neighbors for others",
                "features",
            )

    def degrees(self) -> Tensor:
        return self.multiply(torch.ones(self.n, 1, dtype=torch.float64, device=self.device))[:, 0]

    def multiply(self, block: Tensor) -> Tensor:
        if block.dtype == torch.float64:
            return self.features @ (self._turned @ block)
        if self._single is None:
            self._single = (self.features.float(), self._turned.float())
        features, turned = self._single
        return features @ (turned @ block)
