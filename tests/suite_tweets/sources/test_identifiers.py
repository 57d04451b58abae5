"""Identifiers, which a floating-point number would round."""

import pytest

from lightning_suite.errors import DataError
from suite_tweets.sources.identifiers import identifier_of_column


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
