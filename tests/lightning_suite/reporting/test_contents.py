"""What reports say of runs: above all, commands that really repeat them."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import parse
from lightning_suite.plugins import find
from lightning_suite.recipes import recipe_of
from lightning_suite.reporting.contents import commands, contents_of, value_text

Add = Callable[..., Path]


def test_the_command_without_files_gives_the_same_settings(tmp_path: Path, add: Add) -> None:
    plugin = find.get("dsa")
    words = ["--seed", "7", "--data.path", f"{tmp_path}/it's here", "--trainer.max_epochs", "1"]
    words += ["--model.kernels", "[3, 7]", "--trainer.limit_train_batches", "0.5", "--model.learning_rate", "1e-5"]
    words += ["--trainer.callbacks", "[{class_path: EarlyStopping, init_args: {monitor: val_loss, patience: 3}}]"]
    start = recipe_of(plugin, "sst2")
    settings = parse(plugin, words, start=start)
    run = add()
    (run / "config.yaml").write_text(settings.as_yaml().replace("recipe: null", "recipe: sst2"))
    (contents,) = contents_of([run]).runs
    (command,) = (command for what, command in commands(contents) if what == "train from nothing but the recipe")
    verb, *typed = shlex.split(command)[1:]
    assert (verb, typed[:4]) == ("fit", ["--plugin", "dsa", "--recipe", "sst2"])
    assert parse(plugin, typed[4:], start=start) == settings
    assert len(typed) < 20, "what is as usual is not typed"


def test_commands_name_files_as_a_shell_reads_them(add: Add) -> None:
    run = add().rename(Path(add()).parent / "it's mine; rm -rf $HOME")
    (contents,) = contents_of([run]).runs
    typed = [shlex.split(command) for _, command in commands(contents)]
    assert ["suite", "rerun", str(run)] in typed
    assert ["suite", "fit", "--config", str(run / "config.yaml")] in typed


def test_values_are_shown_as_they_are_typed() -> None:
    shown = [value_text(value) for value in ("a b", None, 1e-5, [3, "x"], True, {"a": 1}, "")]
    assert shown == ["a b", "null", "1.0e-05", '[3, "x"]', "true", '{"a": 1}', "''"]


def test_times_are_read_at_a_glance_and_none_is_a_word(add: Add) -> None:
    run = add()
    record = json.loads((run / "run.json").read_text())
    times = {"started": "2026-11-30T22:31:49.5+02:00", "finished": "soon"}
    (run / "run.json").write_text(json.dumps({**record, **times, "machine": {"accelerators": [], "cores": 2}}))
    contents = contents_of([run])
    course, environment = dict(contents.course()), dict(contents.environment())
    assert course["started"] == ["2026-11-30 20:31:49 UTC"], "to the second, in one zone"
    assert course["finished"] == ["soon"], "what is no time stays as it is"
    assert (environment["accelerators"], environment["cores"]) == (["none"], ["2"])


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run folder and no checkpoint is at .*nothing"):
        contents_of([tmp_path / "nothing"])
