"""The class of each jet, by the columns of its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightning_suite.errors import DataError
from suite_recnn.labels import classes_of

PATH = Path("jets.parquet")
ONE_HOT = {"label_QCD": [1, 0, 0, 1], "label_Wqq": [0, 1, 0, 0], "label_Tbqq": [0, 0, 1, 0], "label": [0, 7, 8, 0]}


def classes(columns: dict[str, list[Any]], *names: str, named: bool = False) -> list[int]:
    return classes_of({name: np.array(values) for name, values in columns.items()}, names, PATH, named=named).tolist()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"label": [0, 1, 1, 0]}, [0, 1, 1, 0]),
        ({"label": [False, True, True, False]}, [0, 1, 1, 0]),
        ({"label": ["qcd", "top", "w", "qcd"]}, [0, 1, -1, 0]),
        ({"sample": ["qcd", "top", "w", "qcd"]}, [0, 1, -1, 0]),
        ({"sample": ["qcd", "top", "w", "qcd"], "label": [1, 0, 0, 1]}, [0, 1, -1, 0]),
        ({"sample": ["s1", "s2", "s1", "s1"], "label": ["top", "w", "top", "qcd"]}, [1, -1, 1, 0]),
        ({"top": [0.0, 1.0, 1.0, 0.0], "qcd": [1.0, 0.0, 0.0, 0.0]}, [0, 1, 1, -1]),
    ],
)
def test_columns_distinguish_signal_and_background(columns: dict[str, list[Any]], expected: list[int]) -> None:
    assert classes(columns, "qcd", "top") == expected


def test_classes_are_columns_of_ones() -> None:
    assert classes(ONE_HOT, "label_QCD", "label_Tbqq") == [0, -1, 1, 0]
    assert classes(ONE_HOT, "label_Wqq", "label_QCD", "label_Tbqq") == [1, 0, 2, 1]


def test_classes_are_numbers_of_a_label() -> None:
    assert classes(ONE_HOT, "0", "8") == [0, -1, 1, 0]
    assert classes({"label": [0, 1, 2, 4]}, "2", "0", "1") == [1, 2, 0, -1]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("1", "0"), [1, 0, 0, 1]),
        (("0", "1"), [0, 1, 1, 0]),
        (("0", "8"), [0, -1, -1, 0]),
        (("qcd", "1"), [0, 1, 1, 0]),
    ],
)
def test_a_class_named_by_a_number_has_the_jets_with_this_label(names: tuple[str, str], expected: list[int]) -> None:
    assert classes({"label": [0, 1, 1, 0]}, *names) == expected


def test_a_label_that_is_named_counts_more_than_the_sample_and_columns_of_ones() -> None:
    columns = {"sample": ["qcd", "top"], "qcd": [1, 0], "top": [0, 1], "label": [1, 0]}
    assert classes(columns, "qcd", "top") == [0, 1]
    assert classes(columns, "qcd", "top", named=True) == [1, 0]


def test_a_jet_of_two_classes_is_refused() -> None:
    with pytest.raises(DataError, match=r"jets\.parquet: jet 1: label_QCD and label_Tbqq are 1; expected one class"):
        classes({"label_QCD": [1, 1], "label_Tbqq": [0, 1]}, "label_QCD", "label_Tbqq")


@pytest.mark.parametrize(
    ("columns", "there"),
    [
        ({"event": [1, 2]}, "there is no such column"),
        ({"label": ["w", "z"], "sample": ["a", "b"]}, "there are label: w, z; sample: a, b"),
        ({"label": [0, 7, 8]}, "there are label: 0, 7, 8"),
        ({"label": [0, 7], "label_QCD": [1, 0], "label_Wqq": [0, 1]}, "there are label: 0, 7; label_QCD, label_Wqq"),
    ],
)
def test_columns_that_distinguish_nothing_are_listed(columns: dict[str, list[Any]], there: str) -> None:
    with pytest.raises(DataError, match=rf"qcd and top are not distinguished: (.|\n)*; {there}\. --data\.columns"):
        classes(columns, "qcd", "top")
