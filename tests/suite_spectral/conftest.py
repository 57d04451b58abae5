"""What tests of more than one file ask for: settings, points that every way of clustering can tell apart, processes."""

import csv
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from suite_spectral.settings import Settings

SETTINGS: dict[str, Any] = {
    "n_clusters": 2,
    "affinity": "nearest_neighbors",
    "n_neighbors": 8,
    "weights": "connectivity",
    "mutual": "mean",
    "search": "auto",
    "sigma": None,
    "rows": "random-walk",
    "assign": "kmeans",
    "solver": "auto",
    "regularisation": 0.0,
    "n_init": 5,
    "max_clusters": 10,
    "route": "exact",
    "landmarks": 80,
    "memory_gib": 1.0,
    "tolerance": None,
    "radius": 3.0,
    "sigma_color": 0.1,
    "sigma_position": 3.0,
}


def settings_with(**changes: Any) -> Settings:
    return Settings(**SETTINGS | changes)


def two_arcs(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    angles = torch.rand(n, generator=generator, dtype=torch.float64) * torch.pi
    classes = torch.arange(n) % 2
    radius = 1.0 + 1.5 * classes
    points = torch.stack([radius * angles.cos(), radius * angles.sin()], dim=1)
    return points + 0.08 * torch.randn(n, 2, generator=generator, dtype=torch.float64), classes


def share_of_equal(labels: Tensor, classes: Tensor) -> float:
    share = (labels == classes).double().mean().item()
    return max(share, 1 - share)


class Thread:
    """A `Group` whose processes are threads: what each computes, without the seconds that processes take to start."""

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

    def swapped(self, parts: Sequence[Tensor], counts: Sequence[int]) -> Tensor:
        rows = [told[self.rank] for told in self.gathered(parts)]
        assert [len(part) for part in rows] == list(counts)
        return torch.cat(rows)

    def handed(self, part_of: Callable[[int], Any] | None) -> Any:
        if part_of is None:
            return pickle.loads(self.gathered(None)[0][self.rank])
        own = part_of(0)
        self.gathered([None, *(pickle.dumps(part_of(rank)) for rank in range(1, self.size))])  # what travels is a copy
        return own

    def first_says(self, compute: Callable[[], Any], part: Callable[[], None] = lambda: None) -> Any:
        answer = compute() if self.rank == 0 else None
        while self.gathered("over" if self.rank == 0 else None)[0] == "part":
            part()
        return self.gathered(answer)[0]

    @contextmanager
    def asked(self) -> Iterator[None]:
        self.gathered("part")
        yield


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
def settings() -> Callable[..., Settings]:
    """Two clusters by the nearest neighbours, with other settings in the place of these."""
    return settings_with


@pytest.fixture(scope="session")
def arcs() -> Callable[..., tuple[Tensor, Tensor]]:
    """So many points on two half circles around each other, and which of them each is on."""
    return two_arcs


@pytest.fixture(scope="session")
def agreement() -> Callable[[Tensor, Tensor], float]:
    """The share of points in the right one of two clusters, whichever they are called."""
    return share_of_equal


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Path], list[dict[str, str]]]:
    """The rows of a CSV file, by the names of its columns."""

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return read


@pytest.fixture(scope="session")
def together() -> Callable[[int, Callable[[Any], Any]], list[Any]]:
    """Call a function with the group of so many processes in each of them, and return their answers."""
    return run_together
