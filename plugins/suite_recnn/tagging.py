"""How well a tagger separates signal from background: the ROC curve, and AUC and background rejection.

``AUC`` is the probability that a signal jet scores higher than a background jet: with weights w_i of signal and v_j of
background jets, W and V their sums,

    AUC = sum_i w_i a_i / W = sum_j v_j b_j / V

where a_i is the share of the background's weight that scores below signal jet i and b_j the share of the signal's
weight that scores above background jet j; equal scores count half. Its statistical error is that of DeLong, DeLong and
Clarke-Pearson (Biometrics 44, 1988) with weights: to first order a jet moves the AUC by its *influence*, w_i (a_i -
AUC) / W or v_j (b_j - AUC) / V, and the squared influences add up to the variance. Each class has a factor n / (n - 1)
for the mean that was subtracted, with the effective number n = (sum of weights)^2 / (sum of their squares) of its jets.
Without weights this is DeLong's error.

*Rejection* at a signal efficiency e is 1 / (background efficiency) at the threshold that a share e of the signal
passes.

Weights below 0, as of generators at next-to-leading order, count as any other while the sum of each class is above 0.
Then the efficiencies may fall where the threshold falls, lie outside 0 and 1, and so may the AUC.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.pictures import GREY, drawing, numbers_of

Scores = NDArray[np.floating]
Labels = NDArray[np.floating] | NDArray[np.integer]
Weights = NDArray[np.floating] | None
Shares = NDArray[np.float64]


SCORE_BINS = 40
"""Bins of the distributions of scores."""


class Estimate(NamedTuple):
    """A number and its statistical error (one standard deviation)."""

    value: float
    error: float


class Roc(NamedTuple):
    """A ROC curve: point i is the shares that pass ``score >= thresholds[i]``; it goes from (0, 0) to (1, 1).

    Attributes:
        thresholds: (point,) falling; the first is infinite.
        signal: (point,) share of the signal jets' weight that passes.
        background: (point,) share of the background jets' weight that passes.
    """

    thresholds: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]


def roc(scores: Scores, labels: Labels, weights: Weights = None) -> Roc:
    """Return the ROC curve of jets, a point for each different score.

    Args:
        scores: (jet,).
        labels: (jet,) 1 for signal, 0 for background.
        weights: (jet,) how much each jet counts; None: all alike.

    Raises:
        ValueError: there is no signal, or no background, or their weights have no sum above 0; or a score or a weight
            is not finite.

    Example:
        >>> curve = roc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]))
        >>> curve.signal.tolist(), curve.background.tolist()
        ([0.0, 0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.5, 1.0])
    """
    signal, scores, weights = _checked(scores, labels, weights)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # the last jet of each score
    passing = [np.append(0.0, np.cumsum((weights * of_class)[order])[ends]) for of_class in (signal, ~signal)]
    return Roc(np.append(np.inf, scores[order][ends]), *(shares / shares[-1] for shares in passing))


def auc(scores: Scores, labels: Labels, weights: Weights = None) -> Estimate:
    """Return the area under the ROC curve, with DeLong's error.

    The error is nan where a class has a single jet, or no more than one by its effective number.

    Arguments and errors are those of `roc`.

    Example:
        >>> auc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0])).value
        0.75
        >>> auc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]), np.array([3.0, 1.0, 1.0, 1.0])).value
        0.875
    """
    value, influence = _auc_and_influence(scores, labels, weights)
    return Estimate(value, float(np.sqrt(np.sum(influence**2))))


def one_vs_rest(scores: Scores, labels: Labels, weights: Weights = None) -> tuple[list[Estimate], Estimate]:
    """Return the AUC of each class against the jets of all others, and the mean of these (*macro*).

    The same jets make all of them, so that the error of the mean is that of the mean influence of each jet.

    Args:
        scores: (jet, class).
        labels: (jet,) the number of each jet's class.
        weights: (jet,) how much each jet counts; None: all alike.

    Raises:
        ValueError: as of `roc`, for each class.

    Example:
        >>> scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.9, 0.1, 0.0]])
        >>> classes, mean = one_vs_rest(scores, np.array([0, 1, 2, 2]))
        >>> [round(one.value, 3) for one in classes], round(mean.value, 3)
        ([0.667, 1.0, 0.5], 0.722)
    """
    each = [_auc_and_influence(column, np.equal(labels, place), weights) for place, column in enumerate(scores.T)]
    values, influences = np.array([value for value, _ in each]), np.stack([influence for _, influence in each])
    errors = np.sqrt(np.sum(influences**2, axis=1))
    mean = Estimate(float(values.mean()), float(np.sqrt(np.sum(influences.mean(axis=0) ** 2))))
    return [Estimate(float(value), float(error)) for value, error in zip(values, errors, strict=True)], mean


def rejection(scores: Scores, labels: Labels, efficiency: float, weights: Weights = None) -> Estimate:
    """Return 1 over the share of background that passes the threshold that a share ``efficiency`` of the signal passes.

    It is interpolated between the points of the curve; of several thresholds with this efficiency the one that rejects
    most counts. The error is the binomial one of the background that passes, with weights that of a weighted share;
    where no background passes, value and error are infinite.

    Raises:
        ValueError: the efficiency is not between 0 and 1, or as of `roc`.

    Example:
        >>> rejection(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0]), 1.0).value
        2.0
    """
    if not 0 < efficiency <= 1:
        raise ValueError(f"rejection: the signal efficiency must be above 0 and at most 1, got {efficiency}")
    curve = roc(scores, labels, weights)
    # Weights below 0 let the curve turn back: the highest threshold that reaches an efficiency has it.
    reached, first = np.unique(np.maximum.accumulate(curve.signal), return_index=True)
    passing = float(np.interp(efficiency, reached, curve.background[first]))
    if passing <= 0:
        return Estimate(np.inf, np.inf)
    signal, _, checked = _checked(scores, labels, weights)
    # Var(sum over those that pass of v / V) = sum over all of v^2 (passes - share)^2 / V^2
    squares = roc(scores, labels, checked**2)
    of_squares = float(np.interp(efficiency, reached, squares.background[first]))
    variance = (of_squares * (1 - passing) ** 2 + (1 - of_squares) * passing**2) / _effective(checked[~signal])
    return Estimate(1 / passing, float(np.sqrt(variance)) / passing**2)


def background_errors(curve: Roc, jets: float) -> NDArray[np.float64]:
    """Return the binomial error of the share of background that passes, at each point of a curve: (point,).

    Args:
        curve: the ROC curve.
        jets: the number of background jets, with weights their effective number.

    Example:
        >>> background_errors(roc(np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 0, 1, 0])), 2).round(2).tolist()
        [0.0, 0.0, 0.35, 0.35, 0.0]
    """
    return np.sqrt(np.maximum(curve.background * (1 - curve.background), 0) / jets)


def effective_background(labels: Labels, weights: Weights = None) -> float:
    """Return the number of background jets, with weights their effective number, (sum of w)^2 / sum of w^2.

    Example:
        >>> effective_background(np.array([1, 0, 0]))
        2.0
    """
    every = np.ones(len(labels)) if weights is None else weights
    return _effective(every[np.asarray(labels) == 0])


def confusion(predicted: NDArray[np.integer], labels: Labels, classes: int, weights: Weights = None) -> Shares:
    """Return the weight of the jets of each class that were taken for each class: (true class, predicted class).

    Args:
        predicted: (jet,) the number of the class that each jet is taken for.
        labels: (jet,) the number of its class.
        classes: how many there are.
        weights: (jet,) how much each jet counts; None: all alike.

    Example:
        >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    cells = np.asarray(labels).astype(np.int64) * classes + predicted
    return np.bincount(cells, weights, minlength=classes * classes).astype(np.float64).reshape(classes, classes)


def write_roc(
    picture: Path, curves: Mapping[str, Roc], title: str, background: Mapping[str, float] = MappingProxyType({})
) -> Path:
    """Draw background rejection over signal efficiency, and write its points beside it (CSV); return the CSV's path.

    Args:
        picture: the PNG file.
        curves: ROC curves by the names that the picture gives them; the numbers name them where there are several.
        title: of the picture.
        background: the number of background jets of curves, which get a band of one binomial error.
    """
    columns = ["threshold", "signal_efficiency", "background_efficiency", "background_error"]
    errors = {name: background_errors(curve, background.get(name, np.nan)) for name, curve in curves.items()}
    points: list[Sequence[object]] = [
        (name, *point)
        for name, curve in curves.items()
        for point in zip(*(part.tolist() for part in (*curve, errors[name])), strict=True)
    ]
    if len(curves) == 1:
        points = [point[1:] for point in points]
    with drawing(
        picture, columns if len(curves) == 1 else ["class", *columns], points, width=5.5, height=4.5
    ) as figure:
        axis = figure.subplots()
        for name, curve in curves.items():
            passing = curve.background > 0
            (line,) = axis.semilogy(curve.signal[passing], 1 / curve.background[passing], label=name)
            share, error = curve.background[passing], errors[name][passing]
            known = error < 0.9 * share  # a single jet that passes has no upper end
            ends = 1 / (share + error)[known], 1 / (share - error)[known]
            axis.fill_between(curve.signal[passing][known], *ends, color=line.get_color(), alpha=0.25, linewidth=0)
        diagonal = np.linspace(0.02, 1, 200)
        axis.semilogy(diagonal, 1 / diagonal, color=GREY, linestyle=":", label="chance")
        axis.set_xlim(0, 1)
        axis.set_xlabel("signal efficiency")
        axis.set_ylabel("background rejection (1 / background efficiency)")
        axis.set_title(title)
        axis.legend()
    return numbers_of(picture)


def write_scores(picture: Path, scores: Mapping[str, Scores], weights: Mapping[str, Scores]) -> Path:
    """Draw how the scores of classes of jets are distributed, and write the bins beside it (CSV); return its path.

    Args:
        picture: the PNG file.
        scores: (jet,) between 0 and 1, by the name of the class.
        weights: (jet,) how much each jet counts, by the name of the class.
    """
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    shares = {name: np.histogram(values, edges, weights=weights[name])[0] for name, values in scores.items()}
    densities = {name: counts * SCORE_BINS / (counts.sum() or 1) for name, counts in shares.items()}
    columns = ["low", "high", *(f"{kind}_{name}" for name in scores for kind in ("weight", "density"))]
    parts = [part.tolist() for name in scores for part in (shares[name], densities[name])]
    rows = zip(edges[:-1].tolist(), edges[1:].tolist(), *parts, strict=True)
    with drawing(picture, columns, rows, width=5.5, height=3.6) as figure:
        axis = figure.subplots()
        for name, density in densities.items():
            axis.stairs(density, edges, label=f"{name} ({len(scores[name]):,} jets)", fill=True, alpha=0.4)
        axis.set_xlim(0, 1)
        axis.set_xlabel("score, the probability of signal")
        axis.set_ylabel("density")
        figure.legend(loc="outside upper center", ncols=2)
    return numbers_of(picture)


def _auc_and_influence(scores: Scores, labels: Labels, weights: Weights) -> tuple[float, NDArray[np.float64]]:
    """Return the AUC and the influence of each jet on it, (jet,), whose squares add up to its variance."""
    signal, scores, weights = _checked(scores, labels, weights)
    shares = np.empty(len(scores))  # of the other class's weight on the right side of each jet
    shares[signal] = _share_below(scores[signal], scores[~signal], weights[~signal])
    shares[~signal] = 1.0 - _share_below(scores[~signal], scores[signal], weights[signal])
    value = float((weights[signal] * shares[signal]).sum() / weights[signal].sum())
    influence = np.empty(len(scores))
    for of_class in (signal, ~signal):
        own = weights[of_class]
        n = _effective(own)
        correction = np.sqrt(n / (n - 1)) if n > 1 + 1e-9 else np.nan
        influence[of_class] = correction * own * (shares[of_class] - value) / own.sum()
    return value, influence


def _share_below(scores: Scores, others: Scores, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the others' weight below each score; equal ones count half."""
    order = np.argsort(others, kind="stable")
    others, below = others[order], np.append(0.0, np.cumsum(weights[order]))
    sides = [below[np.searchsorted(others, scores, side)] for side in ("left", "right")]
    share: Shares = (sides[0] + sides[1]) / (2 * below[-1])
    return share


def _effective(weights: NDArray[np.float64]) -> float:
    """Return how many jets of equal weight have the same relative error of their number as jets of these weights."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _checked(
    scores: Scores, labels: Labels, weights: Weights
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return which jets are signal, and scores and weights in float64."""
    signal = np.asarray(labels) > 0.5
    if signal.all() or not signal.any():
        raise ValueError(
            f"a ROC curve needs signal and background, got {signal.sum()} signal and {(~signal).sum()} background jets"
        )
    values = np.asarray(scores, dtype=np.float64)
    if lost := np.count_nonzero(~np.isfinite(values)):
        raise ValueError(f"scores must be finite, but {lost} of {len(values)} are not: the network has diverged")
    if weights is None:
        return signal, values, np.ones(len(values))
    each = np.asarray(weights, dtype=np.float64)
    sums = {"signal": each[signal].sum(), "background": each[~signal].sum()}
    if not all(np.isfinite(total) and total > 0 for total in sums.values()):
        of_both = " and ".join(f"{total:.3g} of {name}" for name, total in sums.items())
        raise ValueError(f"the weights of signal and of background must each have a sum above 0, got {of_both}")
    return signal, values, each
