"""Signals that end a program: each is answered as Ctrl-C is, so that nothing stays half done.

SIGTERM is what a scheduler and ``kill`` send, SIGHUP a terminal that is closed, SIGUSR1 and SIGUSR2 what some
schedulers send before the time is up. A signal that is ignored, as SIGHUP by ``nohup``, stays ignored.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import final

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")

FOR_REQUEUEING = ("SIGUSR1", "SIGUSR2")
"""The signals by which SLURM announces the end of a job; Lightning's own answer saves the training and requeues it."""

SAME = 2.0
"""Seconds in which another signal than Ctrl-C is taken for the first one again: a closed terminal sends two."""

_received: int | None = None
_when = 0.0


@final
class Signalled(KeyboardInterrupt):
    """A signal that ends the program; Ctrl-C is one of them."""


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Raise `Signalled` in the block when one of ``NAMES`` arrives."""
    global _received
    _received = None
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    ours = [number for number in numbers if before[number] in (signal.SIG_DFL, signal.default_int_handler)]
    for number in ours:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


def leave_to_scheduler() -> None:
    """Let Lightning answer the signals by which SLURM announces the end of a job, in a job of SLURM's."""
    for name in FOR_REQUEUEING if "SLURM_JOB_ID" in os.environ else ():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is _raise:
            signal.signal(number, signal.SIG_DFL)


def received() -> bool:
    """Return whether a signal has come: the program is to end, though a library may have swallowed the exception."""
    return _received is not None


def status() -> int:
    """Return the exit status of a program that a signal ends: 128 and its number, as shells say."""
    return 128 + (_received or signal.SIGINT)


def _raise(number: int, _frame: FrameType | None) -> None:
    global _received, _when
    if _received is not None and number != signal.SIGINT and time.monotonic() < _when + SAME:
        return
    _received, _when = number, time.monotonic()
    if number == signal.SIGTERM and _is_one_of_several():  # Lightning lets all of them end at the same batch
        return
    raise Signalled(signal.Signals(number).name)


def _is_one_of_several() -> bool:
    """Return whether this process trains together with others."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    return bool(
        distributed is not None
        and distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )
