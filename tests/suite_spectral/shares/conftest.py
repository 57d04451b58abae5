"""Several processes as threads: what each of them computes, without the seconds that processes take to start."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest


class Thread:
    """A `Group` whose processes are threads."""

    def __init__(self, rank: int, size: int, barrier: threading.Barrier, told: list[Any]) -> None:
        self.rank, self.size, self._barrier, self._told = rank, size, barrier, told

    def gathered(self, value: Any) -> list[Any]:
        self._told[self.rank] = value
        self._barrier.wait(60)
        values = list(self._told)
        self._barrier.wait(60)
        return values

    def first_hears(self, value: Any) -> list[Any] | None:
        values = self.gathered(value)
        return values if self.rank == 0 else None

    def first_says(self, compute: Callable[[], Any]) -> Any:
        return self.gathered(compute() if self.rank == 0 else None)[0]


def run_together(size: int, function: Callable[[Any], Any]) -> list[Any]:
    barrier, told = threading.Barrier(size), [None] * size

    def run(rank: int) -> Any:
        try:
            return function(Thread(rank, size, barrier, told))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))


@pytest.fixture(scope="session")
def together() -> Callable[[int, Callable[[Any], Any]], list[Any]]:
    """Call a function with the group of so many processes in each of them, and return their answers."""
    return run_together
