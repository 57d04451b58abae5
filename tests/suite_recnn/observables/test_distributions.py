"""Distributions of a few numbers: as text, as histograms, and as files."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from lightning_suite.errors import UsageError
from lightning_suite.pictures import BINS
from suite_recnn.observables import distributions
from suite_recnn.observables.distributions import histograms, summary, write, write_histograms

Values = dict[str, dict[str, NDArray[Any]]]


@pytest.fixture
def values() -> Values:
    random = np.random.default_rng(2)
    return {
        "w": {"mass": random.normal(80, 10, 500), "multiplicity": random.integers(3, 9, 500).astype(float)},
        "qcd": {"mass": random.exponential(60, 300), "multiplicity": random.integers(3, 12, 300).astype(float)},
    }


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_summary_has_mean_deviation_and_quartiles() -> None:
    text = summary({"w": {"mass": np.array([1.0, 2.0, 3.0, 6.0])}})
    assert text.splitlines()[-1].split() == ["mass", "w", "3", "1.871", "1.75", "2.5", "3.75"]


def test_every_jet_is_in_a_bin_or_above_them(values: Values) -> None:
    for name, bins in histograms(values).items():
        for file in bins.counts:
            assert bins.counts[file].sum() + bins.above[file] == len(values[file][name])


def test_the_density_integrates_to_the_share_that_is_shown(values: Values) -> None:
    values["qcd"]["mass"][0] = 1e4
    bins = histograms(values)["mass"]
    assert bins.above["qcd"] > 0
    integral = (bins.density("qcd") * np.diff(bins.edges)).sum()
    assert integral == pytest.approx(1 - bins.above["qcd"] / 300)


def test_whole_numbers_stand_in_the_middle_of_their_bins(values: Values) -> None:
    bins = histograms(values)["multiplicity"]
    expected = np.bincount(values["w"]["multiplicity"].astype(int))[3:]
    np.testing.assert_array_equal(bins.edges[: len(expected) + 1], np.arange(2.5, 9.5))
    np.testing.assert_array_equal(bins.counts["w"][: len(expected)], expected)


def test_many_whole_numbers_share_bins() -> None:
    bins = histograms({"w": {"multiplicity": np.arange(1000.0)}})["multiplicity"]
    assert len(bins.counts["w"]) <= BINS
    assert (np.diff(bins.edges) == np.diff(bins.edges)[0]).all()
    assert bins.counts["w"].sum() + bins.above["w"] == 1000


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_equal_values_have_a_histogram(value: float) -> None:
    bins = histograms({"w": {"tau2": np.full(5, value)}})["tau2"]
    assert bins.counts["w"].sum() == 5


@pytest.mark.parametrize("suffix", distributions.SUFFIXES)
def test_a_written_table_has_the_values(suffix: str, tmp_path: Path, values: Values) -> None:
    for columns in values.values():
        columns["sample"] = np.asarray(["a"] * len(columns["mass"]), dtype=object)
    path = tmp_path / "new" / f"table{suffix}"
    write(path, values)
    written = parquet.read_table(path).to_pylist() if suffix == ".parquet" else rows(path)
    assert list(written[0]) == ["file", "mass", "multiplicity", "sample"]
    assert [row["file"] for row in written] == ["w"] * 500 + ["qcd"] * 300
    assert written[0]["sample"] == "a"
    expected = np.concatenate([values["w"]["mass"], values["qcd"]["mass"]])
    np.testing.assert_array_equal([float(row["mass"]) for row in written], expected)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_only_columns_of_all_files_are_written(tmp_path: Path, values: Values) -> None:
    values["w"]["label"] = np.zeros(500, int)
    write(tmp_path / "table.parquet", values)
    assert parquet.read_table(tmp_path / "table.parquet").column_names == ["file", "mass", "multiplicity"]


def test_another_suffix_is_refused(tmp_path: Path, values: Values) -> None:
    with pytest.raises(UsageError, match=r"ends in .parquet or .csv, got '.txt'"):
        write(tmp_path / "table.txt", values)


def test_a_picture_has_its_numbers_beside_it(tmp_path: Path, values: Values) -> None:
    shown = histograms(values)
    labels = {"mass": ("mass m", "GeV"), "multiplicity": ("multiplicity", "")}
    numbers = write_histograms(tmp_path / "new" / "picture.png", shown, labels)
    assert numbers == tmp_path / "new" / "picture.csv"
    assert (tmp_path / "new" / "picture.png").read_bytes().startswith(b"\x89PNG")
    mass = [row for row in rows(numbers) if (row["observable"], row["file"]) == ("mass", "qcd")]
    assert [int(row["jets"]) for row in mass] == [*shown["mass"].counts["qcd"], shown["mass"].above["qcd"]]
    assert mass[-1]["high"] == "inf"
