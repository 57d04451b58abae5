"""The clustering trees of a file of jets, stored beside it, so that a second training does not cluster again."""

import hashlib
import json
import os
import shutil
import warnings
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.array_files import read_npz
from lightning_suite.assets import cache_folder
from suite_recnn.forests import Forest

_FORMAT = 4
"""Of the stored files: rises when their content changes."""

_ARRAYS = ("features", "children", "offsets")


class ClusteredFile(NamedTuple):
    """A file of jets, clustered.

    Attributes:
        forest: the trees of its jets.
        columns: (jet,) values by name.
    """

    forest: Forest
    columns: dict[str, NDArray[Any]]


def cache_path(path: Path, settings: dict[str, Any]) -> Path:
    """Return the folder for the trees of a file: beside the file where that is writable, else in the cache.

    Its name holds a checksum of the file's bytes and of the settings, so that the trees of another file or of other
    settings are never used.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps({"format": _FORMAT, **settings}, sort_keys=True).encode())
    name = f"{path.stem}-{digest.hexdigest()[:16]}"
    beside = path.parent / ".trees"
    if (beside / name).is_dir() or os.access(path.parent, os.W_OK):
        return beside / name
    return cache_folder() / "trees" / name


def load(folder: Path) -> ClusteredFile | None:
    """Return the trees stored in a folder, their arrays mapped into memory; None where they are absent or damaged."""
    try:
        columns = read_npz(folder / "columns.npz")
        checksums, names, *values = (columns[f"arr_{number}"] for number in range(len(columns)))
        if checksums.tolist() != _checksums(folder):
            return None
        forest = Forest(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS))
        if any(len(column) != len(forest) for column in values):
            return None
        return ClusteredFile(forest, dict(zip(names.tolist(), values, strict=True)))
    except Exception:  # absent, or another user's; damage to a file of numpy raises whatever Python's parser does
        return None


def save(folder: Path, clustered: ClusteredFile) -> None:
    """Store trees in a folder, which appears whole; where another process has stored them already, its trees stay.

    Where the folder cannot be written a warning says so: the file is then clustered again the next time.
    """
    partial = folder.parent / f".{folder.name}.{os.getpid()}"
    try:
        partial.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(partial / f"{name}.npy", getattr(clustered.forest, name))
        values = [np.array([*clustered.columns]), *clustered.columns.values()]
        np.savez(partial / "columns.npz", _checksums(partial), *values)  # they become arr_0, arr_1, ...
        if load(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
    except OSError as error:
        if load(folder) is None:
            warnings.warn(f"the trees of jets cannot be stored in {folder}: {error}", RuntimeWarning, stacklevel=2)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _checksums(folder: Path) -> list[int]:
    """Return the CRC-32 of each file of an array; a .npz file has its own."""
    checksums = []
    for name in _ARRAYS:
        checksum = 0
        with (folder / f"{name}.npy").open("rb") as file:
            while piece := file.read(1 << 20):
                checksum = zlib.crc32(piece, checksum)
        checksums.append(checksum)
    return checksums
