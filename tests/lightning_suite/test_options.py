"""Options: which value wins, and what a mistake costs."""

from pathlib import Path
from typing import Literal

import pytest
import yaml

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.options import Settings, build, call, help_text, parse, read_yaml, take

TINY = registry.get(f"{Path(__file__).parent / 'tiny.py'}:plugin")


def test_the_signature_is_the_default() -> None:
    assert parse(TINY, [], start={}).model == {"hidden": 8, "learning_rate": 0.01}


def test_typed_wins_over_config_over_recipe_over_signature(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("model: {hidden: 3}\ndata: {points: 30}\n")
    recipe = {"model": {"hidden": 2, "learning_rate": 0.2}, "data": {"points": 20, "batch_size": 2}, "seed": 7}
    typed = ["--data.points", "40", "--config", str(tmp_path / "c.yaml")]
    settings = parse(TINY, typed, start=recipe)
    assert settings.model == {"hidden": 3, "learning_rate": 0.2}
    assert settings.data == {"points": 40, "batch_size": 2, "workers": 0}
    assert settings.seed == 7


def test_a_later_config_wins_over_an_earlier_one(tmp_path: Path) -> None:
    for name, hidden in (("a", 3), ("b", 4)):
        (tmp_path / f"{name}.yaml").write_text(f"model: {{hidden: {hidden}}}\n")
    typed = [f"--config={tmp_path / 'a.yaml'}", f"--config={tmp_path / 'b.yaml'}"]
    assert parse(TINY, typed, start={}).model["hidden"] == 4


def test_what_a_recipe_says_to_people_is_no_option() -> None:
    assert parse(TINY, [], start={"summary": "words", "expected": {"val_loss": 1.0}}).seed == 0


def test_settings_written_as_yaml_give_the_same_settings() -> None:
    settings = parse(TINY, ["--model.hidden=5", "--trainer.max_epochs=3"], start={})
    assert parse(TINY, [], start=yaml.safe_load(settings.as_yaml())) == settings


def test_nested_classes_of_the_trainer_are_options() -> None:
    typed = [
        "--trainer.callbacks+=EarlyStopping",
        "--trainer.callbacks.monitor=val_loss",
        "--trainer.callbacks.patience=2",
    ]
    settings = parse(TINY, typed, start={})
    (callback,) = build(TINY, settings).trainer["callbacks"]
    assert (type(callback).__name__, callback.monitor, callback.patience) == ("EarlyStopping", "val_loss", 2)


def test_building_fills_in_every_default() -> None:
    assert build(TINY, Settings(plugin="tiny")).settings.data == {"points": 96, "batch_size": 16, "workers": 0}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--model.hiden", "3"], "no option is called --model.hiden. Did you mean '--model.hidden'?"),
        (["--trainer.max_epoch=1"], "no option is called --trainer.max_epoch. Did you mean '--trainer.max_epochs'?"),
        (["--model.hid", "3"], "no option is called --model.hid"),
        (["--hidden", "3"], "no option is called --hidden. Did you mean '--model.hidden'?"),
        (["--max_epochs", "3"], "Did you mean '--trainer.max_epochs'?"),
        (["--model.hidden", "many"], "--model.hidden: expected int, got 'many'"),
        (["--mode", "mix"], "--mode: expected 'min' or 'max', got 'mix'. Did you mean 'min' or 'max'?"),
        (["--trainer.max_epochs", "abc"], "--trainer.max_epochs: expected int or null, got 'abc'"),
        (["--model.hidden"], "--model.hidden"),
        (["stray"], "stray"),
    ],
)
def test_a_mistake_names_option_and_nearest_match_within_six_lines(typed: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(TINY, typed, start={})
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) <= 6


def test_an_unknown_key_of_a_config_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("model: {hiden: 3}\n")
    with pytest.raises(UsageError, match=r"--model\.hiden in .*c\.yaml\. Did you mean '--model\.hidden'"):
        parse(TINY, ["--config", str(tmp_path / "c.yaml")], start={})


@pytest.mark.parametrize(("text", "said"), [("a: [", "c.yaml"), ("- 1\n", "expected options by name, got list")])
def test_a_config_file_that_is_no_mapping_is_a_mistake(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_yaml(str(tmp_path / "c.yaml"))


def test_help_shows_the_plugin_first_and_the_trainer_only_when_asked() -> None:
    text = help_text(TINY, "suite fit")
    assert text.index("--model.hidden") < text.index("--data.points") < text.index("--seed")
    assert "--trainer.max_epochs" not in text
    assert "--trainer.max_epochs" in help_text(TINY, "suite fit", "trainer")


def test_help_of_one_option_says_all_that_is_known_of_it() -> None:
    assert help_text(TINY, "suite fit", "model.hidden").startswith("--model.hidden int = 8")
    with pytest.raises(UsageError, match=r"Did you mean '--model\.hidden'"):
        help_text(TINY, "suite fit", "model.hiden")


def greet(name: str, *, times: int = 1, tone: Literal["soft", "loud"] = "soft") -> str:
    """Says a name."""
    return " ".join([name if tone == "soft" else name.upper()] * times)


def test_a_function_is_called_with_positions_and_options() -> None:
    assert call(greet, ["ann", "--times", "2", "--tone=loud"]) == "ANN ANN"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name"),
        (["ann", "--time", "2"], "no option is called --time. Did you mean '--times'?"),
        (["ann", "--times", "x"], "--times: expected int, got 'x'"),
        (["ann", "bob"], "bob"),
    ],
)
def test_a_mistake_in_a_plugins_own_verb_is_a_usage_error(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        call(greet, arguments, "suite greet")


def test_help_of_a_plugins_own_verb_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    call(greet, ["--help"], "suite greet")
    said = capsys.readouterr().out
    assert "Says a name." in said
    assert "--times int = 1" in said


def test_taking_an_option_leaves_the_others() -> None:
    assert take(["a", "--runs", "x", "--runs=y", "b"], "--runs") == (["x", "y"], ["a", "b"])
    with pytest.raises(UsageError, match="--runs needs a value"):
        take(["--runs"], "--runs")
