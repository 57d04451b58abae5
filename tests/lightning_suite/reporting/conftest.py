"""Run folders as fit would have written them, and as nobody should have."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_suite.options import Settings
from lightning_suite.run import Run

HOSTILE = "</style><script src='http://a.example/x.js'></script>\x1b[31m\"'&|`[x](http://a.example)<img src=x>"
PNG = b"\x89PNG\r\n\x1a\n made up"
METRICS = "step,epoch,train_loss_step,train_loss_epoch,val_loss,val_auc\n"


@pytest.fixture
def add(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a run of dsa and returns its folder."""

    def make(seed: int = 0, auc: float = 0.9, recipe: str | None = "sst2", **changes: Any) -> Path:
        run = Run.create(tmp_path / "runs", "dsa", recipe)
        # as the recipe says but for max_epochs and the path; limit_train_batches is no part of the recipe
        settings = Settings(
            **{
                "plugin": "dsa",
                "recipe": recipe,
                "seed": seed,
                "monitor": "val_accuracy",
                "mode": "max",
                "model": {"heads": 1, "average": 0.998},
                "data": {"path": HOSTILE, "classes": 2},
                "trainer": {"max_epochs": 1, "val_check_interval": 0.25, "limit_train_batches": 200},
                **changes,
            }
        )
        (run.folder / "config.yaml").write_text(settings.as_yaml())
        rows = [f"{step},0,{1 / (step + 1)},,,\n" for step in range(8)]
        rows += [f"{step},0,,{1 / (step + 2)},{1 / (step + 3) + seed},{auc}\n" for step in (3, 7)]
        (run.folder / "metrics.csv").write_text(METRICS + "".join(rows))
        (run.folder / "figures" / "confusion.png").write_bytes(PNG)
        record = {
            "plugin": settings.plugin,
            "seed": seed,
            "status": "finished",
            "versions": {"torch": "2.13.0"},
            "machine": {"processor": HOSTILE, "cores": 2},
            "data_fingerprint": "d69a",
            "git_commit": "1" * 40,
            "fit_seconds": 200,
            "best": {"monitor": "val_auc", "mode": "max", "value": auc, "epoch": 1},
            "metrics": {"val_loss": 0.5, "test_auc": auc, "test_accuracy": 0.8},
        }
        (run.folder / "run.json").write_text(json.dumps(record))
        return run.folder

    return make
