"""How jet taggers are trained: binary cross-entropy, AdamW, a learning rate that rises and falls, mirrored jets."""

import copy
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import RunError, UsageError
from suite_recnn import tagging
from suite_recnn.cells import GatedCell, SimpleCell
from suite_recnn.forests import FEATURES, JetBatch, NodeFeatures, of_each_jet
from suite_recnn.lund import LUND_FEATURES
from suite_recnn.network import CNN, FCN, LSTM, PAPER_DIM, JetNetwork, Pool, RecNN
from suite_recnn.symmetries import mirror_images, mirrored, turned

Network = Literal["recnn", "gated", "fcn", "lstm", "cnn"]
EFFICIENCIES = {"30": 0.3, "50": 0.5}
"""Signal efficiencies, in per cent, at which a test states the background rejection."""

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "network": [Network],
    "hidden_dim": [Interval(int, 1)],
    "pool": [Pool],
    "dropout": [Interval(float, 0, 1, closed="left")],
    "average": [Interval(float, 0, 1, closed="left")],
    "image_radius": [Interval(float, 0, closed="neither")],
    "learning_rate": [Interval(float, 0, closed="neither")],
    "weight_decay": [Interval(float, 0)],
}


class JetTagger(LightningModule):
    """Classifies jets as signal or background.

    Args:
        network: recnn, the recursive network of appendix A; gated, the same with Louppe's gates; fcn, lstm and cnn,
            those of appendix C.
        hidden_dim: width of the recursive networks' embedding and dense layers.
        mass: the recursive networks also see the logarithm of each node's mass, beside the paper's seven features; with
            --data.features lund they always do.
        pool: what the recursive networks embed a jet by: root, the embedding of the tree's root; mean or sum: that of
            all nodes' embeddings beside the root's.
        layer_norm: the recursive networks' first dense layer sees the normalised embedding.
        dropout: the share of units of their dense layers that is left out at random in training.
        mirror: in training every jet is mirrored at random, eta to -eta and phi to -phi, as nature does; not for
            jets that --data.preprocess recnn aligned.
        mirror_average: the logit of a jet, except in training, is the mean over its four mirror images: four times the
            work.
        turn: in training every jet is also turned about its axis by a random angle; for jets that --data.preprocess
            center brought to eta = phi = 0.
        average: what is validated, tested and kept is the running average of the weights over about
            1 / (1 - average) steps, such as 0.998 for 500; 0: the weights themselves.
        image_radius: half the side, in eta and phi, of the images that the cnn sees.
        learning_rate: the highest one of AdamW, reached after a tenth of the steps; see ``warm_cosine``.
        weight_decay: of AdamW: each step shortens the weights by this part of the learning rate.

    Raises:
        UsageError: an argument is out of its range.

    Example:
        >>> tagger = JetTagger(network="gated", hidden_dim=4)
        >>> type(tagger.network).__name__, tagger.hparams["learning_rate"]
        ('RecNN', 0.003)
    """

    def __init__(
        self,
        *,
        network: Network = "recnn",
        hidden_dim: int = 70,
        mass: bool = False,
        pool: Pool = "root",
        layer_norm: bool = False,
        dropout: float = 0.0,
        mirror: bool = True,
        mirror_average: bool = False,
        turn: bool = False,
        average: float = 0.0,
        image_radius: float = 0.8,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.05,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        check(CONSTRAINTS, locals(), where="--model.")
        self.features: NodeFeatures = "paper"
        self.network = self._build()
        # With averaged weights, ``network`` has the average, and what learns is a network of its own.
        self.learner = copy.deepcopy(self.network) if average else None
        self.metrics = nn.ModuleDict()
        for stage in ("train", "val", "test"):
            self.metrics[f"{stage}_loss"] = MeanMetric()
            self.metrics[f"{stage}_accuracy"] = BinaryAccuracy()
        self.metrics["val_auc"] = BinaryAUROC()
        self._scores: list[Tensor] = []  # of a test, batch by batch
        self._labels: list[Tensor] = []

    def setup(self, stage: str) -> None:
        """Read the features that the training data have, scaled by them; a checkpoint that is loaded overwrites this.

        Raises:
            UsageError: the jets are aligned, and would be mirrored, or are not centred, and would be turned; or the
                network was trained on other features than the data's.
        """
        data = getattr(self.trainer, "datamodule", None)
        features = getattr(data, "features", self.features)
        if stage != TrainerFn.FITTING:
            if features != self.features:
                raise UsageError(
                    f"--data.features {features}: this network was trained on --data.features {self.features}"
                )
            return
        preprocess = getattr(data, "preprocess", None)
        for name in ("mirror", "mirror_average"):
            if self.hparams[name] and preprocess == "recnn":
                raise UsageError(
                    f"--model.{name} true undoes the alignment of --data.preprocess recnn: set --model.{name} false, "
                    "or --data.preprocess center"
                )
        if self.hparams["turn"] and preprocess in ("none", "recnn"):
            raise UsageError(
                f"--model.turn true needs centred jets, and --data.preprocess is {preprocess}: set --data.preprocess "
                "center, or --model.turn false"
            )
        self._read(features)
        for network in self._networks():
            network.scaler.set(data.center, data.scale)  # type: ignore[union-attr]
        if self.learner is not None:
            self.network.requires_grad_(False)

    def _read(self, features: NodeFeatures) -> None:
        """Build the networks for other features of the data."""
        if features != self.features:
            self.features = features
            self.network = self._build()
            self.learner = None if self.learner is None else copy.deepcopy(self.network)

    def _build(self) -> JetNetwork:
        chosen = self.hparams
        feature_dim = len(FEATURES) + (len(LUND_FEATURES) if self.features == "lund" else 0)
        name, hidden_dim = chosen["network"], chosen["hidden_dim"]
        match name:
            case "recnn" | "gated":
                cell = SimpleCell if name == "recnn" else GatedCell
                seen = feature_dim if chosen["mass"] or self.features == "lund" else PAPER_DIM
                settings = {option: chosen[option] for option in ("pool", "layer_norm", "dropout")}
                return RecNN(cell(seen, hidden_dim), hidden_dim, feature_dim=feature_dim, **settings)
            case "fcn":
                return FCN(feature_dim)
            case "lstm":
                return LSTM(feature_dim)
        return CNN(chosen["image_radius"], feature_dim)

    def _networks(self) -> list[JetNetwork]:
        return [self.network] if self.learner is None else [self.network, self.learner]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.features != "paper":
            checkpoint["features"] = self.features

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network for the features that it was trained on; those of older releases are the paper's."""
        self._read(checkpoint.get("features", "paper"))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        chosen = self.hparams
        optimizer = torch.optim.AdamW(
            self._networks()[-1].parameters(), lr=chosen["learning_rate"], weight_decay=chosen["weight_decay"]
        )
        steps = self.trainer.estimated_stepping_batches
        if steps == math.inf:
            raise UsageError("the learning rate falls until the last step: set --trainer.max_epochs or max_steps")
        cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_cosine, steps=int(steps)))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take the step, and the weights after it into the average; the first ones do not count for long."""
        steps = self.trainer.global_step
        super().optimizer_step(*args, **kwargs)
        if self.learner is not None:
            old = min(self.hparams["average"], (1 + steps) / (10 + steps))
            with torch.no_grad():
                for average, weight in zip(self.network.parameters(), self.learner.parameters(), strict=True):
                    average.lerp_(weight, 1 - old)

    def forward(self, batch: JetBatch) -> Tensor:
        """Return the logits, (jet,): the higher, the more like signal."""
        batches = mirror_images(batch) if self.hparams["mirror_average"] and not self.training else [batch]
        return torch.stack([self.network(one) for one in batches]).mean(0)

    def _step(self, batch: JetBatch, stage: str) -> tuple[Tensor, Tensor]:
        """Return logits and loss of a batch, and update the metrics of the stage."""
        assert batch.labels is not None
        logits = self._networks()[-1](batch) if stage == "train" else self(batch)
        loss = functional.binary_cross_entropy_with_logits(logits, batch.labels)
        size = len(batch.labels)
        self._metric(f"{stage}_loss").update(loss.detach(), size)
        self._metric(f"{stage}_accuracy").update(logits.detach().sigmoid(), batch.labels)
        return logits, loss

    def _log(self, *names: str) -> None:
        """Log metrics of an epoch at its end: logging in every step takes an eighth of the time of a training."""
        for name in names:
            self.log(name, self._metric(name), prog_bar=True)

    def training_step(self, batch: JetBatch, batch_idx: int) -> Tensor:
        for name, change in {"mirror": mirrored, "turn": turned}.items():
            batch = change(batch) if self.hparams[name] else batch
        return self._step(batch, "train")[1]

    def on_train_epoch_end(self) -> None:
        """Log loss and accuracy of the epoch."""
        self._log("train_loss", "train_accuracy")

    def validation_step(self, batch: JetBatch, batch_idx: int) -> None:
        assert batch.labels is not None
        logits, _ = self._step(batch, "val")
        if self.trainer.sanity_checking:
            return  # its few jets may all be signal
        # torchmetrics applies the sigmoid only to a batch with a value outside 0 and 1, so that it is applied here.
        self._metric("val_auc").update(logits.double().sigmoid(), batch.labels.long())

    def on_validation_epoch_end(self) -> None:
        """Log loss and accuracy, and the AUC of all jets."""
        self._log("val_loss", "val_accuracy", *([] if self.trainer.sanity_checking else ["val_auc"]))

    def on_test_epoch_start(self) -> None:
        self._scores, self._labels = [], []

    def test_step(self, batch: JetBatch, batch_idx: int) -> None:
        assert batch.labels is not None
        # In double precision different logits have different probabilities.
        self._scores.append(self._step(batch, "test")[0].double().sigmoid().cpu())
        self._labels.append(batch.labels.cpu())

    def on_test_epoch_end(self) -> None:
        """Log loss, accuracy, AUC and rejections with their statistical errors, and draw the ROC curve."""
        self._log("test_loss", "test_accuracy")
        scores, labels = torch.cat(self._scores).numpy(), torch.cat(self._labels).numpy()
        self._scores, self._labels = [], []
        if not np.isfinite(scores).all():
            raise RunError("the network's scores are not finite: it has diverged. Lower --model.learning_rate")
        if np.all(labels == labels[0]):
            return  # a test file may hold signal alone, or background alone
        measured = {"auc": tagging.auc(scores, labels)}
        measured |= {f"rejection_{name}": tagging.rejection(scores, labels, at) for name, at in EFFICIENCIES.items()}
        for name, (value, error) in measured.items():
            if math.isfinite(value):  # it is infinite where no background passed
                self.log(f"test_{name}", value)
                self.log(f"test_{name}_error", error)
        figures = Path(self.trainer.default_root_dir) / "figures"
        if self.trainer.is_global_zero and figures.is_dir():
            auc = measured["auc"]
            data = getattr(self.trainer, "datamodule", None)
            classes = f"{data.signal} against {data.background}: " if data is not None else ""
            title = f"{classes}AUC {auc.value:.4f} ± {auc.error:.4f}"
            tagging.write_roc(figures / "roc.png", tagging.roc(scores, labels), title)

    def predict_step(self, batch: JetBatch, batch_idx: int) -> dict[str, Tensor]:
        """Return event and momentum of each jet, which identify it, and its ``score``.

        The score is the probability of signal where signal is as frequent as in training; nan for a jet without
        constituents.
        """
        return {**(batch.columns or {}), "score": of_each_jet(self, batch).sigmoid()}

    def embed_step(self, batch: JetBatch, batch_idx: int) -> Tensor:
        """Return the first of the last three hidden layers, (jet, layer_dim): the embedding, where there is one."""
        return of_each_jet(lambda filled: next(iter(self.network.layers(filled).values())), batch)

    def _metric(self, name: str) -> Metric:
        metric = self.metrics[name]
        assert isinstance(metric, Metric)
        return metric


def warm_cosine(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step: it rises over the first tenth, then falls to 0 by a cosine.

    Example:
        >>> [round(warm_cosine(step, steps=100), 2) for step in (0, 9, 55, 100)]
        [0.1, 1.0, 0.5, 0.0]
    """
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm)))
