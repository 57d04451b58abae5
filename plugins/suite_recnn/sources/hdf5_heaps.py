"""Looks for the damage to HDF5 files on which the HDF5 library never ends.

Lists and texts of different lengths lie in global heaps: GCOL, a version, the size of the whole, and objects, each with
its number, a count, its size and its bytes. An object of number 0 is what is free, and its size counts its header. The
library goes on by that size, so that it never goes on where the size is 0 (section III.E of the HDF5 File Format
Specification, version 3.0).
"""

import mmap
import struct
from pathlib import Path

from lightning_suite.errors import DataError

_HEAP = b"GCOL\x01\0\0\0"
_HEADER = struct.Struct("<HHIQ")  # of an object: number, count, reserved, size


def check_heaps(path: Path) -> None:
    """Check that every global heap of a file can be read to its end.

    Raises:
        DataError: one of them cannot.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        heap = content.find(_HEAP)
        while heap >= 0:
            start = heap + len(_HEAP) + 8
            (size,) = struct.unpack("<Q", content[start - 8 : start].ljust(8, b"\0"))
            _walk(content, start, min(heap + size, len(content)), path)
            heap = content.find(_HEAP, start)


def _walk(content: mmap.mmap, at: int, end: int, path: Path) -> None:
    while at + _HEADER.size <= end:
        number, _, _, size = _HEADER.unpack(content[at : at + _HEADER.size])
        if number == 0 and size < _HEADER.size:
            raise DataError(f"cannot be read as HDF5; it is damaged: a free place of {size} bytes at offset {at}", path)
        at += size if number == 0 else _HEADER.size + (size + 7) // 8 * 8
