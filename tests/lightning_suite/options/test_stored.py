"""Settings that a run folder or a checkpoint holds."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import RunError
from lightning_suite.options import Settings, stored_settings
from lightning_suite.trust import signature

NAME = f"{Path(__file__).parents[1] / 'tiny.py'}:plugin"


def test_stored_settings_are_those_that_were_written() -> None:
    settings = Settings(plugin=NAME, recipe="wide", seed=4, model={"hidden": 3}, trainer={"max_epochs": 2})
    assert stored_settings(asdict(settings), "run", signature(asdict(settings))) == settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sed": 3}, "there is no setting 'sed'"),
        ({"sed": 3}, "Did you mean 'seed'"),
        ({"seed": "three"}, "seed: expected int, got 'three'"),
        ({"model": [3]}, r"model: expected dict, got \[3\]"),
        ({"recipe": 3}, "recipe: expected str, got 3"),
        ({"monitor": None}, "monitor: expected str, got None"),
        ({"plugin": 3}, "plugin: expected str, got 3"),
    ],
)
def test_settings_that_no_run_has_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RunError, match=r"^run/config\.yaml does not hold the settings of a run: ") as error:
        stored_settings({"plugin": NAME} | changes, "run/config.yaml")
    assert re.search(message, str(error.value))


def test_settings_without_a_plugin_are_refused() -> None:
    with pytest.raises(RunError, match="it has no 'plugin'"):
        stored_settings({"seed": 3}, "run/config.yaml")
