"""Runs foreign code, the import of a plugin, so that it harms nothing but itself.

A plugin's import may raise anything, call ``sys.exit``, write to the environment, print, or never end. Each of the
contexts here answers one of these; ``cause`` puts what happened into one line.
"""

import contextlib
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

# A plugin that swallows the first interruption is interrupted again after this many seconds.
REPEAT = 0.05

# Files whose lines do not explain a failed import: the import system's and the core's.
_NOT_THE_PLUGIN = ("<frozen", str(Path(__file__).parent), str(Path(importlib.__file__).parent), contextlib.__file__)


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
    started = time.monotonic()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise TimeUp(f"it had not ended after {seconds:g} s")

    handler_before = signal.signal(signal.SIGALRM, interrupt)
    left_before, repeat_before = signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler_before)
        if left_before:
            signal.setitimer(signal.ITIMER_REAL, max(left_before - (time.monotonic() - started), 1e-3), repeat_before)


@contextmanager
def unchanged_environment() -> Iterator[list[str]]:
    """Undo what runs inside does to ``os.environ``; afterwards the list holds the names of what was undone.

    Torch writes there when it is first imported and reads it later: an import that brings torch along is let be.
    """
    environment, before, had_torch = os.environ, dict(os.environ), "torch" in sys.modules
    undone: list[str] = []
    try:
        yield undone
    finally:
        os.environ = environment  # noqa: B003  (the plugin may have put another object in its place)
        if dict(environment) != before and ("torch" in sys.modules) == had_torch:
            after = dict(environment)
            undone += sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            for name in undone:
                if name in before:
                    environment[name] = before[name]
                else:
                    del environment[name]


@contextmanager
def print_to_stderr() -> Iterator[None]:
    """Keep what runs inside from writing between the lines of a command's output."""
    before, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = before


def cause(error: BaseException) -> str:
    """What was raised and where, in one line."""
    match error:
        case TimeUp():
            said = str(error)
        case SystemExit():
            said = f"it ends the program: SystemExit({error.code!r})"
        case SyntaxError(filename=str(file)):
            return one_line(f"{type(error).__name__}: {error.msg} ({file}:{error.lineno})")
        case _:
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = _last_line(error.__traceback__)
    return one_line(f"{said} ({place})") if place else one_line(said)


def one_line(text: str, width: int = 320) -> str:
    """The text with single spaces, its middle left out when it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width // 2]} ... {text[-width // 2 :]}"


class TimeUp(BaseException):
    """Not an Exception, so that a plugin's ``except Exception`` does not swallow it."""


def _last_line(traceback: TracebackType | None) -> str:
    """File and line of the innermost frame that is neither the import system's nor the core's."""
    place = ""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(_NOT_THE_PLUGIN):
            place = f"{file}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place
