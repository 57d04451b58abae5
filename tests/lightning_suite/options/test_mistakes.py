"""Mistakes in options: a few lines with the option, what it takes, what came, the nearest name."""

from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import call, parse
from lightning_suite.plugins import find

TINY = find.get(f"{Path(__file__).parents[1] / 'tiny.py'}:plugin")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--model.hiden", "3"], "no option is called --model.hiden. Did you mean '--model.hidden'?"),
        (["--trainer.max_epoch=1"], "no option is called --trainer.max_epoch. Did you mean '--trainer.max_epochs'?"),
        (["--model.hid", "3"], "no option is called --model.hid"),
        (["--hidden", "3"], "no option is called --hidden. Did you mean '--model.hidden'?"),
        (["--hidden-dim", "3"], "no option is called --hidden-dim."),
        (["--lr", "3"], "no option is called --lr. Did you mean '--model.learning_rate'?"),
        (["--epochs", "3"], "no option is called --epochs. Did you mean '--trainer.max_epochs'?"),
        (["--gpus=2"], "Did you mean '--trainer.devices'?"),
        (["--max_epochs", "3"], "Did you mean '--trainer.max_epochs'?"),
        (["--model.hidden", "many"], "--model.hidden: expected int, got 'many'"),
        (["--mode", "mix"], "--mode: expected 'min' or 'max', got 'mix'. Did you mean 'min' or 'max'?"),
        (["--trainer.max_epochs", "abc"], "--trainer.max_epochs: expected int or null, got 'abc'"),
        (["--model.hidden"], "--model.hidden"),
        (["stray"], "'stray' is not an option, nor the value of one."),
        (["seed", "3"], "'seed' is not an option, nor the value of one. Did you mean '--seed'?"),
    ],
)
def test_a_mistake_names_option_and_nearest_match_within_six_lines(typed: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(TINY, typed, start={})
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) <= 6


def test_the_name_of_a_recipe_instead_of_an_option_gets_a_hint(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/deep.yaml": "summary: Deep\n"})
    with pytest.raises(UsageError, match=r"'deep' is not an option, .* Did you mean --recipe deep\?"):
        parse(find.get("calm"), ["deep"], start={})


def test_an_unknown_key_of_a_config_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("model: {hiden: 3}\n")
    with pytest.raises(UsageError, match=r"--model\.hiden in .*c\.yaml\. Did you mean '--model\.hidden'"):
        parse(TINY, ["--config", str(tmp_path / "c.yaml")], start={})


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--model\.hidden is given 2 times"):
        parse(TINY, ["--model.hidden", "2", "--model.hidden=3"], start={})


def test_an_option_of_the_verb_itself_is_among_those_that_were_meant() -> None:
    with pytest.raises(UsageError, match="Did you mean '--output'"):
        parse(TINY, ["--outptu", "x"], start={}, own=("--output",))


def test_a_class_without_what_it_needs_says_how_to_give_it() -> None:
    with pytest.raises(UsageError) as message:
        parse(TINY, ["--trainer.callbacks", "EarlyStopping"], start={})
    assert "monitor; give it as --trainer.callbacks.monitor VALUE" in str(message.value)
    assert "Namespace" not in str(message.value)


def test_a_misspelt_class_gets_its_suggestion() -> None:
    with pytest.raises(UsageError, match="Did you mean 'EarlyStopping'"):
        parse(TINY, ["--trainer.callbacks", "EarlyStoping"], start={})


def test_the_command_that_lists_the_options_does() -> None:
    with pytest.raises(UsageError, match=r"\nsuite fit --plugin tweets --help lists the options, --help=trainer the"):
        parse(find.get("tweets"), ["--modle.layers", "2"], start={}, prog="suite predict")


def test_a_mistyped_option_of_a_plugins_own_verb_is_listed_by_that_verb() -> None:
    def speak(run: str, *, times: int = 1) -> None: ...

    with pytest.raises(UsageError) as error:
        call(speak, ["--tmies", "2"], prog="suite speak")
    assert str(error.value).endswith("Did you mean '--times'?\nsuite speak --help lists the options.")
