"""What tests of more than one file ask for: settings, and points that every way of clustering can tell apart."""

import csv
from collections.abc import Callable
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
