"""Plugins are found by name without an import, or at a path; only the one that is asked for is imported."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.plugins.origin import Origin
from lightning_suite.plugins.resolve import resolve

LIGHTNING_FILE = """
from pytorch_lightning import LightningDataModule, LightningModule
from lightning_suite.plugin import Plugin

record = Plugin(name="{stem}", summary="One file", module="{stem}:Net", data="{stem}:Data", recipes="{stem}:recipes")


class Net(LightningModule):
    pass


class Data(LightningDataModule):
    pass
"""


@pytest.fixture
def one_file(tmp_path: Path) -> Any:
    """A plugin in a file of its own, forgotten after the test."""
    file = tmp_path / "one_file_plugin.py"
    file.write_text(LIGHTNING_FILE.format(stem=file.stem))
    yield file
    sys.modules.pop(file.stem, None)


# Names


def test_names_are_known_without_importing_a_plugin(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", code_before="raise RuntimeError('imported')")
    assert "calm" in find.names()
    assert "calm_plugin" not in sys.modules


def test_an_installed_plugin_knows_its_distribution_and_version(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", version="3.1")
    expected = Origin("calm", "calm_plugin:plugin", "calm-plugin", "3.1")
    assert expected in find.installed()


def test_a_name_gives_its_record_and_imports_no_other(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    here.add("wild", "wild_plugin", "wild-plugin")
    assert find.get("calm").summary == "The plugin calm"
    assert "wild_plugin" not in sys.modules


def test_an_unknown_name_is_answered_with_the_names_and_the_nearest(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    with pytest.raises(UsageError, match=r"'clam'\ninstalled: .*calm.*\nDid you mean 'calm'\?"):
        find.get("clam")


def test_broken_plugins_do_not_show_in_the_answer_to_a_misspelt_name(here: Any) -> None:
    here.add_bad("exception")
    here.add_bad("hang")
    with pytest.raises(UsageError) as raised:
        find.get("xception")
    assert "nms" not in str(raised.value)
    assert "bad_exception" not in sys.modules


# Paths


def test_module_and_attribute_give_a_record(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert find.get("calm_plugin:plugin").name == "calm"


def test_a_file_and_attribute_give_a_record(one_file: Path) -> None:
    assert find.get(f"{one_file}:record").name == "one_file_plugin"


def test_a_relative_file_is_found_from_the_current_folder(one_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one_file.parent)
    assert find.get("one_file_plugin.py:record").summary == "One file"


def test_a_file_s_own_classes_are_named_by_its_stem(one_file: Path, light_lightning: Any) -> None:
    plugin = find.get(f"{one_file}:record")
    assert resolve(plugin, "module").__name__ == "Net"
    assert resolve(plugin, "data").__name__ == "Data"


def test_a_file_puts_nothing_on_the_search_path(one_file: Path, light_lightning: Any) -> None:
    before = list(sys.path)
    find.get(f"{one_file}:record")
    assert sys.path == before


def test_a_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    (tmp_path / "failing_file.py").write_text("x = 1 / 0\n")
    with pytest.raises(BrokenPlugin, match=r"ZeroDivisionError: division by zero \(.*failing_file.py:1\)"):
        find.get(f"{tmp_path / 'failing_file.py'}:plugin")
    assert "failing_file" not in sys.modules


def test_a_file_named_like_another_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("plugin = 1\n")
    with pytest.raises(BrokenPlugin, match=r"'json' is already the name of a module .* rename the file"):
        find.get(f"{tmp_path / 'json.py'}:plugin")


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file '.*gone.py'"):
        find.get(f"{tmp_path / 'gone.py'}:plugin")


def test_a_file_without_an_attribute_is_told_how_to_be_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"try my.py:plugin"):
        find.get("my.py")


def test_a_module_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(UsageError, match=r"no module 'not_a_module_at_all'"):
        find.get("not_a_module_at_all:plugin")


def test_an_attribute_that_is_not_there_is_answered_with_the_records(one_file: Path, light_lightning: Any) -> None:
    with pytest.raises(UsageError, match=r"'recrd'\nrecords there: record\nDid you mean 'record'"):
        find.get(f"{one_file}:recrd")


def test_a_reference_means_the_same_file_from_any_folder(one_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one_file.parent)
    assert find.reference("one_file_plugin.py:record") == f"{one_file}:record"


@pytest.mark.parametrize("text", ["calm", "package.module:plugin"])
def test_a_reference_leaves_names_as_they_are(text: str) -> None:
    assert find.reference(text) == text
