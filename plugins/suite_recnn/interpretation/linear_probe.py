"""Linear probes: how much of a quantity's variance a linear function of hidden units explains, on jets it never saw.

Alain and Bengio: "Understanding intermediate layers using linear classifier probes", 2016, arXiv:1610.01644. Jets are
divided into folds by event; each fold is predicted by a regression on the others, and

    R^2 = 1 - sum w (y - y_hat)^2 / sum w (y - y_mean)^2

is that of all these predictions together. Its error is a bootstrap over events of the held-out predictions: the
statistical error of the jets, without the scatter of another training.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lightning_suite.needs import needs
from suite_recnn.tagging import Estimate

Regression = Literal["ridge", "linear"]
ALPHAS = np.logspace(-2, 6, 9)
"""The penalties among which ridge regression chooses, for standardised units; the largest ones leave the mean."""
ALIVE = 0.01
"""A unit that differs from its median in a smaller share of the jets is left out: it is nearly dead."""


def folds_of(events: NDArray[np.int64], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the fold of each jet, (jet,), the same for all jets of an event.

    Example:
        >>> folds_of(np.array([0, 0, 1, 2, 3]), 2).tolist()
        [0, 0, 0, 1, 1]
    """
    _, number = np.unique(events, return_inverse=True)
    fold: NDArray[np.int64] = (np.random.default_rng(seed).permutation(number.max() + 1) % folds)[number]
    return fold


def held_out(
    inputs: NDArray[np.floating],
    targets: NDArray[np.float64],
    folds: NDArray[np.int64],
    weights: NDArray[np.float64],
    regression: Regression = "ridge",
) -> NDArray[np.float64]:
    """Return the predictions of a linear regression for each jet, trained on the other folds: (jet, target).

    Units are standardised, and nearly dead ones left out; where none is left the mean is predicted.

    Args:
        inputs: (jet, unit).
        targets: (jet, target).
        folds: (jet,); see ``folds_of``.
        weights: (jet,) how much a jet counts; in the fit a negative weight counts by its size.
        regression: ridge, whose penalty is chosen for each target by leave-one-out on the training folds; linear,
            ordinary least squares, as in the paper.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    with needs("probing", "lightning-suite[recnn]"):
        from sklearn.linear_model import LinearRegression, RidgeCV
        from sklearn.preprocessing import StandardScaler
    predictions = np.empty_like(targets)
    for fold in np.unique(folds):
        rest, fold_jets = folds != fold, folds == fold
        counted = np.abs(weights[rest])
        mean, width = np.average(targets[rest], axis=0, weights=counted), targets[rest].std(axis=0)
        width = np.where(width > 0, width, 1.0)
        alive = (inputs[rest] != np.median(inputs[rest], axis=0)).mean(axis=0) >= ALIVE
        predictions[fold_jets] = mean
        if not alive.any():
            continue
        scaler = StandardScaler().fit(inputs[rest][:, alive].astype(np.float64))
        fit = LinearRegression() if regression == "linear" else RidgeCV(ALPHAS, alpha_per_target=True)
        fit.fit(scaler.transform(inputs[rest][:, alive]), (targets[rest] - mean) / width, sample_weight=counted)
        scaled = fit.predict(scaler.transform(inputs[fold_jets][:, alive])).reshape(-1, targets.shape[1])
        predictions[fold_jets] += width * scaled
    return predictions


def explained(
    targets: NDArray[np.float64],
    predictions: NDArray[np.float64],
    events: NDArray[np.int64],
    weights: NDArray[np.float64],
    reference: NDArray[np.float64] | None = None,
    resamples: int = 200,
) -> list[Estimate]:
    """Return R^2 of each target with its bootstrap error; not a number where a target is constant.

    Args:
        targets: (jet, target).
        predictions: (jet, target).
        events: (jet,) jets of an event are drawn together.
        weights: (jet,).
        reference: (jet, target) predictions in place of the mean: R^2 is then the share explained of the variance that
            these leave (partial R^2).
        resamples: the number of draws for the error.

    Example:
        >>> targets = np.array([[1.0], [2.0], [3.0], [4.0]])
        >>> explained(targets, targets - [[0], [1], [0], [0]], np.arange(4), np.ones(4))[0].value
        0.8
    """
    center, width = np.average(targets, axis=0, weights=weights), targets.std(axis=0)
    constant = width <= 1e-9 * np.abs(center)
    width = np.where(constant, 1.0, width)
    scaled = (targets - center) / width
    residual = (targets - predictions) / width
    other = scaled if reference is None else (targets - reference) / width
    columns = [np.ones_like(scaled[:, :1]), scaled, other**2, residual**2]
    _, number = np.unique(events, return_inverse=True)
    sums = np.zeros((number.max() + 1, 1 + 3 * targets.shape[1]))  # event, what R^2 needs
    np.add.at(sums, number, weights[:, None] * np.concatenate(columns, axis=1))
    generator = np.random.default_rng(0)

    def score(total: NDArray[np.float64]) -> NDArray[np.float64]:
        first, before, after = np.split(total[1:], 3)
        # Another draw has another mean, from which the spread counts.
        spread = before - (first**2 / (total[0] or 1.0) if reference is None else 0.0)
        return np.where(constant, np.nan, 1.0 - after / np.where(spread > 0, spread, np.nan))

    draws = np.array([score(generator.poisson(1.0, len(sums)).astype(np.float64) @ sums) for _ in range(resamples)])
    usual = np.isfinite(draws[:, ~constant]).all(axis=1)  # of a few events a draw may leave none
    values, errors = score(sums.sum(axis=0)), np.std(draws[usual], axis=0, ddof=1)
    return [Estimate(float(value), float(error)) for value, error in zip(values, errors, strict=True)]
