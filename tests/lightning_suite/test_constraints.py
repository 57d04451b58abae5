"""Tables of constraints: what they let pass, and what the message says of the rest."""

import math
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest

from lightning_suite.constraints import Choice, Condition, Interval, ListOf, check
from lightning_suite.errors import UsageError

ABOVE_0 = Interval(float, 0, closed="neither")
SHARE = Interval(float, 0, 1, closed="left")
ODD = Condition("an odd number", lambda size: size % 2 == 1)


@pytest.mark.parametrize(
    ("allowed", "value"),
    [
        (Interval(int, 1), 1),
        (Interval(int, 1), np.int32(3)),
        (Interval(int, 1), 10**400),
        (Interval(int), -3),
        (Interval(float, 0), 0),
        (Interval(float, 0), np.float32(0.5)),
        (Interval(float, 0), Fraction(1, 3)),
        (Interval(float, 0, 1), 1.0),
        (Interval(float, 0, 1, closed="right"), 1.0),
        (SHARE, 0.0),
        (None, None),
        (str, ""),
        (str, np.str_("text")),
        (bool, False),
        (int, 7),
        (float, 7),
        (Literal["rbf", "cosine"], "rbf"),
        (Literal[2, 3], np.int64(3)),
        (Choice((None, "stable")), None),
        (Interval(float, most=0), -1e300),
        (ODD, 3),
        (ListOf([int, str]), ["title", 3]),
        (ListOf([int]), ()),
        (ListOf([str], distinct=True), ["no", "yes"]),
        (ListOf([ODD], least=1), [3, 5]),
    ],
)
def test_what_is_allowed_passes(allowed: Any, value: object) -> None:
    check({"option": [allowed]}, {"option": value})


@pytest.mark.parametrize(
    ("allowed", "value", "expected"),
    [
        (Interval(int, 1), 0, "a whole number of 1 or more"),
        (Interval(int, 1), True, "a whole number of 1 or more"),
        (Interval(int, 1), 2.0, "a whole number of 1 or more"),
        (Interval(int, 1), "2", "a whole number of 1 or more"),
        (Interval(int, 2, 255), 256, "a whole number from 2 to 255"),
        (Interval(int, most=10_000), 10_001, "a whole number of at most 10,000"),
        (ABOVE_0, 0, "a number above 0"),
        (ABOVE_0, math.inf, "a number above 0"),
        (ABOVE_0, math.nan, "a number above 0"),
        (ABOVE_0, np.float64("nan"), "a number above 0"),
        (ABOVE_0, None, "a number above 0"),
        (ABOVE_0, np.zeros(2), "a number above 0"),
        (SHARE, 1.0, "a number from 0 to below 1"),
        (Interval(float, 0, 1, closed="right"), 0.0, "a number above 0, at most 1"),
        (Interval(float, 0, 1, closed="neither"), 1.0, "a number between 0 and 1"),
        (Interval(float, most=0, closed="neither"), 0.0, "a number below 0"),
        (float, False, "a number"),
        (str, 3, "text"),
        (bool, 1, "one of True, False"),
        (Literal[1], True, "1"),
        (Literal["rbf", "cosine"], 3, "one of rbf, cosine"),
        (Literal["rbf", "cosine"], np.array(["rbf", "cosine"]), "one of rbf, cosine"),
        (ODD, 4, "an odd number"),
        (ODD, "three", "an odd number"),
        (ODD, None, "an odd number"),
        (ListOf([int, str], least=1), [], "a list of at least 1 item, each a whole number or text"),
        (ListOf([int]), 3, "a list, each a whole number"),
        (ListOf([int]), [3, "title"], "a list, each a whole number"),
        (ListOf([str], least=2, distinct=True), ["a", "a"], "a list of at least 2 items, all different, each text"),
    ],
)
def test_the_message_says_name_what_was_expected_and_what_came(allowed: Any, value: object, expected: str) -> None:
    with pytest.raises(UsageError) as raised:
        check({"option": [allowed]}, {"option": value})
    assert f"{raised.value}" == f"option: expected {expected}, got {value!r}"


def test_each_alternative_is_allowed_and_named() -> None:
    constraints = {"sigma": [ABOVE_0, Literal["stable"], None]}
    for value in (0.5, "stable", None):
        check(constraints, {"sigma": value})
    with pytest.raises(UsageError, match=r"^sigma: expected a number above 0, stable, or None, got -1$"):
        check(constraints, {"sigma": -1})


def test_none_is_called_null_where_it_is_written_so() -> None:
    with pytest.raises(UsageError, match=r"^--data\.limit: expected a whole number of 2 or more, or null, got 1$"):
        check({"limit": [Interval(int, 2), None]}, {"limit": 1}, where="--data.")


def test_the_nearest_choice_is_offered() -> None:
    with pytest.raises(UsageError, match=r"expected one of rbf, cosine, or None, got 'rfb'\. Did you mean 'rbf'\?$"):
        check({"affinity": [Literal["rbf", "cosine"], None]}, {"affinity": "rfb"})


def test_the_kind_of_the_error_is_the_callers() -> None:
    with pytest.raises(ValueError, match=r"^heads: expected"):
        check({"heads": [Interval(int, 1)]}, {"heads": 0}, error=ValueError)


def test_the_first_wrong_value_in_the_order_of_the_table_is_reported_and_other_names_are_let_be() -> None:
    constraints = {"heads": [Interval(int, 1)], "layers": [Interval(int, 1)]}
    with pytest.raises(UsageError, match=r"^heads"):
        check(constraints, {"layers": 0, "heads": 0, "self": object()})


def test_an_option_of_the_table_must_be_among_the_values() -> None:
    with pytest.raises(KeyError, match=r"haeds"):
        check({"haeds": [int]}, {"heads": 1})


def test_a_constraint_of_ones_own_needs_no_base_class() -> None:
    class Even:
        expected = "an even number"

        def accepts(self, value: int) -> bool:
            return value % 2 == 0

    check({"dim": [Even()]}, {"dim": 4})
    with pytest.raises(UsageError, match=r"^dim: expected an even number, or None, got 3$"):
        check({"dim": [Even(), None]}, {"dim": 3})
