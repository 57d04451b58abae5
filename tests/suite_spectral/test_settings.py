import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from suite_spectral.estimator import NAMES, RENAMED, SpectralClustering
from suite_spectral.module import SpectralClusterer
from suite_spectral.settings import DEFAULTS, Settings, refuse_impossible

Made = Callable[..., Settings]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_clusters": 0}, "1 or more.*got 0"),
        ({"n_clusters": 31}, "31 clusters were asked for, and there are 30"),
        ({"n_clusters": 3, "assign": "sign"}, "assign 'sign' .*second eigenvector: it needs n_clusters 2, got 3"),
        ({"affinity": "self-tuning", "route": "landmarks"}, "landmarks are for the affinities .*, not 'self-tuning'"),
        ({"affinity": "cosine", "route": "best_of"}, "route 'best_of': landmarks are for .*, not 'cosine'"),
        ({"affinity": "precomputed", "route": "best_of"}, "not 'precomputed'; take route 'exact'"),
        ({"affinity": "pixels", "route": "landmarks"}, "not 'pixels'"),
        ({"n_clusters": 9, "route": "best_of", "landmarks": 8}, "landmarks: expected at least 9.*got 8"),
        ({"affinity": "rbf", "assign": "sign", "route": "landmarks"}, "degrees of all points"),
    ],
)
def test_what_cannot_be_clustered_is_refused(changes: dict[str, Any], said: str, settings: Made) -> None:
    with pytest.raises(UsageError, match=said):
        refuse_impossible(settings(**changes), 30)


def test_one_point_is_refused(settings: Made) -> None:
    with pytest.raises(UsageError, match="at least 2 points"):
        refuse_impossible(settings(n_clusters=1), 1)


@pytest.mark.parametrize("affinity", ["self-tuning", "cosine", "precomputed", "pixels"])
def test_the_exact_route_asks_nothing_of_landmarks(affinity: str, settings: Made) -> None:
    refuse_impossible(settings(affinity=affinity, n_clusters=3, landmarks=2), 30)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("n_neighbors", 1, "a whole number of 2 or more, or None, got 1"),
        ("n_clusters", True, "a whole number of 1 or more, or None, got True"),
        ("weights", "gausian", "one of connectivity, gaussian, self-tuning, got 'gausian'. Did you mean 'gaussian'?"),
        ("sigma", float("nan"), "a number above 0, stable, or None, got nan"),
        ("radius", 0, "a number above 0, got 0"),
        ("regularisation", -1.0, "a number of 0 or more, got -1.0"),
        ("memory_gib", float("inf"), "a number above 0, got inf"),
    ],
)
def test_a_value_out_of_its_range_makes_no_settings(name: str, value: Any, expected: str, settings: Made) -> None:
    with pytest.raises(UsageError) as raised:
        settings(**{name: value})
    assert f"{raised.value}" == f"{name}: expected {expected}"


def test_every_setting_says_what_it_means() -> None:
    for one in fields(Settings):
        assert one.metadata["meaning"].endswith(".")


def test_module_and_estimator_have_the_defaults_of_the_table() -> None:
    for target, names, own in (
        (SpectralClusterer, {}, {"affinity"}),
        (SpectralClustering, NAMES, {"n_clusters", "gamma", "random_state", *RENAMED}),
    ):
        parameters = signature(target).parameters
        for name in set(parameters) - own:
            assert parameters[name].default == getattr(DEFAULTS, names.get(name, name)), name
            assert f" {name}: " in (target.__doc__ or "")


def test_settings_need_nothing_heavy() -> None:
    code = "import sys, suite_spectral.settings; print({'numpy', 'torch', 'jsonargparse'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
