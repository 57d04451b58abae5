"""W and top against QCD on complete samples: on all jets, and on those that contain their whole decay.

    suite generate-jets FOLDER --classes w,top,qcd --jets 4000 --detector none
    suite generate-jets FOLDER --classes qcd --jets 8000 --seed 2 --detector none
    python -m benchmarks.recnn_contained --data FOLDER [--runs runs] [--only PATTERN] [--seeds 3]

The samples have no limit on the hard collision but the one that loses less than a hundredth of the jets. Each figure is
one ``suite fit`` of the gated recipe for rejection; the epoch is chosen on validation jets. A run that is already in
the folder of runs is not repeated. Prints one table and writes benchmarks/results/recnn_contained.json; without
``--data`` it prints the recorded results.
"""

import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet

from benchmarks._fits import figures, fitted, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._record import record, recorded

METRICS = [f"test_{name}" for name in ("auc", "auc_error", "rejection_50", "rejection_50_error", "rejection_30")]
SIGNALS = {"W/QCD": "w", "top/QCD": "top"}
SELECTIONS = {"all": [], "contained": ["--data.select", "contained or sample == 'qcd'"]}


def table(results: dict[str, Any]) -> str:
    """Return AUC and rejection on all and on contained jets, with the scatter of seeds and the statistical error."""
    rows = []
    for case, values in results["cases"].items():
        runs = values["runs"]
        area, scatter = mean_and_scatter([run["test_auc"] for run in runs])
        error = statistics.mean(run["test_auc_error"] for run in runs)
        rejection, spread = mean_and_scatter([run["test_rejection_50"] for run in runs])
        statistical = statistics.mean(run["test_rejection_50_error"] for run in runs)
        shown = f"{area:.4f} ± {scatter:.4f} ± {error:.4f}"
        rows.append([case, f"{values['signal_jets']:,}", shown, f"{rejection:.0f} ± {spread:.0f} ± {statistical:.0f}"])
    return markdown(["complete sample", "signal jets", "AUC", "1/ε_B at 50 %"], rows)


def jets_of(data: Path, signal: str, selection: str) -> int:
    """Return the number of signal jets that a selection keeps."""
    files = sorted(data.glob(f"{signal}_*.parquet"))
    kept = np.concatenate([pyarrow.parquet.read_table(file, columns=["contained"])["contained"] for file in files])
    return int(kept.sum()) if selection == "contained" else len(kept)


def main() -> None:
    """Measure what is missing, print it and write it."""
    chosen = options_of(__doc__, "recnn_contained").parse_args()
    results: dict[str, Any] = {"cases": recorded("recnn_contained").get("cases", {})}
    todo = [(task, selection) for task in SIGNALS for selection in SELECTIONS]
    for task, selection in todo if chosen.data is not None else ():
        case, signal = f"{task}, {selection}", SIGNALS[task]
        if not re.search(chosen.only, case):
            continue
        words = ["--recipe", f"{signal}-qcd-best", "--data.path", str(chosen.data), *SELECTIONS[selection]]
        fits = [fitted("recnn", words, chosen.runs, case, seed) for seed in range(chosen.seeds)]
        runs = [figures(fit, seed, METRICS) for seed, fit in enumerate(fits)]
        results["cases"][case] = {"signal_jets": jets_of(chosen.data, signal, selection), "runs": runs}
        record("recnn_contained", results)
    print(table(results))


if __name__ == "__main__":
    main()
