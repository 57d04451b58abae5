"""Identifiers, which a floating-point number would round."""

from pathlib import Path

import pytest

from lightning_suite.errors import DataError
from suite_tweets.sources.identifiers import identifier_of_column
from suite_tweets.sources.reading import read


@pytest.mark.parametrize("value", [1201234567890123456, "1201234567890123456", " 1201234567890123456 "])
def test_an_identifier_keeps_all_its_digits(value: object) -> None:
    assert identifier_of_column(value, "id", "", "a.csv", 1) == "1201234567890123456"


def test_no_identifier_is_empty() -> None:
    assert identifier_of_column(None, "id", "", "a.csv", 1) == ""


@pytest.mark.parametrize("value", ["7.0", "10e45678", "a.5", "-", "3f2a.1"])
def test_an_identifier_that_was_not_rounded_stays_as_it_is(value: str) -> None:
    assert identifier_of_column(value, "id", "", "a.csv", 1) == value


@pytest.mark.parametrize("value", [1.2e18, "1.20123E+18", "1E+18", "1.2e18", "1201234567890123456.0"])
def test_a_rounded_identifier_is_refused(value: object) -> None:
    with pytest.raises(DataError, match=r"a\.csv:2: id .* is a rounded number, which several tweets may share"):
        identifier_of_column(value, "id", "", "a.csv", 2)


def test_identifiers_that_a_spreadsheet_has_rounded_to_zeros_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rounded = ["1539202764123450000", "1539202764123450000", "1539202764987650000"]
    path.write_text("id,text\n" + "".join(f"{id},{text}\n" for id, text in zip(rounded, "abc", strict=True)))
    with pytest.raises(DataError, match="1539202764123450000 for instance: a spreadsheet has rounded them"):
        read(path)
    assert [tweet.text for tweet in read(path, id_column="")] == ["a", "b", "c"]


@pytest.mark.parametrize("last", ["1539202764123456789", "12000"])
def test_identifiers_of_which_one_or_two_end_in_zeros_are_read(tmp_path: Path, last: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,text\n1539202764123450000,a\n1539202764123460000,b\n{last},c\n")
    assert [tweet.id for tweet in read(path)] == ["1539202764123450000", "1539202764123460000", last]
