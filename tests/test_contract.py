"""Every plugin that comes with lightning-suite passes the contract tests."""

import tomllib
from pathlib import Path

import pytest

from lightning_suite.testing import check_plugin

PROJECT = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PROJECT["project"]["entry-points"]["lightning_suite.plugins"])
def test_a_plugin_passes_every_check(name: str) -> None:
    outcomes = check_plugin(name)
    failed = [f"{outcome.check}: {outcome.message}" for outcome in outcomes if not outcome.excused]
    assert failed == []
