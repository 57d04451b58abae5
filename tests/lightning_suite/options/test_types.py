"""Types in the words of a command line."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

from lightning_suite.options.types import choices, described, example


class Shape:
    pass


class Round(Shape):
    pass


class Ball(Round):
    pass


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (int, "int"),
        (int | None, "int or null"),
        (Literal["a", 2] | None, "'a' or 2 or null"),
        (tuple[float, ...], "tuple[float, ...]"),
        (dict[str, list[int]], "dict[str, list[int]]"),
        (Sequence[Shape], "Sequence[Shape]"),
        (Any, "Any"),
    ],
)
def test_a_type_is_written_as_people_do(hint: Any, expected: str) -> None:
    assert described(hint) == expected


def test_the_choices_of_a_class_are_its_subclasses() -> None:
    assert choices(Shape | None) == choices(list[Shape]) == ["Round", "Ball"]


@pytest.mark.parametrize("hint", [int, str | None, dict[str, int], list[Shape], Callable[[int], int]])
def test_a_single_or_an_unusual_value_has_no_example(hint: Any) -> None:
    assert example(hint) == ""
