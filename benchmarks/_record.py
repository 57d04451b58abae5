"""The results of a benchmark: benchmarks/results/<stem>.json, with machine and versions."""

import json
from pathlib import Path
from typing import Any

from lightning_suite.files import write_text
from lightning_suite.run import machine, versions

RESULTS = Path(__file__).parent / "results"


def record(stem: str, values: dict[str, Any]) -> Path:
    """Write the results of a benchmark and return the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{stem}.json"
    write_text(file, json.dumps({"machine": machine(), "versions": versions(), **values}, indent=2) + "\n")
    return file


def recorded(stem: str) -> dict[str, Any]:
    """Return the results of a benchmark, nothing where it was never run."""
    file = RESULTS / f"{stem}.json"
    values: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return values
