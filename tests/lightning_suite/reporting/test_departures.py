"""What differs from the recipe, and what is not known."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_suite.reporting.departures import departures
from lightning_suite.run import Run
from lightning_suite.run_records import RunRecord

Add = Callable[..., Path]


def record(folder: Path) -> RunRecord:
    return RunRecord.of(Run.at(folder))


def test_the_recipe_comes_before_the_signature(add: Add) -> None:
    found = departures(record(add(data={"classes": 5, "phrases": True, "extra_words": 7})))
    options = {option.name: (option.usual, option.source, option.differs) for option in found.options}
    assert options["data.classes"] == (2, "recipe", True)
    assert options["data.phrases"] == (True, "recipe", False)
    assert options["data.extra_words"] == (50000, "default", True)
    assert options["trainer.val_check_interval"] == (0.25, "recipe", False)
    assert options["seed"] == (0, "default", False)


def test_what_is_given_inside_an_option_differs_from_none(add: Add) -> None:
    callbacks = [{"class_path": "EarlyStopping", "init_args": {"patience": 3}}]
    found = departures(record(add(trainer={"callbacks": callbacks})))
    options = {option.name: (option.usual, option.differs) for option in found.options}
    assert options["trainer.callbacks.0.class_path"] == (None, True)


def test_the_text_of_a_default_is_no_difference(add: Add) -> None:
    found = departures(record(add(model={"heads": "<default: 3>"})))
    assert not [option for option in found.options if option.name == "model.heads" and option.differs]


@pytest.mark.parametrize("plugin", ["gone_missing", "/elsewhere/net.py:plugin", "some.module:plugin"])
def test_without_the_plugin_its_options_are_not_known(add: Add, plugin: str) -> None:
    found = departures(record(add(plugin=plugin)))
    options = {option.name: option.source for option in found.options}
    assert options["model.heads"] == "not known"
    assert options["trainer.max_epochs"] == "default"
    assert found.plugin is None and plugin.partition("/")[0] in found.remark
