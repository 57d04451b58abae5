"""Parquet files that cannot be written say why."""

import errno
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.parquet_files import write_table

pyarrow = pytest.importorskip("pyarrow")


def test_a_table_comes_back(tmp_path: Path) -> None:
    from pyarrow import parquet

    write_table(tmp_path / "a.parquet", pyarrow.table({"x": [1, None, 3]}), compression="zstd")
    assert parquet.read_table(tmp_path / "a.parquet")["x"].to_pylist() == [1, None, 3]


def test_a_full_disk_is_the_cause_that_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space left on device") as told:
        write_table("/dev/full", pyarrow.table({"x": [1]}))
    error: Any = told.value
    assert error.errno == errno.ENOSPC
