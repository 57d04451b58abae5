"""What labels new points: their rows in the eigenvectors, and the clusters that these are nearest to."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from suite_spectral.settings import RowScaling


def nearest_cluster(rows: Tensor, votes: Tensor, centroids: Tensor, groups: Tensor) -> Tensor:
    """Return the nearest centroid among those of the component that has most of the weight, (query,) int64.

    Args:
        rows: (query, vector).
        votes: (query, cluster) the share of each cluster in the weights.
        centroids: (cluster, vector).
        groups: (cluster,) int64, the component that each cluster lies in.
    """
    distances = torch.cdist(rows.double(), centroids.double(), compute_mode="donot_use_mm_for_euclid_dist")
    kinds, numbers = torch.unique(groups, return_inverse=True)
    if len(kinds) > 1:
        shares = torch.zeros(len(rows), len(kinds), dtype=votes.dtype, device=votes.device)
        shares.index_add_(1, numbers, votes)
        distances.masked_fill_(numbers != shares.argmax(dim=1)[:, None], torch.inf)
    return distances.argmin(dim=1)


def cluster_groups(labels: Tensor, components: Tensor, n_clusters: int) -> Tensor:
    """Return the component that most points of each cluster lie in, (cluster,) int64."""
    count = int(components.max()) + 1
    pairs, sizes = torch.unique(labels * count + components, return_counts=True)
    groups = torch.zeros(n_clusters, dtype=torch.int64, device=labels.device)
    for pair in pairs[sizes.argsort(stable=True)].tolist():  # the largest is written last
        groups[pair // count] = pair % count
    return groups


def around_threshold(entries: Tensor, labels: Tensor) -> Tensor:
    """Return two centroids, (cluster, 1), whose middle is the threshold between two clusters of numbers (point,)."""
    parts = [entries[labels == cluster] for cluster in (0, 1)]
    low, high = (0, 1) if parts[0].mean() <= parts[1].mean() else (1, 0)
    threshold = (parts[low].max() + parts[high].min()) / 2
    reach = torch.empty(2, 1, dtype=entries.dtype, device=entries.device)
    reach[low], reach[high] = -1, 1
    return threshold + reach * (entries.max() - entries.min())


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
