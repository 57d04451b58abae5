"""Medians of times of steps that take turns."""

import statistics
import time
from collections.abc import Callable
from typing import Any


def median_seconds(
    steps: dict[str, Callable[[], Any]], turns: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Return the median CPU seconds of each step; the steps take turns, after one call of each for warm-up."""
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(turns):
        for name, step in steps.items():
            begin = clock()
            step()
            seconds[name].append(clock() - begin)
    return {name: statistics.median(times) for name, times in seconds.items()}
