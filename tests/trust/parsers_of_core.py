"""The parsers of the core: text, arrays, and the files of a run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from lightning_suite.array_files import read_npy, read_npz
from lightning_suite.checkpoint import SafeCheckpointIO
from lightning_suite.checkpoint import read as read_checkpoint
from lightning_suite.metrics_file import MetricsFile
from lightning_suite.options.config import read_config
from lightning_suite.run import Run
from lightning_suite.text_files import numbered_lines, read_jsonl, read_table, read_text
from tests.trust.parsers import Parser, Seed
from tests.trust.valid_files import lines, npy_files, npz_files, objects, packed, tables

SETTINGS = b"""\
plugin: dsa
recipe: check
seed: 1
model: {learning_rate: 1e-3, heads: 2, name: "a: b", parts: [1, 2.5, null, true]}
data:
  path: a/b.tsv  # a comment
  text: |
    one
    two
trainer:
  max_epochs: 3
"""
RECORD = json.dumps(
    {"seed": 1, "versions": {"torch": "2.13"}, "metrics": {"test/accuracy": 0.5}, "status": "x"}, indent=2
)
METRICS = b"step,epoch,train/loss,validation/accuracy\n1,0,0.5,\n2,0,0.25,0.5\n3,1,nan,\n4,1,0.125,0.75\n"


def _all_lines(path: Path) -> list[Any]:
    return list(numbered_lines(path))


def _all_rows(path: Path) -> list[Any]:
    table = read_table(path)
    return list(table.rows)


def _second(rows: Sequence[Any]) -> list[Any]:
    return [row[1] for row in rows]


def _checkpoint() -> list[Seed]:
    import tempfile

    contents = {
        "state_dict": {"weight": torch.arange(6.0).view(2, 3), "half": torch.ones(2, dtype=torch.bfloat16)},
        "epoch": 3,
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 1e-3}]}],
        "lightning_suite": {"plugin": "dsa", "settings": {"plugin": "dsa", "model": {"heads": 2}}},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "last.ckpt")
        SafeCheckpointIO().save_checkpoint(contents, path)
        return [Seed("last.ckpt", path.read_bytes())]


def _settings_of_run(path: Path) -> Any:
    return Run(path.parent, path.parent / "checkpoints" / "last.ckpt").settings()


def _record_of_run(path: Path) -> Any:
    return Run(path.parent, path.parent / "checkpoints" / "last.ckpt").record


def _metrics(path: Path) -> list[dict[str, Any]]:
    file = MetricsFile()
    file.open(path)
    return file.rows


PARSERS = (
    Parser("text: tables", _all_rows, tables, _second, 1),
    Parser("text: objects", lambda path: list(read_jsonl(path)), lambda: [Seed("a.jsonl", objects())], _second),
    Parser("text: compressed lines", _all_lines, lambda: packed("a.txt", lines()), _second),
    Parser("text: whole files", read_text, lambda: packed("a.txt", lines())),
    Parser("arrays: .npy", read_npy, npy_files),
    Parser("arrays: .npz", read_npz, npz_files),
    Parser("runs: checkpoints", read_checkpoint, _checkpoint),
    Parser("runs: --config", lambda path: read_config(str(path)), lambda: [Seed("a.yaml", SETTINGS)]),
    Parser("runs: config.yaml", _settings_of_run, lambda: [Seed("config.yaml", SETTINGS)]),
    Parser("runs: run.json", _record_of_run, lambda: [Seed("run.json", RECORD.encode(), {"config.yaml": SETTINGS})]),
    Parser("runs: metrics.csv", _metrics, lambda: [Seed("metrics.csv", METRICS)]),
)
