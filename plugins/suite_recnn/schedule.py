"""The learning rate over a training."""

import math


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
