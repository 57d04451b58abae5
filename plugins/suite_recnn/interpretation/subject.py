"""A run opened for study: the trained network, and jets with their momenta, trees and labels in one order.

Observables need the constituents as they were measured, networks the trees of preprocessed jets; here both stand side
by side, row by row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_suite import load, load_data
from lightning_suite.constraints import Interval, check
from lightning_suite.errors import DataError, UsageError
from lightning_suite.progress import track
from lightning_suite.run import Run
from suite_recnn import jets as packed
from suite_recnn.clustering import Algorithm
from suite_recnn.data import JetData
from suite_recnn.forests import Forest, ForestData, JetBatch, join
from suite_recnn.jet_files import class_of
from suite_recnn.jets import Jets
from suite_recnn.labels import classes_of
from suite_recnn.module import JetTagger
from suite_recnn.sources.reading import read
from suite_recnn.splitting import event_shares
from suite_recnn.weights import Use, given_weights, normalised

Part = Literal["train", "validation", "test"]
STAGES = {"train": "fit", "validation": "validate", "test": "test"}
"""The stage of a data module that reads each part."""
EVENT = "_event_of_all_files"
BATCH = 512
"""Jets in a batch without derivatives."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network and the jets that it is studied on; everything with an axis ``jet`` is in one order.

    Attributes:
        run: where the network comes from.
        tagger: in evaluation mode, with the weights of the best checkpoint.
        data: the data module of the run, set up as in training but for what ``open_subject`` was asked to change.
        jets: (jet,) as their files have them: not preprocessed.
        forest: (jet,) their trees, preprocessed and clustered.
        labels: (jet,) int64: the number of the class in ``classes``; -1 where it is not known.
        weights: (jet,) float64, 1 on average over a class; 1 where the files have none, or the run does not use them.
        events: (jet,) int64: jets of one event have the same number.
        classes: the names of the classes by label: (background, signal).
        source: which jets these are, in words.
    """

    run: Run
    tagger: JetTagger
    data: JetData
    jets: Jets
    forest: Forest
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    events: NDArray[np.int64]
    classes: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def name(self) -> str:
        """Return what tables call the run: its network and its task, such as ``recnn w/qcd``."""
        return f"{self.tagger.hparams['network']} {'/'.join(reversed(self.classes))}"

    @property
    def radius(self) -> float:
        """Return R of the jets."""
        return self.data.definition.radius

    def take(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> "Subject":
        """Return the subject with the jets of these numbers, in this order, or those where a mask is true."""
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return replace(
            self,
            jets=self.jets.take(rows),
            forest=self.forest.select(rows.astype(np.int64)),
            labels=self.labels[rows],
            weights=self.weights[rows],
            events=self.events[rows],
        )

    def batches(self, size: int = BATCH) -> Iterator[JetBatch]:
        """Yield all jets in their order, with labels as training has them."""
        labels = self.labels.astype(np.float32) if len(self.classes) == 2 else self.labels
        data = ForestData(self.forest, np.arange(len(self)), labels)
        for begin in range(0, len(self), size):
            yield data.batch(range(begin, min(begin + size, len(self))))

    def layers(self, tagger: JetTagger | None = None) -> dict[str, NDArray[np.float32]]:
        """Return the last three hidden layers by name, the last one last: (jet, layer_dim) each.

        Args:
            tagger: another network in place of the run's own, such as an untrained one.
        """
        network = (tagger or self.tagger).network
        parts: list[dict[str, NDArray[np.float32]]] = []
        with torch.inference_mode():
            for batch in track(self.batches(), f"hidden layers of {self.name}", -(-len(self) // BATCH)):
                parts.append({name: layer.float().numpy() for name, layer in network.layers(batch).items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def open_subject(
    run: str | Path | Run,
    *,
    jets: Sequence[str | Path] | None = None,
    part: Part = "test",
    algorithm: Algorithm | None = None,
    limit: int | None = None,
    trust: bool = False,
) -> Subject:
    """Return a run with the jets that it is to be studied on: by default those of its own test, which it has not seen.

    Args:
        run: a run folder or a checkpoint.
        jets: files of other jets, of which all with constituents are taken. Labels come from the beginning of a file's
            name or from its columns, and may be missing.
        part: of the run's own jets.
        algorithm: clusters the trees in place of the run's own.
        limit: the largest number of jets of each class, the first ones.
        trust: import what the run names, whoever made it; see ``lightning_suite.load``.

    Raises:
        UsageError: it is a run of another plugin or from elsewhere, or there are no jets of the part.
        RunError: there is no such run, or its checkpoint cannot be read.
        DataError: a file of jets cannot be read.

    Example:
        The scores of the test jets, and how many constituents these have:

            subject = open_subject("runs/recnn/2026-01-31-120000-w-qcd")
            scores = torch.cat([subject.tagger(batch) for batch in subject.batches()]).sigmoid()
            constituents = subject.jets.counts()
    """
    weights: NDArray[np.floating] | None
    check({"limit": [Interval(int, 1), None], "part": [Part]}, locals(), where="--")
    run = run if isinstance(run, Run) else Run.at(run)
    tagger, data = load(run, trust=trust), load_data(run, trust=trust)
    if not (isinstance(tagger, JetTagger) and isinstance(data, JetData)):
        raise UsageError(f"{run.folder} is not a run of recnn: this study is of jet taggers")
    if algorithm is not None:
        data.algorithm = algorithm
    if jets is None:
        data.prepare_data()
        data.setup(STAGES[part])
        files, own = data.jets_of(part)
        momenta = packed.concatenate([_read(file.path, data) for file in files]).take(own.chosen)
        assert own.labels is not None
        forest, labels, weights = own.forest.select(own.chosen), own.labels.astype(np.int64), own.weights
        source = f"{len(labels):,} {part} jets of the run"
    else:
        paths = [Path(file).expanduser() for file in jets]
        read_jets = [some.take(some.counts() > 0) for some in (_read(path, data) for path in paths)]
        momenta = packed.concatenate(read_jets)
        forest = join([data.trees(some, path.name) for some, path in zip(read_jets, paths, strict=True)])
        labels = np.concatenate([_labels(path, some, data) for some, path in zip(read_jets, paths, strict=True)])
        weights = _weights(paths, read_jets, labels, data)
        source = f"all {len(labels):,} jets of {', '.join(path.name for path in paths)}{_known(paths, data)}"
    events = np.unique(momenta.columns.pop(EVENT), return_inverse=True)[1]
    counted = np.ones(len(momenta)) if weights is None else weights.astype(np.float64)
    whole = Subject(run, tagger, data, momenta, forest, labels, counted, events, data.classes, source)
    if limit is None:
        return whole
    first = np.concatenate([np.flatnonzero(labels == label)[:limit] for label in np.unique(labels)])
    if len(first) == len(labels):
        return whole
    return replace(whole.take(np.sort(first)), source=f"the first {limit:,} of each class of {source}")


def untrained(tagger: JetTagger, seed: int = 0) -> JetTagger:
    """Return a network like another, with the same scaling and new random weights, in evaluation mode.

    It reads the same features of nodes and distinguishes the same classes.
    """
    from pytorch_lightning.utilities.seed import isolate_rng

    with isolate_rng():
        torch.manual_seed(seed)
        other = JetTagger(**tagger.hparams)
        other.on_load_checkpoint({"features": tagger.features, "classes": tagger.classes})
    other.network.scaler.load_state_dict(tagger.network.scaler.state_dict())
    return other.eval()


def _read(path: Path, data: JetData) -> Jets:
    """Return the jets of a file, with a number in EVENT that only jets of one event share."""
    jets = read(path, data.columns, definition=data.definition, unit=data.unit)
    jets.columns[EVENT] = event_shares(jets.columns, 0, path)
    return jets


def _weights(
    paths: Sequence[Path], read_jets: Sequence[Jets], labels: NDArray[np.int64], data: JetData
) -> NDArray[np.float64] | None:
    """Return the weights of the jets of files, (jet,), scaled as in training; None where none are used."""
    use: Use = "auto" if data.division.weights else False
    given = [given_weights(some.columns, use, path) for path, some in zip(paths, read_jets, strict=True)]
    if all(weights is None for weights in given):
        return None
    raw = [np.ones(len(some)) if one is None else one for one, some in zip(given, read_jets, strict=True)]
    return normalised(np.concatenate(raw), labels + 1, ("jets of no class", *data.classes), paths[0])


def _known(paths: Sequence[Path], data: JetData) -> str:
    """Return the words about files that the run was trained on."""
    path = data.path and Path(data.path).expanduser().resolve()
    of_run = [file.name for file in paths if path in (file.resolve(), file.resolve().parent)]
    return f" (of {', '.join(of_run)} the network was trained on some)" if of_run else ""


def _labels(path: Path, jets: Jets, data: JetData) -> NDArray[np.int64]:
    """Return the number of each jet's class, -1 where neither the file's name nor a column says it: (jet,)."""
    if (label := class_of(path.stem, data.classes)) is not None:
        return np.full(len(jets), label)
    try:
        return classes_of(jets.columns, data.classes, path, named="label" in (data.columns or {}))
    except DataError:  # of other classes, or of none
        return np.full(len(jets), -1)
