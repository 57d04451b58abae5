"""How jet taggers are trained: cross-entropy, AdamW, a learning rate that rises and falls, mirrored jets."""

import contextlib
import copy
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import RunError, UsageError
from lightning_suite.exporting.exportable import Exportable
from lightning_suite.fused_steps import fused_if_possible
from lightning_suite.running_average import average_, decay_at, hold_average_
from suite_recnn import exporting, report
from suite_recnn.far_inputs import FarInputs
from suite_recnn.forests import FEATURES, ForestData, JetBatch, NodeFeatures, of_each_jet, robust_scale
from suite_recnn.lund import LUND_FEATURES
from suite_recnn.network import JetNetwork, Network, Pool, build_network
from suite_recnn.outputs import cross_entropy, predicted, probabilities, total
from suite_recnn.report import Gathered, Scored
from suite_recnn.schedule import warm_cosine
from suite_recnn.symmetries import mirror_images, mirrored, turned

CONSTRAINTS: Mapping[str, Sequence[Any]] = {
    "network": [Network],
    "hidden_dim": [Interval(int, 1)],
    "pool": [Pool],
    "mass_waves": [Interval(int, 0, 8)],
    "dropout": [Interval(float, 0, 1, closed="left")],
    "average": [Interval(float, 0, 1, closed="left")],
    "image_radius": [Interval(float, 0, closed="neither")],
    "learning_rate": [Interval(float, 0, closed="neither")],
    "weight_decay": [Interval(float, 0)],
}


class JetTagger(LightningModule):
    """Classifies jets as signal or background, or as one of more classes (--data.classes).

    Where the data have weights, all means over jets are weighted: the loss of a batch is divided by the sum of the
    sizes of its weights (``suite_recnn.outputs``); of AUC and rejection see ``suite_recnn.tagging``.

    Args:
        network: recnn, the recursive network of appendix A; gated, the same with Louppe's gates; fcn, lstm and cnn,
            those of appendix C.
        hidden_dim: width of the recursive networks' embedding and dense layers.
        mass: the recursive networks also see the logarithm of each node's mass, beside the paper's seven features; with
            --data.features lund they always do.
        mass_waves: the number of frequencies w = 2, 4, 8, ... for which the recursive networks also see cos(w ln m) and
            sin(w ln m) of each inner node's mass m; these tell masses apart that are close together in ln m.
        pool: what stands for a jet in the recursive networks: root, the embedding of the tree's root; mean or sum, also
            the mean or the sum of the embeddings of all nodes.
        layer_norm: the recursive networks' first dense layer sees the normalised embedding.
        dropout: the share of units of their dense layers that is left out at random in training.
        mirror: in training every jet is mirrored at random, eta to -eta and phi to -phi, which changes no physics; not
            for jets that --data.preprocess recnn aligned.
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
        mass_waves: int = 0,
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
        self.classes: tuple[str, ...] = ()  # their names where there are more than two
        self.network = build_network(self.hparams, len(FEATURES), classes=2)
        # With averaged weights, ``network`` has the average, and what learns is a network of its own.
        self.learner = copy.deepcopy(self.network) if average else None
        self.metrics: nn.ModuleDict = nn.ModuleDict()
        for stage in ("train", "val", "test"):
            self.metrics[f"{stage}_loss"] = MeanMetric()
            self.metrics[f"{stage}_accuracy"] = MeanMetric()
        self.metrics["val_auc"], self.metrics["test_auc"] = Gathered(), Gathered()
        self._far_inputs = FarInputs()

    def setup(self, stage: str) -> None:
        """Take the features and classes of the training data, and scale by them; a checkpoint overwrites this.

        Raises:
            UsageError: the jets are aligned, and would be mirrored, or are not centred, and would be turned; or the
                network was trained on other features or classes than the data's.
        """
        data = getattr(self.trainer, "datamodule", None)
        if data is None or not hasattr(data, "classes"):  # the loaders are of someone else
            if stage == TrainerFn.FITTING and not self.network.scaler.is_set:
                rank_zero_warn("the features of jets are not scaled: before fit, call learn_scale(trees)")
            return
        features, classes = getattr(data, "features", self.features), tuple(data.classes)
        if stage != TrainerFn.FITTING:
            if features != self.features:
                raise UsageError(f"--data.features {features}: this network was trained on {self.features}")
            several = max(len(classes), len(self.classes)) > 2
            if stage != TrainerFn.PREDICTING and several and classes != self.classes:
                known = ",".join(self.classes) or "two, --data.signal and --data.background"
                raise UsageError(f"--data.classes: expected those of the training, {known}; got {','.join(classes)}")
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
        self._take(features, classes, data.center, data.scale)

    def learn_scale(self, trees: ForestData, classes: Sequence[str] = ()) -> Self:
        """Build for the features of training trees and for classes, and scale by them; a data module does so by itself.

        Then batches of any loader are taken whose ``collate_fn`` is ``trees.batch``.

        Args:
            trees: see `suite_recnn.in_memory.jet_trees`.
            classes: their names, of more than two.

        Example:
            >>> from suite_recnn.in_memory import jet_trees
            >>> trees = jet_trees([[[250.0, 10, 40, 253.7], [90, -20, 5, 92.4]]], [1])
            >>> tagger = JetTagger(hidden_dim=4).learn_scale(trees)
            >>> tagger(trees.batch([0])).shape
            torch.Size([1])
        """
        center, scale = robust_scale(trees.forest, trees.chosen)
        self._take("paper" if len(center) == len(FEATURES) else "lund", classes, center, scale)
        return self

    def _take(self, features: NodeFeatures, classes: Sequence[str], center: Tensor, scale: Tensor) -> None:
        self._build(features, classes)
        for network in self._networks():
            network.scaler.set(center, scale)
        if self.learner is not None:
            hold_average_(self.network)

    def _build(self, features: NodeFeatures, classes: Sequence[str]) -> None:
        """Build the networks for other features, or other classes, of the data."""
        classes = tuple(classes) if len(classes) > 2 else ()
        if (features, classes) != (self.features, self.classes):
            self.features, self.classes = features, classes
            feature_dim = len(FEATURES) + (len(LUND_FEATURES) if features == "lund" else 0)
            self.network = build_network(self.hparams, feature_dim, len(classes))
            self.learner = None if self.learner is None else copy.deepcopy(self.network)

    def _networks(self) -> list[JetNetwork]:
        return [self.network] if self.learner is None else [self.network, self.learner]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.features != "paper":
            checkpoint["features"] = self.features
        if self.classes:
            checkpoint["classes"] = list(self.classes)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network for the features and classes it was trained on: in older releases the paper's, and two."""
        self._build(checkpoint.get("features", "paper"), checkpoint.get("classes", ()))

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        chosen = self.hparams
        optimizer = torch.optim.AdamW(
            self._networks()[-1].parameters(),
            lr=chosen["learning_rate"],
            weight_decay=chosen["weight_decay"],
            fused=fused_if_possible(self),
        )
        steps = self.trainer.estimated_stepping_batches
        if steps == math.inf:
            raise UsageError("the learning rate falls until the last step: set --trainer.max_epochs or max_steps")
        cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(warm_cosine, steps=int(steps)))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take the step, and the weights after it into the average."""
        steps = self.trainer.global_step
        super().optimizer_step(*args, **kwargs)
        if self.learner is not None:
            average_(self.network, self.learner, decay_at(steps, self.hparams["average"]))

    def forward(self, batch: JetBatch) -> Tensor:
        """Return the logits, (jet,): the higher, the more like signal; of more than two classes (jet, class)."""
        batches = mirror_images(batch) if self.hparams["mirror_average"] and not self.training else [batch]
        return torch.stack([self.network(one) for one in batches]).mean(0)

    def _step(self, batch: JetBatch, stage: str) -> tuple[Tensor, Tensor]:
        """Return logits and loss of a batch, and update the metrics of the stage."""
        assert batch.labels is not None
        logits = self._networks()[-1](batch) if stage == "train" else self(batch)
        loss, weights = cross_entropy(logits, batch.labels, batch.weights), batch.weights
        hits = predicted(logits.detach()) == batch.labels.long()
        self._metric(f"{stage}_loss").update(loss.detach(), len(hits) if weights is None else total(weights))
        self._metric(f"{stage}_accuracy").update(hits.float(), 1.0 if weights is None else weights)
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
        if not self.trainer.sanity_checking:  # its few jets may all be signal
            self._metric("val_auc").update(logits, batch.labels, batch.weights)

    def on_validation_epoch_end(self) -> None:
        """Log loss, accuracy and the (mean) AUC of all jets: nan where there is none, as of one class alone."""
        self._log("val_loss", "val_accuracy")
        if not self.trainer.sanity_checking:
            auc = torch.nan
            with contextlib.suppress(ValueError, KeyError):
                auc = report.aucs(self._scored("val_auc"), self.classes)["auc"].value
            self.log("val_auc", auc, prog_bar=True)

    def on_test_batch_start(self, batch: JetBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Say where the jets are unlike those of the training."""
        scaler = self.network.scaler
        self._far_inputs.look_at(batch, scaler.center, scaler.scale, self.trainer)

    on_predict_batch_start = on_test_batch_start

    def test_step(self, batch: JetBatch, batch_idx: int) -> None:
        assert batch.labels is not None
        logits, _ = self._step(batch, "test")
        self._metric("test_auc").update(logits, batch.labels, batch.weights)

    def on_test_epoch_end(self) -> None:
        """Log loss, accuracy, AUC and rejections with their statistical errors, and draw what belongs to them.

        Raises:
            RunError: scores are not finite, or weights have no sum above 0.
        """
        self._log("test_loss", "test_accuracy")
        scored = self._scored("test_auc")
        if not np.isfinite(scored.scores).all():
            raise RunError("the network's scores are not finite: it has diverged. Lower --model.learning_rate")
        data = getattr(self.trainer, "datamodule", None)
        classes = self.classes or tuple(getattr(data, "classes", ()))
        try:
            measured = report.measures(scored, classes)
        except ValueError as why:
            raise RunError(f"there is no AUC of these jets: {why}") from why
        for name, (value, error) in measured.items():
            if math.isfinite(value):  # it is infinite where no background passed
                self.log(f"test_{name}", value)
                self.log(f"test_{name}_error", error)
        figures = Path(self.trainer.default_root_dir) / "figures"
        if measured and self.trainer.is_global_zero and figures.is_dir():
            report.draw(figures, scored, classes, measured)

    def predict_step(self, batch: JetBatch, batch_idx: int) -> dict[str, Tensor]:
        """Return event and momentum of each jet, which identify it, and its ``score``.

        The score is the probability of signal where signal is as frequent as in training; nan for a jet without
        constituents. Of more than two classes there is one for each: ``score_w``, ``score_top``, ...
        """
        scores = probabilities(of_each_jet(self, batch))
        names = [f"score_{name}" for name in self.classes] or ["score"]
        columns = scores.reshape(len(scores), len(names)).unbind(1)
        return {**(batch.columns or {}), **dict(zip(names, columns, strict=True))}

    def embed_step(self, batch: JetBatch, batch_idx: int) -> Tensor:
        """Return the first of the last three hidden layers, (jet, layer_dim): the embedding, where there is one."""
        return of_each_jet(lambda filled: next(iter(self.network.layers(filled).values())), batch)

    def exportable(self) -> Exportable:
        """Return what ``suite export`` writes: the network on clustered trees."""
        return exporting.exportable(
            self.forward, self.network, self.network.scaler.inverse, self.features, self.classes
        )

    def _scored(self, name: str) -> Scored:
        """Return what a metric has gathered in the epoch, which it forgets."""
        metric = self._metric(name)
        scored: Scored = metric.compute()
        metric.reset()
        return scored

    def _metric(self, name: str) -> Metric:
        metric = self.metrics[name]
        assert isinstance(metric, Metric)
        return metric
