from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from lightning_suite.errors import DataError
from suite_spectral.sources import reading
from suite_spectral.sources.contents import Choice
from suite_spectral.sources.row_groups import RowGroups, of_row_groups


def written(path: Path, **columns: Any) -> Path:
    parquet.write_table(pyarrow.table(columns), path, row_group_size=70)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    numbers = {"x": draw.random(500), "y": draw.integers(0, 99, 500), "z": draw.random(500).astype(np.float32)}
    return written(tmp_path / "points.parquet", **numbers, kind=["a", "b"] * 250)


@pytest.mark.parametrize("choice", [Choice(columns=["x", "z"]), Choice(columns=["z"], label_column="kind")])
def test_row_groups_hold_what_the_whole_file_holds(file: Path, choice: Choice) -> None:
    expected, actual = reading.read(file, choice), of_row_groups(file, choice, labelled=True)
    assert actual is not None
    assert isinstance(actual.content, RowGroups)
    assert actual.content.dtype == expected.content.dtype
    assert np.array_equal(np.asarray(actual.content), expected.content)
    assert actual.names == expected.names
    assert (actual.labels is None) == (expected.labels is None)
    assert actual.labels is None or (actual.labels == expected.labels).all()


def test_rows_of_several_groups_are_cut_out(file: Path) -> None:
    source = of_row_groups(file, Choice(columns=["x", "y"]), labelled=False)
    assert source is not None
    whole, rows = np.asarray(source.content), np.array([0, 69, 70, 139, 140, 499])
    assert np.array_equal(source.content[rows], whole[rows])
    assert np.array_equal(source.content[65:150], whole[65:150])


def test_a_column_of_texts_is_left_to_the_reader_of_tables(file: Path) -> None:
    assert of_row_groups(file, Choice(), labelled=True) is None


def test_a_large_file_stays_where_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGE", 1)
    assert isinstance(reading.read(file, Choice(columns=["x"])).content, RowGroups)
    assert isinstance(reading.read(file).content, np.ndarray)  # a column is text


def test_a_missing_number_of_a_large_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGE", 1)
    path = written(tmp_path / "gaps.parquet", x=[1.0] * 200, y=[1.0] * 150 + [None] + [2.0] * 49)
    with pytest.raises(DataError, match=r"got 1 that are missing.*row 150, column 'y'"):
        reading.read(path)


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.parquet"
    path.write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(DataError, match="cannot be read as parquet"):
        of_row_groups(path, Choice(), labelled=True)


def test_a_damaged_row_group_is_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[40:900] = bytes(860)
    file.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        source = of_row_groups(file, Choice(columns=["x"]), labelled=True)
        assert source is not None
        np.asarray(source.content)
