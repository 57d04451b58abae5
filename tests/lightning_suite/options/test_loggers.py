"""Loggers are named in short, need no folder, and say what is to be installed."""

import json
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.options import loggers
from lightning_suite.options.loggers import completed, completed_options, completed_words

BOARD = {"class_path": "TensorBoardLogger", "init_args": {"save_dir": ""}}


@pytest.mark.parametrize(
    ("logger", "expected"),
    [
        (True, BOARD),
        ("tensorboard", BOARD),
        (["tensorboard", False], [BOARD, False]),
        ({"class_path": "x.TensorBoardLogger"}, BOARD | {"class_path": "x.TensorBoardLogger"}),
        (
            {"class_path": "TensorBoardLogger", "init_args": {"save_dir": "logs"}},
            BOARD | {"init_args": {"save_dir": "logs"}},
        ),
        ("my.Logger", "my.Logger"),
        ({"class_path": "my.Logger", "init_args": {"a": 1}}, {"class_path": "my.Logger", "init_args": {"a": 1}}),
        (None, None),
        (False, False),
    ],
)
def test_loggers_get_full_names_and_the_run_folder(logger: Any, expected: Any) -> None:
    assert completed(logger) == expected
    assert completed_options({"trainer.logger": logger, "seed": 1}) == {"trainer.logger": expected, "seed": 1}


@pytest.mark.parametrize(
    "words", [["--trainer.logger", "tensorboard"], ["--trainer.logger=true"], ["--trainer.logger+=tensorboard"]]
)
def test_words_are_completed(words: list[str]) -> None:
    option, _, value = "=".join(completed_words([*words, "--seed=1"])[:-1]).partition("=")
    assert (option.rstrip("+"), json.loads(value)) == ("--trainer.logger", BOARD)


def test_other_words_stay_as_they_are() -> None:
    words = ["--trainer.logger", "false", "--model.logger", "tensorboard", "true", "--trainer.logger.name=a"]
    assert completed_words(words) == words


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="WandbLogger needs wandb: pip install wandb"):
        completed("WandbLogger")
