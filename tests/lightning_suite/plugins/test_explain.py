"""Errors of broken plugins name cause, origin and repair in three lines; a failed import is the plugin's."""

from dataclasses import replace

import pytest

from lightning_suite.errors import PluginError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins.explain import (
    BrokenPlugin,
    no_attribute,
    one_line_cause,
    same_name,
    warning,
    wrap_import_errors,
)
from lightning_suite.plugins.origin import Origin

ENTRY = Origin("made", "made_here:plugin", "made-here", "2.0")


@pytest.fixture
def plugin() -> Plugin:
    return Plugin(name="made", summary="Made here", module="made_here:Net", data="made_here:Data", origin=ENTRY)


def wrapped(error: BaseException, entry: Origin = ENTRY) -> BrokenPlugin:
    with pytest.raises(BrokenPlugin) as raised, wrap_import_errors(entry, "made_here"):
        raise error
    return raised.value


def test_a_fault_is_three_lines_cause_origin_and_repair() -> None:
    first, origin, repair = str(wrapped(RuntimeError("nms is missing"))).splitlines()
    assert first.startswith(
        "plugin 'made' cannot be used: the import of made_here failed: RuntimeError: nms is missing ("
    )
    assert first.endswith(")")
    assert origin == "  from:   made-here 2.0, entry point made = made_here:plugin"
    assert repair == "  repair: correct made_here, or try a newer one: pip install --upgrade made-here"


def test_a_fault_is_a_plugin_error_that_ends_a_command_with_3() -> None:
    assert isinstance(wrapped(ValueError("x")), PluginError)
    assert wrapped(ValueError("x")).exit_status == 3


def test_an_exit_of_an_import_is_the_plugin_s_fault() -> None:
    assert "it ends the program: SystemExit(7)" in wrapped(SystemExit(7)).cause


def test_an_interruption_by_the_user_is_not_the_plugin_s_fault() -> None:
    with pytest.raises(KeyboardInterrupt), wrap_import_errors(ENTRY, "made_here"):
        raise KeyboardInterrupt


def test_a_missing_module_that_no_extra_brings_is_to_be_installed() -> None:
    repair = wrapped(ModuleNotFoundError("No module named 'gone'", name="gone.deep")).repair
    assert repair.startswith("pip install the distribution that brings the module 'gone'")


def test_a_missing_module_of_the_plugin_s_own_is_its_author_s_to_mend() -> None:
    repair = wrapped(ModuleNotFoundError("No module named 'made_here.gone'", name="made_here.gone")).repair
    assert repair.startswith("correct made_here")


def test_a_plugin_given_by_a_path_is_not_to_be_upgraded() -> None:
    assert wrapped(ValueError("x"), Origin("a.py:plugin", "a.py:plugin")).repair == "correct a.py"


def test_a_misspelt_attribute_is_reported_with_the_nearest_public_name(plugin: Plugin) -> None:
    cause = no_attribute(plugin, "module='made_here:Nett'", "made_here", "Nett", ["Net", "_Nett", "Data"]).cause
    assert cause == "module='made_here:Nett', but made_here defines no 'Nett'. Did you mean 'Net'?"


def test_several_plugins_of_one_name_are_all_named() -> None:
    twin = Origin("made", "second:plugin", "second-made", "1.0")
    assert same_name([ENTRY, twin]).origin == "made-here 2.0 and second-made 1.0"


def test_a_plugin_that_did_no_harm_has_no_warning(plugin: Plugin) -> None:
    assert warning(plugin) == ""


def test_what_had_to_be_undone_is_a_warning(plugin: Plugin) -> None:
    plugin = replace(plugin, origin=replace(ENTRY, changed_environment=("A", "B")))
    assert "changed the environment: A, B. This was undone" in warning(plugin)


def test_a_cause_is_one_line_with_file_and_line() -> None:
    with pytest.raises(ValueError) as raised:
        exec(compile("raise ValueError('two\\nlines')", "some_file.py", "exec"))
    assert one_line_cause(raised.value) == "ValueError: two lines (some_file.py:1)"
