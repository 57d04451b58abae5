"""The arguments of verbs: no abbreviation, no option twice, and a mistake that names the nearest option."""

import pytest

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError


@pytest.fixture
def parser() -> LightParser:
    made = LightParser("doctor", "Explains.")
    made.add_argument("--timeout", type=float, default=60.0)
    made.add_argument("--runs")
    made.add_argument("--plugin", nargs="?", const="")
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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runs", "x", "--runs", "y"], "--runs is given twice"),
        (["--timeout", "60", "--timeout=60"], "--timeout is given twice"),
        (["--plugin", "--plugin", "x"], "--plugin is given twice"),
        (["--runs="], "--runs needs a value"),
        (["--runs"], "--runs: expected one argument"),
    ],
)
def test_an_option_that_is_given_twice_or_without_a_value_is_refused(
    words: list[str], message: str, parser: LightParser
) -> None:
    with pytest.raises(UsageError, match=message):
        parser.read(words)


def test_an_option_may_be_given_without_the_value_that_it_need_not_have(parser: LightParser) -> None:
    assert (parser.read(["--plugin"]).plugin, parser.read([]).plugin) == ("", None)


def test_the_words_that_are_left_keep_their_order(parser: LightParser) -> None:
    words = ["RUN", "--data.x", "1", "--runs", "y", "INPUT", "--model.z=-2"]
    values, rest = parser.parse_known_args(words)
    assert (values.runs, rest) == ("y", ["RUN", "--data.x", "1", "INPUT", "--model.z=-2"])


def test_the_help_has_the_description_as_it_stands_and_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        LightParser("predict", "Predicts.\n\n    RUN is a run.", "RUN [--data.x 1]").read(["--help"])
    message = capsys.readouterr().out
    assert message.startswith("usage: suite predict RUN [--data.x 1]\n")
    assert "\nPredicts.\n\nRUN is a run.\n" in message
