"""The registry: names without imports, one plugin at a time, and a message for each that cannot be used."""

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lightning_suite import registry
from lightning_suite.errors import PluginError, UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.registry import BrokenPlugin, Installed

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


def test_a_hundred_names_do_not_make_a_long_message() -> None:
    said = registry.no_such("plugin", "x", [f"plugin{i}" for i in range(100)], "installed")
    assert "and 80 more" in said
    assert len(said.splitlines()) <= 3


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


def test_a_file_s_recipes_lie_beside_it(one_file: Path, light_lightning: Any) -> None:
    (one_file.parent / "recipes").mkdir()
    (one_file.parent / "recipes" / "default.yaml").write_text("summary: Beside\n")
    assert registry.recipe(registry.get(f"{one_file}:record"), "default") == {"summary": "Beside"}


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


# Bad records and classes: the kinds are in conftest.py, what is said of them is tested with `suite info`


def test_a_broken_plugin_says_cause_origin_and_repair(here: Any) -> None:
    here.add_bad("exception")
    with pytest.raises(PluginError) as raised:
        registry.get("exception")
    first, origin, repair = str(raised.value).splitlines()
    assert first.startswith("plugin 'exception' cannot be used: ")
    assert "RuntimeError: nms is missing" in first
    assert f"{here.folder / 'bad_exception' / '__init__.py'}:2" in first
    assert origin == "  from:   bad-exception 2.0, entry point exception = bad_exception:plugin"
    assert repair == "  repair: correct bad_exception, or try a newer one: pip install --upgrade bad-exception"


def test_an_import_that_changes_the_environment_is_undone(here: Any) -> None:
    import os

    here.add_bad("environment")
    with pytest.raises(BrokenPlugin, match="BAD_PLUGIN_WAS_HERE"):
        registry.get("environment")
    assert "BAD_PLUGIN_WAS_HERE" not in os.environ


def test_an_interruption_by_the_user_is_not_the_plugin_s_fault(here: Any) -> None:
    here.add("stopped", "stopped_plugin", "stopped-plugin", code_before="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.get("stopped")


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


def test_a_class_that_is_no_module_is_refused_with_what_it_derives_from(made_here: Any) -> None:
    made_here("class Base: pass\nclass Net(Base): pass")
    with pytest.raises(
        BrokenPlugin, match=r"derived from made_here.Base, expected a subclass of pytorch_lightning.Light"
    ):
        registry.resolve(record(), "module")


def test_a_data_module_in_the_place_of_a_module_is_refused(made_here: Any) -> None:
    made_here("from pytorch_lightning import LightningDataModule\nclass Net(LightningDataModule): pass")
    with pytest.raises(BrokenPlugin, match=r"expected a subclass of pytorch_lightning.LightningModule"):
        registry.resolve(record(), "module")


def test_a_function_in_the_place_of_a_class_is_refused(made_here: Any) -> None:
    made_here("def Net(): pass")
    with pytest.raises(BrokenPlugin, match="of type function, expected a subclass"):
        registry.resolve(record(), "module")


def test_a_class_of_the_other_lightning_package_is_told_apart(made_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType

    other = ModuleType("lightning.pytorch")
    other.LightningModule = type("LightningModule", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", other)
    made_here("from lightning.pytorch import LightningModule\nclass Net(LightningModule): pass")
    with pytest.raises(BrokenPlugin, match="package 'lightning'") as raised:
        registry.resolve(record(), "module")
    assert "import pytorch_lightning in the place of lightning.pytorch" in raised.value.repair


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
    with pytest.raises(UsageError, match=r"'speek'\nit has: speak\nDid you mean 'speak'"):
        registry.resolve(record(commands={"speak": "made_here:speak"}), "speek")


def test_a_missing_extra_is_refused_before_anything_heavy_is_imported(here: Any) -> None:
    here.add_bad("missing_extra")
    plugin = registry.get("missing_extra")
    with pytest.raises(BrokenPlugin, match="not installed: nowhere-to-be-found"):
        registry.resolve(plugin, "module")
    assert "bad_missing_extra.module" not in sys.modules


# Recipes


def test_recipes_come_default_first_the_rest_sorted(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/b.yaml": "seed: 2\n", "recipes/a.yaml": "seed: 1\n"})
    assert list(registry.recipes(registry.get("calm"))) == ["default", "a", "b"]


def test_a_number_with_an_exponent_and_no_point_is_a_number(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert registry.recipe(registry.get("calm"), "default")["model"] == {"rate": 1e-5}


def test_an_unknown_recipe_is_answered_with_the_nearest(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    with pytest.raises(UsageError, match=r"'defualt'\nit has: default\nDid you mean 'default'"):
        registry.recipe(registry.get("calm"), "defualt")


def test_a_recipe_that_does_not_parse_is_told_with_file_and_line(here: Any) -> None:
    here.add_bad("bad_recipe")
    with pytest.raises(BrokenPlugin, match=r"wide.yaml:3\)"):
        registry.recipe(registry.get("bad_recipe"), "wide")


def test_one_bad_recipe_leaves_the_others_usable(here: Any) -> None:
    here.add_bad("bad_recipe")
    assert registry.recipe(registry.get("bad_recipe"), "default")["summary"] == "A small one"


def test_an_empty_recipe_changes_nothing(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/plain.yaml": "# as the signatures say\n"})
    assert registry.recipe(registry.get("calm"), "plain") == {}


def test_a_plugin_without_recipes_has_an_empty_default() -> None:
    assert registry.recipe(record(), "default") == {}
    assert registry.recipes(record()) == {}


def test_recipes_are_found_without_importing_their_package(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", record={"recipes": "elsewhere.deep:recipes"})
    for folder in ("elsewhere", "elsewhere/deep", "elsewhere/deep/recipes"):
        (here.folder / folder).mkdir()
        (here.folder / folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (here.folder / "elsewhere/deep/recipes/default.yaml").write_text("seed: 3\n")
    assert registry.recipe(registry.get("calm"), "default") == {"seed": 3}
