"""Spelling: a mistyped name gets the nearest ones back."""

import pytest

from lightning_suite.spelling import did_you_mean, no_such


@pytest.mark.parametrize("typo", ["lit", "lisst", "mist", "lsit", "ilst", "lis"])
def test_an_insertion_deletion_substitution_or_swap_gets_the_name_back(typo: str) -> None:
    assert did_you_mean(typo, ["validate", "list"]) == "Did you mean 'list'?"


def test_a_name_that_is_nearer_by_a_letter_stands_alone() -> None:
    options = ["--model.hidden", "--model.heads", "--model.layers"]
    assert did_you_mean("--model.hiden", options) == "Did you mean '--model.hidden'?"


def test_all_names_that_are_equally_near_are_offered() -> None:
    assert did_you_mean("mix", ["min", "max", "mean"]) == "Did you mean 'min' or 'max'?"


@pytest.mark.parametrize("choices", [[], ["validate", "doctor"]])
def test_nothing_is_offered_when_nothing_is_near(choices: list[str]) -> None:
    assert did_you_mean("fit", choices) == ""


def test_of_many_names_that_are_near_the_five_nearest_are_offered_best_first() -> None:
    names = [*(f"points-{number:03}" for number in range(200)), "points-0-1"]
    message = did_you_mean("points-01", names)
    assert message.startswith("Did you mean 'points-001' or 'points-010' or ")
    assert message.count("points-") == 5


def test_a_mistake_in_a_name_is_answered_with_all_names_and_the_nearest() -> None:
    assert no_such("verb", "lsit", ["list", "fit"], "verbs") == (
        "there is no verb 'lsit'\nverbs: list, fit\nDid you mean 'list'?"
    )


def test_a_hundred_names_do_not_make_a_long_message() -> None:
    message = no_such("plugin", "x", [f"plugin{i}" for i in range(100)], "installed")
    assert "and 80 more" in message
    assert len(message.splitlines()) <= 3


def test_no_names_at_all_are_told_as_none() -> None:
    assert no_such("plugin", "x", [], "installed") == "there is no plugin 'x'\ninstalled: none"
