"""Old names of options: they work wherever an option can stand, and the present name is said once."""

import inspect
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lightning_suite import load, load_data
from lightning_suite.checkpoint import read
from lightning_suite.errors import UsageError
from lightning_suite.lightning_internals import options_of
from lightning_suite.options import checkpoint_settings, help_text, parse, parser_of, renaming, settings_of
from lightning_suite.options.renaming import renamed_words
from lightning_suite.plugins import find
from lightning_suite.plugins.resolve import resolve
from lightning_suite.run import KEY, Run
from lightning_suite.verbs import fit, predict, rerun, validate

NAME = f"{Path(__file__).parents[1] / 'tiny.py'}:plugin"
TINY = find.get(NAME)
ONCE = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false", "--trainer.accelerator=cpu"]
SAID = ["--model.width is now --model.hidden"]


@pytest.fixture(autouse=True)
def nothing_said_yet() -> None:
    renaming._announce.cache_clear()


@pytest.fixture
def old_run(tmp_path: Path) -> Run:
    """A run as an earlier release wrote it: the width of the layer and the number of points have their old names."""
    words = ["--model.hidden=3", "--data.points=40", "--trainer.max_epochs=1", *ONCE]
    assert fit.run(["--plugin", NAME, "--runs", str(tmp_path), *words]) == 0
    (folder,) = (tmp_path / "tiny").iterdir()
    for file in (folder / "checkpoints").iterdir():
        checkpoint = read(file)
        with_old_names(checkpoint[KEY]["settings"])
        torch.save(checkpoint, file)
    values = yaml.safe_load((folder / "config.yaml").read_text())
    with_old_names(values)
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    return Run.at(folder)


def width_of(run: Run | Path) -> int:
    module: Any = load(run)
    return int(module.network[0].out_features)


def with_old_names(values: dict[str, Any]) -> None:
    values["model"]["width"] = values["model"].pop("hidden")
    values["data"]["size"] = values["data"].pop("points")


@pytest.mark.parametrize("typed", [["--model.width", "5"], ["--model.width=5"]])
def test_an_old_name_is_taken_on_the_command_line_and_the_present_one_said(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert parse(TINY, typed, start={}).model["hidden"] == 5
    assert capsys.readouterr().err.splitlines() == SAID


def test_an_old_name_is_taken_in_a_recipe_and_in_a_config_file_and_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yaml").write_text("model: {width: 6}\n")
    assert parse(TINY, [], start={"model": {"width": 5}}).model["hidden"] == 5
    assert parse(TINY, ["--config", str(tmp_path / "c.yaml")], start={"model": {"width": 5}}).model["hidden"] == 6
    assert capsys.readouterr().err.splitlines() == SAID


def test_what_is_typed_under_the_old_name_wins_over_the_present_one_in_a_recipe() -> None:
    assert parse(TINY, ["--model.width", "5"], start={"model": {"hidden": 4}}).model["hidden"] == 5
    assert parse(TINY, ["--model.hidden", "5"], start={"model": {"width": 4}}).model["hidden"] == 5


def test_an_option_under_both_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("model: {width: 6, hidden: 6}\n")
    with pytest.raises(UsageError, match=r"--model\.hidden is given 2 times"):
        parse(TINY, ["--model.hidden=2", "--model.width=2"], start={})
    with pytest.raises(UsageError, match=r"--model\.width is now --model\.hidden, and both are given in .*c\.yaml"):
        parse(TINY, ["--config", str(tmp_path / "c.yaml")], start={})


@pytest.mark.parametrize("typed", [["--data.workers", "none"], ["--data.workers=none"]])
def test_an_old_value_is_taken(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(TINY, typed, start={}).data["workers"] == 0
    assert parse(TINY, [], start={"data": {"workers": "none"}}).data["workers"] == 0
    assert capsys.readouterr().err == "--data.workers=none is now --data.workers=0\n"


def test_options_within_a_renamed_one_and_additions_to_it_are_renamed() -> None:
    words = renamed_words({"model.old": "model.new"}, ["--model.old.depth=2", "--model.old+=x", "--model.older", "1"])
    assert words == ["--model.new.depth=2", "--model.new+=x", "--model.older", "1"]


def test_a_value_that_is_called_like_an_old_name_stays() -> None:
    assert renamed_words({"data.x=a": "data.x=b"}, ["a", "--data.y", "a", "a"]) == ["a", "--data.y", "a", "a"]


def test_later_processes_of_a_training_say_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert renamed_words(TINY.renamed, ["--model.width", "5"]) == ["--model.hidden", "5"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", find.names())
def test_the_present_names_of_an_installed_plugin_are_options(name: str) -> None:
    plugin = find.get(name)
    known = {option[2:] for option in options_of(parser_of(plugin, "suite"))}
    for verb in plugin.commands:
        known |= {f"{verb}.{parameter}" for parameter in inspect.signature(resolve(plugin, verb)).parameters}
    for old, new in plugin.renamed.items():
        assert new.partition("=")[0] in known
        assert old not in known


def test_help_of_an_old_name_is_that_of_the_present_one() -> None:
    assert help_text(TINY, "suite fit", "model.width").startswith("--model.hidden int = 8")


def test_a_run_of_an_earlier_release_loads_validates_and_predicts(
    old_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings_of(old_run).model["hidden"] == 3
    assert width_of(old_run) == 3
    data: Any = load_data(old_run)
    assert len(data.points) == 40
    assert validate.run([str(old_run.folder)]) == 0
    assert predict.run([str(old_run.checkpoint), "--output", str(tmp_path / "p.csv"), "--data.batch_size", "5"]) == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 41
    message = capsys.readouterr().err.splitlines()
    assert sorted(line for line in message if "is now" in line) == ["--data.size is now --data.points", *SAID]


def test_a_lone_checkpoint_of_an_earlier_release_loads(old_run: Run, tmp_path: Path) -> None:
    alone = tmp_path / "alone.ckpt"
    alone.write_bytes(old_run.last.read_bytes())
    assert settings_of(Run.at(alone)).model["hidden"] == width_of(alone) == 3


def test_a_finished_run_of_an_earlier_release_stays_as_it_is_and_goes_on_when_asked(
    old_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old_run.last.read_bytes()
    assert fit.run(["--resume", str(old_run.folder)]) == 0
    assert "had finished" in capsys.readouterr().out
    assert old_run.last.read_bytes() == before
    assert fit.run(["--resume", str(old_run.folder), "--trainer.max_epochs=2"]) == 0
    assert old_run.record["epochs"] == 2
    assert yaml.safe_load((old_run.folder / "config.yaml").read_text())["model"]["hidden"] == 3


def test_a_run_of_an_earlier_release_is_repeated_bit_for_bit(old_run: Run, tmp_path: Path) -> None:
    assert rerun.run([str(old_run.folder), "--runs", str(tmp_path / "again")]) == 0
    assert fit.run(["--config", str(old_run.folder / "config.yaml"), "--print-config"]) == 0


def test_a_run_goes_on_that_lacks_an_option_which_came_later(old_run: Run) -> None:
    settings = checkpoint_settings(old_run.read_checkpoint(), old_run.checkpoint)
    checkpoint = read(old_run.last)
    checkpoint[KEY]["settings"] = asdict(replace(settings, model={"hidden": 3}))
    torch.save(checkpoint, old_run.last)
    assert fit.run(["--resume", str(old_run.folder), "--trainer.max_epochs=2"]) == 0
