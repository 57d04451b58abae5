"""A search by Optuna: which values are drawn, and what is said without it. A whole one is in verbs/test_sweep.py."""

import sys
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.errors import UsageError
from lightning_suite.reproduction import searching
from lightning_suite.reproduction.local import Local


def test_without_optuna_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    planner: Any = None
    with pytest.raises(UsageError, match=r"--study optuna needs .* pip install .*'lightning-suite\[sweep\]'"):
        searching.search(planner, None, {}, tmp_path / "study.db", trials=1, seeds=1, executor=Local(1))


def test_ranges_and_values_are_drawn_from() -> None:
    optuna = pytest.importorskip("optuna")
    of = searching._distribution
    assert of("heads", ["1", "2"]) == optuna.distributions.CategoricalDistribution(["1", "2"])
    assert of("heads", ["1..8"]) == optuna.distributions.IntDistribution(1, 8)
    assert of("rate", ["1e-4..1e-2:log"]) == optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True)
    with pytest.raises(UsageError, match="expected a range such as"):
        of("rate", ["a..b"])
