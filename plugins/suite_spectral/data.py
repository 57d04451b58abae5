"""What is clustered: points, texts, the pixels of an image or the nodes of a graph, from a file or built in.

They travel in batches as they stand in the file and are put together by the module; see ``suite_spectral.batches``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_suite.errors import DataError, UsageError
from suite_spectral.batches import Batch, Examples, GraphRows, Scaling, fingerprint, scaling_of
from suite_spectral.sources.contents import Choice, Coded, Kind, ReadAs, Source, coded, of_used
from suite_spectral.sources.reading import read, without_unused
from suite_spectral.sources.samples import Name, sample
from suite_spectral.sources.tables import Column
from suite_spectral.sources.texts import StopWords, Vocabulary


class ClusterData(LightningDataModule):
    """What is to be clustered, from a file or built in; formats: ``suite_spectral.sources.reading``.

    After ``setup`` there are ``kind``, ``n_points``, ``dim``, ``labels``, ``classes``, ``names``, ``fingerprint`` and
    ``image_shape``; of points that are to be scaled ``scaling``, of texts ``vocabulary``. They are those of what is
    clustered; in the stage ``predict``, of the file that is predicted.

    Args:
        path: .npy, .npz, .csv, .tsv, .parquet, .mtx, .edges, .edgelist, .txt or an image; the text files also as .gz,
            .xz or .bz2; null: the set of ``name``.
        name: a built-in set, where no path is given: digits, iris, wine and breast_cancer are measured, moons, circles
            and blobs are drawn at random.
        samples: points that are drawn.
        noise: standard deviation of drawn points about their shape; null: 0.05, for blobs 1.
        columns: of points, by name or by number from 0; null: all that are numbers.
        label_column: of the labels, by name or by number from 0; in an .npz file the array; null: y of an .npz file.
        noise_label: points with this label are left out.
        text_column: of the texts, by name or by number from 0; several, as [title, description], are joined.
        key: the array of points in an .npz file; null: X.
        header: whether the first line of a table names its columns; null: it does if none of its cells is a number
            and the columns are not asked for by number.
        read_as: points, texts or graph, for a file whose suffix leaves it open; null: by what is in it.
        standardize: scale: every column of points gets mean 0 and standard deviation 1; none: as they are.
        vocabulary_size: most words of texts, those said most often; null: all.
        stop_words: english: frequent English words such as "the" are left out of texts; none: no word is.
        limit: take so many points, chosen at random; null: all.
        test_fraction: of the points are held out and tested on; 0: the clustered points are.
        split_seed: another number chooses and draws others.
        batch_size: points in a batch on each process; changes no result.
        predict_path: the file whose points or texts are predicted.

    Raises:
        UsageError: an option makes no sense.
    """

    def __init__(
        self,
        path: str | None = None,
        name: Name = "digits",
        samples: int = 1000,
        noise: float | None = None,
        columns: list[int | str] | None = None,
        label_column: int | str | None = None,
        noise_label: int | str | None = None,
        text_column: list[int | str] | int | str | None = None,
        key: str | None = None,
        header: bool | None = None,
        read_as: ReadAs | None = None,
        standardize: Literal["none", "scale"] = "none",
        vocabulary_size: int | None = 2000,
        stop_words: StopWords = "english",
        limit: int | None = None,
        test_fraction: float = 0.0,
        split_seed: int = 0,
        batch_size: int = 1024,
        predict_path: str | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= test_fraction < 1:
            raise UsageError(f"--data.test_fraction: expected a number from 0 to below 1, got {test_fraction}")
        least = {
            "samples": (samples, 2),
            "limit": (limit, 2),
            "batch_size": (batch_size, 1),
            "vocabulary_size": (vocabulary_size, 1),
            "split_seed": (split_seed, 0),
            "noise": (noise, 0),
        }
        for option, (value, minimum) in least.items():
            if value is not None and not value >= minimum:
                raise UsageError(f"--data.{option}: expected at least {minimum}, got {value}")
        for option, empty in (("columns", columns == []), ("text_column", text_column == [])):
            if empty:
                raise UsageError(f"--data.{option}: expected at least one column, got none")
        if path is not None and key is not None and label_column is not None and str(label_column) == key:
            raise UsageError(f"--data.key and --data.label_column must differ, both are {key!r}")
        self.path = path
        self.sample: Name = name
        self.samples = samples
        self.noise = noise
        self.noise_label = noise_label
        self.choice = Choice(columns, label_column, _listed(text_column), key, header, read_as)
        self.standardize = standardize
        self.vocabulary_size = vocabulary_size
        self.stop_words: StopWords = stop_words
        self.limit = limit
        self.test_fraction = test_fraction
        self.split_seed = split_seed
        self.batch_size = batch_size
        self.predict_path = predict_path

        self.kind: Kind
        self.n_points: int
        self.dim: int | None = None  # of points, and of pixels; words of texts
        self.labels: Tensor | None = None  # (point,) int64
        self.classes: list[str] | None = None
        self.names: list[str] | None = None  # of columns or of nodes
        self.image_shape: tuple[int, int, int] | None = None
        self.scaling: Scaling | None = None
        self.vocabulary: Vocabulary | None = None
        self.fingerprint: str | None = None
        self._fitted: Examples
        self._tested: Examples
        self._predicted: Examples

    # What Lightning asks for

    def setup(self, stage: str) -> None:
        """Reads and divides what is clustered, or reads what is predicted.

        Raises:
            DataError: a file is not what it should be, or holds too few points.
            UsageError: an option does not go with what the file holds.
        """
        if stage == "predict":
            if not hasattr(self, "_predicted"):
                self._prepare_prediction()
        elif not hasattr(self, "_fitted"):
            self._prepare(self._source())

    def train_dataloader(self) -> DataLoader[Batch]:
        """What is clustered, in its order."""
        return self._loader(self._fitted)

    def val_dataloader(self) -> DataLoader[Batch]:
        """What is clustered, again."""
        return self._loader(self._fitted)

    def test_dataloader(self) -> DataLoader[Batch]:
        """What was held out; what is clustered, if nothing was."""
        return self._loader(self._tested)

    def predict_dataloader(self) -> DataLoader[Batch]:
        """What is in ``predict_path``, each once, in its order.

        Raises:
            UsageError: no ``predict_path`` was given, or a graph.
            DataError: the file is not what it should be.
        """
        self.setup("predict")
        return self._loader(self._predicted)

    def _loader(self, examples: Examples) -> DataLoader[Batch]:
        return DataLoader(dataset=examples, batch_size=self.batch_size, shuffle=False, collate_fn=_as_it_is)

    # What is clustered

    def _place(self) -> Path:
        return Path(self.path).expanduser() if self.path is not None else Path(self.sample)

    def _source(self) -> Source:
        if self.path is not None:
            return read(self._place(), self.choice)
        for option, value in self.choice._asdict().items():
            if value is not None:
                raise UsageError(f"--data.{option} says how a file is read, but no --data.path is given")
        found = sample(self.sample, self.samples, self.noise, self.split_seed)
        return Source("points", found.points, np.array(found.classes)[found.labels])

    def _prepare(self, source: Source) -> None:
        """Chooses among the examples of a source and learns what the options ask for."""
        self.kind = source.kind
        self._refuse_options()
        total = _length(source.content)
        if source.labels is not None and len(source.labels) != total:
            raise DataError(f"expected one label an example, {total}, got {len(source.labels)}", self._place())
        labels = None if source.labels is None else coded(source.labels)
        fitted, held_out = self._divided(total, labels)
        numbers = None
        if labels is not None:
            self.classes, numbers = of_used(labels, np.sort(np.concatenate([fitted, held_out])), self._place())
        self.n_points = len(fitted)
        self.labels = _of(numbers, fitted)
        self.names = source.names
        self.image_shape = source.image_shape
        content = source.content
        if source.kind == "graph":
            weights = source.content if len(fitted) == total else source.content[fitted][:, fitted]
            self.names = None if source.names is None else [source.names[place] for place in fitted]
            content = GraphRows(scipy.sparse.csr_array(weights))
        self._fitted = Examples(content, fitted, self.labels)
        self._tested = Examples(content, held_out, _of(numbers, held_out)) if len(held_out) else self._fitted
        self.fingerprint = fingerprint(content, fitted, self.labels)
        remarks = [*source.remarks, *self._learn(content, fitted)]
        self._report(total, remarks)

    def _refuse_options(self) -> None:
        """An option that would be ignored, or that has no meaning for such data, is a mistake."""
        if self.test_fraction and self.kind in ("graph", "image"):
            what = {"graph": "the nodes of a graph", "image": "the pixels of an image"}[self.kind]
            raise UsageError(f"--data.test_fraction: {what} belong together and cannot be held out; leave it at 0")
        if self.limit is not None and self.kind == "image":
            raise UsageError("--data.limit: some pixels of an image are none; give a smaller image")
        if self.standardize != "none" and self.kind != "points":
            raise UsageError(f"--data.standardize {self.standardize} is for points; {self._place()} holds {self.kind}")

    def _divided(self, total: int, labels: Coded | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of what is clustered and of what is held out, both rising."""
        places = np.arange(total)
        if self.noise_label is not None:
            if labels is None:
                raise UsageError("--data.noise_label: there are no labels; --data.label_column says where they are")
            label = str(self.noise_label)
            known = labels.names
            if label not in known:
                raise UsageError(
                    f"--data.noise_label: no point has the label {label!r}; there are {', '.join(known[:10])}"
                    f"{' ...' if len(known) > 10 else ''}"
                )
            places = np.flatnonzero(labels.numbers != known.index(label))
            rank_zero_info(f"data: left out: {total - len(places):,} points with the label {label!r}")
        generator = np.random.default_rng(self.split_seed)
        if self.limit is not None and self.limit < len(places):
            places = np.sort(generator.permutation(places)[: self.limit])
        held_out = places[:0]
        if self.test_fraction:
            count = max(1, round(self.test_fraction * len(places)))
            order = generator.permutation(places)
            held_out, places = np.sort(order[:count]), np.sort(order[count:])
        if len(places) < 2:
            what = {"points": "points", "texts": "texts", "graph": "nodes", "image": "pixels"}[self.kind]
            raise DataError(f"expected at least 2 {what} to cluster, got {len(places)} of {total}", self._place())
        return places, held_out

    def _learn(self, content: Any, fitted: NDArray[np.int64]) -> list[str]:
        """The scaling, or the vocabulary, of what is clustered; returns what the user should know of it."""
        if self.kind == "texts":
            return self._learn_words([content[place] for place in fitted])
        if self.kind == "graph":
            alone = int((np.diff(content.weights.indptr) == 0).sum())
            return [f"{alone:,} of {self.n_points:,} nodes have no edge"] if alone else []
        self.dim = content.shape[1]
        if self.kind == "image":
            return []
        points = content if len(fitted) == content.shape[0] else content[fitted]
        self.scaling, constant = scaling_of(points)
        if self.standardize == "none":
            self.scaling = None
        elif not bool(self.scaling.scale.isfinite().all()):
            raise DataError("the numbers are too large to be scaled; divide them by a power of ten", self._place())
        if not len(constant):
            return []
        names = [self.names[place] if self.names else str(place) for place in constant[:10]]
        more = " ..." if len(constant) > 10 else ""
        kept = "" if self.scaling is None else " and not scaled"
        return [f"{len(constant)} of {self.dim} columns are constant{kept}: {', '.join(names)}{more}"]

    def _learn_words(self, texts: Sequence[str]) -> list[str]:
        try:
            self.vocabulary = Vocabulary.learn(texts, self.vocabulary_size, self.stop_words)
        except ValueError as error:
            raise DataError(
                "no text has a word of two letters or more that is no stop word; --data.text_column says where the "
                "texts are",
                self._place(),
            ) from error
        self.dim = len(self.vocabulary.words)
        empty = self.vocabulary.unknown(texts)
        place = f"the first is number {int(self._fitted.chosen[empty[0]])}" if empty else ""
        return [f"{len(empty):,} of {len(texts):,} texts have no word of the vocabulary; {place}"] if empty else []

    def _report(self, total: int, remarks: Sequence[str]) -> None:
        what = {"points": "points", "texts": "texts", "graph": "nodes", "image": "pixels"}[self.kind]
        dims = {
            "points": f" of {self.dim} dim{'' if self.dim == 1 else 's'}",
            "texts": f", {self.dim:,} words" if self.dim else "",
            "graph": "",
            "image": " ({} x {}, {} channels)".format(*self.image_shape) if self.image_shape else "",
        }[self.kind]
        classes = f", {len(self.classes)} classes" if self.classes is not None else ""
        some = f" of {total:,}" if self.n_points < total else ""
        tested = f"; {len(self._tested):,} held out" if self._tested is not self._fitted else ""
        rank_zero_info(f"data: {self._place().name}: {self.n_points:,}{some} {what}{dims}{classes}{tested}")
        for remark in remarks:
            rank_zero_info(f"data: {remark}")

    # What is predicted

    def _prepare_prediction(self) -> None:
        if self.predict_path is None:
            raise UsageError("there is nothing to predict: give the path of a file (--data.predict_path)")
        path = Path(self.predict_path).expanduser()
        source = read(path, without_unused(self.choice, path), labelled=False)
        if source.kind == "graph":
            raise UsageError(
                f"{path.name} holds a graph; new nodes need edges to those that were clustered, so a graph is "
                "clustered anew with suite fit. Points or texts can be predicted; --data.read_as says which they are"
            )
        self.kind, self.image_shape, self.names = source.kind, source.image_shape, source.names
        self.n_points = _length(source.content)
        self.dim = None if source.kind == "texts" else source.content.shape[1]
        self._predicted = Examples(source.content, np.arange(self.n_points), None)
        for remark in source.remarks:
            rank_zero_info(f"data: {path.name}: {remark}")


def _as_it_is(batch: Any) -> Any:
    return batch  # a batch is cut out at once: there is nothing to put together


def _listed(columns: list[int | str] | int | str | None) -> Sequence[Column] | None:
    return columns if columns is None or isinstance(columns, list) else [columns]


def _length(content: Any) -> int:
    return len(content) if isinstance(content, list) else int(content.shape[0])


def _of(numbers: NDArray[np.int64] | None, places: NDArray[np.int64]) -> Tensor | None:
    return None if numbers is None else torch.from_numpy(numbers[places])
