"""A test of saliency: what is taken away from jets first should be what tells them apart.

Of the splittings of each jet below the root the k % that a method calls most salient, by the size of the saliency, are
taken away, and the AUC is measured again. The faster it falls, the better the method; one that knows nothing is as good
as random splittings. There are two ways to take a splitting away, since neither is perfect:

``median``: the node's features become those of the median node of the training jets. Every node loses as much, its own
features and nothing else, but such trees are unlike any that the network has seen: parents are no longer the sums of
their children.

``branch``: the softer branch of the splitting is removed, as grooming does, and what is left is clustered again. These
are jets that could be. But a splitting near the root has more below it: a method that prefers such splittings removes
more of the jet, so that the share of the transverse momentum that is left stands beside every AUC.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.offsets import offsets_of
from lightning_suite.progress import progress
from suite_recnn import tagging
from suite_recnn.clustering import Trees
from suite_recnn.forests import Forest, build_trees
from suite_recnn.interpretation.attribution import Method
from suite_recnn.interpretation.node_gradients import recursive
from suite_recnn.interpretation.saliency import node_saliency
from suite_recnn.interpretation.subject import Subject
from suite_recnn.interpretation.trees import trees_of
from suite_recnn.jets import Jets, kinematics, owners_of
from suite_recnn.lund import lund_coordinates

Removal = Literal["median", "branch"]
METHODS: tuple[Method, ...] = ("relative", "gradient_input", "integrated")
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
"""Of the splittings of a jet, which are taken away."""
RANDOM, HARDEST = "random", "hardest"
"""What methods are compared with: splittings at random, and those of the highest kt, which ask no network."""


class Deleted(NamedTuple):
    """What is left of the network's power when a share of the splittings is taken away.

    Attributes:
        method: which chose them.
        share: of the splittings of each jet.
        auc: of the network.
        error: of the AUC, statistical; of random splittings the scatter over the repeats where that is more.
        momentum: the mean share of a jet's transverse momentum that is left.
    """

    method: str
    share: float
    auc: float
    error: float
    momentum: float


@final
@dataclass(frozen=True)
class Deletion:
    """How the AUC falls by each method.

    Attributes:
        removal: median or branch.
        whole: the AUC of the jets as they are.
        points: for every method and share.
    """

    removal: Removal
    whole: tagging.Estimate
    points: tuple[Deleted, ...]

    def methods(self) -> list[str]:
        """Return the methods, the best first: that with the lowest mean AUC over all shares."""
        return sorted({point.method for point in self.points}, key=self.mean_auc)

    def mean_auc(self, method: str) -> float:
        """Return the mean AUC of a method over all shares."""
        return float(np.mean([point.auc for point in self.points if point.method == method]))


def deletion(
    subject: Subject,
    *,
    removal: Removal = "median",
    methods: Sequence[Method] = METHODS,
    shares: Sequence[float] = SHARES,
    repeats: int = 3,
    seed: int = 0,
) -> Deletion:
    """Return how the AUC of a recursive network falls when the most salient splittings are taken away.

    Args:
        subject: with jets of both classes.
        removal: median, the features of the node; or branch, the softer branch.
        methods: measures of saliency; random splittings and those of the highest kt are measured beside them.
        shares: of the splittings of each jet.
        repeats: how often random splittings are drawn.
        seed: of the draws.

    Raises:
        UsageError: the network is not recursive, or distinguishes more than two classes.
        ValueError: all jets are of one class.
    """
    recursive(subject.tagger.network)
    if len(subject.classes) > 2:
        raise UsageError(f"--deletion measures an AUC, that of two classes; this run has {', '.join(subject.classes)}")
    subject = subject.take(subject.labels >= 0)
    trees = trees_of(subject)
    owners = owners_of(trees.offsets)
    candidates = trees.children[:, 0] >= 0
    candidates[trees.offsets[1:] - 1] = False
    orders: dict[str, list[NDArray[np.float64]]] = {m: [np.abs(node_saliency(subject, m))] for m in methods}
    orders[HARDEST] = [lund_coordinates(trees).kt]
    generator = np.random.default_rng(seed)
    orders[RANDOM] = [generator.random(len(owners)) for _ in range(repeats)]
    whole = tagging.auc(_logits(subject), subject.labels, subject.weights)
    points = []
    with progress("deleting splittings", len(shares) * sum(map(len, orders.values())), unit="curves") as advance:
        for method, draws in orders.items():
            for share in shares:
                estimates, left = [], []
                for order in draws:
                    chosen = highest(order, candidates, owners, share)
                    if removal == "median":
                        logits, momentum = _without_features(subject, chosen), 1.0
                    else:
                        logits, momentum = _without_branches(subject, trees, chosen)
                    estimates.append(tagging.auc(logits, subject.labels, subject.weights))
                    left.append(momentum)
                    advance()
                values = [estimate.value for estimate in estimates]
                scatter = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
                error = max(scatter, estimates[0].error)
                points.append(Deleted(method, share, float(np.mean(values)), error, float(np.mean(left))))
    return Deletion(removal, whole, tuple(points))


def highest(
    order: NDArray[np.float64], candidates: NDArray[np.bool_], owners: NDArray[np.int64], share: float
) -> NDArray[np.bool_]:
    """Return which nodes are a share of each jet's candidates, those of the highest values, rounded up: (node,).

    Example:
        >>> order, jets = np.array([0.1, 0.9, 0.5, 0.3]), np.array([0, 0, 0, 1])
        >>> highest(order, np.array([True, True, False, True]), jets, 0.5).tolist()
        [False, True, False, True]
    """
    rows = np.flatnonzero(candidates)
    rows = rows[np.lexsort((-np.nan_to_num(order[rows]), owners[rows]))]  # jet by jet, the highest first
    counts = np.bincount(owners[rows], minlength=int(owners.max(initial=-1)) + 1)
    rank = np.arange(len(rows)) - offsets_of(counts)[:-1][owners[rows]]
    chosen = np.zeros(len(owners), dtype=bool)
    chosen[rows[rank < np.ceil(share * counts)[owners[rows]]]] = True
    return chosen


def groomed(trees: Trees, cut: NDArray[np.bool_]) -> Jets:
    """Return the jets of trees without the softer branches of some splittings; one constituent of each always stays.

    Args:
        trees: of the jets.
        cut: (node,) the splittings.

    Example:
        >>> momenta = np.array([[3.0, 0, 0, 3], [1, 0, 0, 1], [4, 0, 0, 4]])
        >>> trees = Trees(momenta, np.array([[-1, -1], [-1, -1], [0, 1]], dtype=np.int32), np.array([0, 3]))
        >>> groomed(trees, np.array([False, False, True])).momenta.tolist()
        [[3.0, 0.0, 0.0, 3.0]]
    """
    owners = owners_of(trees.offsets)
    leaf = trees.children[:, 0] < 0
    below = trees.children + trees.offsets[:-1][owners][:, None]
    gone = np.zeros(len(leaf), dtype=bool)
    level = trees.offsets[1:] - 1
    while len(level := level[~leaf[level]]):  # once for each level of the deepest tree
        harder, softer = below[level].T
        gone[harder], gone[softer] = gone[level], gone[level] | cut[level]
        level = np.concatenate([harder, softer])
    kept = leaf & ~gone
    return Jets(trees.momenta[kept], offsets_of(np.bincount(owners[kept], minlength=len(trees.offsets) - 1)))


def _logits(subject: Subject) -> NDArray[np.float64]:
    """Return the logit of every jet: (jet,)."""
    with torch.no_grad():
        return np.concatenate([subject.tagger.network(batch).double().numpy() for batch in subject.batches()])


def _without_features(subject: Subject, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the logits where the features of some nodes, (node,), are those of the median node: (jet,)."""
    scaler = subject.tagger.network.scaler
    features = subject.forest.features.copy()
    features[chosen] = scaler.inverse(torch.zeros(features.shape[1])).numpy()
    return _logits(replace(subject, forest=Forest(features, subject.forest.children, subject.forest.offsets)))


def _without_branches(subject: Subject, trees: Trees, cut: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Return the logits without the softer branches of some splittings, (node,), and the share of pt that is left."""
    left = groomed(trees, cut)
    data = subject.data
    forest = build_trees(left, data.algorithm, data.preprocess, threads=os.cpu_count() or 1, features=data.features)
    momentum = kinematics(left.totals()).pt / kinematics(trees.momenta[trees.offsets[1:] - 1]).pt
    return _logits(replace(subject, jets=left, forest=forest)), float(np.mean(momentum))
