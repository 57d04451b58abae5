"""Clusters that are looked at again: all labels, their normalised cut, and the examples that are drawn."""

from typing import NamedTuple

import torch
from torch import Tensor

from lightning_suite.progress import progress
from suite_spectral.batches import Batch, Examples, Rows, Scaling, prepared
from suite_spectral.clusters.cuts import ncut
from suite_spectral.graphs.landmark_graph import share_graph
from suite_spectral.new_points.by_landmarks import ByLandmarks
from suite_spectral.new_points.fitted import Fitted
from suite_spectral.pictures.scatter import MOST_POINTS, spread
from suite_spectral.shares.share import Share


class Measured(NamedTuple):
    """Examples that were looked at, and their clusters.

    Attributes:
        content: of a batch: all examples, or those that are drawn.
        labels: (example,) int64, of all examples.
        numbers: (drawn,) int64, which examples the content is of; None: all.
        ncut: the normalised cut of the labels.
        classes: (example,) int64, of all examples, where they are known.
    """

    content: Tensor | list[str] | Rows
    labels: Tensor
    numbers: Tensor | None
    ncut: float
    classes: Tensor | None = None


def measured_again(examples: Examples, labels: Tensor, ncut: float) -> Measured:
    """Return the same of the clustered examples themselves, whose labels (example,) and cut are known."""
    drawn = spread(len(examples), MOST_POINTS)
    return Measured(examples.__getitems__(drawn.tolist()).content, labels, drawn, ncut)


def measured_in_shares(
    own: Batch, share: Share, scaling: Scaling | None, fitted: Fitted, fitted_cut: float | None
) -> Measured:
    """Return what is measured of points that several processes hold; every process calls this at once.

    Args:
        own: the examples here, their clusters as labels.
        share: which they are.
        scaling: of the points.
        fitted: the clusters, by landmarks.
        fitted_cut: the normalised cut of the clustered points, where it is known.
    """
    assert own.labels is not None and isinstance(own.content, Tensor) and isinstance(fitted.extension, ByLandmarks)
    points = own.content.to_dense()  # as they were clustered
    device, cut = points.device, fitted_cut
    labels = torch.from_numpy(share.joined_labels(own.labels.cpu().numpy())).to(fitted.labels.device)
    if cut is None or not torch.equal(labels, fitted.labels):
        with progress("normalised cut"):
            graph = share_graph(prepared(points, scaling, None), fitted.extension.weights, share)
            cut = ncut(graph, own.labels, fitted.n_clusters)
    drawn = spread(share.n, MOST_POINTS)
    here = drawn[(drawn >= share.rows.start) & (drawn < share.rows.stop)] - share.start
    shown = torch.from_numpy(share.joined(points[here.to(device)].cpu().numpy()))
    return Measured(shown.to(device), labels, drawn, cut)
