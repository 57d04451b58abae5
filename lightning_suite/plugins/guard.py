"""Limits what foreign code, the import of a plugin, can do to this process: how long it takes, what it leaves behind.

The environment variable ``LIGHTNING_SUITE_IMPORT_LIMIT`` replaces every time limit by another one, in seconds.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from lightning_suite.errors import UsageError

LIMIT_VARIABLE = "LIGHTNING_SUITE_IMPORT_LIMIT"

LONGEST = 1e6
"""Seconds, eleven days: more than any import takes, and less than a timer can count."""

REPEAT = 0.05
"""Code that swallows the first interruption is interrupted again after so many seconds."""


def allowed(seconds: float) -> float:
    """Return the seconds that an import may take: these, or those of the environment variable.

    Raises:
        UsageError: the variable holds something else than a number of seconds.
    """
    text = os.environ.get(LIMIT_VARIABLE)
    if not text:
        return seconds
    with suppress(ValueError):
        if 0 < float(text) <= LONGEST:
            return float(text)
    raise UsageError(f"{LIMIT_VARIABLE}={text!r}: expected seconds, a number above 0 such as 30; change it or unset it")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after some seconds of wall time.

    Only the main thread of a system with interval timers can be interrupted, and only between two Python
    instructions or in a system call; elsewhere there is no limit. ``suite doctor`` uses a process of its own
    for what this cannot reach.

    Raises:
        TimeUp: the time is over.
        UsageError: the environment variable holds something else than a number of seconds.
    """
    limit = allowed(seconds)
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
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
    """Undo what runs inside does to ``os.environ`` and the current folder, and what it takes off ``sys.path``.

    Afterwards the list says what was changed: the names of variables, ``the current folder``, ``sys.path``. Torch
    writes to ``os.environ`` when it is first imported and reads it later: an import that brings torch is let be there.
    """
    environment, before, had_torch = os.environ, dict(os.environ), "torch" in sys.modules
    path, entries, folder = sys.path, list(sys.path), _current_folder()
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
        if folder and _current_folder() != folder:
            changed.append("the current folder")
            os.chdir(folder)
        if missing := [entry for entry in entries if entry not in sys.path]:
            changed.append("sys.path")
            path[:] = [*sys.path, *missing]
            sys.path = path


def _current_folder() -> str:
    """Return the current folder; "" when it was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109  (as it is, without Path's import of more)
    except OSError:
        return ""


class TimeUp(BaseException):
    """The time limit of an import is over. Not an Exception, so that ``except Exception`` does not swallow it."""
