"""Conditions on the columns of jets: what they select, what they may not do, and what is said about mistakes."""

from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import DataError, UsageError
from suite_recnn.selection import left_out, names_in, selected

PATH = Path("w.parquet")
COLUMNS = {
    "jet_pt": np.array([520.0, 600.0, 640.0, np.nan]),
    "jet_eta": np.array([-1.5, 0.5, 1.0, 0.0]),
    "contained": np.array([True, False, True, True]),
    "matched": np.array([1, 1, 0, 0], dtype=np.int8),
    "sample": np.array(["w", "w", "qcd", "top"]),
    "Jet.PT": np.array([1.0, 2.0, 3.0, 4.0]),
    "tracks": np.array([1, 9, 3, 200], dtype=np.uint8),
    "towers": np.array([3, 2, 3, 100], dtype=np.uint8),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("contained", [0, 2, 3]),
        ("not contained", [1]),
        ("matched", [0, 1]),
        ("jet_pt > 550 and jet_pt < 650", [1, 2]),
        ("550 < jet_pt < 630", [1]),
        ("(jet_pt > 550) & ~contained | (jet_eta == 0)", [1, 3]),
        ("abs(jet_eta) > 0.9 or sample == 'top'", [0, 2, 3]),
        ("contained or sample == 'w'", [0, 1, 2, 3]),
        ("sample in ('qcd', 'top')", [2, 3]),
        ("matched not in (0, 7)", [0, 1]),
        ("isfinite(jet_pt)", [0, 1, 2]),
        ("jet_pt != jet_pt", [3]),
        ("2 * jet_eta ** 2 - 0.5 > 0", [0, 2]),
        ("log(matched) < -100", [2, 3]),
        ("Jet.PT >= 3", [2, 3]),
        ("jet_pt < -1", []),
        ("tracks - towers < 5", [0, 2]),
        ("tracks + towers > 255", [3]),
        ("True", [0, 1, 2, 3]),
    ],
)
def test_a_condition_selects_the_jets_that_fulfil_it(expression: str, expected: list[int]) -> None:
    chosen = selected(expression, COLUMNS, PATH)
    assert chosen.shape == (4,)
    assert np.flatnonzero(chosen).tolist() == expected


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "jet_pt.__class__",
        "().__class__.__bases__",
        "[jet for jet in jet_pt]",
        "(lambda: contained)()",
        "f'{jet_pt}' == 'a'",
        "open('/etc/passwd')",
        "jet_pt[0] > 1",
        "contained if jet_pt > 1 else matched",
        "(x := contained)",
        "contained is True",
        "abs(jet_pt, out=jet_eta) > 0",
        "1j * jet_pt > 0",
        "sample in ('w', jet_pt)",
    ],
)
def test_nothing_but_conditions_on_columns_is_computed(expression: str) -> None:
    with pytest.raises((UsageError, DataError), match=r"is not understood|there is no column"):
        selected(expression, COLUMNS, PATH)


def test_a_huge_power_is_computed_at_once_as_a_float() -> None:
    assert selected("jet_eta < 9 ** 9 ** 9 ** 9", COLUMNS, PATH).all()


@pytest.mark.parametrize("expression", ["", "jet_pt >", "jet_pt > 5; contained", "(" * 500 + "contained", "a\0b"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(UsageError, match=r"is no condition: .*expected names of columns"):
        selected(expression, COLUMNS, PATH)


def test_a_column_that_is_not_there_is_named_beside_those_that_are() -> None:
    with pytest.raises(
        DataError,
        match=r"w\.parquet(.|\n)*no column 'jet_p'(.|\n)*jet_eta, jet_pt(.|\n)*Did you mean 'jet_pt'.*\n--data",
    ):
        selected("jet_p > 550", COLUMNS, PATH)


def test_numbers_that_are_no_conditions_are_refused() -> None:
    with pytest.raises(UsageError, match=r"expected conditions, such as jet_pt > 550(.|\n)*got values such as 520\.0"):
        selected("jet_pt and contained", COLUMNS, PATH)


def test_a_text_is_not_compared_with_a_number() -> None:
    with pytest.raises(DataError, match="a text is compared with a number"):
        selected("sample > 3", COLUMNS, PATH)


def test_the_names_of_columns_are_found_once_each() -> None:
    assert names_in("abs(jet_eta) < 2 and (Jet.PT > jet_pt or jet_eta > 1)") == ["jet_eta", "Jet.PT", "jet_pt"]


def test_what_is_left_out_is_counted_by_class() -> None:
    labels, chosen = np.array([0, 1, 1, -1]), np.array([True, False, True, False])
    assert left_out(("qcd", "w", "top"), labels, chosen) == "0 of 1 qcd, 1 of 2 w"
