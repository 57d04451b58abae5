"""A plugin's own verbs: functions called from a command line."""

from typing import Literal

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import call


def several(*, sizes: list[int] | None = None, rates: tuple[float, ...] = (), pair: tuple[str, int] = ("a", 1)) -> None:
    """Takes several values."""


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--sizes", "3,5"], "--sizes: expected list[int] or null, written [3,5], got '3,5'"),
        (["--rates", "x"], "--rates: expected tuple[float, ...], written [0.3,0.5], got 'x'"),
        (["--pair", "a"], "--pair: expected tuple[str, int], written [one,5], got 'a'"),
    ],
)
def test_a_message_shows_several_values_in_the_form_in_which_they_are_typed(typed: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        call(several, typed)
    assert message in str(error.value)


def test_the_form_that_a_message_shows_for_several_values_is_accepted() -> None:
    call(several, ["--sizes", "[3,5]", "--rates", "[0.3,0.5]", "--pair", "[one,5]"])


def greet(name: str, *, times: int = 1, tone: Literal["soft", "loud"] = "soft") -> str:
    """Says a name."""
    return " ".join([name if tone == "soft" else name.upper()] * times)


def test_a_function_is_called_with_positions_and_options() -> None:
    assert call(greet, ["ann", "--times", "2", "--tone=loud"]) == "ANN ANN"


def repeat(word: str, *, n: int = 1, tone: Literal["soft", "loud"] = "soft") -> str:
    """Says a word several times."""
    return " ".join([word if tone == "soft" else word.upper()] * n)


@pytest.mark.parametrize("typed", [["a", "-n", "3"], ["-n", "3", "a"], ["a", "--n", "3"], ["a", "--n=3"]])
def test_an_option_of_one_letter_is_given_with_one_dash_or_two(typed: list[str]) -> None:
    assert call(repeat, typed) == "a a a"


def test_options_of_one_letter_and_of_many_stand_together() -> None:
    assert call(repeat, ["a", "-n", "2", "--tone", "loud"]) == "A A"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["a", "-n", "x"], "--n: expected int, got 'x'"),
        (["a", "-n", "2", "--n", "3"], "--n is given 2 times"),
        (["a", "-nn", "3"], "'-nn'"),
        (["a", "-n", "2", "-n", "3"], "--n is given 2 times"),
        (["a", "-m", "2"], "-m"),
        (["a", "-tone", "loud"], "-tone"),
    ],
)
def test_a_mistake_with_one_dash_is_a_usage_error(typed: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        call(repeat, typed)
    assert message in str(error.value)


def test_the_help_shows_an_option_of_one_letter(capsys: pytest.CaptureFixture[str]) -> None:
    call(repeat, ["-h"], "suite repeat")
    assert "--n int = 1" in capsys.readouterr().out


def polish(name: str, *, bright: bool = False, times: int = 1) -> str:
    """Polishes something."""
    return f"{name} {bright} {times}"


@pytest.mark.parametrize("switch", [["--bright"], ["--bright", "true"], ["--bright=true"], ["--bright", "True"]])
def test_a_bool_is_switched_on_with_its_name_alone_or_with_true(switch: list[str]) -> None:
    assert call(polish, ["tin", *switch]) == "tin True 1"
    assert call(polish, [*switch, "tin", "--times", "2"]) == "tin True 2"


@pytest.mark.parametrize("switch", [[], ["--bright", "false"], ["--bright=false"]])
def test_a_bool_stays_off_when_it_is_not_named_or_false(switch: list[str]) -> None:
    assert call(polish, ["tin", *switch]) == "tin False 1"


def test_a_switch_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="--bright is given 2 times"):
        call(polish, ["tin", "--bright", "--bright"])


def join(parts: list[str], *, mark: str = "-") -> str:
    """Joins words."""
    return mark.join(parts)


def test_a_last_list_of_words_takes_every_word_that_is_left() -> None:
    assert call(join, ["a", "b", "c"]) == "a-b-c"
    assert call(join, ["--mark", "+", "a", "b"]) == "a+b"
    assert call(join, ["a", "--mark=+"]) == "a"


def test_a_list_of_words_needs_one() -> None:
    with pytest.raises(UsageError, match="parts"):
        call(join, ["--mark", "+"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name"),
        (["ann", "--time", "2"], "no option is called --time. Did you mean '--times'?"),
        (["ann", "--times", "x"], "--times: expected int, got 'x'"),
        (["ann", "bob"], "bob"),
    ],
)
def test_a_mistake_in_a_plugins_own_verb_is_a_usage_error(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        call(greet, arguments, "suite greet")


def test_help_of_a_plugins_own_verb_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    call(greet, ["--help"], "suite greet")
    message = capsys.readouterr().out
    assert "Says a name." in message
    assert "--times int = 1" in message


def test_an_old_name_of_an_option_still_works_in_every_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    def divide(file: str, *, max_clusters: int = 1, route: str = "fast") -> tuple[str, int, str]:
        """Divides."""
        return file, max_clusters, route

    renamed = {"at_most": "max_clusters", "route=better": "route=best_of"}
    for words in (["a", "--at-most", "3"], ["a", "--at_most=3"], ["--at-most", "3", "a"]):
        assert call(divide, words, renamed=renamed) == ("a", 3, "fast")
    assert call(divide, ["a", "--route", "better"], renamed=renamed) == ("a", 1, "best_of")
    message = capsys.readouterr().err.splitlines()
    assert message == ["--at_most is now --max_clusters", "--route=better is now --route=best_of"]


def test_an_option_under_both_names_is_refused() -> None:
    with pytest.raises(UsageError, match="--times is given 2 times"):
        call(greet, ["ann", "--often", "2", "--times", "3"], renamed={"often": "times"})
