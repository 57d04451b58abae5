"""How well a tagger separates signal from background: the ROC curve, and AUC and background rejection.

``AUC`` is the probability that a signal jet scores higher than a background jet. Its statistical error is that of
DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988): the AUC is a mean over signal jets of the share of background
below each, and over background jets of the share of signal above each, and the errors of both means add. *Rejection*
at a signal efficiency e is 1 / (background efficiency) at the threshold that a share e of the signal passes.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.pictures import GREY, drawing, numbers_of

Scores = NDArray[np.floating]
Labels = NDArray[np.floating] | NDArray[np.integer]


class Estimate(NamedTuple):
    """A number and its statistical error (one standard deviation)."""

    value: float
    error: float


class Roc(NamedTuple):
    """A ROC curve: point i is the shares that pass ``score >= thresholds[i]``; it goes from (0, 0) to (1, 1).

    Attributes:
        thresholds: (point,) falling; the first is infinite.
        signal: (point,) share of the signal jets that pass.
        background: (point,) share of the background jets that pass.
    """

    thresholds: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]


def roc(scores: Scores, labels: Labels) -> Roc:
    """Return the ROC curve of jets, a point for each different score.

    Args:
        scores: (jet,).
        labels: (jet,) 1 for signal, 0 for background.

    Raises:
        ValueError: there is no signal, or no background, or a score is not finite.

    Example:
        >>> curve = roc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]))
        >>> curve.signal.tolist(), curve.background.tolist()
        ([0.0, 0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5, 1.0])
    """
    signal, scores = _split(scores, labels)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # the last jet of each score
    passed = np.cumsum(signal[order])[ends]
    return Roc(
        np.concatenate([[np.inf], scores[order][ends]]),
        np.concatenate([[0.0], passed / signal.sum()]),
        np.concatenate([[0.0], (ends + 1 - passed) / (~signal).sum()]),
    )


def auc(scores: Scores, labels: Labels) -> Estimate:
    """Return the area under the ROC curve, with DeLong's error; nan where a class has a single jet.

    Arguments and errors are those of `roc`.

    Example:
        >>> auc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0])).value
        0.75
    """
    signal, scores = _split(scores, labels)
    low, high = np.sort(scores[~signal]), np.sort(scores[signal])
    below = _share_below(scores[signal], low)  # of the background, for each signal jet
    above = 1.0 - _share_below(scores[~signal], high)
    spread = [values.var(ddof=1) / len(values) if len(values) > 1 else np.nan for values in (below, above)]
    return Estimate(float(below.mean()), float(np.sqrt(sum(spread))))


def rejection(scores: Scores, labels: Labels, efficiency: float) -> Estimate:
    """Return 1 over the share of background that passes the threshold that a share ``efficiency`` of the signal passes.

    It is interpolated between the points of the curve; of several thresholds with this efficiency the one that rejects
    most counts. The error is the binomial one of the background that passes; where no background passes, value and
    error are infinite.

    Raises:
        ValueError: the efficiency is not between 0 and 1, or there is no signal, or no background.

    Example:
        >>> rejection(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]), 1.0).value
        2.0
    """
    if not 0 < efficiency <= 1:
        raise ValueError(f"rejection: the signal efficiency must be above 0 and at most 1, got {efficiency}")
    curve = roc(scores, labels)
    signal, first = np.unique(curve.signal, return_index=True)
    passing = float(np.interp(efficiency, signal, curve.background[first]))
    if passing == 0:
        return Estimate(np.inf, np.inf)
    background = len(labels) - np.count_nonzero(labels)
    return Estimate(1 / passing, float(np.sqrt(passing * (1 - passing) / background) / passing**2))


def write_roc(picture: Path, curve: Roc, title: str) -> Path:
    """Draw background rejection over signal efficiency, and write its points beside it (CSV); return the CSV's path.

    Args:
        picture: the PNG file.
        curve: the ROC curve.
        title: of the picture.
    """
    points = zip(*(values.tolist() for values in curve), strict=True)
    columns = ["threshold", "signal_efficiency", "background_efficiency"]
    with drawing(picture, columns, points, width=5.5, height=4.5) as figure:
        axis = figure.subplots()
        passing = curve.background > 0
        axis.semilogy(curve.signal[passing], 1 / curve.background[passing], label="tagger")
        diagonal = np.linspace(0.02, 1, 200)
        axis.semilogy(diagonal, 1 / diagonal, color=GREY, linestyle=":", label="chance")
        axis.set_xlim(0, 1)
        axis.set_xlabel("signal efficiency")
        axis.set_ylabel("background rejection (1 / background efficiency)")
        axis.set_title(title)
        axis.legend()
    return numbers_of(picture)


def _split(scores: Scores, labels: Labels) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which jets are signal, and the scores in float64."""
    signal = np.asarray(labels) > 0.5
    if signal.all() or not signal.any():
        raise ValueError(
            f"a ROC curve needs signal and background, got {signal.sum()} signal and {(~signal).sum()} background jets"
        )
    values = np.asarray(scores, dtype=np.float64)
    if lost := np.count_nonzero(~np.isfinite(values)):
        raise ValueError(f"scores must be finite, but {lost} of {len(values)} are not: the network has diverged")
    return signal, values


def _share_below(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the sorted others below each value; equal ones count half."""
    return (np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")) / (2 * len(others))
