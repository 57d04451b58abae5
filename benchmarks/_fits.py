"""Runs of ``suite fit`` whose metrics are measured: each in a process of its own, made once, kept as a small file."""

import json
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def fitted(plugin: str, options: Sequence[str], root: Path, name: str, seed: int) -> dict[str, Any]:
    """One training: its record (run.json) and its CPU seconds, of all its processes.

    Args:
        plugin: what is trained.
        options: what stands on the command line beside plugin and seed.
        root: the folder of runs; a run whose name and seed are there is not made again.
        name: of the case.
        seed: of the run.
    """
    marker = root / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}-{seed}.json"
    if not marker.is_file():
        root.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "lightning_suite", "fit", "--plugin", plugin, "--seed", str(seed)]
        command += [*options, "--runs", str(root / marker.stem), "--trainer.enable_progress_bar", "false"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        folder = re.search(r"^finished after .*: (.+)$", said, re.MULTILINE)
        assert folder, said
        record = json.loads((Path(folder[1]) / "run.json").read_text())
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        marker.write_text(json.dumps({"cpu_seconds": cpu, "record": record}))
    kept: dict[str, Any] = json.loads(marker.read_text())
    return kept


def figures(kept: dict[str, Any], seed: int, metrics: Sequence[str]) -> dict[str, Any]:
    """What is recorded of a run: the metrics asked for, its epochs, its cost, and what it was made from."""
    record = kept["record"]
    return {
        "seed": seed,
        **{name: record["metrics"][name] for name in metrics if name in record["metrics"]},
        "best_val": record["best"]["value"],
        "epochs": record["epochs"],
        "cpu_seconds_per_epoch": round(kept["cpu_seconds"] / record["epochs"], 1),
        "data_fingerprint": record["data_fingerprint"],
        "git_commit": record["git_commit"],
    }


def mean_and_scatter(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over seeds; the deviation of one value is 0."""
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0
