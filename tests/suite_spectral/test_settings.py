import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from forked import run_suite

from lightning_suite.errors import UsageError
from suite_spectral.estimator import SpectralClustering
from suite_spectral.estimator_settings import NAMES, OTHER_VALUES, RENAMED
from suite_spectral.module import SpectralClusterer
from suite_spectral.settings import DEFAULTS, Settings

MakeSettings = Callable[..., Settings]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_neighbors", 1, "a whole number of 2 or more, or None, got 1"),
        ("n_clusters", True, "a whole number of 1 or more, or None, got True"),
        ("n_clusters", 0, "a whole number of 1 or more, or None, got 0"),
        ("weights", "gausian", "one of connectivity, gaussian, self-tuning, got 'gausian'. Did you mean 'gaussian'?"),
        ("sigma", float("nan"), "a number above 0, stable, or None, got nan"),
        ("radius", 0, "a number above 0, got 0"),
        ("regularisation", -1.0, "a number of 0 or more, or None, got -1.0"),
        ("memory_gib", float("inf"), "a number above 0, got inf"),
    ],
)
def test_a_value_out_of_its_range_makes_no_settings(
    name: str, value: Any, expected: str, settings: MakeSettings
) -> None:
    with pytest.raises(UsageError) as raised:
        settings(**{name: value})
    assert f"{raised.value}" == f"{name}: expected {expected}"


def test_every_setting_says_what_it_means() -> None:
    for one in fields(Settings):
        assert one.metadata["meaning"].endswith(".")


def test_module_and_estimator_have_the_defaults_of_the_table() -> None:
    for target, names, own in (
        (SpectralClusterer, {}, {"affinity", "warm_start"}),
        (SpectralClustering, NAMES, {"n_clusters", "random_state", *OTHER_VALUES, *RENAMED}),
    ):
        parameters = signature(target).parameters
        for name in set(parameters) - own:
            assert parameters[name].default == getattr(DEFAULTS, names.get(name, name)), name
            assert f" {name}: " in (target.__doc__ or "")


def test_settings_need_nothing_heavy() -> None:
    code = "import sys, suite_spectral.settings; print({'numpy', 'torch', 'jsonargparse'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_old_names_of_options_still_work_and_say_the_new_ones(tmp_path: Path) -> None:
    old = ["--model.largest", "5", "--model.memory=2", "--model.route", "better"]
    status, output, said = run_suite(["fit", "--plugin", "spectral", *old, "--print-config"], cwd=tmp_path)
    assert status == 0
    chosen = yaml.safe_load(output)["model"]
    assert (chosen["max_clusters"], chosen["memory_gib"], chosen["route"]) == (5, 2.0, "best_of")
    assert said.count("is now --model.") == 3
