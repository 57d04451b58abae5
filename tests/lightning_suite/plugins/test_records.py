"""Records: a broken one is refused with cause and origin, and what its import changes is undone."""

import os
from typing import Any

import pytest

from lightning_suite.plugins import find, records
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.origin import Origin

# The kinds of bad plugins are in conftest.py; their causes and repairs are tested with `suite info`.


def test_a_broken_plugin_is_refused_with_its_distribution(here: Any) -> None:
    here.add_bad("exception")
    with pytest.raises(BrokenPlugin, match="RuntimeError: nms is missing") as raised:
        find.get("exception")
    assert raised.value.origin == "bad-exception 2.0, entry point exception = bad_exception:plugin"


def test_an_import_that_changes_the_environment_is_undone_and_no_reason_to_refuse(here: Any) -> None:
    here.add_meddler()
    assert find.get("meddler").name == "meddler"
    assert "MEDDLER_WAS_HERE" not in os.environ


def test_an_entry_point_without_attribute_is_refused(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    (here.folder / "calm_plugin-2.0.dist-info" / "entry_points.txt").write_text(
        "[lightning_suite.plugins]\ncalm = calm_plugin\n"
    )
    with pytest.raises(BrokenPlugin, match="'calm_plugin', expected 'module:attribute'"):
        records.read(Origin("calm", "calm_plugin", "calm-plugin", "2.0"), 1.0)


def test_what_the_first_import_had_changed_is_still_known_after_the_second(here: Any) -> None:
    here.add_meddler()
    find.get("meddler")
    assert find.get("meddler").origin.changed_environment == ("MEDDLER_WAS_HERE",)


def test_what_an_import_prints_goes_to_standard_error(here: Any, capsys: pytest.CaptureFixture[str]) -> None:
    here.add("loud", "loud_plugin", "loud-plugin", code_before="print('inside')")
    find.get("loud")
    print("outside")
    assert capsys.readouterr() == ("outside\n", "inside\n")
