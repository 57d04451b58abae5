"""A plugin with one table, whose record is read without torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lightning_suite.plugin import Plugin
from lightning_suite.plugins.origin import Origin
from lightning_suite.reproduction import declared

TABLE: dict[str, Any] = {
    "title": "Widths beside each other",
    "place": "Table 1",
    "cost": {"minutes": 2, "disk": 3},
    "seeds": 2,
    "metric": "test_accuracy",
    "scale": 100,
    "digits": 1,
    "margin": 1,
    "verdict": "within one point",
    "deviations": {"data": {"ours": "a plane", "paper": "pictures"}},
    "columns": {"plane": {"options": {"data.points": 96}}, "larger": {"options": {"data.points": 192}}},
    "rows": {"wide": {"options": {"model.hidden": 16}}},
    "cells": {
        "narrow": {"plane": 90, "larger": {"paper": 91.5, "deviations": {"data": None}}},
        "wide": {"plane": {"paper": 92, "interval": [91, 95]}, "larger": None},
    },
    "quick": {"why": "one epoch", "cost": {"minutes": 0.5}, "options": {"trainer.max_epochs": 1}},
}


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plugin]:
    """Writes the table ``widths``, with changes, of a plugin; an entry that is None is left out."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "widths_plugin.py").write_text("")
    (tmp_path / "reproductions").mkdir()

    def write(**changes: Any) -> Plugin:
        values = {name: value for name, value in (TABLE | changes).items() if value is not None}
        file = tmp_path / "reproductions" / "widths.yaml"
        file.write_text(yaml.safe_dump(values, sort_keys=False))
        declared._read.cache_clear()
        places = {name: f"widths_plugin:{name}" for name in ("module", "data", "reproductions")}
        return Plugin(name="widths", summary="Widths", origin=Origin("widths", "widths_plugin:plugin"), **places)

    return write
