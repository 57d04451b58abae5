"""Trees of jets in memory, as a data set for anyone's loader: ``DataLoader(trees, 64, collate_fn=trees.batch)``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from suite_recnn.clustering import Algorithm
from suite_recnn.forests import ForestData, NodeFeatures, build_trees
from suite_recnn.preprocessing import Preprocessing
from suite_recnn.sources.memory import jets_of


def jet_trees(
    jets: Any,
    labels: Sequence[int] | Any = None,
    *,
    classes: int = 2,
    algorithm: Algorithm = "cambridge-aachen",
    preprocess: Preprocessing = "center",
    features: NodeFeatures = "paper",
    threads: int = 1,
) -> ForestData:
    """Return the clustering trees of jets.

    Args:
        jets: in one of the forms of `suite_recnn.sources.memory`, in GeV; each with a constituent or more.
        labels: (jet,) 1 for signal and 0 for background, or the place of the class; None: to predict.
        classes: how many there are.
        algorithm: clusters the constituents.
        preprocess: none; center brings each jet to eta = phi = 0; recnn also aligns its subjets.
        features: of the nodes.
        threads: the number of threads; the trees do not depend on it.

    Raises:
        TypeError: the jets have none of these forms.
        DataError: a constituent cannot be a particle.
        ValueError: there are not as many labels as jets, or a jet without constituents has one.

    Example:
        >>> trees = jet_trees([[[250.0, 10, 40, 253.7], [90, -20, 5, 92.4]]], [1])
        >>> len(trees), trees.batch([0]).features.shape
        (1, torch.Size([3, 8]))
    """
    found, _ = jets_of(jets)
    forest = build_trees(found, algorithm, preprocess, threads, features)
    if labels is None:
        return ForestData(forest, np.arange(len(found)), None)
    numbers = np.asarray(labels)
    if numbers.shape != (len(found),):
        raise ValueError(f"expected a label for each of {len(found)} jets, got the shape {numbers.shape}")
    if not (found.counts() > 0).all():
        raise ValueError(f"jet {int(np.argmin(found.counts()))} has no constituents: it cannot be learnt from")
    every = np.arange(len(found))
    return ForestData(forest, every, numbers.astype(np.float32) if classes == 2 else numbers.astype(np.int64))
