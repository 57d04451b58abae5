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
from lightning_suite.inputs import Inputs, TakesInputs
from lightning_suite.setting import settings_from, with_meanings
from suite_spectral.batches import Batch, Examples, GraphRows, Scaling, fingerprint, scaling_of, scaling_of_large
from suite_spectral.data_settings import DEFAULTS, DataSettings, Name, ReadAs, StopWords
from suite_spectral.division import division
from suite_spectral.settings import Kind
from suite_spectral.shares.sampler import ShareSampler
from suite_spectral.solving.memory import refuse_dense
from suite_spectral.sources.contents import Choice, Source, class_labels, labels_of_used
from suite_spectral.sources.memory import content_of
from suite_spectral.sources.reading import read, without_unused
from suite_spectral.sources.row_groups import RowGroups
from suite_spectral.sources.samples import sample
from suite_spectral.sources.texts import Vocabulary

EXAMPLES: dict[Kind, str] = {"points": "points", "texts": "texts", "graph": "nodes", "image": "pixels"}
"""What the examples of each kind are called."""


@with_meanings(DataSettings)
class ClusterData(TakesInputs, LightningDataModule):
    """What is to be clustered, from a file or built in; formats: ``suite_spectral.sources.reading``.

    After ``setup`` there are ``kind``, ``n_points``, ``dim``, ``labels``, ``classes``, ``names``, ``fingerprint`` and
    ``image_shape``; of points that are to be scaled ``scaling``, of texts ``vocabulary``. They are those of what is
    clustered; in the stage ``predict``, of the file that is predicted.

    Example:
        >>> data = ClusterData(name="iris")
        >>> data.setup("fit")
        >>> data.kind, data.n_points, data.dim, data.classes
        ('points', 150, 4, ['setosa', 'versicolor', 'virginica'])

    Args:
        {settings}

    Raises:
        UsageError: a value is out of its range.
    """

    def __init__(
        self,
        path: str | None = DEFAULTS.path,
        name: Name = DEFAULTS.name,
        samples: int = DEFAULTS.samples,
        noise: float | None = DEFAULTS.noise,
        columns: list[int | str] | None = DEFAULTS.columns,
        label_column: int | str | None = DEFAULTS.label_column,
        noise_label: int | str | None = DEFAULTS.noise_label,
        text_column: list[int | str] | int | str | None = DEFAULTS.text_column,
        key: str | None = DEFAULTS.key,
        header: bool | None = DEFAULTS.header,
        encoding: str | None = DEFAULTS.encoding,
        read_as: ReadAs | None = DEFAULTS.read_as,
        standardize: Literal["none", "scale"] = DEFAULTS.standardize,
        vocabulary_size: int | None = DEFAULTS.vocabulary_size,
        stop_words: StopWords = DEFAULTS.stop_words,
        limit: int | None = DEFAULTS.limit,
        test_fraction: float = DEFAULTS.test_fraction,
        split_seed: int = DEFAULTS.split_seed,
        batch_size: int = DEFAULTS.batch_size,
        predict_path: str | None = DEFAULTS.predict_path,
    ) -> None:
        super().__init__()
        self.settings: DataSettings = settings_from(DataSettings, locals())
        self.choice: Choice = Choice.of(self.settings)
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
        """Read and divide what is clustered, or read what is predicted.

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
        """Return the examples that are clustered, in their order."""
        return self._loader(self._fitted)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the examples that are clustered, again."""
        return self._loader(self._fitted)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the examples that were held out; those that are clustered, if none were."""
        return self._loader(self._tested)

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the examples of ``predict_path``, each once, in their order.

        Raises:
            UsageError: no ``predict_path`` was given, or a graph.
            DataError: the file is not what it should be.
        """
        self.setup("predict")
        return self._loader(self._predicted, shared=False)

    def _loader(self, examples: Examples, *, shared: bool = True) -> DataLoader[Batch]:
        """Return the examples in their order.

        Of several processes each has those of its share, where the module clusters them so; elsewhere Lightning deals
        out batch after batch, so that the first batches are the same examples for any number of processes.
        """
        trainer, sampler = self.trainer, None
        if shared and trainer is not None and trainer.world_size > 1:
            holds_shares = getattr(trainer.lightning_module, "holds_shares", False)
            sampler = ShareSampler(examples, trainer.world_size, trainer.global_rank) if holds_shares else None
        # Lightning makes it again with another sampler, for which every argument needs its name.
        return DataLoader(
            dataset=examples, batch_size=self.batch_size, shuffle=False, sampler=sampler, collate_fn=_as_it_is
        )

    def held(self, *, tested: bool = False) -> NDArray[np.int64]:
        """Return the indices in the file of what is clustered, or tested, rising."""
        return (self._tested if tested else self._fitted).chosen

    @property
    def predicts(self) -> bool:
        """Whether new inputs can be predicted with a run: a graph has no place for new nodes."""
        return self.kind != "graph"

    @property
    def fitted_examples(self) -> Examples:
        """What is clustered."""
        return self._fitted

    # What is clustered

    @property
    def source_path(self) -> Path:
        """The file that is clustered; the name of a built-in set."""
        path = self.settings.path
        return Path(self.settings.name) if path is None else Path(path).expanduser()

    def _source(self) -> Source:
        settings = self.settings
        if settings.path is not None:
            return read(self.source_path, self.choice)
        for option, value in self.choice._asdict().items():
            if value is not None:
                raise UsageError(f"--data.{option} says how a file is read, but no --data.path is given")
        drawn = sample(settings.name, settings.samples, settings.noise, settings.split_seed)
        return Source("points", drawn.points, np.array(drawn.classes)[drawn.labels])

    def _prepare(self, source: Source) -> None:
        """Choose among the examples of a source and learn what the options ask for."""
        self.kind = source.kind
        self._refuse_options()
        total = _length(source.content)
        if source.labels is not None and len(source.labels) != total:
            raise DataError(f"expected one label an example, {total}, got {len(source.labels)}", self.source_path)
        labels = None if source.labels is None else class_labels(source.labels)
        fitted, held_out = division(total, labels, self.settings)
        if len(fitted) < 2:
            raise DataError(
                f"expected at least 2 {EXAMPLES[self.kind]} to cluster, got {len(fitted)} of {total}", self.source_path
            )
        numbers = None
        if labels is not None:
            self.classes, numbers = labels_of_used(
                labels, np.sort(np.concatenate([fitted, held_out])), self.source_path
            )
        self.n_points = len(fitted)
        self.labels = _of(numbers, fitted)
        self.names = source.names
        self.image_shape = source.image_shape
        content = source.content
        if source.kind == "graph":
            weights = source.content if len(fitted) == total else source.content[fitted][:, fitted]
            self.names = None if source.names is None else [source.names[index] for index in fitted]
            content = GraphRows(scipy.sparse.csr_array(weights))
        self._fitted = Examples(content, fitted, self.labels)
        self._tested = Examples(content, held_out, _of(numbers, held_out)) if len(held_out) else self._fitted
        self.fingerprint = fingerprint(content, fitted, self.labels)
        remarks = [*source.remarks, *self._learn(content, fitted)]
        self._report(total, remarks)

    def _refuse_options(self) -> None:
        """Refuse an option that would be ignored, or that has no meaning for such data."""
        if self.settings.test_fraction and self.kind in ("graph", "image"):
            what = {"graph": "the nodes of a graph", "image": "the pixels of an image"}[self.kind]
            raise UsageError(f"--data.test_fraction: {what} belong together and cannot be held out; leave it at 0")
        if self.settings.limit is not None and self.kind == "image":
            raise UsageError("--data.limit: some pixels of an image are none; give a smaller image")
        if self.settings.standardize != "none" and self.kind != "points":
            raise UsageError(
                f"--data.standardize {self.settings.standardize} is for points; {self.source_path} holds {self.kind}"
            )

    def _learn(self, content: Any, fitted: NDArray[np.int64]) -> list[str]:
        """Learn the scaling, or the vocabulary, of what is clustered; return what the user should know of it."""
        if self.kind == "texts":
            return self._learn_words([content[index] for index in fitted])
        if self.kind == "graph":
            alone = int((np.diff(content.weights.indptr) == 0).sum())
            return [f"{alone:,} of {self.n_points:,} nodes have no edge"] if alone else []
        self.dim = content.shape[1]
        if self.kind == "image":
            return []
        if scipy.sparse.issparse(content) and self.settings.standardize != "none":  # no zero stays one
            refuse_dense(content.shape, content.dtype.itemsize, "leave --data.standardize at none")
        if isinstance(content, np.memmap | RowGroups):
            self.scaling, constant = scaling_of_large(content, fitted)
        else:
            points = content if len(fitted) == content.shape[0] else content[fitted]
            self.scaling, constant = scaling_of(points)
        if self.settings.standardize == "none":
            self.scaling = None
        elif not bool(self.scaling.scale.isfinite().all()):
            raise DataError("the numbers are too large to be scaled; divide them by a power of ten", self.source_path)
        if not len(constant):
            return []
        names = [self.names[index] if self.names else str(index) for index in constant[:10]]
        more = " ..." if len(constant) > 10 else ""
        kept = "" if self.scaling is None else " and not scaled"
        return [f"{len(constant)} of {self.dim} columns are constant{kept}: {', '.join(names)}{more}"]

    def _learn_words(self, texts: Sequence[str]) -> list[str]:
        try:
            self.vocabulary = Vocabulary.learn(texts, self.settings.vocabulary_size, self.settings.stop_words)
        except ValueError as error:
            raise DataError(
                "no text has a word of two letters or more that is no stop word; --data.text_column says where the "
                "texts are",
                self.source_path,
            ) from error
        self.dim = len(self.vocabulary.words)
        empty = self.vocabulary.unknown(texts)
        if not empty:
            return []
        first = int(self._fitted.chosen[empty[0]])
        return [f"{len(empty):,} of {len(texts):,} texts have no word of the vocabulary; the first is number {first}"]

    def _report(self, total: int, remarks: Sequence[str]) -> None:
        dims = {
            "points": f" of {self.dim} dim{'' if self.dim == 1 else 's'}",
            "texts": f", {self.dim:,} words" if self.dim else "",
            "graph": "",
            "image": " ({} x {}, {} channels)".format(*self.image_shape) if self.image_shape else "",
        }[self.kind]
        classes = f", {len(self.classes)} classes" if self.classes is not None else ""
        some = f" of {total:,}" if self.n_points < total else ""
        tested = f"; {len(self._tested):,} held out" if self._tested is not self._fitted else ""
        rank_zero_info(
            f"data: {self.source_path.name}: {self.n_points:,}{some} {EXAMPLES[self.kind]}{dims}{classes}{tested}"
        )
        for remark in remarks:
            rank_zero_info(f"data: {remark}")

    # What is predicted

    def _prepare_prediction(self) -> None:
        if self.predict_path is None:
            raise UsageError("there is nothing to predict: give the path of a file (--data.predict_path)")
        path = Path(self.predict_path).expanduser()
        source = self._unlabelled(path)
        self.kind, self.image_shape, self.names = source.kind, source.image_shape, source.names
        self.n_points = _length(source.content)
        self.dim = None if source.kind == "texts" else source.content.shape[1]
        self._predicted = Examples(source.content, np.arange(self.n_points), None)
        for remark in source.remarks:
            rank_zero_info(f"data: {path.name}: {remark}")

    def inputs(self, given: Any, module: Any) -> Inputs:
        """Return batches of points, of texts or of the pixels of an image, see `suite_spectral.sources.memory`.

        Args:
            given: new examples.
            module: the trained `suite_spectral.module.SpectralClusterer`.

        Raises:
            TypeError: they are no texts where texts were clustered.
            DataError: they are no points where points were clustered.
        """
        dim = module.network.fitted.extension.dim if module.network.is_fitted and module.kind != "texts" else None
        content, is_single = content_of(given, module.kind, dim)
        examples, size = Examples(content, np.arange(_length(content)), None), self.batch_size
        begins = range(0, max(1, len(examples)), size)
        return Inputs(
            (examples.__getitems__(range(begin, min(begin + size, len(examples)))) for begin in begins), is_single
        )

    def read_inputs(self, path: str | Path, module: Any) -> Any:
        """Return the points, texts or pixels of a file.

        Raises:
            DataError: the file is not what it should be.
            UsageError: it holds a graph.
        """
        return self._unlabelled(Path(path).expanduser()).content

    def _unlabelled(self, path: Path) -> Source:
        source = read(path, without_unused(self.choice, path), labelled=False)
        if source.kind == "graph":
            raise UsageError(
                f"{path.name} holds a graph; new nodes need edges to those that were clustered, so a graph is "
                "clustered anew with suite fit, and the clusters of its nodes are in nodes.csv of that run. Points or "
                "texts can be predicted; --data.read_as says which they are"
            )
        return source


def _as_it_is(batch: Any) -> Any:
    return batch  # a batch is cut out at once: there is nothing to put together


def _length(content: Any) -> int:
    return len(content) if isinstance(content, list) else int(content.shape[0])


def _of(numbers: NDArray[np.int64] | None, indices: NDArray[np.int64]) -> Tensor | None:
    return None if numbers is None else torch.from_numpy(numbers[indices])
