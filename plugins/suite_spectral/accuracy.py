"""The accuracy of a clustering by the best matching of clusters and classes.

Clusters have no names, so each is matched with one class at most, and the other way round, such that as many points as
possible lie in the class of their cluster: an assignment problem (Kuhn, 1955), solved by scipy.
"""

from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


def contingency(labels: Tensor, classes: Tensor) -> NDArray[np.int64]:
    """Return how many points lie in each cluster and class, (cluster, class), from (point,) int64 numbers of both."""
    width = int(classes.max()) + 1 if len(classes) else 0
    height = int(labels.max()) + 1 if len(labels) else 0
    counts = torch.bincount(labels * width + classes, minlength=width * height)
    table: NDArray[np.int64] = counts.reshape(height, width).cpu().numpy()
    return table


def matched_accuracy(labels: Tensor, classes: Tensor) -> float:
    """Return the share of the points that lie in the class their cluster is matched with; NaN for no points.

    Args:
        labels: (point,) int64, clusters from 0.
        classes: (point,) int64, classes from 0; there may be more or fewer of them than clusters.
    """
    if not len(labels):
        return float("nan")
    counts = contingency(labels, classes)
    matched = counts[linear_sum_assignment(counts, maximize=True)]
    return float(matched.sum()) / len(labels)


@final
class MatchedAccuracy(Metric):
    """``matched_accuracy`` over all points it was updated with.

    Args:
        sync_on_compute: gather what the other processes were updated with before it computes.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    labels: list[Tensor]
    classes: list[Tensor]

    def __init__(self, *, sync_on_compute: bool = True) -> None:
        super().__init__(sync_on_compute=sync_on_compute)
        self.add_state("labels", default=[], dist_reduce_fx="cat")
        self.add_state("classes", default=[], dist_reduce_fx="cat")

    def update(self, preds: Tensor, target: Tensor) -> None:  # torchmetrics' own names
        """Add clusters and classes of some points, (batch,) int64."""
        self.labels.append(preds)
        self.classes.append(target)

    def compute(self) -> Tensor:
        """Return the accuracy, a scalar."""
        labels: Any = dim_zero_cat(self.labels)
        return torch.tensor(matched_accuracy(labels, dim_zero_cat(self.classes)), device=self.device)
