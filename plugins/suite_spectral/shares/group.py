"""The processes of one run, and what they tell each other."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, final

import torch

from lightning_suite.errors import UsageError

Value = TypeVar("Value")

HEARTBEAT = 60.0
"""Seconds after which process 0 tells those that wait that it still computes: an exchange may not last for ever, by
default half an hour."""


@final
class Group:
    """The processes of one run; torch.distributed's own group, or this process alone.

    Example:
        >>> Group().gathered("here")
        ['here']

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
    """

    rank: int
    size: int

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    def gathered(self, value: Value) -> list[Value]:
        """Return the values of all processes, in the order of their ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value)
        return values

    def first_hears(self, value: Value) -> list[Value] | None:
        """Return the values of all processes in process 0, and None in the others."""
        if self.size == 1:
            return [value]
        values: list[Any] | None = [None] * self.size if self.rank == 0 else None
        torch.distributed.gather_object(value, values, dst=0)
        return values

    def first_says(self, compute: Callable[[], Value]) -> Value:
        """Return in every process what process 0 computes; an error there is raised in all of them.

        Raises:
            UsageError: in the other processes, with the message of an error in process 0.
        """
        if self.size == 1:
            return compute()
        said: list[Any] = [None, None]
        error: Exception | None = None
        if self.rank == 0:
            try:
                with _heartbeat():
                    said[0] = compute()
            except Exception as failed:  # whatever it is, the others are waiting for it
                error, said[1] = failed, f"{failed}"
        while not _broadcast(self.rank == 0):
            pass
        torch.distributed.broadcast_object_list(said, src=0)
        if error is not None:
            raise error
        if said[1] is not None:
            raise UsageError(said[1])
        value: Value = said[0]
        return value


def _broadcast(has_ended: bool) -> bool:
    """Return whether process 0 says that it has ended its computation."""
    said = [has_ended]
    torch.distributed.broadcast_object_list(said, src=0)
    return said[0]


@contextmanager
def _heartbeat() -> Iterator[None]:
    """Tell the others, as long as the block lasts, that it does. Nothing in the block may exchange anything."""
    over = threading.Event()
    begun = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    device = torch.cuda.current_device() if begun else None

    def beat() -> None:
        if device is not None:
            torch.cuda.set_device(device)
        while not over.wait(HEARTBEAT):
            _broadcast(False)

    thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
