"""Where a benchmark's figures go: benchmarks/results/<stem>.json, with machine and versions."""

import json
from pathlib import Path
from typing import Any

from lightning_suite.run import machine, versions

RESULTS = Path(__file__).parent / "results"


def record(stem: str, values: dict[str, Any]) -> Path:
    """Writes the figures of a benchmark and returns the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{stem}.json"
    file.write_text(json.dumps({"machine": machine(), "versions": versions(), **values}, indent=2) + "\n")
    return file


def recorded(stem: str) -> dict[str, Any]:
    """The figures of a benchmark; nothing when it was never run."""
    file = RESULTS / f"{stem}.json"
    values: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return values
