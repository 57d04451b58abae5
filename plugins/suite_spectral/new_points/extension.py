"""What a formula for the rows of new points offers."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from suite_spectral.settings import RowScaling


class Extension(ABC):
    """A formula for the rows of new points. A final class is a frozen dataclass of tensors and of its weights."""

    weights: Any

    @property
    @abstractmethod
    def dim(self) -> int:
        """How many columns new points have."""

    @abstractmethod
    def rows_and_votes(self, content: Tensor, rows: RowScaling) -> tuple[Tensor, Tensor]:
        """Return the rows (query, vector) of new points, and how much weight each cluster has (query, cluster).

        Args:
            content: (query, dim).
            rows: how the rows of the clustered points were scaled.
        """

    def content(self) -> Tensor | None:
        """Return what was clustered; None where it is not kept."""
        return None

    def embed(self, content: Tensor, rows: RowScaling) -> Tensor:
        """Return the rows of new points alone."""
        return self.rows_and_votes(content, rows)[0]

    @abstractmethod
    def find(self, content: Tensor, index: Tensor | None) -> Tensor:
        """Return which clustered point each row equals, (query,) int64; -1 where there is none or it is not known.

        Args:
            content: (query, dim).
            index: (query,) int64, the only point that each row may be; None: any.
        """
