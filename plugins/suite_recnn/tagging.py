"""How well a tagger separates signal from background: the ROC curve and the numbers that are read from it.

``AUC`` is the probability that a signal jet scores higher than a background jet. Its statistical error is that of
DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988): the AUC is a mean over signal jets of the share of background
below each, and over background jets of the share of signal above each, and the errors of both means add. *Rejection*
at a signal efficiency e is 1 / (background efficiency) at the threshold that a share e of the signal passes.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Labels = NDArray[np.floating] | NDArray[np.integer]


class Measured(NamedTuple):
    """A number and its statistical error (one standard deviation)."""

    value: float
    error: float


class Roc(NamedTuple):
    """The ROC curve: point i is what passes ``score >= thresholds[i]``; it begins at (0, 0) and ends at (1, 1).

    Attributes:
        thresholds: (point,) falling; the first is infinite.
        signal: (point,) share of the signal jets that pass.
        background: (point,) share of the background jets that pass.
    """

    thresholds: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]


def roc(scores: Scores, labels: Labels) -> Roc:
    """The curve of some jets, one point a different score.

    Args:
        scores: (jet,).
        labels: (jet,) 1 for signal, 0 for background.

    Raises:
        ValueError: there is no signal, or no background, or a score is not finite.
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


def auc(scores: Scores, labels: Labels) -> Measured:
    """Area under the curve of `roc`, with DeLong's error; arguments and errors are those of `roc`.

    The error is nan where there is only one jet of signal, or of background.
    """
    signal, scores = _split(scores, labels)
    low, high = np.sort(scores[~signal]), np.sort(scores[signal])
    below = _share_below(scores[signal], low)  # of the background, for each signal jet
    above = 1.0 - _share_below(scores[~signal], high)
    spread = [values.var(ddof=1) / len(values) if len(values) > 1 else np.nan for values in (below, above)]
    return Measured(float(below.mean()), float(np.sqrt(sum(spread))))


def rejection(scores: Scores, labels: Labels, efficiency: float) -> Measured:
    """One over the share of background that passes where a share ``efficiency`` of the signal does.

    Between two points of the curve it is interpolated; of several thresholds with this efficiency the one that rejects
    most counts. The error is the binomial one of the background that passes;
    where none passes, value and error are infinite.

    Raises:
        ValueError: the efficiency is not between 0 and 1, or there is no signal, or no background.
    """
    if not 0 < efficiency <= 1:
        raise ValueError(f"rejection: the signal efficiency must be above 0 and at most 1, got {efficiency}")
    curve = roc(scores, labels)
    signal, first = np.unique(curve.signal, return_index=True)
    passing = float(np.interp(efficiency, signal, curve.background[first]))
    if passing == 0:
        return Measured(np.inf, np.inf)
    background = len(labels) - np.count_nonzero(labels)
    return Measured(1 / passing, float(np.sqrt(passing * (1 - passing) / background) / passing**2))


def write_roc(picture: Path, curve: Roc, title: str) -> None:
    """Draws background rejection over signal efficiency, as the field does, and writes the points as CSV beside it.

    Args:
        picture: the PNG file; the CSV has its name.
        curve: what is drawn.
        title: above the picture.
    """
    from matplotlib.figure import Figure

    with picture.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["threshold", "signal_efficiency", "background_efficiency"])
        writer.writerows(zip(*(values.tolist() for values in curve), strict=True))
    figure = Figure(figsize=(5.5, 4.5), layout="constrained")
    axis = figure.subplots()
    passing = curve.background > 0
    axis.semilogy(curve.signal[passing], 1 / curve.background[passing], label="tagger")
    diagonal = np.linspace(0.02, 1, 200)
    axis.semilogy(diagonal, 1 / diagonal, color="grey", linestyle=":", label="chance")
    axis.set_xlim(0, 1)
    axis.set_xlabel("signal efficiency")
    axis.set_ylabel("background rejection (1 / background efficiency)")
    axis.set_title(title)
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(picture, dpi=150)


def _split(scores: Scores, labels: Labels) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which jets are signal, and the scores in float64."""
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
    """Share of the sorted others below each value; equals count half."""
    return (np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")) / (2 * len(others))
