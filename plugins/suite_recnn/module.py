"""How jet taggers are trained: binary cross-entropy, AdamW, a learning rate that rises and falls, mirrored jets."""

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
from suite_recnn.forests import FEATURES, JetBatch, of_each_jet
from suite_recnn.network import CNN, FCN, FEATURE_DIM, LSTM, PAPER_DIM, JetNetwork, RecNN

Network = Literal["recnn", "gated", "fcn", "lstm", "cnn"]
ETA, PHI, THETA = (FEATURES.index(name) for name in ("eta", "phi", "theta"))
EFFICIENCIES = {"30": 0.3, "50": 0.5}
"""Signal efficiencies, in per cent, at which a test states the background rejection."""

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "network": [Network],
    "hidden_dim": [Interval(int, 1)],
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
        mass: the recursive networks also see the logarithm of each node's mass, beside the paper's seven features.
        mirror: in training every jet is mirrored at random, eta to -eta and phi to -phi, as nature does; not for
            jets that --data.preprocess recnn aligned.
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
        mirror: bool = True,
        image_radius: float = 0.8,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.05,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        check(CONSTRAINTS, locals(), where="--model.")
        self.network = _build(network, hidden_dim, mass, image_radius)
        self.metrics = nn.ModuleDict()
        for stage in ("train", "val", "test"):
            self.metrics[f"{stage}_loss"] = MeanMetric()
            self.metrics[f"{stage}_accuracy"] = BinaryAccuracy()
        self.metrics["val_auc"] = BinaryAUROC()
        self._scores: list[Tensor] = []  # of a test, batch by batch
        self._labels: list[Tensor] = []

    def setup(self, stage: str) -> None:
        """Set the scaling of the features to that of the training data; a checkpoint that is loaded overwrites it.

        Raises:
            UsageError: the jets are aligned and would be mirrored.
        """
        if stage == TrainerFn.FITTING:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            if self.hparams["mirror"] and getattr(data, "preprocess", None) == "recnn":
                raise UsageError(
                    "--model.mirror true undoes the alignment of --data.preprocess recnn: set --model.mirror false, or "
                    "--data.preprocess center"
                )
            self.network.scaler.set(data.center, data.scale)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        chosen = self.hparams
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=chosen["learning_rate"], weight_decay=chosen["weight_decay"]
        )
        steps = self.trainer.estimated_stepping_batches
        if steps == math.inf:
            raise UsageError("the learning rate falls until the last step: set --trainer.max_epochs or max_steps")
        cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_cosine, steps=int(steps)))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def forward(self, batch: JetBatch) -> Tensor:
        """Return the logits, (jet,): the higher, the more like signal."""
        logits: Tensor = self.network(batch)
        return logits

    def _step(self, batch: JetBatch, stage: str) -> tuple[Tensor, Tensor]:
        """Return logits and loss of a batch, and update the metrics of the stage."""
        assert batch.labels is not None
        logits = self(batch)
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
        return self._step(mirrored(batch) if self.hparams["mirror"] else batch, "train")[1]

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


def mirrored(batch: JetBatch) -> JetBatch:
    """Return the jets, each mirrored at random in eta, in phi, in both or in neither.

    A mirrored eta exchanges the two proton beams, which are alike.
    """
    nodes = batch.offsets.diff()
    sides = torch.randint(0, 2, (len(nodes), 2), device=nodes.device) * 2.0 - 1.0
    eta, phi = sides.repeat_interleave(nodes, dim=0, output_size=len(batch.features)).unbind(1)  # (node,) each
    features = batch.features.clone()
    features[:, ETA] *= eta
    features[:, PHI] *= phi
    features[:, THETA] = torch.pi / 2 + (features[:, THETA] - torch.pi / 2) * eta
    return batch._replace(features=features)


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


def _build(network: Network, hidden_dim: int, mass: bool, image_radius: float) -> JetNetwork:
    feature_dim = FEATURE_DIM if mass else PAPER_DIM
    match network:
        case "recnn":
            return RecNN(SimpleCell(feature_dim, hidden_dim), hidden_dim)
        case "gated":
            return RecNN(GatedCell(feature_dim, hidden_dim), hidden_dim)
        case "fcn":
            return FCN()
        case "lstm":
            return LSTM()
        case "cnn":
            return CNN(image_radius)
