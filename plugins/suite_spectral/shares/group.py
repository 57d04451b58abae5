"""The processes of one run, and what they tell each other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, final

import torch
from torch import Tensor

from lightning_suite.errors import UsageError

Value = TypeVar("Value")

HEARTBEAT = 60.0
"""Seconds after which process 0 tells those that wait that it still computes: an exchange may not last for ever, by
default half an hour."""

_TELLING = threading.RLock()
"""Held by the thread of process 0 that exchanges something while the others wait for its word."""

WAIT, PART, OVER = range(3)
"""What process 0 tells those that wait: that it still computes, that they have a part to do, that it has ended."""


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
        self._together = False  # whether all are in the middle of their part

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

    def swapped(self, parts: Sequence[Tensor], counts: Sequence[int]) -> Tensor:
        """Return the rows that the processes have for this one, (row, column), in the order of their ranks.

        Args:
            parts: the rows that this process has for each, (row, column).
            counts: how many come from each.
        """
        own = torch.cat(list(parts))
        if self.size == 1:
            return own
        rows = own.new_empty(sum(counts), *own.shape[1:])
        torch.distributed.all_to_all_single(rows, own, list(counts), [len(part) for part in parts])
        return rows

    def handed(self, part_of: Callable[[int], Value] | None) -> Value:
        """Return what process 0 has for this one.

        Args:
            part_of: in process 0 what each process gets, by its rank; None in the others.
        """
        if part_of is None:
            received: list[Any] = [None]
            torch.distributed.recv_object_list(received, src=0)
            value: Value = received[0]
            return value
        for rank in range(1, self.size):
            torch.distributed.send_object_list([part_of(rank)], dst=rank)
        return part_of(0)

    def first_says(self, compute: Callable[[], Value], part: Callable[[], None] = lambda: None) -> Value:
        """Return in every process what process 0 computes; an error there is raised in all of them.

        Within ``asked`` the others wait for something else: an error of process 0 there is its own, and they end with
        it, by the error of torch.distributed that one of them is gone.

        Args:
            compute: what process 0 does.
            part: what the others do each time that it asks for their part, see ``asked``.

        Raises:
            UsageError: in the other processes, with the message of an error in process 0.
        """
        if self.size == 1:
            return compute()
        said: list[Any] = [None, None]
        error: Exception | None = None
        if self.rank == 0:
            try:
                with self._heartbeat():
                    said[0] = compute()
            except Exception as failed:  # whatever it is, the others are waiting for it
                if self._together:  # for something else: they end with this process
                    raise
                error, said[1] = failed, f"{failed}"
        while (word := _broadcast(OVER if self.rank == 0 else WAIT)) != OVER:
            if word == PART:
                part()
        torch.distributed.broadcast_object_list(said, src=0)
        if error is not None:
            raise error
        if said[1] is not None:
            raise UsageError(said[1])
        value: Value = said[0]
        return value

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Ask the others, within ``first_says`` in process 0, for their part, with whom the block exchanges."""
        if self.size == 1:
            yield
            return
        with _TELLING:
            _broadcast(PART)
            self._together = True
            yield
            self._together = False

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Tell the others, as long as the block lasts, that it does. It exchanges nothing but within ``asked``."""
        over = threading.Event()
        begun = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        device = torch.cuda.current_device() if begun else None

        def beat() -> None:
            if device is not None:
                torch.cuda.set_device(device)
            while not over.wait(HEARTBEAT):
                with _TELLING:
                    if not over.is_set():
                        _broadcast(WAIT)

        thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
        thread.start()
        try:
            yield
        finally:
            over.set()
            if not self._together:
                thread.join()


def _broadcast(word: int) -> int:
    """Return what process 0 says."""
    said = [word]
    torch.distributed.broadcast_object_list(said, src=0)
    return said[0]
