"""Jets as the networks read them: clustering trees packed end to end, features of their nodes, and batches of them.

The features are those of a constituent at a leaf and of the sum of the constituents below it elsewhere: the seven of
the paper (section 1), and the mass, which networks see when they are told to. All are computed in float64 from
four-momenta and kept in float32, in which p and E no longer tell the mass.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import Dataset

from lightning_suite.assets import cache_folder
from suite_recnn.clustering import Algorithm, Trees, cluster
from suite_recnn.jets import Jets, kinematics, rows_of
from suite_recnn.preprocessing import Preprocessing, preprocess

FEATURES = ("p", "eta", "phi", "E", "E/E_jet", "pt", "theta", "log_mass")
MASS_MIN = 0.1
"""GeV, added to a mass before its logarithm is taken: photons have none."""
ETA_MAX = 10.0
"""A momentum along the beam has an infinite pseudorapidity; a network wants a number, beyond every detector."""
BLOCK = 10_000
"""Jets that are clustered at once: a second's work, on one thread and with subjets."""
_FORMAT = 3
"""Of the cache: rises when what lies in it changes."""


class JetBatch(NamedTuple):
    """Some jets as the networks read them.

    Attributes:
        features: (node, 8) of all trees end to end, those of `FEATURES`, unscaled; each tree begins with its
            constituents, the hardest first.
        children: (node, 2) rows of left and right child, the harder one left; -1 and -1 at a constituent.
        offsets: (jet + 1,) where each tree begins; its root is its last node.
        labels: (jet,) 1 for signal, 0 for background; None where it is not known.
        columns: (jet,) values by name that predictions repeat; None where nothing is predicted.
    """

    features: Tensor
    children: Tensor
    offsets: Tensor
    labels: Tensor | None
    columns: dict[str, Tensor] | None = None

    def roots(self) -> Tensor:
        """(jet,) rows of the roots."""
        return self.offsets[1:] - 1

    def leaf_counts(self) -> Tensor:
        """(jet,) constituents of each jet: of a tree's 2 n - 1 nodes n are leaves."""
        return (self.offsets.diff() + 1) // 2


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees of many jets, of which batches are cut.

    Attributes:
        features: (node, 8) float32, as of a `JetBatch`.
        children: (node, 2) int32, places within the tree.
        offsets: (jet + 1,) int64.
    """

    features: NDArray[np.float32]
    children: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


class ForestData(Dataset[int]):
    """Chosen jets of some forests; an item is its own index, a batch is cut by ``batch``.

    Args:
        forest: the trees.
        chosen: (jet,) which trees, in the order of the data set.
        labels: (jet,) of the chosen ones, 1 for signal and 0 for background; None where they are not known.
        columns: (jet,) values by name, of the chosen ones, that predictions repeat.
    """

    def __init__(
        self,
        forest: Forest,
        chosen: NDArray[np.int64],
        labels: NDArray[np.float32] | None,
        columns: dict[str, Tensor] | None = None,
    ) -> None:
        self.forest = forest
        self.chosen = chosen
        self.labels = labels
        self.columns = columns

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> int:
        return index

    def batch(self, indices: Sequence[int]) -> JetBatch:
        """The jets at these places."""
        places = np.asarray(indices)
        rows, offsets = rows_of(self.forest.offsets, self.chosen[places])
        children = self.forest.children[rows].astype(np.int64)
        children += np.where(children >= 0, np.repeat(offsets[:-1], np.diff(offsets))[:, None], 0)
        labels = None if self.labels is None else torch.from_numpy(self.labels[places])
        features = torch.from_numpy(self.forest.features[rows])
        columns = None if self.columns is None else {name: values[places] for name, values in self.columns.items()}
        return JetBatch(features, torch.from_numpy(children), torch.from_numpy(offsets), labels, columns)


def features_of(trees: Trees) -> NDArray[np.float32]:
    """The features of every node, (node, 8): p, E, pt in GeV, angles in radians, E_jet that of the tree's root."""
    momenta = trees.momenta
    pt, eta, phi, mass = kinematics(momenta)
    energy = momenta[:, 3]
    jet_energy = np.repeat(energy[trees.offsets[1:] - 1], np.diff(trees.offsets))
    eta = np.clip(eta, -ETA_MAX, ETA_MAX)
    theta = 2.0 * np.arctan(np.exp(-eta))
    p = np.sqrt(pt * pt + momenta[:, 2] ** 2)
    features = [p, eta, phi, energy, energy / jet_energy, pt, theta, np.log(mass + MASS_MIN)]
    return np.stack(features, axis=1).astype(np.float32)


def grow(jets: Jets, algorithm: Algorithm, preprocessing: Preprocessing, threads: int = 1) -> Forest:
    """Preprocesses the jets, clusters them and computes the features of all nodes, so many jets at a time.

    Raises:
        UsageError: there is no such preprocessing.
        ValueError: there is no such algorithm, a jet has no constituents, or a momentum is not finite.
        OpsError: the clustering was not compiled, and LIGHTNING_SUITE_REQUIRE_OPS is 1.
    """
    begins = range(0, max(1, len(jets)), BLOCK)
    console = Console(stderr=True)
    parts = []
    for begin in track(begins, "clustering jets", console=console, disable=len(jets) < 5 * BLOCK):
        turned = preprocess(jets.take(np.arange(begin, min(begin + BLOCK, len(jets)))), preprocessing)
        trees = cluster(turned.momenta, turned.offsets, algorithm, seed=begin, threads=threads)
        parts.append(Forest(features_of(trees), trees.children, trees.offsets))
    return join(parts)


def join(forests: Sequence[Forest]) -> Forest:
    """All trees of some forests, in their order."""
    if len(forests) == 1:
        return forests[0]
    nodes = np.cumsum([0, *(len(forest.features) for forest in forests)])
    offsets = [forest.offsets[1:] + before for forest, before in zip(forests, nodes, strict=False)]
    return Forest(
        np.concatenate([forest.features for forest in forests]),
        np.concatenate([forest.children for forest in forests]),
        np.concatenate([np.zeros(1, dtype=np.int64), *offsets]),
    )


def robust_scale(forest: Forest, chosen: NDArray[np.int64], nodes: int = 1_000_000) -> tuple[Tensor, Tensor]:
    """Median and interquartile range of each feature over all nodes of the chosen trees: (8,) and (8,).

    Args:
        forest: the trees.
        chosen: (jet,) those to look at: the training jets.
        nodes: look at about so many nodes, those of every n-th jet.
    """
    per_jet = max(1, len(forest.features) // max(1, len(forest)))
    some = chosen[:: max(1, len(chosen) * per_jet // nodes)]
    rows, _ = rows_of(forest.offsets, some)
    quartiles = np.percentile(forest.features[rows], [25, 50, 75], axis=0)
    width = quartiles[2] - quartiles[0]
    center, scale = quartiles[1], np.where(width > 0, width, 1.0)
    return torch.tensor(center, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32)


# The cache: trees beside the data they were grown from, so that a second training costs no clustering.


class Grown(NamedTuple):
    """What the cache holds of a file: its trees and the columns of its jets."""

    forest: Forest
    columns: dict[str, NDArray[Any]]


def cached_place(path: Path, settings: dict[str, Any]) -> Path:
    """The folder for the trees of a file: beside it where that can be written, else in lightning-suite's cache.

    Its name holds a checksum of the file's bytes and of the settings, so that no other file's trees are ever taken.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps({"format": _FORMAT, **settings}, sort_keys=True).encode())
    name = f"{path.stem}-{digest.hexdigest()[:16]}"
    beside = path.parent / ".trees"
    if (beside / name).is_dir() or os.access(path.parent, os.W_OK):
        return beside / name
    return cache_folder() / "trees" / name


def load(place: Path) -> Grown | None:
    """What lies there, its arrays mapped into memory; None when nothing does, or what cannot be read."""
    try:
        arrays = [np.load(place / f"{name}.npy", mmap_mode="r") for name in ("features", "children", "offsets")]
        with np.load(place / "columns.npz") as columns:
            names, *values = (columns[f"arr_{number}"] for number in range(len(columns)))
    except (OSError, ValueError, KeyError, BadZipFile):  # absent, cut short, or another user's
        return None
    return Grown(Forest(*arrays), dict(zip(names.tolist(), values, strict=True)))


def keep(place: Path, grown: Grown) -> None:
    """Writes it where it can be written, and says where it cannot: the trees are then grown again next time.

    The folder appears whole; a process that came first wins.
    """
    partial = place.parent / f".{place.name}.{os.getpid()}"
    try:
        partial.mkdir(parents=True)
        for name in ("features", "children", "offsets"):
            np.save(partial / f"{name}.npy", getattr(grown.forest, name))
        values = [np.array([*grown.columns]), *grown.columns.values()]  # they become arr_0, arr_1, ...
        np.savez(partial / "columns.npz", *values)
        if load(place) is None:
            shutil.rmtree(place, ignore_errors=True)
            partial.rename(place)
    except OSError as error:
        if load(place) is None:
            warnings.warn(f"the trees of jets cannot be kept in {place}: {error}", RuntimeWarning, stacklevel=2)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
