"""Spelling: every slip of one finger is one edit, and a mistyped name gets the nearest ones back."""

import pytest

from lightning_suite.spelling import did_you_mean, edit_distance, no_such


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("list", "list", 0),
        ("list", "lit", 1),
        ("list", "lisst", 1),
        ("list", "mist", 1),
        ("list", "lsit", 1),
        ("", "list", 4),
        ("kitten", "sitting", 3),
    ],
)
def test_the_distance_counts_insertions_deletions_substitutions_and_swaps(left: str, right: str, edits: int) -> None:
    assert edit_distance(left, right) == edit_distance(right, left) == edits


def test_all_names_at_the_smallest_distance_are_offered() -> None:
    assert did_you_mean("mix", ["min", "max", "mean"]) == "Did you mean 'min' or 'max'?"


@pytest.mark.parametrize("choices", [[], ["validate", "doctor"]])
def test_nothing_is_offered_when_nothing_is_near(choices: list[str]) -> None:
    assert did_you_mean("fit", choices) == ""


def test_a_short_name_may_have_one_typo() -> None:
    assert did_you_mean("x", ["y"]) == "Did you mean 'y'?"


def test_a_mistake_in_a_name_is_answered_with_all_names_and_the_nearest() -> None:
    assert no_such("verb", "lsit", ["list", "fit"], "verbs") == (
        "there is no verb 'lsit'\nverbs: list, fit\nDid you mean 'list'?"
    )


def test_a_hundred_names_do_not_make_a_long_message() -> None:
    said = no_such("plugin", "x", [f"plugin{i}" for i in range(100)], "installed")
    assert "and 80 more" in said
    assert len(said.splitlines()) <= 3


def test_no_names_at_all_are_told_as_none() -> None:
    assert no_such("plugin", "x", [], "installed") == "there is no plugin 'x'\ninstalled: none"
