"""Origins: every record is known by its identity, with all that its first import has shown."""

from lightning_suite.origin import Installed, origin_of, remember, undone_by
from lightning_suite.plugin import Plugin


def record() -> Plugin:
    return Plugin(name="made", summary="Made here", module="made_here:Net", data="made_here:Data")


def test_a_remembered_record_knows_where_it_is_from() -> None:
    plugin, entry = record(), Installed("made", "made_here:plugin", "made-here", "2.0")
    remember(plugin, entry)
    assert origin_of(plugin) is entry


def test_an_equal_record_is_not_the_same() -> None:
    plugin, twin = record(), record()
    remember(plugin, Installed("made", "made_here:plugin"))
    assert plugin == twin
    assert origin_of(twin).value == "a record named 'made'"


def test_what_the_first_import_had_changed_is_still_known_after_the_second() -> None:
    plugin, entry = record(), Installed("made", "made_here:plugin")
    remember(plugin, entry, ("A",))
    remember(plugin, entry)
    assert undone_by(plugin) == ("A",)


def test_an_installed_plugin_is_told_by_distribution_version_and_entry_point() -> None:
    assert str(Installed("made", "here:plugin", "made-here", "2.0")) == "made-here 2.0, entry point made = here:plugin"


def test_what_no_distribution_brings_is_told_by_its_path_and_cannot_be_upgraded() -> None:
    entry = Installed("a.py:plugin", "a.py:plugin")
    assert (str(entry), entry.upgrade) == ("a.py:plugin", "")
