"""The registry: names without imports, one plugin at a time, and what a bad one costs the others."""

import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.faults import BrokenPlugin
from lightning_suite.origin import Installed
from lightning_suite.plugin import Plugin

MEDDLE = "import os\nos.environ['MEDDLER_WAS_HERE'] = '1'"
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
    assert "calm" in registry.names()
    assert "calm_plugin" not in sys.modules


def test_an_installed_plugin_knows_its_distribution_and_version(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", version="3.1")
    expected = Installed("calm", "calm_plugin:plugin", "calm-plugin", "3.1")
    assert expected in registry.installed()


def test_a_name_gives_its_record_and_imports_no_other(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    here.add("wild", "wild_plugin", "wild-plugin")
    assert registry.get("calm").summary == "The plugin calm"
    assert "wild_plugin" not in sys.modules


def test_an_unknown_name_is_answered_with_the_names_and_the_nearest(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    with pytest.raises(UsageError, match=r"'clam'\ninstalled: .*calm.*\nDid you mean 'calm'\?"):
        registry.get("clam")


def test_broken_plugins_do_not_show_in_the_answer_to_a_misspelt_name(here: Any) -> None:
    here.add_bad("exception")
    here.add_bad("hang")
    with pytest.raises(UsageError) as raised:
        registry.get("xception")
    assert "nms" not in str(raised.value)
    assert "bad_exception" not in sys.modules


# Paths


def test_module_and_attribute_give_a_record(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert registry.get("calm_plugin:plugin").name == "calm"


def test_a_file_and_attribute_give_a_record(one_file: Path) -> None:
    assert registry.get(f"{one_file}:record").name == "one_file_plugin"


def test_a_relative_file_is_found_from_the_current_folder(one_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one_file.parent)
    assert registry.get("one_file_plugin.py:record").summary == "One file"


def test_a_file_s_own_classes_are_named_by_its_stem(one_file: Path, light_lightning: Any) -> None:
    plugin = registry.get(f"{one_file}:record")
    assert registry.resolve(plugin, "module").__name__ == "Net"
    assert registry.resolve(plugin, "data").__name__ == "Data"


def test_a_file_puts_nothing_on_the_search_path(one_file: Path, light_lightning: Any) -> None:
    before = list(sys.path)
    registry.get(f"{one_file}:record")
    assert sys.path == before


def test_a_file_that_fails_leaves_no_module_behind(tmp_path: Path) -> None:
    (tmp_path / "failing_file.py").write_text("x = 1 / 0\n")
    with pytest.raises(BrokenPlugin, match=r"ZeroDivisionError: division by zero \(.*failing_file.py:1\)"):
        registry.get(f"{tmp_path / 'failing_file.py'}:plugin")
    assert "failing_file" not in sys.modules


def test_a_file_named_like_another_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("plugin = 1\n")
    with pytest.raises(BrokenPlugin, match=r"'json' is already the name of a module .* rename the file"):
        registry.get(f"{tmp_path / 'json.py'}:plugin")


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file '.*gone.py'"):
        registry.get(f"{tmp_path / 'gone.py'}:plugin")


def test_a_file_without_an_attribute_is_told_how_to_be_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"try my.py:plugin"):
        registry.get("my.py")


def test_a_module_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(UsageError, match=r"no module 'not_a_module_at_all'"):
        registry.get("not_a_module_at_all:plugin")


def test_an_attribute_that_is_not_there_is_answered_with_the_records(one_file: Path, light_lightning: Any) -> None:
    with pytest.raises(UsageError, match=r"'recrd'\nrecords there: record\nDid you mean 'record'"):
        registry.get(f"{one_file}:recrd")


def test_a_reference_means_the_same_file_from_any_folder(one_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(one_file.parent)
    assert registry.reference("one_file_plugin.py:record") == f"{one_file}:record"


@pytest.mark.parametrize("text", ["calm", "package.module:plugin"])
def test_a_reference_leaves_names_as_they_are(text: str) -> None:
    assert registry.reference(text) == text


# Bad plugins: the kinds are in conftest.py, what is said of them is tested with `suite info`


def test_a_broken_plugin_is_refused_with_its_distribution(here: Any) -> None:
    here.add_bad("exception")
    with pytest.raises(BrokenPlugin, match="RuntimeError: nms is missing") as raised:
        registry.get("exception")
    assert raised.value.origin == "bad-exception 2.0, entry point exception = bad_exception:plugin"


def test_an_import_that_changes_the_environment_is_undone_and_no_reason_to_refuse(here: Any) -> None:
    here.add("meddler", "meddling_plugin", "meddling-plugin", code_before=MEDDLE)
    assert registry.get("meddler").name == "meddler"
    assert "MEDDLER_WAS_HERE" not in os.environ


def test_an_undone_change_of_the_environment_is_told_once_when_the_plugin_is_used(
    here: Any, light_lightning: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    here.add("meddler", "meddling_plugin", "meddling-plugin", code_before=MEDDLE)
    plugin = registry.get("meddler")
    assert capsys.readouterr().err == ""
    registry.resolve(registry.get("meddler"), "module")
    registry.resolve(plugin, "data")
    said = capsys.readouterr().err
    assert said.startswith("plugin 'meddler': the import of its record changed the environment: MEDDLER_WAS_HERE.")
    assert len(said.splitlines()) == 1


def test_an_entry_point_without_attribute_is_refused(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    (here.folder / "calm_plugin-2.0.dist-info" / "entry_points.txt").write_text(
        "[lightning_suite.plugins]\ncalm = calm_plugin\n"
    )
    with pytest.raises(BrokenPlugin, match="'calm_plugin', expected 'module:attribute'"):
        registry.read(Installed("calm", "calm_plugin", "calm-plugin", "2.0"), 1.0)


def record(**fields: Any) -> Plugin:
    return Plugin(
        **{"name": "made", "summary": "Made here", "module": "made_here:Net", "data": "made_here:Data", **fields}
    )


@pytest.fixture
def made_here(here: Any, light_lightning: Any) -> Any:
    """Makes the module ``made_here`` of some source."""

    def make(source: str) -> None:
        (here.folder / "made_here.py").write_text(textwrap.dedent(source))

    return make


def test_a_class_whose_import_fails_blames_the_plugin(made_here: Any) -> None:
    made_here("raise OSError('libfoo.so: cannot open')")
    with pytest.raises(BrokenPlugin, match=r"module='made_here:Net' failed: OSError: libfoo.so"):
        registry.resolve(record(), "module")


def test_a_class_whose_import_hangs_is_given_up(made_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_IMPORT_LIMIT", "0.2")
    made_here("import time\ntime.sleep(60)")
    with pytest.raises(BrokenPlugin, match=r"had not ended after 0.2 s \(.*made_here.py:2\)"):
        registry.resolve(record(), "module")


def test_a_command_is_the_function_it_names(made_here: Any) -> None:
    made_here("def speak(): return 'spoken'")
    assert registry.resolve(record(commands={"speak": "made_here:speak"}), "speak")() == "spoken"


def test_a_command_that_is_no_function_is_refused(made_here: Any) -> None:
    made_here("speak = 3")
    with pytest.raises(BrokenPlugin, match="of type int, expected a function"):
        registry.resolve(record(commands={"speak": "made_here:speak"}), "speak")


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'speek'\nplugin 'made' has: speak\nDid you mean 'speak'"):
        registry.resolve(record(commands={"speak": "made_here:speak"}), "speek")


def test_a_missing_extra_is_refused_before_anything_heavy_is_imported(here: Any) -> None:
    here.add_bad("missing_extra")
    plugin = registry.get("missing_extra")
    with pytest.raises(BrokenPlugin, match="not installed: nowhere-to-be-found"):
        registry.resolve(plugin, "module")
    assert "bad_missing_extra.module" not in sys.modules
