"""What the taggers learn from: files of jets, clustered into trees once and cut into batches by event.

All networks read the same batches; see ``suite_recnn.forests``. Jets of one event share its underlying event and often
its colour, so that events, not jets, are divided into training, validation and test.
"""

import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_suite.assets import cache_folder
from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import did_you_mean
from suite_recnn import forests
from suite_recnn.clustering import Algorithm
from suite_recnn.forests import Forest, ForestData, Grown
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.jets import kinematics
from suite_recnn.preprocessing import Preprocessing
from suite_recnn.sources.columns import ROLES
from suite_recnn.sources.reading import HDF5, PARQUET, ROOT, read

PARTS = ("train", "validation", "test")
NEEDED = {"fit": PARTS, "validate": ("validation",), "test": ("test",)}
"""The parts that a stage cannot do without; a training ends with a test."""
SUFFIXES = (*PARQUET, *HDF5, *ROOT)
REPEATED = ("event", "jet_pt", "jet_eta", "jet_phi", "jet_mass")
"""Columns that stand beside the score of a jet, so that it can be found again."""
SAMPLE_JETS = 12_000
"""Of each class, generated where no path is given: about two minutes on two cores."""

CACHED_FROM = 2_000
"""Jets of a file; the trees of fewer are grown in less time than it takes to find them."""


class JetFile(NamedTuple):
    """A file, and what its name says of the jets in it.

    Attributes:
        path: of the file.
        label: 1 where all are signal, 0 where all are background, None where a column says it.
        part: the part of the data that it is, None where it is to be divided.
    """

    path: Path
    label: int | None
    part: str | None


class JetData(LightningDataModule):
    """Signal and background jets from files, each as a clustering tree; see ``suite_recnn.forests``.

    After ``setup("fit")`` there are ``center`` and ``scale`` of the features, (8,) each, ``counts`` and
    ``fingerprint``.

    Args:
        path: a folder with SIGNAL_* and BACKGROUND_* files, such as w_*.parquet and qcd_*.parquet, or with train.*,
            val.* and test.*; or a file with a column that tells signal from background. Formats: parquet, HDF5, ROOT.
            null: jets that are generated once, about two minutes on two cores, and cached.
        signal: the class, or its file names' beginning, that is to be found.
        background: the class that it is to be told from.
        columns: names of columns in foreign files, as {px: name, py: name, pz: name, energy: name, label: name}; see
            ``suite_recnn.sources``.
        algorithm: clusters the constituents of a jet into a tree.
        radius: of the anti-kt jets that are found in files of events (Delphes).
        pt_min: GeV; their transverse momentum is above.
        pt_max: GeV; and below.
        preprocess: none; center brings each jet to eta = phi = 0; recnn also aligns its subjets.
        jets: at most so many of each class, the first ones, in each part where parts are files; null: all.
        validation_fraction: events cut for validation where no file is for it.
        test_fraction: events cut for testing where no file is for it.
        split_seed: another number cuts other events.
        batch_size: jets in a batch, on each process.
        num_workers: processes that form batches.
        predict_path: the file whose jets are predicted, in its order.

    Raises:
        UsageError: a fraction or a number makes no sense.
    """

    predictions_suffix = ".parquet"

    def __init__(
        self,
        path: str | None = None,
        signal: str = "w",
        background: str = "qcd",
        columns: dict[str, str] | None = None,
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
        if not (min(validation_fraction, test_fraction) >= 0 and validation_fraction + test_fraction <= 1):
            raise UsageError(
                "--data.validation_fraction and --data.test_fraction must be 0 or more and together at most 1, "
                f"got {validation_fraction} and {test_fraction}"
            )
        least = {
            "batch_size": (batch_size, 1),
            "num_workers": (num_workers, 0),
            "jets": (1 if jets is None else jets, 1),
        }
        for name, (value, minimum) in least.items():
            if value < minimum:
                raise UsageError(f"--data.{name} must be at least {minimum}, got {value}")
        if signal == background:
            raise UsageError(f"--data.signal and --data.background must differ, both are {signal!r}")
        self.path = path
        self.signal = signal
        self.background = background
        self.columns = columns
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
        self._ready: dict[Path, Grown] = {}  # from prepare_data to setup

    # What Lightning asks for

    def prepare_data(self) -> None:
        """Generates the sample where there is no path, and grows the trees of every file into the cache."""
        stage = self.trainer.state.fn if self.trainer is not None else TrainerFn.FITTING
        if stage == TrainerFn.PREDICTING:
            return
        if self.path is None:
            self._generate()
        for file in self._files():
            self._ready[file.path] = self._grown(file.path)

    def setup(self, stage: str) -> None:
        """Reads the trees and divides the jets.

        Raises:
            DataError: a file is not what it should be, or a part that the stage needs has no jets.
            UsageError: there are no files of a class.
        """
        if stage == "predict":
            return
        if not self._sets:
            self._divide()
        for part in NEEDED[stage]:
            self._refuse_nothing(part, stage)
            counts = ", ".join(f"{count:,} {name}" for name, count in self.counts[part].items())
            rank_zero_info(f"data: {part}: {counts}")
        if stage == "fit":
            train = self._sets["train"]
            self.center, self.scale = forests.robust_scale(train.forest, train.chosen)
            self.fingerprint = _fingerprint(train)

    def _divide(self) -> None:
        """Reads the trees of all files and says which jets are in which part."""
        files = self._files()
        grown = [self._ready.pop(file.path) if file.path in self._ready else self._grown(file.path) for file in files]
        forest = forests.join([each.forest for each in grown])
        labels = np.concatenate([self._labels(file, each) for file, each in zip(files, grown, strict=True)])
        parts = np.concatenate([self._parts(file, each) for file, each in zip(files, grown, strict=True)])
        if neither := np.count_nonzero(labels < 0):
            rank_zero_info(f"data: left out: {neither:,} jets that are neither {self.signal} nor {self.background}")
        for label in (0, 1) if self.jets is not None else ():
            for part in set(parts) if files[0].part is not None else {None}:
                of_them = (labels == label) & (True if part is None else parts == part)
                labels[np.flatnonzero(of_them)[self.jets :]] = -1
        for number, part in enumerate(PARTS):
            chosen = np.flatnonzero((parts == number) & (labels >= 0))
            self._sets[part] = ForestData(forest, chosen, labels[chosen].astype(np.float32))
            signal = int(labels[chosen].sum())
            self.counts[part] = {self.signal: signal, self.background: len(chosen) - signal}

    def train_dataloader(self) -> DataLoader[int]:
        """Shuffled batches."""
        return self._loader(self._sets["train"], shuffle=True)

    def val_dataloader(self) -> DataLoader[int]:
        """Validation jets in the order of their files."""
        return self._loader(self._sets["validation"])

    def test_dataloader(self) -> DataLoader[int]:
        """Test jets in the order of their files."""
        return self._loader(self._sets["test"])

    def predict_dataloader(self) -> DataLoader[int]:
        """The jets of ``predict_path``, each once, in its order.

        Raises:
            UsageError: no ``predict_path`` was given.
            DataError: the file is not what it should be.
        """
        if self.predict_path is None:
            raise UsageError("there is nothing to predict: give the path of a file (--data.predict_path)")
        # Labels may be missing, and the file of somebody else gets no trees beside it.
        columns = {name: found for name, found in (self.columns or {}).items() if name in (*ROLES, "event", "tree")}
        forest, values = self._grown_now(Path(self.predict_path).expanduser(), columns or None)
        repeated = {name: torch.tensor(values[name]) for name in REPEATED}
        return self._loader(ForestData(forest, np.arange(len(forest)), None, repeated))

    def _refuse_nothing(self, part: str, stage: str) -> None:
        """What is learnt from, and what chooses the checkpoint, needs both classes; a test needs jets."""
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
                f"there are no {' and no '.join(missing)} jets for {part}. --data.signal and --data.background name "
                "the classes; --data.validation_fraction and --data.test_fraction say what files of no part give",
                self._place(),
            )

    # Files

    def _generate(self) -> None:
        """Makes the sample that is trained on where no path is given; what was made before is kept."""
        from suite_recnn.generation.production import (
            CLASSES,
            Settings,
            file_name,
            generate,
        )  # Pythia, which no other data need

        for name in (self.signal, self.background):
            if name not in CLASSES:
                raise UsageError(
                    f"{name!r} cannot be generated; there are {', '.join(CLASSES)}. "
                    "Jets of other classes are read from --data.path FOLDER"
                )
        classes, folder = [self.signal, self.background], _sample_folder()
        if not all((folder / file_name(name, Settings(), 1)).exists() for name in classes):
            rank_zero_info(
                f"data: no --data.path: generating {SAMPLE_JETS:,} {self.signal} and {self.background} jets each with "
                f"Pythia into {folder}, once; this takes some minutes"
            )
        generate(folder, classes, SAMPLE_JETS, Settings(), seed=1)

    def _place(self) -> Path:
        return _sample_folder() if self.path is None else Path(self.path).expanduser()

    def _files(self) -> list[JetFile]:
        """The files that hold the classes or the parts."""
        place = self._place()
        if not place.exists():
            raise UsageError(f"--data.path {place}: there is no such file or folder")
        if place.is_file():
            return [JetFile(place, None, None)]
        there = sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES)
        names = sorted((self.signal, self.background), key=len)  # top_bkg_1 is of top_bkg where both are classes
        meant = {path: name for name in names for path in there if f"{path.stem}_".startswith(f"{name}_")}
        by_class = [JetFile(path, int(name == self.signal), None) for path, name in meant.items()]
        if {file.label for file in by_class} == {0, 1}:
            return by_class
        by_part = [JetFile(path, None, part) for path in there if (part := _part_of(path.stem))]
        if by_part:
            return by_part
        known = sorted({path.stem.split("_")[0] for path in there})
        raise UsageError(
            f"--data.path {place}: expected files {self.signal}_* and {self.background}_* (--data.signal, "
            f"--data.background), or train.*, val.* and test.*, ending in {', '.join(SUFFIXES)}; "
            f"there are {', '.join(path.name for path in there[:6]) or 'none such'}."
            + "".join(did_you_mean(name, known) for name in (self.signal, self.background) if name not in known)
        )

    def _grown(self, path: Path) -> Grown:
        """The trees of a file, from the cache, or grown now and, if they are many, kept there."""
        if not path.is_file():
            return self._grown_now(path, self.columns)
        settings = {"algorithm": self.algorithm, "preprocess": self.preprocess, "columns": self.columns}
        place = forests.cached_place(path, settings | asdict(self.definition))
        found = forests.load(place)
        if found is None:
            found = self._grown_now(path, self.columns)
            if len(found.forest) >= CACHED_FROM:
                forests.keep(place, found)
        return found

    def _grown_now(self, path: Path, columns: Mapping[str, str] | None) -> Grown:
        """The trees of a file, and the columns of its jets, among them their momenta."""
        jets = read(path, columns, definition=self.definition)
        rank_zero_info(f"data: clustering {len(jets):,} jets of {path.name} ({self.algorithm})")
        forest = forests.grow(jets, self.algorithm, self.preprocess, threads=os.cpu_count() or 1)
        axes = kinematics(jets.totals())._asdict()
        return Grown(forest, {**{f"jet_{name}": values for name, values in axes.items()}, **jets.columns})

    def _labels(self, file: JetFile, grown: Grown) -> NDArray[np.int64]:
        """1 for signal, 0 for background, -1 for what is neither."""
        sample = grown.columns.get("sample", np.array([]))
        if file.label is not None:
            labels = np.full(len(grown.forest), file.label)
        elif "label" not in (self.columns or {}) and np.isin(sample, (self.signal, self.background)).any():
            labels = np.where(sample == self.signal, 1, np.where(sample == self.background, 0, -1))
        elif "label" in grown.columns and np.isin(grown.columns["label"], (0, 1)).all():
            labels = grown.columns["label"].astype(np.int64)
        else:
            raise DataError(
                "nothing tells signal from background: expected a column `label` of 1 and 0, or `sample` with names; "
                "--data.columns '{label: NAME}' says which column it is",
                file.path,
            )
        return labels

    def _parts(self, file: JetFile, grown: Grown) -> NDArray[np.int64]:
        """The number of the part of each jet; all jets of an event have the same."""
        if file.part is not None:
            return np.full(len(grown.forest), PARTS.index(file.part))
        share = event_shares(grown.columns, self.split_seed, file.path)
        first, second = self.fractions["validation"], self.fractions["test"]
        parts: NDArray[np.int64] = np.select([share < first, share < first + second], [1, 2], 0)
        return parts

    def _loader(self, data: ForestData, shuffle: bool = False) -> DataLoader[int]:
        return DataLoader(
            data,
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            collate_fn=partial(ForestData.batch, data),
        )


def event_shares(columns: Mapping[str, NDArray[Any]], split_seed: int, path: Path) -> NDArray[np.float64]:
    """A number in [0, 1) for each jet, (jet,), that is the same for all jets of an event and otherwise random.

    An event is known by its sample, seed and number; where a file has no samples its name stands for them.
    """
    event = columns["event"].astype(np.uint64)
    seed = columns.get("seed", np.zeros(len(event), dtype=np.int64)).astype(np.uint64)
    names = columns.get("sample", np.full(len(event), path.name))
    known, place = np.unique(names, return_inverse=True)
    sample = np.array([zlib.crc32(str(name).encode()) for name in known], dtype=np.uint64)[place]
    mixed = _mix(_mix(_mix(_mix(sample) ^ seed) ^ event) ^ np.uint64(split_seed % 2**64))
    share: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) / 2**53
    return share


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64: neighbouring numbers become unrelated ones."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _part_of(stem: str) -> str | None:
    """The part that a file's name begins with: train, val or validation, test."""
    word = stem.lower().split("_")[0]
    return {"train": "train", "val": "validation", "validation": "validation", "test": "test"}.get(word)


def _sample_folder() -> Path:
    """A later release may generate more jets: they are then others, in another folder."""
    return cache_folder() / f"jets-{SAMPLE_JETS}"


def _fingerprint(data: ForestData) -> str:
    """Changes when the training jets, their labels or their trees do: of each its hardest constituent and its root."""
    forest: Forest = data.forest
    first, root = forest.offsets[data.chosen], forest.offsets[data.chosen + 1] - 1
    assert data.labels is not None
    digest = 0
    for values in (data.chosen, data.labels, forest.features[first], forest.features[root], forest.children[root]):
        digest = zlib.crc32(values.tobytes(), digest)
    return f"crc32:{digest:08x}"
