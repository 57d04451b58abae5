"""The processes of one run, and what they tell each other."""

from collections.abc import Callable
from typing import Any, TypeVar, final

import torch

from lightning_suite.errors import UsageError

Value = TypeVar("Value")


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
                said[0] = compute()
            except Exception as failed:  # whatever it is, the others are waiting for it
                error, said[1] = failed, f"{failed}"
        torch.distributed.broadcast_object_list(said, src=0)
        if error is not None:
            raise error
        if said[1] is not None:
            raise UsageError(said[1])
        value: Value = said[0]
        return value
