"""How sentence classifiers with dynamic self-attention are trained, tested and used (arXiv:1808.07383).

Batches bring words as text. The module owns the vocabulary and the word vectors, and its checkpoint holds both, so that
a checkpoint alone is enough to test, predict and encode.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from lightning_suite.confusion import write_confusion
from lightning_suite.constraints import check
from lightning_suite.errors import RunError, UsageError
from lightning_suite.exporting.exportable import Exportable
from lightning_suite.fused_steps import fused_if_possible
from lightning_suite.needs import needs
from lightning_suite.running_average import average_, decay_at, hold_average_
from suite_dsa.constraints import CONSTRAINTS, check_together
from suite_dsa.encoders import EncoderName
from suite_dsa.encoding import EncodesSentences
from suite_dsa.exporting import LookUp, OfWords, exportable
from suite_dsa.initialisation import Reading, gain_of
from suite_dsa.network import (
    Classifier,
    build_encoder,
    heuristic_matching,
    number_of_parameters,
    rename_weights_of_before,
)
from suite_dsa.optimization import paper_optimizer
from suite_dsa.pooling import AttentionName
from suite_dsa.sentences import PackedBatch
from suite_dsa.tokens import TOKENIZERS
from suite_dsa.unlabelled import write_unlabelled
from suite_dsa.vectors.choice import vectors_for
from suite_dsa.vectors.side_by_side import SideBySide
from suite_dsa.vocabulary import UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

STATE = "sentences"
"""The key of a checkpoint for what is neither weight nor setting: vocabulary, class names, columns, tokenizer."""

COLUMNS: dict[int, tuple[str, ...]] = {1: ("sentence",), 2: ("premise", "hypothesis")}
"""Names of the columns of text in predictions."""

ENCODER_SETTINGS = (
    *("encoder", "attention", "heads", "head_dim", "iterations"),
    *("kernels", "layers", "first_dim", "first_kernel", "layer_dim", "compressed_dim"),
    *("lstm_dim", "kim_kernels", "kim_dim", "word_dropout", "conv_dropout", "dropout_gain"),
)
"""The hyperparameters that `suite_dsa.network.build_encoder` takes."""

Shapes = dict[str, tuple[int, ...]]


class SentenceClassifier(EncodesSentences, LightningModule):
    """Dense CNN, self-attention and an MLP over pretrained word vectors, trained by cross-entropy.

    The defaults are the paper's for single DSA on SST (appendix B).

    Args:
        encoder: puts words into their context: dense-cnn (section 3.1), or a baseline of Tables 1 and 2: bilstm, a
            bidirectional LSTM; kim-cnn, the convolution of Kim (2014), which needs --model.attention max.
        attention: makes a sentence of its words. dynamic: weight vectors made from the sentence (Algorithm 1); static:
            learnt ones (Eq. 1); max: the greatest value of each feature; last: the last states, of a bilstm only.
        heads: number of attention heads, m, of dynamic and static.
        head_dim: width of each head's output, d_o.
        iterations: rounds of dynamic self-attention, r.
        kernels: kernel sizes of the dense CNN, k_1 and k_2.
        layers: layers of each kernel size, L.
        first_dim: channels of the first layer, d_1.
        first_kernel: kernel size of the first layer: 1, as in the paper's Eq. 2; same: k, with which the network has
            the number of parameters that the paper states.
        layer_dim: channels of the other layers, d_l.
        compressed_dim: width that words are compressed to, d_c.
        lstm_dim: units of each direction of a bilstm.
        kim_kernels: kernel sizes of kim-cnn.
        kim_dim: channels of each of them.
        hidden_dim: neurons of each hidden layer of the classifier.
        hidden_layers: hidden layers of the classifier; the paper has 1 for sentences and 2 for pairs.
        word_dropout: dropout of the word vectors.
        conv_dropout: dropout of every layer of the dense CNN; of a bilstm's states or kim-cnn's features, the same in
            all words of a sentence.
        classifier_dropout: dropout on the input of each hidden layer of the classifier.
        dropout_gain: the initialisation is He's times the root of a layer's dropout, read as the probability of
            dropping (drop) or of retaining, as Gehring et al. (2017) have it (retain); none: He's alone.
        optimizer: adadelta (SST) or adam (SNLI).
        learning_rate: null: the optimizer's own default, as in the paper.
        weight_decay: L2 regularisation.
        halve_patience: epochs without a lower training loss after which the learning rate is halved.
        halve_threshold: how much lower the training loss must be to count.
        learning_rate_floor: training ends when the learning rate has been halved to less than this; 0: when the
            Trainer's limits say so.
        train_vectors: word vectors learn too, those of the training words; they start as they are read.
        average: what is validated, tested and kept is the running average of the weights over about
            1 / (1 - average) steps, such as 0.998 for 500; 0: the weights themselves.

    Raises:
        UsageError: an argument is out of its range.

    Example:
        >>> SentenceClassifier(heads=5).hparams["heads"]
        5
        >>> SentenceClassifier(heads=0)
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: --model.heads: expected a whole number of 1 or more, got 0
    """

    vocabulary: Vocabulary
    labels: list[str]
    columns: int
    tokenizer: str

    def __init__(
        self,
        *,
        encoder: EncoderName = "dense-cnn",
        attention: AttentionName = "dynamic",
        heads: int = 1,
        head_dim: int = 600,
        iterations: int = 2,
        kernels: tuple[int, ...] = (3, 5),
        layers: int = 4,
        first_dim: int = 150,
        first_kernel: Literal[1, "same"] = 1,
        layer_dim: int = 75,
        compressed_dim: int = 300,
        lstm_dim: int = 300,
        kim_kernels: tuple[int, ...] = (3, 4, 5),
        kim_dim: int = 100,
        hidden_dim: int = 300,
        hidden_layers: int = 1,
        word_dropout: float = 0.4,
        conv_dropout: float = 0.2,
        classifier_dropout: float = 0.4,
        dropout_gain: Reading = "drop",
        optimizer: Literal["adadelta", "adam"] = "adadelta",
        learning_rate: float | None = None,
        weight_decay: float = 1e-5,
        halve_patience: int = 2,
        halve_threshold: float = 0.001,
        learning_rate_floor: float = 0.0,
        train_vectors: bool = False,
        average: float = 0.0,
    ) -> None:
        super().__init__()
        check(CONSTRAINTS, locals(), where="--model.")
        check_together(encoder, attention)
        self.save_hyperparameters()
        self.confusion: Tensor | None = None  # (true class, predicted class) after a test
        self._predicted: list[dict[str, list[str] | Tensor]] = []  # of a test without labels

    def configure_model(self) -> None:
        """Build the network for the words and classes of the data it is to learn from."""
        fitting = self._trainer is not None and self.trainer.state.fn == TrainerFn.FITTING
        if hasattr(self, "encoder") or not fitting:
            return  # built already, or about to be from a checkpoint
        data = getattr(self.trainer, "datamodule", None)
        if data is None:
            raise UsageError(
                "the network is built for words and classes, which loaders do not name: before fit, call\n"
                "learn_words(texts, classes) with the training texts"
            )
        self._take(data.vocabulary, data.vectors, data.trained, data.labels, data.columns, data.tokenizer)
        count = number_of_parameters(self.encoder, self.classifier)
        rank_zero_info(f"network: {count:,} parameters; word vectors are not counted, as in the paper's Table 1")

    def learn_words(
        self,
        texts: Iterable[str] | Iterable[tuple[str, str]],
        labels: Sequence[str],
        *,
        vectors: str | Sequence[str] | None = "spacy-md",
        word_dim: int | None = None,
        tokenizer: str = "ptb",
        extra_words: int = 50_000,
        vector_norm: float | None = 6.0,
        oov_range: float = 0.05,
        seed: int = 0,
    ) -> Self:
        """Build the network for the words of training texts and for classes; a data module does so by itself.

        Then batches of any loader are taken: ``(texts, labels)``, of pairs ``(premises, hypotheses, labels)``, with
        the numbers of the classes as labels.

        Args:
            texts: sentences, or pairs of sentences.
            labels: the names of the classes.
            vectors: as ``SentenceData`` has them, which explains the other arguments too; None: random ones.

        Raises:
            AssetError: the vectors cannot be fetched.
            DataError: the vectors cannot be read, or have another width.

        Example:
            >>> model = SentenceClassifier(head_dim=8).learn_words(["a good film"], ["bad", "good"], vectors=None)
            >>> model(*model.pack(["a film"])[1:]).shape
            torch.Size([1, 2])
        """
        rows = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
        words = (word for row in rows for text in row for word in TOKENIZERS[tokenizer](text))
        chosen = vectors_for(
            list(dict.fromkeys(words)),
            [vectors] if isinstance(vectors, str) else vectors or [],
            word_dim=word_dim,
            extra_words=extra_words,
            vector_norm=vector_norm,
            oov_range=oov_range,
            seed=seed,
            apart=self.hparams["train_vectors"],
        )
        columns = len(rows[0]) if rows else 1
        self._take(chosen.vocabulary, chosen.vectors, chosen.trained, labels, columns, tokenizer)
        return self

    def _take(
        self,
        vocabulary: Vocabulary,
        vectors: Tensor | SideBySide,
        trained: int,
        labels: Sequence[str],
        columns: int,
        tokenizer: str,
    ) -> None:
        """Build the network for words with their vectors, of which so many, the first, may learn."""
        named = {"vectors": vectors} if isinstance(vectors, Tensor) else _prefixed(vectors)
        learning = trained if self.hparams["train_vectors"] else 0
        self._build(vocabulary, list(labels), columns, tokenizer, _shapes(named), learning)
        for name, value in named.items():
            self.get_buffer(name).copy_(value)

    def _build(
        self, vocabulary: Vocabulary, labels: list[str], columns: int, tokenizer: str, shapes: Shapes, trained: int
    ) -> None:
        """Build the network.

        Args:
            shapes: of the word vectors, by their names in a checkpoint.
            trained: the number of rows of word vectors that learn, the first.
        """
        self.vocabulary, self.labels, self.columns, self.tokenizer = vocabulary, list(labels), columns, tokenizer
        self._shapes = shapes
        self.vectors: Tensor
        self.sources: SideBySide | None = None
        if "vectors" in shapes:
            self.register_buffer("vectors", torch.zeros(shapes["vectors"]))  # row word_dim
            word_dim = shapes["vectors"][1]
        else:
            self.sources = SideBySide({name.removeprefix("sources."): shape for name, shape in shapes.items()})
            word_dim = self.sources.word_dim
        # They never change, so that processes need not send them to each other before every step.
        self._ddp_params_and_buffers_to_ignore = list(shapes)
        self.encoder = build_encoder(word_dim, **{name: self.hparams[name] for name in ENCODER_SETTINGS})
        self.classifier: Classifier = Classifier(
            self.encoder.output_dim * (4 if columns == 2 else 1),
            self.hparams["hidden_dim"],
            self.hparams["hidden_layers"],
            len(labels),
            self.hparams["classifier_dropout"],
            gain_of(self.hparams["classifier_dropout"], self.hparams["dropout_gain"]),
        )
        parts: dict[str, nn.Module] = {"encoder": self.encoder, "classifier": self.classifier}
        self.changes: nn.Embedding | None = None
        if trained:
            self.changes = nn.Embedding(trained, word_dim, padding_idx=UNKNOWN)  # what is added to the vectors
            nn.init.zeros_(self.changes.weight)
            parts["changes"] = self.changes
        # With averaged weights, these parts have the average, and what learns are copies of them.
        self.learner: nn.ModuleDict | None = nn.ModuleDict(copy.deepcopy(parts)) if self.hparams["average"] else None
        if self.learner is not None:
            for part in parts.values():
                hold_average_(part)
        self.metrics: nn.ModuleDict = nn.ModuleDict()
        for stage in ("train", "val", "test"):
            self.metrics[f"{stage}_loss"] = MeanMetric()
            self.metrics[f"{stage}_accuracy"] = MulticlassAccuracy(len(labels), average="micro")
        self.metrics["test_confusion"] = MulticlassConfusionMatrix(len(labels))

    def _metric(self, name: str) -> Metric:
        metric = self.metrics[name]
        assert isinstance(metric, Metric)
        return metric

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return paper_optimizer(dict(self.named_parameters()), self.hparams, fused_if_possible(self))

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take the step, and the weights after it into the average."""
        steps = self.trainer.global_step
        super().optimizer_step(*args, **kwargs)
        if self.learner is not None:
            for name, part in self.learner.items():
                average_(self.get_submodule(name), part, decay_at(steps, self.hparams["average"]))

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Halve the learning rate by the rule, and end the training when it has become too low."""
        super().lr_scheduler_step(scheduler, metric)
        rate, floor = scheduler.optimizer.param_groups[0]["lr"], self.hparams["learning_rate_floor"]
        if rate < floor:
            rank_zero_info(
                f"training ends: the learning rate was halved to {rate:g}, --model.learning_rate_floor {floor:g}"
            )
            self.trainer.should_stop = True

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> PackedBatch:
        """Return the batch with words as rows of the word vectors.

        The model does this, not the data module, because the vocabulary belongs to the model.

        Args:
            batch: a `suite_dsa.sentences.SentenceBatch`; or of another loader texts, (texts, labels), or (premises,
                hypotheses, labels).
        """
        if isinstance(batch, PackedBatch):
            return batch
        if hasattr(batch, "columns"):
            rows, offsets = self.vocabulary.pack([words for column in batch.columns for words in column])
            return PackedBatch(rows, offsets, batch.labels, batch.texts)
        batch = [batch] if isinstance(batch[0], str) else batch
        *columns, labels = batch if isinstance(batch[-1], Tensor) else (*batch, None)
        texts = tuple(map(list, columns))
        _, rows, offsets = self.pack([text for column in texts for text in column])
        return PackedBatch(rows, offsets, labels, texts)

    def forward(self, rows: Tensor, offsets: Tensor) -> Tensor:
        """Return logits: (word,), (column * batch + 1,) -> (batch, class)."""
        encoder, classifier = self._part("encoder"), self._part("classifier")
        sentences = encoder(self.word_vectors(rows), offsets)
        if self.columns == 2:
            sentences = heuristic_matching(*sentences.chunk(2))
        logits: Tensor = classifier(sentences)
        return logits

    def word_vectors(self, rows: Tensor) -> Tensor:
        """Return the vectors of words: (word,) rows of the vocabulary -> (word, word_dim)."""
        words: Tensor
        if self.sources is None:
            words = functional.embedding(rows, self.vectors)
        else:  # whose tables are in half precision beside a network in single
            words = self.sources(rows, next(self.encoder.parameters()).dtype)
        if self.changes is not None:
            changes = self._part("changes")
            words = words + changes(rows.where(rows < changes.num_embeddings, UNKNOWN))  # nothing for unseen words
        return words

    def _part(self, name: str) -> Any:
        """Return a part of the network: while it learns, the one that learns."""
        return self.learner[name] if self.learner is not None and self.training else self.get_submodule(name)

    def _step(self, batch: PackedBatch, stage: str) -> tuple[Tensor, Tensor]:
        """Return logits and loss of a batch, and update the metrics of the stage."""
        assert batch.labels is not None
        logits = self(batch.rows, batch.offsets)
        loss = functional.cross_entropy(logits, batch.labels)
        self._metric(f"{stage}_loss").update(loss.detach(), len(batch.labels))
        self._metric(f"{stage}_accuracy").update(logits.detach(), batch.labels)
        return logits, loss

    def _log(self, stage: str) -> None:
        """Log the metrics of an epoch at its end: Lightning copies what is logged in every step."""
        for name in (f"{stage}_loss", f"{stage}_accuracy"):
            self.log(name, self._metric(name), prog_bar=True)

    def training_step(self, batch: PackedBatch, batch_idx: int) -> Tensor:
        return self._step(batch, "train")[1]

    def on_train_epoch_end(self) -> None:
        """Log loss and accuracy of the epoch."""
        self._log("train")

    def validation_step(self, batch: PackedBatch, batch_idx: int) -> None:
        self._step(batch, "val")

    def on_validation_epoch_end(self) -> None:
        """Log loss and accuracy of validation."""
        self._log("val")

    def test_step(self, batch: PackedBatch, batch_idx: int) -> None:
        """Test a batch, or keep the predictions of one without labels."""
        if batch.labels is None:
            self._predicted.append(self.predict_step(batch, batch_idx))
            return
        logits, _ = self._step(batch, "test")
        self._metric("test_confusion").update(logits, batch.labels)

    def on_test_epoch_end(self) -> None:
        """Log and draw the results into the run folder, or write there the predictions of a test without labels."""
        predicted, self._predicted = self._predicted, []
        if predicted:
            write_unlabelled(self, predicted)
            return
        self._log("test")
        self.confusion = self._metric("test_confusion").compute()
        self._metric("test_confusion").reset()
        figures = Path(self.trainer.default_root_dir) / "figures"
        if self.trainer.is_global_zero and figures.is_dir():
            write_confusion(figures / "confusion.png", self.labels, self.confusion.tolist())

    def predict_step(self, batch: PackedBatch, batch_idx: int) -> dict[str, list[str] | Tensor]:
        """Return the sentences, the likeliest class with its probability, and the probability of every class."""
        probabilities = self(batch.rows, batch.offsets).softmax(dim=1)  # batch class
        best, label = probabilities.max(dim=1)
        texts = {name: list(texts) for name, texts in zip(COLUMNS[self.columns], batch.texts, strict=True)}
        of_classes = {f"p_{name}": column for name, column in zip(self.labels, probabilities.T, strict=True)}
        return {**texts, "label": [self.labels[index] for index in label.tolist()], "probability": best, **of_classes}

    def embed_step(self, batch: PackedBatch, batch_idx: int) -> Tensor:
        """Return the sentence embeddings (batch, head * head_dim); of pairs, those of both sentences side by side."""
        sentences = self.encoder(self.word_vectors(batch.rows), batch.offsets)
        return torch.cat(sentences.chunk(self.columns), dim=1)

    def exportable(self) -> Exportable:
        """Return what ``suite export`` writes: words as rows of the vocabulary to logits."""
        look_up = LookUp(None if self.sources else self.vectors, self.sources, self.changes)
        network = OfWords(look_up, self.encoder, self._classified, [self.classifier])
        return exportable(network, self.forward, self.vocabulary, self.labels, self.columns, self.tokenizer)

    def _classified(self, *sentences: Tensor) -> Tensor:
        """Return the logits of sentences, or of pairs of them: (sentence, dim) -> (sentence, class)."""
        logits: Tensor = self.classifier(sentences[0] if len(sentences) == 1 else heuristic_matching(*sentences))
        return logits

    def pack(self, texts: list[str]) -> tuple[list[list[str]], Tensor, Tensor]:
        tokens = [TOKENIZERS[self.tokenizer](text) for text in texts]
        return tokens, *self.vocabulary.pack(tokens)

    def as_sentence_transformer(self) -> "SentenceTransformer":
        """Return a ``sentence_transformers.SentenceTransformer`` whose module is this one.

        What its ``save(folder)`` writes, ``SentenceTransformer(folder, trust_remote_code=True)`` reads.

        Raises:
            UsageError: sentence-transformers is not installed.
        """
        with needs("as_sentence_transformer", "sentence-transformers>=6"):
            from suite_dsa.adapters.sentence_transformer import as_sentence_transformer
        return as_sentence_transformer(self)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[STATE] = {
            "vocabulary": self.vocabulary.state(),
            "labels": self.labels,
            "columns": self.columns,
            "tokenizer": self.tokenizer,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network for the words and classes it was trained on.

        Raises:
            RunError: the network is built already, for other classes, columns or word vectors.
        """
        rename_weights_of_before(checkpoint["state_dict"])
        state, weights = checkpoint[STATE], checkpoint["state_dict"]
        saved = (state["labels"], state["columns"], _shapes(weights))
        trained = len(weights.get("changes.weight", ()))
        if not hasattr(self, "encoder"):
            vocabulary = Vocabulary.from_state(state["vocabulary"])
            self._build(vocabulary, *saved[:2], state["tokenizer"], saved[2], trained)
            return
        current = (self.labels, self.columns, self._shapes)
        if current != saved:
            raise RunError(
                f"the checkpoint was trained on other data: expected {_described(*saved)}, got {_described(*current)}. "
                "Give the data it was trained on, or start a new run"
            )
        self.vocabulary, self.tokenizer = Vocabulary.from_state(state["vocabulary"]), state["tokenizer"]


def _prefixed(sources: SideBySide) -> dict[str, Tensor]:
    return {f"sources.{name}": value for name, value in sources.state_dict().items()}


def _shapes(weights: Mapping[str, Tensor]) -> Shapes:
    """Return the shapes of the word vectors among the weights of a checkpoint."""
    names = [name for name in weights if name == "vectors" or name.startswith("sources.")]
    return {name: tuple(weights[name].shape) for name in names}


def _described(labels: list[str], columns: int, shapes: Shapes) -> str:
    """Return in words what a network was built for."""
    texts = "pairs of sentences" if columns == 2 else "single sentences"
    shape = ", ".join(map(str, shapes.values()))
    return f"the classes {', '.join(labels)} of {texts}, with word vectors of shape {shape}"
