"""Divides jets into training, validation and test by event: a hash of the event, so that no order matters."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = ("train", "validation", "test")


def parts_of(
    columns: Mapping[str, NDArray[Any]], path: Path, *, validation: float, test: float, split_seed: int
) -> NDArray[np.int64]:
    """Return the number of each jet's part in PARTS, (jet,), the same for all jets of an event.

    Args:
        columns: (jet,) values by name; see `event_shares`.
        path: of the file.
        validation: the share of the events for validation.
        test: the share of the events for testing.
        split_seed: another seed divides otherwise.
    """
    share = event_shares(columns, split_seed, path)
    parts: NDArray[np.int64] = np.select([share < validation, share < validation + test], [1, 2], 0)
    return parts


def event_shares(columns: Mapping[str, NDArray[Any]], split_seed: int, path: Path) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each jet, (jet,), the same for all jets of an event and otherwise random.

    An event is identified by its sample, seed and number; where a file has no samples its name is used.

    Example:
        >>> shares = event_shares({"event": np.array([7, 7, 8])}, 0, Path("w.parquet"))
        >>> bool(shares[0] == shares[1]), bool(shares[0] == shares[2])
        (True, False)
    """
    event = columns["event"].astype(np.uint64)
    seed = columns.get("seed", np.zeros(len(event), dtype=np.int64)).astype(np.uint64)
    samples, number = np.unique(columns.get("sample", np.full(len(event), path.name)), return_inverse=True)
    sample = np.array([zlib.crc32(str(name).encode()) for name in samples], dtype=np.uint64)[number]
    mixed = _mix(_mix(_mix(_mix(sample) ^ seed) ^ event) ^ np.uint64(split_seed % 2**64))
    share: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) / 2**53
    return share


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return splitmix64 of each number, which makes neighbouring numbers unrelated."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
