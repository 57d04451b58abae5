"""Options of a call in Python."""

from pathlib import Path
from typing import Any

import numpy
import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import given_options


def test_groups_and_dotted_names_are_the_same_options() -> None:
    assert given_options({"model": {"heads": 4}}) == given_options({"model.heads": 4}) == {"model.heads": 4}


def test_a_path_in_place_of_the_data_is_their_path() -> None:
    assert given_options({"data": Path("a", "b.csv")}) == {"data.path": str(Path("a", "b.csv"))}


def test_values_become_plain() -> None:
    values = {"a": (1, 2), "b": numpy.float32(0.5), "c": numpy.arange(2), "d": Path("x"), "e": {"f": (None, True)}}
    assert given_options(values) == {"a": [1, 2], "b": 0.5, "c": [0, 1], "d": "x", "e": {"f": [None, True]}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model.heads": 4, "model": {"heads": 4}}, "--model.heads is given twice"),
        ({"model": 4}, "model: expected options by name, .* got 4"),
        (
            {"trainer": {"callbacks": [object()]}},
            r"trainer.callbacks: expected a number.* object.\n.*callbacks=\[",
        ),
    ],
)
def test_what_no_file_could_hold_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        given_options(options)
