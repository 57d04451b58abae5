"""Test accuracy of the dsa recipes on real data sets, mean of three seeds, each chosen on its validation data.

    python -m benchmarks.dsa_accuracy --data FOLDER [--runs runs] [--only sst2] [--seeds 3]

FOLDER holds the folders sst/, snli/ and nli_extra/ (text files, see plugins/suite_dsa/README.md). Each figure is one
``suite fit``; a run that is already in the folder of runs is not made again, so that an interrupted measurement goes
on. Prints one table and writes benchmarks/results/dsa_accuracy.json. Without ``--data`` it prints what was measured.
"""

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks._record import record, recorded
from lightning_suite.tables import table

STAND_IN = "benchmarks/snli_stand_in.yaml"

# name: what the paper has (tables 1 and 2), and the command
CASES: dict[str, tuple[float, list[str]]] = {
    "sst2": (88.5, ["--recipe", "sst2", "--data.path", "{data}/sst"]),
    "sst5": (50.6, ["--recipe", "sst5", "--data.path", "{data}/sst"]),
    "snli dynamic": (86.8, ["--recipe", "snli-single", "--config", STAND_IN, "--data.path", "{data}"]),
    "snli static": (
        84.6,
        ["--recipe", "snli-single", "--config", STAND_IN, "--data.path", "{data}", "--model.attention", "static"],
    ),
}


def measured(case: str, data: Path, root: Path, seed: int) -> dict[str, Any]:
    """One run: its accuracies, epochs, and CPU seconds."""
    marker = root / f"{case.replace(' ', '-')}-{seed}.json"
    if not marker.is_file():
        command = [sys.executable, "-m", "lightning_suite", "fit", "--plugin", "dsa", "--seed", str(seed)]
        command += [word.format(data=data) for word in CASES[case][1]] + ["--runs", str(root)]
        command += ["--trainer.enable_progress_bar", "false"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = re.search(r"^finished after .*: (.+)$", said, re.MULTILINE)
        assert found, said
        record = json.loads((Path(found[1]) / "run.json").read_text())
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        marker.write_text(json.dumps({"cpu_seconds": cpu, "record": record}))
    kept = json.loads(marker.read_text())
    record = kept["record"]
    return {
        "seed": seed,
        "test_accuracy": record["metrics"]["test_accuracy"],
        "best_val_accuracy": record["best"]["value"],
        "train_accuracy": record["metrics"]["train_accuracy"],
        "epochs": record["epochs"],
        "cpu_seconds_per_epoch": round(kept["cpu_seconds"] / record["epochs"], 1),
        "data_fingerprint": record["data_fingerprint"],
        "git_commit": record["git_commit"],
    }


def main() -> None:
    """Measures what is missing, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs") / "accuracy")
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    results = {"cases": recorded("dsa_accuracy").get("cases", {})}
    if chosen.data is not None:
        chosen.runs.mkdir(parents=True, exist_ok=True)
        for case in chosen.only or CASES:
            runs = [measured(case, chosen.data, chosen.runs, seed) for seed in range(chosen.seeds)]
            results["cases"][case] = {"paper": CASES[case][0], "options": CASES[case][1], "runs": runs}
        record("dsa_accuracy", results)
    rows = []
    for case, values in results["cases"].items():
        accuracies = [100 * run["test_accuracy"] for run in values["runs"]]
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        seconds = statistics.median(run["cpu_seconds_per_epoch"] for run in values["runs"])
        each = " ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        rows.append(
            [
                case,
                f"{statistics.mean(accuracies):.1f}",
                f"{spread:.1f}",
                each,
                f"{values['paper']:.1f}",
                f"{seconds:.0f}",
            ]
        )
    print(table(["case", "test accuracy", "sd", "seeds", "paper", "CPU s an epoch"], rows))


if __name__ == "__main__":
    main()
