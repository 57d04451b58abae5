"""The data of the taggers: files of jets, clustered into trees once, divided by event and collated into batches.

All networks read the same batches; see ``suite_recnn.forests``. The jets of an event share its underlying event and
often its colour, so that events, not jets, are divided into training, validation and test.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from pytorch_lightning import LightningDataModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from lightning_suite.inputs import Inputs, TakesInputs
from suite_recnn import forests, jet_sets, tree_cache
from suite_recnn.clustering import Algorithm
from suite_recnn.default_sample import generate_sample, sample_folder
from suite_recnn.forests import Forest, ForestData, NodeFeatures
from suite_recnn.jet_files import JetFile, jet_files
from suite_recnn.jet_finding import CONSTRAINTS as OF_JETS
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.jets import Jets, kinematics
from suite_recnn.labels import class_names
from suite_recnn.predicting import jets_to_predict
from suite_recnn.predictions_in_root import write_root
from suite_recnn.preprocessing import Preprocessing
from suite_recnn.sources.memory import WHERE, jets_of
from suite_recnn.sources.reading import doubt_unit, read, read_blocks
from suite_recnn.sources.units import Unit
from suite_recnn.splitting import PARTS
from suite_recnn.tree_cache import ClusteredFile

NEEDED = {"fit": PARTS, "validate": ("validation",), "test": ("test",)}
"""The parts that a stage needs; a training ends with a test."""

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "features": [NodeFeatures],
    "validation_fraction": [Interval(float, 0, 1)],
    "test_fraction": [Interval(float, 0, 1)],
    "batch_size": [Interval(int, 1)],
    "num_workers": [Interval(int, 0)],
    "jets": [Interval(int, 1), None],
    "memory": [Interval(float, 0)],
    "unit": [Unit],
    "weights": [Literal["auto"], bool],
}


class JetData(TakesInputs, LightningDataModule):
    """Signal and background jets from files, each as a clustering tree; see ``suite_recnn.forests``.

    ``setup("fit")`` sets ``center`` and ``scale`` of the features, (feature,) each, ``counts`` and ``fingerprint``.
    ``classes`` are the names of the classes by label: (background, signal), or those of the option.

    Args:
        path: a folder with SIGNAL_* and BACKGROUND_* files, such as w_*.parquet and qcd_*.parquet, or with train.*,
            val.* and test.*; or a file with a column that distinguishes signal from background; parquet, HDF5 or ROOT.
            null: jets that are generated once, about five minutes on two cores, and cached.
        signal: the signal class: the beginning of its file names; within a file a value of the column sample or label,
            or the name of a column that is 1 for its jets, such as label_Tbqq.
        background: the background class, as signal.
        classes: three and more classes with commas between them, such as w,top,qcd, in place of signal and background;
            as signal, or a column label of 0, 1, 2 ... in their order.
        columns: names of columns in other files, as {px: name, py: name, pz: name, energy: name, label: name}; see
            ``suite_recnn.sources``.
        unit: of momenta and energies in the files.
        select: the jets that are used, in training, test and prediction: a condition on columns of the file, jet_pt,
            jet_eta, jet_phi, jet_mass and multiplicity, such as "jet_pt > 550 and contained"; see
            ``suite_recnn.selection``. null: all.
        weights: true: the column weight says how much a jet counts in loss and metrics, scaled to 1 on average over
            each class; false: all jets count alike; auto: true where files have the column.
        flat_pt: in training also weight the jets so that the jet pT of each class is evenly distributed, in 20 bins
            and at most tenfold; see ``suite_recnn.weights``.
        algorithm: clusters the constituents of a jet into a tree.
        radius: R of the anti-kt jets that are found in files of events (Delphes).
        pt_min: the lowest transverse momentum of these jets, GeV.
        pt_max: the highest transverse momentum of these jets, GeV.
        eta_max: their pseudorapidity is between -eta_max and eta_max.
        constituents_min: their least number of constituents.
        preprocess: none; center brings each jet to eta = phi = 0; recnn also aligns its subjets.
        features: paper: the seven features of each node, and the mass (--model.mass); lund: these eight, and ln Delta,
            ln kt, ln z and the azimuth psi of the splitting at each inner node (``suite_recnn.lund``).
        jets: use at most this many jets of each class, the first in the files; where training, validation and test are
            files of their own, of each of them; null: all.
        validation_fraction: the share of the events for validation where no file is for it.
        test_fraction: the share of the events for testing where no file is for it.
        split_seed: of the division into training, validation and test.
        cache: the folder where the trees of 2,000 jets and more are stored for the next training; auto: in the user's
            cache; null: nowhere.
        memory: the largest size of all trees, in GiB, that is held in memory; larger ones are read from the cache
            batch by batch, in the same order.
        batch_size: jets in a batch of each process.
        num_workers: processes that prepare batches.
        predict_path: the file whose jets are predicted, in its order.

    Raises:
        UsageError: a fraction or a number is out of its range, or an expression is no condition.

    Example:
        >>> data = JetData("jets", signal="top", validation_fraction=0.2)
        >>> data.fractions
        {'validation': 0.2, 'test': 0.2}
    """

    predictions_suffix = ".parquet"
    predictions_writers: ClassVar = {".root": write_root}

    def __init__(
        self,
        path: str | None = None,
        signal: str = "w",
        background: str = "qcd",
        classes: str | None = None,
        columns: dict[str, str] | None = None,
        unit: Unit = "GeV",
        select: str | None = None,
        weights: bool | Literal["auto"] = "auto",
        flat_pt: bool = False,
        algorithm: Algorithm = "cambridge-aachen",
        radius: float = 0.8,
        pt_min: float = 500.0,
        pt_max: float = 700.0,
        eta_max: float = 2.0,
        constituents_min: int = 3,
        preprocess: Preprocessing = "center",
        features: NodeFeatures = "paper",
        jets: int | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.2,
        split_seed: int = 0,
        cache: str | None = tree_cache.AUTO,
        memory: float = 1.0,
        batch_size: int = 64,
        num_workers: int = 0,
        predict_path: str | None = None,
    ) -> None:
        super().__init__()
        check({**CONSTRAINTS, **OF_JETS}, locals(), where="--data.")
        if validation_fraction + test_fraction > 1:
            raise UsageError(
                "--data.validation_fraction and --data.test_fraction: expected together at most 1, "
                f"got {validation_fraction} and {test_fraction}"
            )
        self.path = path
        self.signal = signal
        self.background = background
        self.classes: tuple[str, ...] = class_names(classes, signal, background)
        self.columns: dict[str, str] | None = columns if select is None else jet_sets.with_columns_of(select, columns)
        self.unit = unit
        self.select = select
        self.algorithm = algorithm
        self.definition: JetDefinition = JetDefinition(
            radius=radius, pt_min=pt_min, pt_max=pt_max, eta_max=eta_max, constituents_min=constituents_min
        )
        self.preprocess = preprocess
        self.features = features
        self.fractions: dict[str, float] = {"validation": validation_fraction, "test": test_fraction}
        self.division = jet_sets.Division(
            classes=self.classes,
            columns=columns,
            select=select,
            jets=jets,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            split_seed=split_seed,
            weights=weights,
            flat_pt=flat_pt,
        )
        self.cache = cache
        self.memory = memory
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.predict_path = predict_path

        self.center: Tensor
        self.scale: Tensor
        self.fingerprint: str | None = None
        self.earlier_fingerprints: list[str] = []
        self.counts: dict[str, dict[str, int]] = {}
        self._sets: dict[str, ForestData] = {}
        self._prepared: dict[Path, ClusteredFile] = {}  # from prepare_data to setup

    def prepare_data(self) -> None:
        """Generate the sample where no path is given, and cluster every file into the cache."""
        stage = self.trainer.state.fn if self.trainer is not None else TrainerFn.FITTING
        if stage == TrainerFn.PREDICTING:
            return
        if self.path is None:
            generate_sample(*reversed(self.classes))
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
            jet_sets.check_not_empty(self.counts[part], part, stage, self.division, self._path())
            counts = ", ".join(f"{count:,} {name}" for name, count in self.counts[part].items())
            rank_zero_info(f"data: {part}: {counts}")
        if stage == "fit":
            train = self._sets["train"]
            self.center, self.scale = forests.robust_scale(train.forest, train.chosen)
            self.fingerprint, *self.earlier_fingerprints = train.fingerprints()

    def _divide(self) -> None:
        """Read the trees of all files and divide their jets into the parts."""
        files = self._files()
        clustered = [
            self._prepared.pop(file.path) if file.path in self._prepared else self._clustered(file.path)
            for file in files
        ]
        forest = tree_cache.trees_of(clustered, self.memory)
        self._sets = jet_sets.divided(files, clustered, forest, self.division, self._path())
        self.counts = {part: jet_sets.counts_of(data.labels, self.classes) for part, data in self._sets.items()}

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
        path = Path(self.predict_path).expanduser()
        return self._loader(jets_to_predict(path, partial(self._blocks, path), self.select, self.memory))

    # Inputs from memory

    def inputs(self, given: Any, module: Any) -> Inputs:
        """Return batches of jets, clustered as the settings say; those that ``select`` leaves out have no row.

        Args:
            given: jets in one of the forms of `suite_recnn.sources.memory`.
            module: the trained tagger.

        Raises:
            TypeError: they have none of these forms.
            DataError: a constituent cannot be a particle.
        """
        jets, is_single = jets_of(given, self.columns, self.unit)
        data = jets_to_predict(WHERE, lambda only: iter([self._clustered_jets(jets)]), self.select, self.memory)
        size = self.batch_size
        batches = (
            data.batch(range(begin, min(begin + size, len(data)))) for begin in range(0, max(1, len(data)), size)
        )
        return Inputs(batches, is_single and len(data) == 1)

    def read_inputs(self, path: str | Path, module: Any) -> Jets:
        """Return the jets of a file.

        Raises:
            DataError: the file cannot be read.
        """
        return read(Path(path).expanduser(), self.columns, definition=self.definition, unit=self.unit)

    def _path(self) -> Path:
        return sample_folder() if self.path is None else Path(self.path).expanduser()

    def _files(self) -> list[JetFile]:
        return jet_files(self._path(), self.classes, self.division.options)

    def _clustered(self, path: Path) -> ClusteredFile:
        """Return the trees of a file from the cache, or cluster it now and, if it has many jets, store them there."""
        read: dict[str, Any] = {name: getattr(self, name) for name in ("columns", "unit")} | asdict(self.definition)
        settings = read | {name: getattr(self, name) for name in ("algorithm", "preprocess", "features")}
        folder = tree_cache.cache_path(path, settings, self.cache) if path.is_file() else None
        is_stored = folder is not None and folder.exists()
        found = tree_cache.clustered(folder, partial(self._blocks, path))
        if is_stored:  # so that the file was not read, which warns as well
            doubt_unit(path, found.columns["jet_pt"], self.unit)
        return found

    def _blocks(self, path: Path, only: Sequence[str] | None = None) -> Iterator[ClusteredFile]:
        """Read a file and cluster it, block by block, with the momenta of the jets among their columns."""
        rank_zero_info(f"data: clustering the jets of {path.name} ({self.algorithm})")
        first = 0
        for jets in read_blocks(path, self.columns, definition=self.definition, unit=self.unit, only=only):
            yield self._clustered_jets(jets, first)
            first += len(jets)

    def _clustered_jets(self, jets: Jets, first: int = 0) -> ClusteredFile:
        axes = {f"jet_{name}": values for name, values in kinematics(jets.totals())._asdict().items()}
        return ClusteredFile(self._trees(jets, first), axes | jets.columns)

    def trees(self, jets: Jets, name: str) -> Forest:
        """Return the trees of jets, preprocessed and clustered as the settings say; ``name`` is theirs in messages."""
        rank_zero_info(f"data: clustering {len(jets):,} jets of {name} ({self.algorithm})")
        return self._trees(jets)

    def _trees(self, jets: Jets, first: int = 0) -> Forest:
        threads = os.cpu_count() or 1
        return forests.build_trees(jets, self.algorithm, self.preprocess, threads, self.features, first)

    def jets_of(self, part: str) -> tuple[list[JetFile], ForestData]:
        """Return the files, and the trees of a part, which ``chosen`` numbers among all jets of the files in order."""
        return self._files(), self._sets[part]

    def _loader(self, data: ForestData, shuffle: bool = False) -> DataLoader[int]:
        return DataLoader(
            data,
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            collate_fn=partial(ForestData.batch, data),
        )
