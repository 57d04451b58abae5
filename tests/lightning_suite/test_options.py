"""Options: which value wins, and what a mistake costs."""

from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.options import Settings, build, call, help_text, parse, read_yaml, take, take_one

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
        (["stray"], "'stray' is not an option, nor the value of one."),
        (["seed", "3"], "'seed' is not an option, nor the value of one. Did you mean '--seed'?"),
    ],
)
def test_a_mistake_names_option_and_nearest_match_within_six_lines(typed: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(TINY, typed, start={})
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) <= 6


def test_the_name_of_a_recipe_in_the_place_of_an_option_is_told_how_to_be_given(here: Any) -> None:
    here.add("calm", "calm_plugin", "calm-plugin", files={"recipes/deep.yaml": "summary: Deep\n"})
    with pytest.raises(UsageError, match=r"'deep' is not an option, .* Did you mean --recipe deep\?"):
        parse(registry.get("calm"), ["deep"], start={})


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


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_help_says_all_of_an_option_within_the_width_of_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = help_text(registry.get("dsa"), "suite fit", "model")
    assert all(len(line) <= columns for line in text.splitlines() if line.startswith(" "))
    said = " ".join(text.split())
    assert "attention 'dynamic' or 'static' = 'dynamic' weights from the sentence itself (dynamic, Algorithm 1)" in said
    assert "layers of each kernel size, L. --model.first_dim" in said
    assert ":paramref:" not in help_text(registry.get("dsa"), "suite fit", "trainer")


def test_help_of_one_option_says_all_that_is_known_of_it() -> None:
    assert help_text(TINY, "suite fit", "model.hidden").startswith("--model.hidden int = 8")
    with pytest.raises(UsageError, match=r"Did you mean '--model\.hidden'"):
        help_text(TINY, "suite fit", "model.hiden")


def several(*, sizes: list[int] | None = None, rates: tuple[float, ...] = (), pair: tuple[str, int] = ("a", 1)) -> None:
    """Takes several values."""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--sizes", "3,5"], "--sizes: expected list[int] or null, written [3,5], got '3,5'"),
        (["--rates", "x"], "--rates: expected tuple[float, ...], written [0.3,0.5], got 'x'"),
        (["--pair", "a"], "--pair: expected tuple[str, int], written [one,5], got 'a'"),
    ],
)
def test_several_values_are_told_in_the_form_in_which_they_are_typed(typed: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        call(several, typed)
    assert said in str(error.value)


def test_the_form_that_is_told_for_several_values_is_taken() -> None:
    call(several, ["--sizes", "[3,5]", "--rates", "[0.3,0.5]", "--pair", "[one,5]"])


def greet(name: str, *, times: int = 1, tone: Literal["soft", "loud"] = "soft") -> str:
    """Says a name."""
    return " ".join([name if tone == "soft" else name.upper()] * times)


def test_a_function_is_called_with_positions_and_options() -> None:
    assert call(greet, ["ann", "--times", "2", "--tone=loud"]) == "ANN ANN"


def repeat(word: str, *, n: int = 1, tone: Literal["soft", "loud"] = "soft") -> str:
    """Says a word several times."""
    return " ".join([word if tone == "soft" else word.upper()] * n)


@pytest.mark.parametrize("typed", [["a", "-n", "3"], ["-n", "3", "a"], ["a", "--n", "3"], ["a", "--n=3"]])
def test_an_option_of_one_letter_is_given_with_one_dash_or_two(typed: list[str]) -> None:
    assert call(repeat, typed) == "a a a"


def test_options_of_one_letter_and_of_many_stand_together() -> None:
    assert call(repeat, ["a", "-n", "2", "--tone", "loud"]) == "A A"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["a", "-n", "x"], "--n: expected int, got 'x'"),
        (["a", "-n", "2", "--n", "3"], "--n is given 2 times"),
        (["a", "-nn", "3"], "'-nn'"),
        (["a", "-n", "2", "-n", "3"], "--n is given 2 times"),
        (["a", "-m", "2"], "-m"),
        (["a", "-tone", "loud"], "-tone"),
    ],
)
def test_a_mistake_with_one_dash_is_a_usage_error(typed: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        call(repeat, typed)
    assert said in str(error.value)


def test_the_help_shows_an_option_of_one_letter(capsys: pytest.CaptureFixture[str]) -> None:
    call(repeat, ["-h"], "suite repeat")
    assert "--n int = 1" in capsys.readouterr().out


def state(name: str, *, loud: bool = False) -> tuple[str, bool]:
    """Gives both back."""
    return name, loud


@pytest.mark.parametrize(
    ("words", "loud"), [(["--loud"], True), (["--loud", "true"], True), (["--loud=false"], False), ([], False)]
)
def test_a_switch_is_set_by_its_name_alone(words: list[str], loud: bool) -> None:
    assert call(state, ["ann", *words]) == ("ann", loud)
    assert call(state, [*words, "ann"]) == ("ann", loud)


def polish(name: str, *, bright: bool = False, times: int = 1) -> str:
    """Polishes something."""
    return f"{name} {bright} {times}"


@pytest.mark.parametrize("switch", [["--bright"], ["--bright", "true"], ["--bright=true"], ["--bright", "True"]])
def test_a_bool_is_switched_on_with_its_name_alone_or_with_true(switch: list[str]) -> None:
    assert call(polish, ["tin", *switch]) == "tin True 1"
    assert call(polish, [*switch, "tin", "--times", "2"]) == "tin True 2"


@pytest.mark.parametrize("switch", [[], ["--bright", "false"], ["--bright=false"]])
def test_a_bool_stays_off_when_it_is_not_named_or_false(switch: list[str]) -> None:
    assert call(polish, ["tin", *switch]) == "tin False 1"


def test_a_switch_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="--bright is given 2 times"):
        call(polish, ["tin", "--bright", "--bright"])


def join(parts: list[str], *, mark: str = "-") -> str:
    """Joins words."""
    return mark.join(parts)


def test_a_last_list_of_words_takes_every_word_that_is_left() -> None:
    assert call(join, ["a", "b", "c"]) == "a-b-c"
    assert call(join, ["--mark", "+", "a", "b"]) == "a+b"
    assert call(join, ["a", "--mark=+"]) == "a"


def test_a_list_of_words_needs_one() -> None:
    with pytest.raises(UsageError, match="parts"):
        call(join, ["--mark", "+"])


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


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--model\.hidden is given 2 times"):
        parse(TINY, ["--model.hidden", "2", "--model.hidden=3"], start={})


def test_options_of_several_callbacks_may_repeat() -> None:
    two = [
        "--trainer.callbacks+=EarlyStopping",
        "--trainer.callbacks.monitor=val_loss",
        "--trainer.callbacks+=ModelCheckpoint",
        "--trainer.callbacks.monitor=val_loss",
    ]
    assert len(parse(TINY, two, start={}).trainer["callbacks"]) == 2


def test_an_option_of_the_verb_itself_is_among_those_that_were_meant() -> None:
    with pytest.raises(UsageError, match="Did you mean '--output'"):
        parse(TINY, ["--outptu", "x"], start={}, own=("--output",))


def test_a_class_without_what_it_needs_says_how_to_give_it() -> None:
    with pytest.raises(UsageError) as said:
        parse(TINY, ["--trainer.callbacks", "EarlyStopping"], start={})
    assert "monitor; give it as --trainer.callbacks.monitor VALUE" in str(said.value)
    assert "Namespace" not in str(said.value)


def test_a_misspelt_class_gets_its_suggestion() -> None:
    with pytest.raises(UsageError, match="Did you mean 'EarlyStopping'"):
        parse(TINY, ["--trainer.callbacks", "EarlyStoping"], start={})


@pytest.mark.parametrize("option", ["--seed=-1", "--seed=4294967296", "--checkpoint_every=-2"])
def test_a_number_out_of_range_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match=option.partition("=")[0]):
        parse(TINY, [option], start={})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: 3", "model: expected options by name, got 3"),
        ("data: [1]", "data: expected options by name"),
        ("plugin: 3", "plugin: expected a name, got 3"),
        ("3: 4", "'3' is not the name of an option"),
        ("model: {1: 4}", "'1' is not the name of an option"),
        ("seed: 1\nseed: 2", "'seed' stands here twice"),
        ("model:\n\tx: 1", "line 2"),
        ("model: {x: !!python/name:os.system }", "could not determine a constructor"),
    ],
)
def test_a_config_file_that_is_no_mapping_of_options_is_told_with_its_place(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError) as error:
        read_yaml(str(tmp_path / "c.yaml"))
    assert str(error.value).startswith(f"--config {tmp_path / 'c.yaml'}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_option_that_is_taken_once_is_refused_twice_and_empty() -> None:
    assert take_one(["a", "--runs=x", "b"], "--runs") == ("x", ["a", "b"])
    assert take_one(["a"], "--runs") == (None, ["a"])
    for words in (["--runs", "x", "--runs", "y"], ["--runs="], ["--runs"]):
        with pytest.raises(UsageError, match="--runs"):
            take_one(words, "--runs")
