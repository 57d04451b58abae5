"""The table of the data options, and who takes defaults and meanings from it."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from suite_spectral import studies
from suite_spectral.data import ClusterData
from suite_spectral.data_settings import DEFAULTS, DataSettings
from suite_spectral.sources.reading import LABEL_NAMES, TEXT_NAMES


def test_every_option_says_what_it_means() -> None:
    for one in fields(DataSettings):
        assert one.metadata["meaning"].endswith(".")


def test_the_columns_say_their_usual_names() -> None:
    meanings = {one.name: one.metadata["meaning"] for one in fields(DataSettings)}
    assert f" of {', '.join(TEXT_NAMES)}." in meanings["text_column"]
    assert f" of {', '.join(LABEL_NAMES)}." in meanings["label_column"]


@pytest.mark.parametrize(
    ("target", "own"),
    [(ClusterData, set()), (studies.compare, {"n_clusters", "n_neighbors", "weights", "rows", "seed", "output"})],
)
def test_the_data_module_and_the_verb_have_the_defaults_of_the_table(target: Callable[..., Any], own: set[str]) -> None:
    parameters = signature(target).parameters
    assert own <= set(parameters)
    for name in set(parameters) - own:
        assert parameters[name].default == getattr(DEFAULTS, name), name
        assert f" {name}: " in (target.__doc__ or "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "moon"}, "--data.name: expected one of digits, .*, got 'moon'. Did you mean 'moons'?"),
        ({"test_fraction": 1.0}, "--data.test_fraction: expected a number from 0 to below 1, got 1.0"),
        ({"text_column": []}, "--data.text_column: expected a list of at least 1 item"),
        ({"header": 1}, "--data.header: expected one of True, False, or null, got 1"),
        ({"label_column": 0.5}, "--data.label_column: expected a whole number, text, or null, got 0.5"),
        ({"path": "a.npz", "key": "X", "label_column": "X"}, "--data.key and --data.label_column must differ"),
    ],
)
def test_a_value_out_of_its_range_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        DataSettings(**options)


def test_the_verbs_and_their_options_need_nothing_heavy() -> None:
    code = "import sys, suite_spectral.studies; print({'numpy', 'torch', 'jsonargparse'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
