"""Signals that end a program: each is answered as Ctrl-C is, so that nothing stays half done.

SIGTERM is what a scheduler and ``kill`` send, SIGHUP a terminal that is closed, SIGUSR1 and SIGUSR2 what some
schedulers send before the time is up. A signal that is ignored, as SIGHUP by ``nohup``, stays ignored.
"""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator
from types import FrameType
from typing import NoReturn, final

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")

FOR_REQUEUEING = ("SIGUSR1", "SIGUSR2")
"""The signals by which SLURM announces the end of a job; a training is saved at its next step before it ends."""

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


@contextlib.contextmanager
def postponed(names: Collection[str]) -> Iterator[list[int]]:
    """Put signals aside in the block and answer them when it ends; yields the list of those that have arrived.

    The block may answer one earlier: take it from the list, and call ``answer``.
    """
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = {number: signal.getsignal(number) for name in names if (number := getattr(signal, name, None)) is not None}
    ours = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    for number in ours:
        signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield arrived
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(arrived):
            signal.raise_signal(number)


def answer(number: int) -> NoReturn:
    """Raise `Signalled` for a signal that was put aside."""
    _raise(number, None)
    raise Signalled(signal.Signals(number).name)


def is_of_scheduler() -> bool:
    """Return whether the program ends because SLURM announced the end of its job."""
    return _received in [getattr(signal, name, None) for name in FOR_REQUEUEING if hasattr(signal, name)]


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
