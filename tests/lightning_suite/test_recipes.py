"""Recipes: found without an import, read one at a time, and told with file and line when they do not parse."""

from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.recipes import recipe_of, recipes_of


def test_recipes_come_default_first_the_rest_sorted(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/b.yaml": "seed: 2\n", "recipes/a.yaml": "seed: 1\n"})
    assert list(recipes_of(find.get("calm"))) == ["default", "a", "b"]


def test_a_number_with_an_exponent_and_no_point_is_a_number(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    assert recipe_of(find.get("calm"), "default")["model"] == {"rate": 1e-5}


def test_an_unknown_recipe_is_answered_with_the_nearest(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    with pytest.raises(UsageError, match=r"'defualt'\nplugin 'calm' has: default\nDid you mean 'default'"):
        recipe_of(find.get("calm"), "defualt")


def test_a_recipe_that_does_not_parse_is_refused_with_file_and_line(here: Any) -> None:
    here.add_bad("bad_recipe")
    with pytest.raises(BrokenPlugin, match=r"wide\.yaml:3: "):
        recipe_of(find.get("bad_recipe"), "wide")


def test_one_bad_recipe_leaves_the_others_usable(here: Any) -> None:
    here.add_bad("bad_recipe")
    assert recipe_of(find.get("bad_recipe"), "default")["summary"] == "A small one"


def test_an_empty_recipe_changes_nothing(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/plain.yaml": "# as the signatures say\n"})
    assert recipe_of(find.get("calm"), "plain") == {}


def test_a_plugin_without_recipes_has_an_empty_default() -> None:
    plugin = Plugin(name="made", summary="Made here", module="made_here:Net", data="made_here:Data")
    assert recipe_of(plugin, "default") == {}
    assert recipes_of(plugin) == {}


def test_recipes_are_found_without_importing_their_package(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", record={"recipes": "elsewhere.deep:recipes"})
    for folder in ("elsewhere", "elsewhere/deep", "elsewhere/deep/recipes"):
        (here.folder / folder).mkdir()
        (here.folder / folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (here.folder / "elsewhere/deep/recipes/default.yaml").write_text("seed: 3\n")
    assert recipe_of(find.get("calm"), "default") == {"seed": 3}


def test_recipes_of_a_single_file_lie_beside_it(tmp_path: Path) -> None:
    record = (
        'Plugin(name="lone", summary="One", module="lone_file:Net", data="lone_file:Data", recipes="lone_file:kept")'
    )
    (tmp_path / "lone_file.py").write_text(f"from lightning_suite.plugin import Plugin\nplugin = {record}\n")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "default.yaml").write_text("summary: Beside\n")
    assert recipe_of(find.get(f"{tmp_path / 'lone_file.py'}:plugin"), "default") == {"summary": "Beside"}


def test_a_recipe_names_the_folder_it_lies_in(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/near.yaml": 'data: {path: "{recipes}/few.txt"}\n'})
    path = recipe_of(find.get("calm"), "near")["data"]["path"]
    assert Path(path) == here.folder / "calm_plugin" / "recipes" / "few.txt"
