"""The help of suite fit: the values of this very command, on sixty lines at most, without torch."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.options import option_help, short_help
from lightning_suite.options.effective import effective_options
from lightning_suite.plugins import find
from lightning_suite.plugins.signature import parameters
from lightning_suite.recipes import recipe_files, recipe_of

TINY = find.get(f"{Path(__file__).parents[1] / 'tiny.py'}:plugin")
COMMAND = "import sys; from lightning_suite.cli import main; main(['fit', '--plugin', 'tweets', '--help{}'])"


def help_of(name: str, recipe: str | None, *typed: str) -> str:
    plugin = find.get(name)
    text = short_help(plugin, "suite fit", recipe, effective_options(plugin, recipe, typed))
    assert text is not None
    return text


@pytest.mark.parametrize("name", find.names())
def test_every_recipe_of_every_plugin_has_its_values_in_sixty_lines(name: str) -> None:
    plugin = find.get(name)
    for recipe in recipe_files(plugin):
        lines = help_of(name, recipe).splitlines()
        assert len(lines) <= 60
        assert all(len(line) <= 120 for line in lines)
        for option in recipe_of(plugin, recipe)["trainer"]:
            assert any(line.startswith(f"  --trainer.{option} ") and " *" in line for line in lines)
        for option in recipe_of(plugin, recipe).get("model", {}):
            assert any(line.startswith(f"  --model.{option} ") and " *" in line for line in lines)


def test_the_values_are_those_that_the_command_would_use() -> None:
    text = help_of("tweets", "default")
    assert "  --model.learning_rate 0.007 *  " in text
    assert "  --monitor val_bits_per_char *  " in text
    assert "* from the recipe default" in text
    text = help_of("tweets", "model-1", "--model.layers", "2")
    assert "  --model.learning_rate 0.001  " in text
    assert "  --model.layers 2 >  " in text
    assert "* from the recipe model-1, > given here" in text


def test_the_options_of_the_verb_are_there_too() -> None:
    text = help_of("dsa", "default")
    assert all(f"  {option} " in text for option in ("--runs", "--resume", "--recipe", "--logger", "--config"))


def test_what_finds_no_room_is_named() -> None:
    text = " ".join(help_of("tweets", "default").split())
    assert "--model.generated, --model.temperature (--help=model)" in text
    assert "--data.predict_path (--help=data)" in text


def test_without_a_recipe_nothing_is_marked() -> None:
    text = short_help(TINY, "suite fit", None, {})
    assert text is not None
    assert "--model.hidden 8" in text
    assert "*" not in text


def test_where_the_source_does_not_show_all_options_there_is_none(here: Any) -> None:
    module = (
        "from pytorch_lightning import LightningModule\n\n\nclass Net(LightningModule):\n"
        "    def __init__(self, **kwargs):\n        super().__init__()\n"
    )
    here.add("calm", "calm_plugin", "calm-plugin", files={"module.py": module})
    assert short_help(find.get("calm"), "suite fit", None, {}) is None


@pytest.mark.parametrize(
    ("topic", "expected"), [("", "--model.hidden_dim 256"), ("=model.hidden_dim", "--model.hidden_dim int = 256")]
)
def test_help_imports_no_torch(topic: str, expected: str) -> None:
    code = f"{COMMAND.format(topic)}; sys.exit(f'torch: {{\"torch\" in sys.modules}}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "torch: False\n"
    assert expected in done.stdout


@pytest.mark.parametrize("name", find.names())
def test_every_option_is_explained_in_full_without_an_import(name: str) -> None:
    plugin = find.get(name)
    for group, path in (("model", plugin.module), ("data", plugin.data)):
        for option, parameter in (parameters(path) or {}).items():
            text = option_help(plugin, f"{group}.{option}", {})
            assert text is not None
            assert text.startswith(f"--{group}.{option} {' or '.join(parameter.kinds)}")
            assert " ".join(text.splitlines()[1:]) == parameter.meaning


def test_a_value_of_the_recipe_or_of_the_words_is_shown_with_the_default() -> None:
    plugin = find.get("tweets")
    given = effective_options(plugin, "default", ["--model.layers", "2"])
    assert option_help(plugin, "data.cleaning", given) == (
        "--data.cleaning paper or modern or none or list[str] = modern *\n* from the recipe; the default is paper\n"
        "paper, modern or none, or the names of the rules."
    )
    assert "> from what is given here; the default is 1\n" in str(option_help(plugin, "model.layers", given))
    assert option_help(plugin, "model.no_such_option", given) is None
