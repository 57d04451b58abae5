"""CPU seconds (user + system) of the verbs that answer at once, alone and with 100 more plugins installed.

    python -m benchmarks.light_verbs

Prints one table and writes benchmarks/results/light_verbs.json. CPU seconds are compared, not wall time: other
processes on the machine change the one far less than the other. Each figure is the median of RUNS commands.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks._markdown import markdown
from benchmarks._record import record

RUNS = 9
MORE_PLUGINS = 100
MORE_RUNS = 100
BUDGET = 0.25
BUDGET_OF_MORE = 0.10

RUNS_FOLDER = "{runs}"
"""Stands in a command for the folder of runs."""

COMMANDS = [
    ("python -c pass", ["-c", "pass"]),
    ("suite", ["-m", "lightning_suite"]),
    ("suite --version", ["-m", "lightning_suite", "--version"]),
    ("suite list", ["-m", "lightning_suite", "list"]),
    ("suite info dsa", ["-m", "lightning_suite", "info", "dsa"]),
    (f"suite runs, of {MORE_RUNS}", ["-m", "lightning_suite", "runs", RUNS_FOLDER, "--sort", "test_accuracy"]),
    ("suite compare-runs", ["-m", "lightning_suite", "compare-runs", *(f"{RUNS_FOLDER}/dsa/{i:03}" for i in range(3))]),
    (
        "suite report",
        ["-m", "lightning_suite", "report", f"{RUNS_FOLDER}/dsa/000", "--output", f"{RUNS_FOLDER}/000.html"],
    ),
    ("suite reproduce", ["-m", "lightning_suite", "reproduce"]),
    ("suite lits", ["-m", "lightning_suite", "lits"]),
    ("suite info dsaa", ["-m", "lightning_suite", "info", "dsaa"]),
    ("suite fit --plugin dsaa", ["-m", "lightning_suite", "fit", "--plugin", "dsaa"]),
]


def cpu_seconds(arguments: list[str], path: list[Path]) -> float:
    """Return median of the CPU seconds that a Python command takes, with these folders on its search path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), os.environ.get("PYTHONPATH", "")])}
    seconds = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(seconds[1:])  # the first one compiles the modules


def install_plugins(folder: Path, number: int) -> None:
    """Write distributions as pip would leave them, each with a plugin of two classes and a recipe."""
    for i in range(number):
        package = folder / f"many_{i:03}"
        (package / "recipes").mkdir(parents=True)
        (package / "__init__.py").write_text(
            "from lightning_suite.plugin import Plugin\n\n"
            f"plugin = Plugin(name='many{i:03}', summary='One of many', module='{package.name}.module:Net{i}',\n"
            f"    data='{package.name}.data:Data{i}', recipes='{package.name}:recipes', extra='many')\n"
        )
        (package / "module.py").write_text(
            f"from pytorch_lightning import LightningModule\n\n\nclass Net{i}(LightningModule):\n    pass\n"
        )
        (package / "data.py").write_text(
            f"from pytorch_lightning import LightningDataModule\n\n\nclass Data{i}(LightningDataModule):\n    pass\n"
        )
        (package / "recipes" / "default.yaml").write_text(
            "summary: A short one\nexpected:\n  test_accuracy: 0.9\nmodel:\n  hidden_dim: 8\ndata:\n  batch_size: 4\n"
        )
        metadata = folder / f"many_{i:03}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: many-{i:03}\nVersion: 1.0\nRequires-Dist: torch\nProvides-Extra: many\n"
            'Requires-Dist: numpy; extra == "many"\n\n# Many\n'
        )
        (metadata / "entry_points.txt").write_text(f"[lightning_suite.plugins]\nmany{i:03} = {package.name}:plugin\n")


def write_runs(folder: Path, number: int) -> None:
    """Write run folders as fit would have left them, with as many settings and metrics as a run of dsa has."""
    for i in range(number):
        run = folder / "dsa" / f"{i:03}"
        run.mkdir(parents=True)
        groups = {group: {f"option_{j}": j for j in range(30)} for group in ("model", "data", "trainer")}
        settings = {"plugin": "dsa", "recipe": "default", "seed": i, "monitor": "val_accuracy", "mode": "max"} | groups
        (run / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
        metrics = {f"{stage}_{name}": i / 100 for stage in ("train", "val", "test") for name in ("accuracy", "loss")}
        best = {"monitor": "val_accuracy", "mode": "max", "value": i / 100, "epoch": 3}
        started = f"2026-01-01T12:{i % 60:02}:00+00:00"
        entries = {
            "plugin": "dsa",
            "seed": i,
            "status": "finished",
            "started": started,
            "versions": {"torch": "2.13.0"},
        }
        (run / "run.json").write_text(json.dumps(entries | {"metrics": metrics, "best": best, "epochs": 3}, indent=2))


def table(results: dict[str, Any]) -> str:
    """Return CPU seconds of the light verbs."""
    rows = [
        [f"`{row['command']}`", f"{row['alone']:.2f}", f"{row['with_100_more']:.2f}"] for row in results["cpu_seconds"]
    ]
    return markdown(["command", "CPU s", "with 100 more plugins"], rows)


def main() -> None:
    """Measure, print, write."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        plugins, runs = Path(folder, "plugins"), Path(folder, "runs")
        install_plugins(plugins, MORE_PLUGINS)
        write_runs(runs, MORE_RUNS)
        for name, words in COMMANDS:
            arguments = [word.replace(RUNS_FOLDER, str(runs)) for word in words]
            alone = cpu_seconds(arguments, [])
            rows.append({"command": name, "alone": alone, "with_100_more": cpu_seconds(arguments, [plugins])})
    print(f"{'command':<26}{'CPU s':>8}{'with ' + str(MORE_PLUGINS) + ' more':>16}{'they add':>10}")
    for row in rows:
        alone, more = float(row["alone"]), float(row["with_100_more"])
        print(f"{row['command']:<26}{alone:>8.3f}{more:>16.3f}{more - alone:>10.3f}")
    print(f"budget: {BUDGET} alone, {BUDGET_OF_MORE} for the {MORE_PLUGINS} more; medians of {RUNS}")
    target = record(
        "light_verbs",
        {"budget": {"alone": BUDGET, "added_by_100": BUDGET_OF_MORE}, "runs": RUNS, "cpu_seconds": rows},
    )
    print(f"written: {target}")


if __name__ == "__main__":
    main()
