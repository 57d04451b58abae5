"""The plugin spectral, one of whose processes kills itself in the middle of the eigenvectors that all iterate together.

KILLED_RANK is the process; ``KILLED_AT`` is the step, so that the iteration has surely begun and not ended.
"""

import os
import signal
from collections import Counter
from typing import Any

import suite_spectral.eigen.lobpcg as iteration
from suite_spectral import plugin as plugin
from suite_spectral.shares.share import Share

KILLED_AT = 3
"""Step of the iteration, counted from 1."""

_steps: Counter[int] = Counter()
_imaged = iteration.imaged


def _killed(*arguments: Any) -> Any:
    """Count the steps that are taken with others, in the place of what every step does once."""
    group = next(argument for argument in arguments if isinstance(argument, Share)).group
    if group.size > 1:
        _steps[group.size] += 1
        if (group.rank, _steps[group.size]) == (int(os.environ["KILLED_RANK"]), KILLED_AT):
            os.kill(os.getpid(), signal.SIGKILL)
    return _imaged(*arguments)


iteration.imaged = _killed
