"""Options: which value wins, and what is built from them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_suite.options import Settings, build, build_model, parse
from lightning_suite.plugins import find

TINY = find.get(f"{Path(__file__).parents[1] / 'tiny.py'}:plugin")


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


@pytest.mark.parametrize("value", [float("inf"), 1e-5, 1e300, 0.1 + 0.2])
def test_every_number_of_a_recipe_and_a_config_file_arrives_as_it_is(value: float, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"model": {"learning_rate": value}}))
    assert parse(TINY, [], start={"model": {"learning_rate": value}}).model["learning_rate"] == value
    assert parse(TINY, ["--config", str(tmp_path / "c.yaml")], start={}).model["learning_rate"] == value


@pytest.mark.parametrize(
    "text", ["1e-5", "no", "null", "2020-01-31", "a: {b", "#", 'say "é"\n\\', "\t", "~", "[1]", "\U0001f600"]
)
def test_a_text_of_a_recipe_stays_a_text(text: str) -> None:
    assert parse(TINY, [], start={"monitor": text}).monitor == text


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


def test_options_of_several_callbacks_may_repeat() -> None:
    two = [
        "--trainer.callbacks+=EarlyStopping",
        "--trainer.callbacks.monitor=val_loss",
        "--trainer.callbacks+=ModelCheckpoint",
        "--trainer.callbacks.monitor=val_loss",
    ]
    assert len(parse(TINY, two, start={}).trainer["callbacks"]) == 2


def test_classes_without_parameters_have_no_options(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin")
    plugin = find.get("calm")
    settings = parse(plugin, ["--seed=4"], start={})
    assert (settings.seed, settings.model, settings.data) == (4, {}, {})
    assert type(build(plugin, settings).model) is type(build_model(plugin, settings))
