"""Jets as the networks read them: clustering trees packed end to end, features of their nodes, and batches of them.

The features of a leaf are those of its constituent, the features of an inner node those of the sum of the constituents
below it: the seven of the paper (section 1), and the mass, which networks see with ``mass=True``; with
``features="lund"`` the splitting at an inner node as well (`suite_recnn.lund`). All are computed in float64 from
four-momenta and stored in float32, where p and E no longer determine the mass.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lightning_suite.offsets import offsets_of, select
from lightning_suite.progress import track
from suite_recnn.clustering import Algorithm, Trees, cluster
from suite_recnn.jets import Jets, kinematics, owners_of
from suite_recnn.lund import lund_features
from suite_recnn.preprocessing import Preprocessing, preprocess

NodeFeatures = Literal["paper", "lund"]
FEATURES = ("p", "eta", "phi", "E", "E/E_jet", "pt", "theta", "log_mass")
"""Of every node; with ``features="lund"`` `LUND_FEATURES` follow."""
MASS_MIN = 0.1
"""GeV, added to a mass before its logarithm is taken: photons have no mass."""
ETA_MAX = 10.0
"""Bound of the pseudorapidity, beyond every detector: that of a momentum along the beam is infinite."""
BLOCK = 10_000
"""Jets that are clustered at once: a second's work on one thread, with subjets."""


class JetBatch(NamedTuple):
    """A batch of jets as the networks read them.

    Attributes:
        features: (node, 8) of all trees end to end, in the order of `FEATURES`, or (node, 13) with `LUND_FEATURES`
            after them, unscaled; each tree begins with its constituents, the hardest first.
        children: (node, 2) rows of left and right child, the harder one left; -1 and -1 at a constituent.
        offsets: (jet + 1,) where each tree begins; its root is its last node.
        labels: (jet,) float, 1 for signal and 0 for background; of more than two classes long, the place of the class
            in ``JetData.classes``; None where they are not known.
        columns: (jet,) values by name that predictions repeat; None for training and testing.
        weights: (jet,) float32, how much each jet counts in loss and metrics, 1 on average over a class, and negative
            where the file's are; None: all alike.
    """

    features: Tensor
    children: Tensor
    offsets: Tensor
    labels: Tensor | None
    columns: dict[str, Tensor] | None = None
    weights: Tensor | None = None

    def roots(self) -> Tensor:
        """Return the rows of the roots: (jet,)."""
        return self.offsets[1:] - 1

    def leaf_counts(self) -> Tensor:
        """Return the number of constituents of each jet, the n leaves of a tree's 2 n - 1 nodes: (jet,)."""
        return (self.offsets.diff() + 1) // 2


class TreesOfJets(Protocol):
    """Trees of many jets, in memory (a `Forest`) or on disk (``suite_recnn.stored_forest``)."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each tree begins among all nodes: (jet + 1,)."""

    def __len__(self) -> int: ...

    def select(self, jets: NDArray[np.int64]) -> "Forest":
        """Return the trees of these numbers."""

    def ends(self, jets: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Return the ends of these trees."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees of many jets, from which batches are selected.

    Attributes:
        features: (node, 8) or (node, 13) float32, as in a `JetBatch`.
        children: (node, 2) int32, numbers of nodes within the tree.
        offsets: (jet + 1,) int64.
    """

    features: NDArray[np.float32]
    children: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def select(self, jets: NDArray[np.int64]) -> "Forest":
        """Return the trees of these numbers, in this order and also repeated."""
        rows, offsets = select(self.offsets, jets)
        return Forest(self.features[rows], self.children[rows], offsets)

    def ends(self, jets: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Return features of the hardest constituent, and features and children of the root, (jet, ...) each."""
        first, root = self.offsets[jets], self.offsets[jets + 1] - 1
        return [self.features[first], self.features[root], self.children[root]]

    @property
    def nbytes(self) -> int:
        """The size of the trees in bytes."""
        return self.features.nbytes + self.children.nbytes + self.offsets.nbytes


class ForestData(Dataset[int]):
    """A data set of chosen trees of a forest; an item is its own index, and ``batch`` collates a list of them.

    Args:
        forest: the trees.
        chosen: (jet,) the numbers of the trees, in the order of the data set.
        labels: (jet,) of the chosen trees, as in a `JetBatch`; None where they are not known.
        columns: (jet,) values by name, of the chosen trees, that predictions repeat.
        weights: (jet,) of the chosen trees; None: all alike.
    """

    def __init__(
        self,
        forest: TreesOfJets,
        chosen: NDArray[np.int64],
        labels: NDArray[np.float32] | NDArray[np.int64] | None,
        columns: dict[str, Tensor] | None = None,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        self.forest = forest
        self.chosen = chosen
        self.labels = labels
        self.columns = columns
        self.weights = weights

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> int:
        return index

    def fingerprints(self) -> tuple[str, str]:
        """Return a checksum of the chosen jets, their labels, weights, sizes and trees; and that of release 0.1.

        The first is the same on every processor: of the features of hardest constituents and roots it has p and E
        alone, to five digits. The second has the last bits of all: those of logarithms and angles, of a photon's mass
        above all, are of the processor's own functions.
        """
        assert self.labels is not None
        told, weights = [self.chosen, self.labels], [] if self.weights is None else [self.weights]
        first, root, children = self.forest.ends(self.chosen)
        digits = [_five_digits(ends[:, [FEATURES.index("p"), FEATURES.index("E")]]) for ends in (first, root)]
        sizes = np.diff(self.forest.offsets)[self.chosen]
        now = _checksum([*told, *weights, sizes, *digits, children])
        return f"jets:{now}", f"crc32:{_checksum([*told, first, root, children, *weights])}"

    def batch(self, indices: Sequence[int]) -> JetBatch:
        """Return the batch of the jets with these indices."""
        jets = np.asarray(indices)
        trees = self.forest.select(self.chosen[jets])
        children = trees.children.astype(np.int64)
        children += np.where(children >= 0, trees.offsets[:-1][owners_of(trees.offsets)][:, None], 0)
        labels = None if self.labels is None else torch.from_numpy(self.labels[jets])
        columns = None if self.columns is None else {name: values[jets] for name, values in self.columns.items()}
        weights = None if self.weights is None else torch.from_numpy(self.weights[jets])
        return JetBatch(
            torch.from_numpy(trees.features),
            torch.from_numpy(children),
            torch.from_numpy(trees.offsets),
            labels,
            columns,
            weights,
        )


def _checksum(arrays: Sequence[NDArray[Any]]) -> str:
    return f"{reduce(lambda digest, values: zlib.crc32(values.tobytes(), digest), arrays, 0):08x}"


def _five_digits(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return numbers that are equal where values differ by rounding alone: the upper 24 of the 32 bits, rounded."""
    return (np.ascontiguousarray(values).view(np.int32) + 128) >> 8


def of_each_jet(compute: Callable[[JetBatch], Tensor], batch: JetBatch) -> Tensor:
    """Return what a function computes for each jet of a batch, nan for a jet without constituents: (jet, ...).

    A jet without constituents has no node, so that the others are a batch with the same nodes.
    """
    filled = batch.offsets.diff() > 0
    if filled.all():
        return compute(batch)
    if filled.any():
        values = compute(batch._replace(offsets=torch.cat([batch.offsets[:1], batch.offsets[1:][filled]])))
    else:  # an LSTM refuses a batch of nothing: one particle at rest says which shape a row has
        features, child = batch.features.new_zeros(1, batch.features.shape[1]), batch.children.new_full((1, 2), -1)
        values = compute(JetBatch(features, child, batch.offsets.new_tensor([0, 1]), None))[:0]
    rows = values.new_full((len(filled), *values.shape[1:]), torch.nan)
    rows[filled] = values
    return rows


def features_of(trees: Trees, kind: NodeFeatures = "paper") -> NDArray[np.float32]:
    """Return the features of every node, (node, 8), or (node, 13) of the kind ``lund``.

    p, E, pt and kt are in GeV, angles in radians; E_jet is the root's energy.
    """
    momenta = trees.momenta
    pt, eta, phi, mass = kinematics(momenta)
    energy = momenta[:, 3]
    jet_energy = energy[trees.offsets[1:] - 1][owners_of(trees.offsets)]
    eta = np.clip(eta, -ETA_MAX, ETA_MAX)
    theta = 2.0 * np.arctan(np.exp(-eta))
    p = np.sqrt(pt * pt + momenta[:, 2] ** 2)
    features = [p, eta, phi, energy, energy / jet_energy, pt, theta, np.log(mass + MASS_MIN)]
    features += [*lund_features(trees).T] if kind == "lund" else []
    return np.stack(features, axis=1).astype(np.float32)


def build_trees(
    jets: Jets,
    algorithm: Algorithm,
    preprocessing: Preprocessing,
    threads: int = 1,
    features: NodeFeatures = "paper",
    first: int = 0,
) -> Forest:
    """Preprocess jets, cluster them and compute the features of all nodes, BLOCK jets at a time.

    Args:
        jets: to cluster; the tree of a jet without constituents has no node.
        algorithm: of the clustering.
        preprocessing: none, center or recnn.
        threads: the number of threads; the trees do not depend on it.
        features: paper, or lund for those of the splittings as well.
        first: the number of the first jet in its file, on which random trees depend.

    Raises:
        UsageError: there is no such preprocessing.
        ValueError: there is no such algorithm, or a momentum is not finite.
        OpsError: the clustering was not compiled, and LIGHTNING_SUITE_REQUIRE_OPS is 1.

    Example:
        >>> jets = Jets(np.array([[3.0, 0, 4, 5], [1, 0, 0, 1]]), np.array([0, 2]))
        >>> forest = build_trees(jets, "cambridge-aachen", "none")
        >>> forest.children.tolist()
        [[-1, -1], [-1, -1], [0, 1]]
        >>> forest.features[:, 3].tolist()  # energies: two leaves and their sum
        [5.0, 1.0, 6.0]
    """
    parts = []
    for begin in track(range(0, max(1, len(jets)), BLOCK), "clustering jets"):
        block = jets.take(np.arange(begin, min(begin + BLOCK, len(jets))))
        filled = block.counts() > 0
        turned = preprocess(block if filled.all() else block.take(filled), preprocessing)
        trees = cluster(turned.momenta, turned.offsets, algorithm, seed=first + begin, threads=threads)
        nodes = np.zeros(len(block), dtype=np.int64)
        nodes[filled] = np.diff(trees.offsets)
        parts.append(Forest(features_of(trees, features), trees.children, offsets_of(nodes)))
    return join(parts)


def join(forests: Sequence[Forest]) -> Forest:
    """Return one forest with the trees of several, in their order."""
    if len(forests) == 1:
        return forests[0]
    return Forest(
        np.concatenate([forest.features for forest in forests]),
        np.concatenate([forest.children for forest in forests]),
        offsets_of(np.concatenate([np.diff(forest.offsets) for forest in forests])),
    )


def robust_scale(forest: TreesOfJets, chosen: NDArray[np.int64], nodes: int = 1_000_000) -> tuple[Tensor, Tensor]:
    """Return median and interquartile range of each feature over the nodes of the chosen trees: (feature,) each.

    Features of splittings are those of the inner nodes alone.

    Args:
        forest: the trees.
        chosen: (jet,) the numbers of the trees: the training jets.
        nodes: the approximate number of nodes that are used, those of every n-th jet.
    """
    per_jet = max(1, int(forest.offsets[-1]) // max(1, len(forest)))
    some = forest.select(chosen[:: max(1, len(chosen) * per_jet // nodes)])
    quartiles = np.percentile(some.features, [25, 50, 75], axis=0)
    splits = some.children[:, 0] >= 0
    if some.features.shape[1] > len(FEATURES) and splits.any():
        quartiles[:, len(FEATURES) :] = np.percentile(some.features[splits, len(FEATURES) :], [25, 50, 75], axis=0)
    width = quartiles[2] - quartiles[0]
    center, scale = quartiles[1], np.where(width > 0, width, 1.0)
    return torch.tensor(center, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32)
