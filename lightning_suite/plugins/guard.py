"""Limits what foreign code, the import of a plugin, can do to this process: how long it takes, what it leaves behind.

The environment variable ``LIGHTNING_SUITE_IMPORT_LIMIT`` replaces every time limit by another one, in seconds.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LIMIT_VARIABLE = "LIGHTNING_SUITE_IMPORT_LIMIT"

REPEAT = 0.05
"""Code that swallows the first interruption is interrupted again after so many seconds."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after some seconds of wall time.

    Only the main thread of a system with interval timers can be interrupted, and only between two Python
    instructions or in a system call; elsewhere there is no limit. ``suite doctor`` uses a process of its own
    for what this cannot reach.

    Raises:
        TimeUp: the time is over.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    limit = float(os.environ.get(LIMIT_VARIABLE) or seconds)
    started = time.monotonic()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise TimeUp(f"it had not ended after {limit:g} s")

    handler_before = signal.signal(signal.SIGALRM, interrupt)
    left_before, repeat_before = signal.setitimer(signal.ITIMER_REAL, limit, REPEAT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler_before)
        if left_before:
            signal.setitimer(signal.ITIMER_REAL, max(left_before - (time.monotonic() - started), 1e-3), repeat_before)


@contextmanager
def unchanged_environment() -> Iterator[list[str]]:
    """Undo what runs inside does to ``os.environ``; afterwards the list holds the names of the variables it changed.

    Torch writes there when it is first imported and reads it later: an import that brings torch along is let be.
    """
    environment, before, had_torch = os.environ, dict(os.environ), "torch" in sys.modules
    changed: list[str] = []
    try:
        yield changed
    finally:
        os.environ = environment  # noqa: B003  (the plugin may have put another object in its place)
        after = dict(environment)
        if after != before and ("torch" in sys.modules) == had_torch:
            changed += sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            for name in changed:
                if name in before:
                    environment[name] = before[name]
                else:
                    del environment[name]


class TimeUp(BaseException):
    """The time limit of an import is over. Not an Exception, so that ``except Exception`` does not swallow it."""
