"""Points that are equal have the same label, and there are no more clusters than points that differ."""

import warnings
from dataclasses import replace

import torch
from torch import Tensor

from suite_spectral.settings import Settings


def settings_for_distinct(settings: Settings, distinct: int, n: int, *, tells: bool = True) -> Settings:
    """Return the settings with no more clusters than there are points that differ.

    Args:
        settings: how the points are clustered.
        distinct: how many differ.
        n: how many there are.
        tells: whether it warns; of several processes one does.

    Warns:
        RuntimeWarning: fewer points differ than clusters were asked for.
    """
    wanted = settings.n_clusters
    if wanted is None or wanted <= distinct:
        return settings
    if tells:
        warnings.warn(
            f"only {distinct:,} of {n:,} points differ: n_clusters is {distinct} in place of {wanted}",
            RuntimeWarning,
            stacklevel=3,
        )
    return replace(settings, n_clusters=distinct)


def one_label(labels: Tensor, groups: Tensor, n_clusters: int) -> Tensor:
    """Return labels, (point,) int64, that are one for equal points: what most of them have, of equals the lowest.

    A cluster that would be left without points keeps those equal ones of which it has the most.

    Example:
        >>> one_label(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 1]), 2).tolist()
        [0, 0, 0, 1]

    Args:
        labels: (point,) int64.
        groups: (point,) int64, the group of equal points that each is in.
        n_clusters: how many clusters.
    """
    pairs, counts = torch.unique(groups * n_clusters + labels, return_counts=True)
    owners, chosen = pairs // n_clusters, pairs % n_clusters
    most = torch.zeros(int(groups.max()) + 1, dtype=torch.int64, device=labels.device)
    most.scatter_reduce_(0, owners, (counts + 1) * n_clusters - 1 - chosen, "amax")
    voted = n_clusters - 1 - most % n_clusters
    for lost in (voted.bincount(minlength=n_clusters) == 0).nonzero()[:, 0].tolist():
        voted[owners[(counts * (chosen == lost)).argmax()]] = lost
    return voted[groups]
