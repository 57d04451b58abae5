"""Whether two means differ by more than their values scatter: Student's test, in plain Python for a light verb.

The scatter is that of all groups together, as in an analysis of variance: with two or three seeds each, a group's own
standard deviation says little.
"""

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation of a sample; None for a single value.

    Example:
        >>> deviation([1.0, 2.0, 3.0]), deviation([1.0])
        (1.0, None)
    """
    return math.sqrt(_squares(values) / (len(values) - 1)) if len(values) > 1 else None


def p_value(first: Sequence[float], second: Sequence[float], others: Sequence[Sequence[float]] = ()) -> float | None:
    """Return how probable means at least as far apart are, were both groups drawn from one normal distribution.

    It is two-sided, with the pooled standard deviation of all groups, in which ``others`` are counted too. None where
    every group has a single value: nothing then says how much they scatter.

    Example:
        >>> round(p_value([0.90, 0.91, 0.92], [0.94, 0.95, 0.96]), 4)
        0.008
        >>> p_value([0.90], [0.95])
    """
    groups = [first, second, *others]
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return None
    difference = mean(second) - mean(first)
    variance = math.fsum(map(_squares, groups)) / freedom * (1 / len(first) + 1 / len(second))
    if not variance:
        return 0.0 if difference else 1.0
    return tails(difference / math.sqrt(variance), freedom)


def tails(t: float, freedom: int) -> float:
    """Return the probability that Student's t is beyond -t or t: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.

    Args:
        t: the quantile.
        freedom: the degrees of freedom, a whole number from 1 on.

    Example:
        >>> round(tails(12.706, 1), 4), round(tails(2.228, 10), 4)
        (0.05, 0.05)
    """
    angle = math.atan(abs(t) / math.sqrt(freedom))
    is_odd = freedom % 2
    term = math.cos(angle) if is_odd else 1.0
    terms = []
    for i in range(2 + is_odd, freedom + 1, 2):
        terms.append(term)
        term *= math.cos(angle) ** 2 * (i - 1) / i
    inside = math.sin(angle) * math.fsum(terms)
    return max(0.0, 1 - (2 / math.pi * (angle + inside) if is_odd else inside))


def _squares(values: Sequence[float]) -> float:
    centre = mean(values)
    return math.fsum((value - centre) ** 2 for value in values)
