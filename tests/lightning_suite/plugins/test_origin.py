"""Origins: a record keeps where it came from, without a difference to its equals."""

from typing import Any

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.origin import Origin


def test_a_record_that_was_found_knows_its_origin(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert find.get("calm").origin == Origin("calm", "calm_plugin:plugin", "calm-plugin", "2.0")


def test_equal_records_may_have_different_origins(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert find.get("calm") == find.get("calm_plugin:plugin")
    assert find.get("calm").origin != find.get("calm_plugin:plugin").origin


def test_a_record_that_nobody_found_says_so() -> None:
    made = Plugin(name="made", summary="Made here", module="made_here:Net", data="made_here:Data")
    assert str(made.origin) == "a record that was made in Python"


def test_an_installed_plugin_is_named_by_distribution_version_and_entry_point() -> None:
    assert str(Origin("made", "here:plugin", "made-here", "2.0")) == "made-here 2.0, entry point made = here:plugin"


def test_a_typed_path_is_named_as_it_is_and_cannot_be_upgraded() -> None:
    origin = Origin("a.py:plugin", "a.py:plugin")
    assert (str(origin), origin.upgrade, origin.correct) == ("a.py:plugin", "", "correct a.py")
