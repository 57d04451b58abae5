"""How much each jet counts: the weights that a file gives its jets, and those that flatten the spectrum of jet pT.

Generators weight events by their cross-sections, so that the weights of two processes may differ by orders of
magnitude. What a tagger learns is the likelihood ratio within a choice of frequencies, and that is the number of jets:
weights are scaled to 1 on average over each class. Negative ones, as generators at next-to-leading order give, stay
negative, in training and in metrics: only then is each mean over jets that of the physical sample. They are counted
aloud, because the loss of jets with negative weights has no lower bound, so that a long training can run away.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.errors import DataError
from lightning_suite.spelling import no_such

Use = bool | Literal["auto"]

COLUMN = "weight"
BINS = 20
"""Of jet pT, of equal width between the 1st and the 99th percentile of the jets; those beyond are in the outer ones."""
MOST = 10.0
"""The largest factor that flattening gives a jet, relative to the mean over its class: a few jets of a steep tail would
otherwise be most of the training."""


def given_weights(columns: Mapping[str, NDArray[Any]], use: Use, path: Path) -> NDArray[np.float64] | None:
    """Return the column ``weight``, (jet,), or None: it is not there, or shall not be used.

    Args:
        columns: (jet,) values by name.
        use: true, false, or auto: where there is one.
        path: of the file.

    Raises:
        DataError: there is no weight where there must be one, or one is not a finite number.
    """
    if use is False:
        return None
    if COLUMN not in columns:
        like = [name for name in columns if COLUMN in name.lower()]
        if use is True:
            missing = no_such("column", COLUMN, [*like, *(name for name in columns if name not in like)], "there are")
            raise DataError(f"--data.weights true: {missing}\n--data.columns '{{weight: NAME}}' names another", path)
        if like:
            rank_zero_info(
                f"data: {path.name}: not used: {', '.join(like)}; --data.columns '{{weight: {like[0]}}}' weights jets"
            )
        return None
    weights = columns[COLUMN]
    wrong = ~np.isfinite(weights) if weights.dtype.kind in "biuf" else np.ones(len(weights), dtype=bool)
    if wrong.any():
        jet = int(np.argmax(wrong))
        raise DataError(
            f"jet {jet}: weight is {weights[jet].item()!r}; expected a finite number. --data.weights false ignores it",
            path,
        )
    return weights.astype(np.float64)


def normalised(
    weights: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str], path: Path
) -> NDArray[np.float64]:
    """Return weights whose mean over each class is 1, (jet,).

    Args:
        weights: (jet,).
        labels: (jet,) numbers of classes, below 0 for jets of none.
        classes: names by number.
        path: of the data.

    Raises:
        DataError: the weights of a class sum up to nothing or less.

    Example:
        >>> weights = normalised(np.array([2.0, 4.0, 5.0]), np.array([0, 0, 1]), ["qcd", "w"], Path("jets"))
        >>> [round(weight, 3) for weight in weights.tolist()]
        [0.667, 1.333, 1.0]
    """
    result = np.zeros_like(weights)
    for label, name in enumerate(classes):
        of_class = labels == label
        if not of_class.any():
            continue
        mean = float(weights[of_class].mean())
        if mean <= 0:
            raise DataError(
                f"the weights of {name} are {mean:.3g} on average; expected above 0. --data.weights false ignores them",
                path,
            )
        result[of_class] = weights[of_class] / mean
    return result


def flattening(
    pt: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the factor of each jet, (jet,), that makes the weighted jet pT spectrum of each class flat.

    The factor is the same for all jets of a class in a bin (`BINS`), and at most `MOST`. A bin whose weights sum up to
    nothing or less has the factor 0.

    Args:
        pt: (jet,) GeV.
        labels: (jet,) numbers of classes, none below 0.
        weights: (jet,) that the jets have already; None: all alike.

    Example:
        >>> pt = np.repeat([510.0, 610.0], [300, 100])
        >>> factors = flattening(pt, np.zeros(400, dtype=np.int64), None)
        >>> round(float(factors[:300].sum() / factors[300:].sum()), 6)
        1.0
    """
    low, high = np.percentile(pt, [1, 99])
    bins = np.digitize(pt, np.linspace(low, high, BINS + 1)[1:-1]) if high > low else np.zeros(len(pt), dtype=np.int64)
    weights = np.ones(len(pt)) if weights is None else weights
    factors = np.zeros(len(pt))
    for label in np.unique(labels):
        of_class = labels == label
        sums = np.bincount(bins[of_class], weights[of_class], BINS)
        filled = sums > 0
        factor = np.zeros(BINS)
        factor[filled] = np.minimum(sums[filled].mean() / sums[filled], MOST)
        factors[of_class] = factor[bins[of_class]]
    return factors


def said(weights: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Return the words for weights: which classes have different ones, and how many of them are negative."""
    words = []
    for label, name in enumerate(classes):
        some = weights[labels == label]
        if len(some) and np.ptp(some) > 0:
            negative = np.count_nonzero(some < 0)
            signs = f", {negative:,} of {len(some):,} negative" if negative else ""
            words.append(f"{name} {some.min():.3g} to {some.max():.3g}{signs}")
    return "; ".join(words) or "all alike"
