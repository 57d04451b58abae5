"""The data of the taggers: files of jets, clustered into trees once, divided by event and collated into batches.

All networks read the same batches; see ``suite_recnn.forests``. The jets of an event share its underlying event and
often its colour, so that events, not jets, are divided into training, validation and test.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import DataError, UsageError
from suite_recnn import forests, tree_cache
from suite_recnn.clustering import Algorithm
from suite_recnn.default_sample import generate_sample, sample_folder
from suite_recnn.forests import Forest, ForestData
from suite_recnn.jet_files import JetFile, jet_files, labels_of
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.jets import Jets, kinematics
from suite_recnn.preprocessing import Preprocessing
from suite_recnn.sources.reading import read
from suite_recnn.sources.units import Unit
from suite_recnn.splitting import PARTS, parts_of
from suite_recnn.tree_cache import ClusteredFile

NEEDED = {"fit": PARTS, "validate": ("validation",), "test": ("test",)}
"""The parts that a stage needs; a training ends with a test."""
REPEATED = ("event", "jet_pt", "jet_eta", "jet_phi", "jet_mass")
"""Columns of a jet that predictions repeat beside its number in the file and its score."""
CACHED_FROM = 2_000
"""The least number of jets in a file whose trees are stored; fewer are clustered in less time than it takes to load."""

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "validation_fraction": [Interval(float, 0, 1)],
    "test_fraction": [Interval(float, 0, 1)],
    "batch_size": [Interval(int, 1)],
    "num_workers": [Interval(int, 0)],
    "jets": [Interval(int, 1), None],
    "unit": [Unit],
}


class JetData(LightningDataModule):
    """Signal and background jets from files, each as a clustering tree; see ``suite_recnn.forests``.

    ``setup("fit")`` sets ``center`` and ``scale`` of the features, (8,) each, ``counts`` and ``fingerprint``.
    ``classes`` are the names of the classes by label: (background, signal).

    Args:
        path: a folder with SIGNAL_* and BACKGROUND_* files, such as w_*.parquet and qcd_*.parquet, or with train.*,
            val.* and test.*; or a file with a column that distinguishes signal from background; parquet, HDF5 or ROOT.
            null: jets that are generated once, about two minutes on two cores, and cached.
        signal: the signal class: the beginning of its file names; within a file a value of the column sample or label,
            or the name of a column that is 1 for its jets, such as label_Tbqq.
        background: the background class, as signal.
        columns: names of columns in other files, as {px: name, py: name, pz: name, energy: name, label: name}; see
            ``suite_recnn.sources``.
        unit: of momenta and energies in the files.
        algorithm: clusters the constituents of a jet into a tree.
        radius: R of the anti-kt jets that are found in files of events (Delphes).
        pt_min: the lowest transverse momentum of these jets, GeV.
        pt_max: the highest transverse momentum of these jets, GeV.
        preprocess: none; center brings each jet to eta = phi = 0; recnn also aligns its subjets.
        jets: the largest number of jets of each class, the first ones, in each part where parts are files; null: all.
        validation_fraction: the share of the events for validation where no file is for it.
        test_fraction: the share of the events for testing where no file is for it.
        split_seed: of the division into training, validation and test.
        batch_size: jets in a batch of each process.
        num_workers: processes that prepare batches.
        predict_path: the file whose jets are predicted, in its order.

    Raises:
        UsageError: a fraction or a number is out of its range.

    Example:
        >>> data = JetData("jets", signal="top", validation_fraction=0.2)
        >>> data.fractions
        {'validation': 0.2, 'test': 0.2}
    """

    predictions_suffix = ".parquet"

    def __init__(
        self,
        path: str | None = None,
        signal: str = "w",
        background: str = "qcd",
        columns: dict[str, str] | None = None,
        unit: Unit = "GeV",
        algorithm: Algorithm = "cambridge-aachen",
        radius: float = 0.8,
        pt_min: float = 500.0,
        pt_max: float = 700.0,
        preprocess: Preprocessing = "center",
        jets: int | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.2,
        split_seed: int = 0,
        batch_size: int = 64,
        num_workers: int = 0,
        predict_path: str | None = None,
    ) -> None:
        super().__init__()
        check(CONSTRAINTS, locals(), where="--data.")
        if validation_fraction + test_fraction > 1:
            raise UsageError(
                "--data.validation_fraction and --data.test_fraction: expected together at most 1, "
                f"got {validation_fraction} and {test_fraction}"
            )
        if signal == background:
            raise UsageError(f"--data.signal and --data.background must differ, both are {signal!r}")
        self.path = path
        self.signal = signal
        self.background = background
        self.classes: tuple[str, ...] = (background, signal)
        self.columns = columns
        self.unit = unit
        self.algorithm = algorithm
        self.definition = JetDefinition(radius=radius, pt_min=pt_min, pt_max=pt_max)
        self.preprocess = preprocess
        self.jets = jets
        self.fractions = {"validation": validation_fraction, "test": test_fraction}
        self.split_seed = split_seed
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.predict_path = predict_path

        self.center: Tensor
        self.scale: Tensor
        self.fingerprint: str | None = None
        self.counts: dict[str, dict[str, int]] = {}
        self._sets: dict[str, ForestData] = {}
        self._prepared: dict[Path, ClusteredFile] = {}  # from prepare_data to setup

    def prepare_data(self) -> None:
        """Generate the sample where no path is given, and cluster every file into the cache."""
        stage = self.trainer.state.fn if self.trainer is not None else TrainerFn.FITTING
        if stage == TrainerFn.PREDICTING:
            return
        if self.path is None:
            generate_sample(self.signal, self.background)
        for file in self._files():
            self._prepared[file.path] = self._clustered(file.path)

    def setup(self, stage: str) -> None:
        """Read the trees and divide the jets.

        Raises:
            DataError: a file cannot be read, or a part that the stage needs has no jets.
            UsageError: there are no files of a class.
        """
        if stage == "predict":
            return
        if not self._sets:
            self._divide()
        for part in NEEDED[stage]:
            self._check_not_empty(part, stage)
            counts = ", ".join(f"{count:,} {name}" for name, count in self.counts[part].items())
            rank_zero_info(f"data: {part}: {counts}")
        if stage == "fit":
            train = self._sets["train"]
            self.center, self.scale = forests.robust_scale(train.forest, train.chosen)
            self.fingerprint = train.fingerprint()

    def _divide(self) -> None:
        """Read the trees of all files and divide their jets into the parts."""
        files = self._files()
        clustered = [
            self._prepared.pop(file.path) if file.path in self._prepared else self._clustered(file.path)
            for file in files
        ]
        forest = forests.join([one.forest for one in clustered])
        labels = np.concatenate([self._labels(*pair) for pair in zip(files, clustered, strict=True)])
        parts = np.concatenate([self._parts(*pair) for pair in zip(files, clustered, strict=True)])
        if neither := np.count_nonzero(labels < 0):
            rank_zero_info(f"data: left out: {neither:,} jets that are neither {self.signal} nor {self.background}")
        empty = np.diff(forest.offsets) == 0
        if without := np.count_nonzero(empty & (labels >= 0)):
            rank_zero_info(f"data: left out: {without:,} jets without constituents")
        labels[empty] = -1
        for label in (0, 1) if self.jets is not None else ():
            for part in set(parts) if files[0].part is not None else {None}:
                of_class = (labels == label) & (True if part is None else parts == part)
                labels[np.flatnonzero(of_class)[self.jets :]] = -1
        for number, part in enumerate(PARTS):
            chosen = np.flatnonzero((parts == number) & (labels >= 0))
            self._sets[part] = ForestData(forest, chosen, labels[chosen].astype(np.float32))
            signal = int(labels[chosen].sum())
            self.counts[part] = {self.signal: signal, self.background: len(chosen) - signal}

    def train_dataloader(self) -> DataLoader[int]:
        """Return shuffled batches of the training jets."""
        return self._loader(self._sets["train"], shuffle=True)

    def val_dataloader(self) -> DataLoader[int]:
        """Return the validation jets in the order of their files."""
        return self._loader(self._sets["validation"])

    def test_dataloader(self) -> DataLoader[int]:
        """Return the test jets in the order of their files."""
        return self._loader(self._sets["test"])

    def predict_dataloader(self) -> DataLoader[int]:
        """Return the jets of ``predict_path`` in its order.

        Raises:
            UsageError: there is no ``predict_path``.
            DataError: the file cannot be read.
        """
        if self.predict_path is None:
            raise UsageError("there is nothing to predict: give the path of a file (--data.predict_path)")
        # Labels may be missing, and nothing is stored beside a file that is only predicted.
        path = Path(self.predict_path).expanduser()
        forest, values = self._cluster(path, only=REPEATED)
        if empty := np.count_nonzero(np.diff(forest.offsets) == 0):
            rank_zero_warn(f"{path}: {empty:,} of {len(forest):,} jets have no constituents: their scores are nan")
        numbers = {"jet": torch.arange(len(forest))}
        repeated = numbers | {name: torch.tensor(values[name]) for name in REPEATED}
        return self._loader(ForestData(forest, np.arange(len(forest)), None, repeated))

    def _check_not_empty(self, part: str, stage: str) -> None:
        """Raise an error where training or validation lacks a class, or a test has no jets."""
        counts = self.counts[part]
        if stage == "fit" and part != "train" and self.fractions[part] == 0 and not sum(counts.values()):
            raise UsageError(
                f"--data.{part}_fraction must be above 0: validation chooses the checkpoint, a test ends the training"
            )
        if stage == "fit" and part != "test":
            missing = [name for name, count in counts.items() if count == 0]
        else:
            missing = list(counts) if sum(counts.values()) == 0 else []
        if missing:
            raise DataError(
                f"there are no {' and no '.join(missing)} jets for {part}. Check the names of the classes "
                "(--data.signal, --data.background) and the shares (--data.validation_fraction, --data.test_fraction)",
                self._path(),
            )

    def _path(self) -> Path:
        return sample_folder() if self.path is None else Path(self.path).expanduser()

    def _files(self) -> list[JetFile]:
        return jet_files(self._path(), self.signal, self.background)

    def _clustered(self, path: Path) -> ClusteredFile:
        """Return the trees of a file from the cache, or cluster it now and, if it has many jets, store them there."""
        if not path.is_file():
            return self._cluster(path)
        settings = {"algorithm": self.algorithm, "preprocess": self.preprocess, "columns": self.columns}
        unit = {} if self.unit == "GeV" else {"unit": self.unit}  # which trees without it in their name are in
        folder = tree_cache.cache_path(path, settings | unit | asdict(self.definition))
        clustered = tree_cache.load(folder)
        if clustered is None:
            clustered = self._cluster(path)
            if len(clustered.forest) >= CACHED_FROM:
                tree_cache.save(folder, clustered)
        return clustered

    def _cluster(self, path: Path, only: Sequence[str] | None = None) -> ClusteredFile:
        """Return the trees of a file, and the columns of its jets, among them their momenta."""
        jets = read(path, self.columns, definition=self.definition, unit=self.unit, only=only)
        forest = self.trees(jets, path.name)
        axes = kinematics(jets.totals())._asdict()
        return ClusteredFile(forest, {**{f"jet_{name}": values for name, values in axes.items()}, **jets.columns})

    def trees(self, jets: Jets, name: str) -> Forest:
        """Return the trees of jets, preprocessed and clustered as the settings say; ``name`` is theirs in messages."""
        rank_zero_info(f"data: clustering {len(jets):,} jets of {name} ({self.algorithm})")
        return forests.build_trees(jets, self.algorithm, self.preprocess, threads=os.cpu_count() or 1)

    def jets_of(self, part: str) -> tuple[list[JetFile], ForestData]:
        """Return the files, and the trees of a part, which ``chosen`` numbers among all jets of the files in order."""
        return self._files(), self._sets[part]

    def _labels(self, file: JetFile, clustered: ClusteredFile) -> NDArray[np.int64]:
        named = "label" in (self.columns or {})
        return labels_of(file, clustered.columns, len(clustered.forest), self.signal, self.background, named)

    def _parts(self, file: JetFile, clustered: ClusteredFile) -> NDArray[np.int64]:
        """Return the number of each jet's part; all jets of an event have the same."""
        if file.part is not None:
            return np.full(len(clustered.forest), PARTS.index(file.part))
        return parts_of(clustered.columns, file.path, **self.fractions, split_seed=self.split_seed)

    def _loader(self, data: ForestData, shuffle: bool = False) -> DataLoader[int]:
        return DataLoader(
            data,
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            collate_fn=partial(ForestData.batch, data),
        )
