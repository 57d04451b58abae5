"""A damaged heap of an HDF5 file is refused, on which the HDF5 library would never end."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_recnn.sources.hdf5_heaps import check_heaps
from suite_recnn.sources.reading import read


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A file of jets as lists of different lengths; the free place at the end of its heap is the last object."""
    path = tmp_path / "jets.h5"
    with h5py.File(path, "w") as file:
        for name in ("px", "py", "pz", "energy"):
            column = file.create_dataset(name, (2,), dtype=h5py.vlen_dtype(np.float64))
            column[0], column[1] = np.array([2.0, 1.0]) * (1 if name != "energy" else 2), np.ones(1) * 2
    return path


def test_a_free_place_without_size_is_refused(lists: Path) -> None:
    check_heaps(lists)
    content = bytearray(lists.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 18] = b"\0\0"  # the number of the first object
    content[heap + 24 : heap + 32] = bytes(8)  # and its size
    lists.write_bytes(content)
    with pytest.raises(DataError, match=rf"jets\.h5: cannot be read as HDF5.*0 bytes at offset {heap + 16}"):
        read(lists)


def test_a_heap_cut_off_is_no_reason_to_search_for_ever(lists: Path) -> None:
    content = lists.read_bytes()
    heap = content.index(b"GCOL")
    for end in (heap + 9, heap + 20, heap + 40):
        lists.write_bytes(content[:end])
        check_heaps(lists)
