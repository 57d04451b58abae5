"""The plugin of two layers with a table of a paper, whose trainings are stood in for."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_table

from lightning_suite.reproduction import declared, local

STAND_IN = """
import json, pathlib, sys

words = sys.argv[2:]
value = lambda name: words[words.index(name) + 1]
if words[0] == "gather":
    pathlib.Path(value("--output")).mkdir()
    pathlib.Path(value("--output"), "points.csv").write_text("1")
    sys.exit()
if words[0] == "look":
    out = pathlib.Path(value("--output"))
    (out / "look.csv").write_text("width,loss" + chr(10) + "8,0.25" + chr(10))
    (out / "look.png").write_bytes(b"png")
    sys.exit()
if "--model.hidden" in words and value("--model.hidden") == "13":
    sys.exit("no room for 13")
folder = pathlib.Path(value("--runs"), "tiny", "2026-run")
(folder / "checkpoints").mkdir(parents=True)
(folder / "config.yaml").write_text("plugin: tiny")
(folder / "checkpoints" / "last.ckpt").write_text("")
loss = 0.5 + 0.01 * int(value("--seed")) + (0.1 if "--data.points" in words else 0)
best = {"monitor": "val_loss", "mode": "min", "value": loss}
record = {"status": "finished", "metrics": {"test_loss": loss}, "best": best}
record |= {"epochs": 4, "fit_seconds": 8.0 * len(words)}
record["machine"] = {"system": "Linux", "processor": "P", "cores": 2, "threads": 1, "accelerators": []}
(folder / "run.json").write_text(json.dumps(record))
"""
TABLE = {
    "title": "Losses of widths",
    "place": "Table 1",
    "cost": {"minutes": 2, "disk": 3},
    "seeds": 2,
    "metric": "test_loss",
    "digits": 2,
    "margin": 0.02,
    "verdict": "within 0.02",
    "deviations": {"data": {"ours": "a plane", "paper": "pictures"}},
    "columns": {
        "plane": {},
        "larger": {"options": {"data.points": 192}},
        "looked at": {"study": "look {run} --output {output}", "numbers": "look.csv", "take": "loss"},
        "seconds": {"metric": "seconds_per_epoch", "relative_to": "narrow"},
    },
    "rows": {"wide": {"options": {"model.hidden": 16}}, "worst": {"options": {"model.hidden": 13}}},
    "cells": {
        "narrow": {"plane": 0.5, "larger": 0.5, "looked at": {"where": {"width": 8}}, "seconds": 1},
        "wide": {"plane": {"paper": 0.6, "interval": [0.58, 0.62]}, "seconds": None},
        "worst": {"plane": 0.7},
        "another paper's": {"plane": {"paper": 0.4, "cannot": "it is another paper's network"}},
    },
    "pictures": {"the loss": {"study": "look {run} --output {output}", "files": ["look.png"]}},
    "quick": {"why": "one epoch", "cost": {"minutes": 0.5}, "options": {"trainer.max_epochs": 1}},
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The plugin of two layers with a table, by its path; its trainings and its verb are stood in for."""
    plugin = tiny_table.write(tmp_path, TABLE, record="    commands={'look': 'tiny:x'},\n")
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local, "PROGRAM", (sys.executable, "-S", str(tmp_path / "stand_in.py")))
    monkeypatch.setattr(local, "BETWEEN", 0.01)
    declared._read.cache_clear()
    before = sys.modules.pop("tiny", None)
    yield plugin
    sys.modules.pop("tiny", None)
    if before is not None:
        sys.modules["tiny"] = before
