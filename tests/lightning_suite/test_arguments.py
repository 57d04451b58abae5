"""The light verbs' arguments: no abbreviation, and a mistake that names the nearest option."""

import pytest

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError


@pytest.fixture
def parser() -> LightParser:
    made = LightParser("doctor", "Explains.")
    made.add_argument("--timeout", type=float, default=60.0)
    return made


def test_values_are_read(parser: LightParser) -> None:
    assert parser.read(["--timeout", "3"]).timeout == 3.0


def test_an_abbreviation_is_refused_with_the_option_that_was_meant(parser: LightParser) -> None:
    with pytest.raises(UsageError, match=r"no option '--timeou'\. Did you mean '--timeout'\?"):
        parser.read(["--timeou", "3"])


def test_a_wrong_value_is_refused(parser: LightParser) -> None:
    with pytest.raises(UsageError, match=r"suite doctor: argument --timeout: invalid float value: 'soon'"):
        parser.read(["--timeout", "soon"])


def test_an_argument_too_many_is_refused(parser: LightParser) -> None:
    with pytest.raises(UsageError, match="no argument 'more'"):
        parser.read(["more"])
