"""The clustering trees of a file of jets, stored so that a second training does not cluster again.

A file is clustered block by block, straight into the cache, so that no more than a block of it is in memory. The cache
is the user's, or a folder of the user's choice.
"""

import hashlib
import json
import os
import secrets
import shutil
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_info

from lightning_suite.array_files import read_npz
from lightning_suite.assets import cache_folder
from lightning_suite.errors import OutputError
from lightning_suite.offsets import offsets_of
from lightning_suite.progress import track
from suite_recnn.forests import Forest, TreesOfJets, join
from suite_recnn.stored_forest import StoredForest

STORED_FROM = 2_000
"""The least number of jets in a file whose trees are stored; fewer are clustered in less time than it takes to load."""
AUTO = "auto"
"""Stands for the user's cache."""

_FORMAT = 6
"""Of the stored files: rises when their content changes."""

_ARRAYS = ("features", "children", "offsets")


class ClusteredFile(NamedTuple):
    """A file of jets, or a block of one, clustered.

    Attributes:
        forest: the trees of its jets.
        columns: (jet,) values by name.
        folder: where they are stored; None where they are not.
    """

    forest: Forest
    columns: dict[str, NDArray[Any]]
    folder: Path | None = None


Blocks = Callable[[], Iterator[ClusteredFile]]
"""Reads a file from its beginning and clusters it, block by block."""


def cache_path(path: Path, settings: dict[str, Any], cache: str | None = AUTO) -> Path | None:
    """Return the folder for the trees of a file; None where they shall not be stored.

    Its name holds a checksum of the file's bytes and of the settings, so that the trees of another file or of other
    settings are never used.

    Args:
        path: of the file of jets.
        settings: of reading and clustering.
        cache: a folder; auto: that of the user's cache; None: nothing is stored.
    """
    if cache is None:
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps({"format": _FORMAT, **settings}, sort_keys=True).encode())
    parent = cache_folder() / "trees" if cache == AUTO else Path(cache).expanduser()
    return parent / f"{path.stem}-{digest.hexdigest()[:16]}"


def clustered(folder: Path | None, blocks: Blocks) -> ClusteredFile:
    """Return the trees stored in a folder; where there are none, cluster now and, if the jets are many, store them.

    Where the folder cannot be written a warning says so: the trees are then in memory, and clustered again next time.
    """
    if folder is None:
        return gathered(blocks())
    if (stored := load(folder)) is not None:
        return stored
    ahead: list[ClusteredFile] = []
    remaining = blocks()
    while sum(len(block.forest) for block in ahead) < STORED_FROM:
        if (block := next(remaining, None)) is None:
            return gathered(ahead)
        ahead.append(block)
    if store(folder, chain(ahead, remaining)) and (stored := load(folder)) is not None:
        return stored
    return gathered(blocks())


def gathered(blocks: Iterable[ClusteredFile]) -> ClusteredFile:
    """Return the trees of all blocks in memory."""
    parts = list(blocks)
    return ClusteredFile(join([part.forest for part in parts]), _concatenated([part.columns for part in parts]))


def passing(blocks: Iterator[ClusteredFile], gib: float) -> tuple[TreesOfJets, dict[str, NDArray[Any]]]:
    """Return the trees and columns of jets that are used once: in memory, or beyond this size in files without a name.

    Such files are in the user's cache, and vanish with the process.

    Raises:
        OutputError: they cannot be written.
    """
    held: list[ClusteredFile] = []
    while sum(block.forest.nbytes for block in held) <= gib * 2**30:
        if (block := next(blocks, None)) is None:
            whole = gathered(held)
            return whole.forest, whole.columns
        held.append(block)
    parent = cache_folder()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=parent) as folder:
            _write(Path(folder), chain((held.pop(0) for _ in range(len(held))), blocks))
            stored = load(Path(folder))
            assert stored is not None
            return StoredForest([Path(folder)]), stored.columns
    except OSError as error:
        raise OutputError(
            f"trees cannot be written: {error}. --data.memory 100 keeps them in memory", parent
        ) from error


def trees_of(files: Sequence[ClusteredFile], gib: float) -> TreesOfJets:
    """Return the trees of all files: in memory where they are not larger than this, otherwise left where they are.

    Args:
        files: clustered.
        gib: size in GiB.
    """
    size = sum(file.forest.nbytes for file in files)
    if size <= gib * 2**30:
        return join([file.forest for file in files])
    held = sum(file.forest.nbytes for file in files if file.folder is None)
    where = (
        "batches are read from the cache" if held <= gib * 2**30 else "all the same in memory, as they are not stored"
    )
    rank_zero_info(f"data: the trees are {size / 2**30:.1f} GiB, more than --data.memory {gib:g}: {where}")
    return StoredForest([file.forest if file.folder is None else file.folder for file in files])


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
        return ClusteredFile(forest, dict(zip(names.tolist(), values, strict=True)), folder)
    except Exception:  # absent, or another user's; damage to a file of numpy raises whatever Python's parser does
        return None


def store(folder: Path, blocks: Iterable[ClusteredFile]) -> bool:
    """Store trees in a folder, which appears whole; where another process has stored them already, its trees stay.

    Returns:
        Whether they are there; where the folder cannot be written a warning says why not.
    """
    # A process of another machine or container, which may have the same number, may store the same trees meanwhile.
    partial = folder.parent / f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        partial.mkdir(parents=True)
        _write(partial, blocks)
        if load(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
        rank_zero_info(
            f"data: {size_of(folder) / 1e6:,.0f} MB of trees stored in {folder}; --data.cache: another folder, or null"
        )
        return True
    except OSError as error:
        if load(folder) is not None:
            return True
        warnings.warn(f"the trees of jets cannot be stored in {folder}: {error}", RuntimeWarning, stacklevel=2)
        return False
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(folder: Path, blocks: Iterable[ClusteredFile]) -> None:
    """Write the trees and columns of all blocks into a folder, of which no more than one is in memory."""
    lengths: list[NDArray[np.int64]] = []
    columns: list[dict[str, NDArray[Any]]] = []
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.npy").open("w+b")) for name in _ARRAYS[:2]}
        for block in blocks:
            for name, file in files.items():
                _append(file, getattr(block.forest, name), is_first=not lengths)
            lengths.append(np.diff(block.forest.offsets))
            columns.append(block.columns)
        for file in files.values():
            _finish(file, int(sum(part.sum() for part in lengths)))
    np.save(folder / "offsets.npy", offsets_of(np.concatenate(lengths)))
    joined = _concatenated(columns)
    values = [np.array([*joined]), *joined.values()]
    np.savez(folder / "columns.npz", _checksums(folder), *values)  # they become arr_0, arr_1, ...


def size_of(folder: Path) -> int:
    """Return the size of stored trees in bytes."""
    return sum(file.stat().st_size for file in folder.iterdir())


def _append(file: BinaryIO, values: NDArray[Any], *, is_first: bool) -> None:
    """Add rows to an .npy file, whose header is room for the number of rows that `_finish` writes."""
    if is_first:
        npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(values[:0]))
    file.write(np.ascontiguousarray(values).data)


def _finish(file: BinaryIO, rows: int) -> None:
    """Write the number of rows into the header of an .npy file."""
    file.seek(0)
    npy.read_magic(file)
    (_, *shape), is_fortran, kind = npy.read_array_header_1_0(file)
    begin = file.tell()
    file.seek(0)
    header = {"shape": (rows, *shape), "fortran_order": is_fortran, "descr": npy.dtype_to_descr(kind)}
    npy.write_array_header_1_0(file, header)
    assert file.tell() == begin  # numpy leaves room for 21 digits


def _concatenated(columns: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Return the columns of all blocks, those that every block has."""
    names = [name for name in columns[0] if all(name in part for part in columns)]
    return {name: np.concatenate([part[name] for part in columns]) for name in names}


def _checksums(folder: Path) -> list[int]:
    """Return the CRC-32 of each file of an array; a .npz file has its own."""
    checksums = []
    for name in track(_ARRAYS, f"checking the trees in {folder.name}"):
        checksum = 0
        with (folder / f"{name}.npy").open("rb") as file:
            while piece := file.read(1 << 20):
                checksum = zlib.crc32(piece, checksum)
        checksums.append(checksum)
    return checksums
