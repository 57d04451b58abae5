"""The values that a command would use: typed before --config before the recipe, with where each is from."""

from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options.effective import RECIPE, TYPED, Given, effective_options, shown
from lightning_suite.plugins import find

TINY = find.get(f"{Path(__file__).parents[1] / 'tiny.py'}:plugin")


def test_typed_wins_over_a_file_which_wins_over_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("plugin: tweets\nmodel: {layers: 3, hidden_dim: 64}\n")
    found = effective_options(find.get("tweets"), "default", ["--config", str(tmp_path / "c.yaml"), "--model.layers=2"])
    assert found["model.layers"] == Given(2, TYPED)
    assert found["model.hidden_dim"] == Given(64, TYPED)
    assert found["model.optimizer"] == Given("adamw", RECIPE)
    assert "plugin" not in found
    assert "summary" not in found


def test_old_names_of_options_are_shown_under_the_new_ones() -> None:
    assert effective_options(TINY, None, ["--model.width", "3"]) == {"model.hidden": Given(3, TYPED)}


def test_what_is_not_yaml_stays_as_it_was_typed() -> None:
    assert effective_options(TINY, None, ["--data.path", "[x", "stray"]) == {"data.path": Given("[x", TYPED)}


def test_a_recipe_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="there is no recipe 'defualt'"):
        effective_options(find.get("tweets"), "defualt", [])


def test_a_table_is_shown_on_one_line() -> None:
    assert shown({"class_path": "CSVLogger"}) == '{"class_path": "CSVLogger"}'
