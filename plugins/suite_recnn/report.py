"""What a validation and a test say: scores gathered over the batches of all processes, their measures and pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lightning_suite.confusion import write_confusion
from suite_recnn import tagging
from suite_recnn.outputs import probabilities
from suite_recnn.tagging import Estimate, Roc

EFFICIENCIES = {"30": 0.3, "50": 0.5}
"""Signal efficiencies, in per cent, at which a test states the background rejection."""


class Scored(NamedTuple):
    """Jets with their scores.

    Attributes:
        scores: (jet,) the probability of signal, or (jet, class) those of more than two classes.
        labels: (jet,) 1 for signal and 0 for background, or the number of the class.
        weights: (jet,) how much each jet counts.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]

    def places(self) -> list[int]:
        """Return the classes whose jets can be told from others: those that are there, if there are two of them."""
        there = np.unique(self.labels).tolist()
        return there if len(there) > 1 else []


class Gathered(Metric):
    """The scores of an epoch; ``compute`` returns them as `Scored`."""

    full_state_update = False
    logits: list[Tensor]
    labels: list[Tensor]
    weights: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("logits", "labels", "weights"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, logits: Tensor, labels: Tensor, weights: Tensor | None) -> None:
        """Add a batch."""
        self.logits.append(logits.detach())
        self.labels.append(labels)
        self.weights.append(torch.ones_like(labels, dtype=torch.float32) if weights is None else weights)

    def compute(self) -> Scored:
        """Return all batches."""
        logits, labels, weights = (dim_zero_cat(part).cpu() for part in (self.logits, self.labels, self.weights))
        # In double precision different logits have different probabilities.
        scores = probabilities(logits.double()).numpy()
        return Scored(scores, labels.long().numpy(), weights.double().numpy())


def aucs(scored: Scored, classes: Sequence[str]) -> dict[str, Estimate]:
    """Return ``auc``; of more than two classes also that of each against the rest, and ``auc`` is their mean.

    Nothing where there is only one class.

    Args:
        scored: the jets.
        classes: the names of the classes.

    Raises:
        ValueError: a score is not finite, or the weights of a class have no sum above 0.
    """
    scores, labels, weights = scored
    places = scored.places()
    if not places:
        return {}
    if scores.ndim == 1:
        return {"auc": tagging.auc(scores, labels, weights)}
    each, mean = tagging.one_vs_rest(scores[:, places], np.searchsorted(places, labels), weights)
    return {"auc": mean} | {f"auc_{classes[place]}": one for place, one in zip(places, each, strict=True)}


def measures(scored: Scored, classes: Sequence[str]) -> dict[str, Estimate]:
    """Return the AUCs, and of two classes the rejections at the `EFFICIENCIES`; arguments and errors as of `aucs`."""
    measured = aucs(scored, classes)
    if measured and scored.scores.ndim == 1:
        for name, efficiency in EFFICIENCIES.items():
            measured[f"rejection_{name}"] = tagging.rejection(*scored[:2], efficiency, scored.weights)
    return measured


def draw(folder: Path, scored: Scored, classes: Sequence[str], measured: dict[str, Estimate]) -> None:
    """Draw the ROC curve and the scores, or curves of each class against the rest and the confusion matrix.

    Args:
        folder: for the pictures.
        scored: the jets.
        classes: the names of the classes; two are background and signal.
        measured: the AUCs.
    """
    scores, labels, weights = scored
    auc = f"AUC {measured['auc'].value:.4f} ± {measured['auc'].error:.4f}"
    if scores.ndim == 1:
        curves = {"tagger": tagging.roc(scores, labels, weights)}
        title = f"{classes[1]} against {classes[0]}: {auc}" if classes else auc
        jets = tagging.effective_background(labels, weights)
        tagging.write_roc(folder / "roc.png", curves, title, {"tagger": jets})
        names = classes or ("background", "signal")
        of_class = {names[place]: labels == place for place in (1, 0)}
        each = ({name: values[those] for name, those in of_class.items()} for values in (scores, weights))
        tagging.write_scores(folder / "scores.png", *each)
        return
    background: dict[str, float] = {}
    one_against_rest: dict[str, Roc] = {}
    for place in scored.places():
        one = measured[f"auc_{classes[place]}"]
        name = f"{classes[place]}: {one.value:.4f} ± {one.error:.4f}"
        one_against_rest[name] = tagging.roc(scores[:, place], labels == place, weights)
        background[name] = tagging.effective_background(labels == place, weights)
    tagging.write_roc(folder / "roc.png", one_against_rest, f"each class against the rest: mean {auc}", background)
    counts = tagging.confusion(scores.argmax(axis=1), labels, len(classes), weights)
    whole = bool((weights == 1).all())  # jets that are counted, not weighed
    write_confusion(folder / "confusion.png", classes, (counts.astype(np.int64) if whole else counts).tolist())
