"""Runs of ``suite fit`` whose metrics are measured: each once, in its own process, with its result in a small file."""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def options_of(description: str | None, runs: str, seeds: int = 3, further: bool = False) -> argparse.ArgumentParser:
    """Return a parser of what measurements of several runs share: --data, --runs, --only and --seeds.

    Args:
        description: what ``--help`` says.
        runs: the name of the folder, in ``runs``, that holds the runs where no other is given.
        seeds: how many where no number is given.
        further: there may be options of ``suite fit`` behind a ``--``.
    """
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs") / runs)
    parser.add_argument("--only", default="", help="regular expression: only the cases whose names match")
    parser.add_argument("--seeds", type=int, default=seeds)
    if further:
        parser.add_argument(
            "options", nargs="*", help="after --: further options of every suite fit, which are recorded"
        )
    return parser


def fitted(plugin: str, options: Sequence[str], root: Path, name: str, seed: int) -> dict[str, Any]:
    """Return the record (run.json) and the CPU seconds, of all processes, of one training.

    Args:
        plugin: the name of the plugin.
        options: the other words of the command line.
        root: the folder of runs; a run of this name and seed is not repeated.
        name: the name of the case.
        seed: the seed of the run.
    """
    marker = _marker(root, name, seed)
    if not marker.is_file():
        root.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "lightning_suite", "fit", "--plugin", plugin, "--seed", str(seed)]
        command += [*options, "--runs", str(root / marker.stem), "--trainer.enable_progress_bar", "false"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        folder = re.search(r"^finished after .*: (.+)$", output, re.MULTILINE)
        assert folder, output
        record = json.loads((Path(folder[1]) / "run.json").read_text())
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        marker.write_text(json.dumps({"cpu_seconds": cpu, "record": record}))
    fit: dict[str, Any] = json.loads(marker.read_text())
    return fit


def folder_of(root: Path, name: str, seed: int) -> Path:
    """Return the run folder of a training that ``fitted`` made: the last, where it was interrupted before."""
    *_, folder = sorted(path.parent for path in _marker(root, name, seed).with_suffix("").glob("*/*/run.json"))
    return folder


def _marker(root: Path, name: str, seed: int) -> Path:
    """Return the file that holds the result of a training; its runs are in the folder of the same name."""
    return root / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}-{seed}.json"


def figures(fit: dict[str, Any], seed: int, metrics: Sequence[str]) -> dict[str, Any]:
    """Return what is recorded of a run: the chosen metrics, its epochs, its cost, and where it comes from."""
    record = fit["record"]
    return {
        "seed": seed,
        **{name: record["metrics"][name] for name in metrics if name in record["metrics"]},
        "best_val": record["best"]["value"],
        "epochs": record["epochs"],
        "cpu_seconds_per_epoch": round(fit["cpu_seconds"] / record["epochs"], 1),
        "data_fingerprint": record["data_fingerprint"],
        "git_commit": record["git_commit"],
    }


def mean_and_scatter(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation over seeds; the deviation of one value is 0."""
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0
