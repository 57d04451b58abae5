"""Test accuracy of the dsa recipes on real data sets, mean of three seeds, each chosen on its validation data.

    python -m benchmarks.dsa_accuracy --data FOLDER [--runs runs] [--only sst2] [--seeds 3] [-- OPTIONS]

FOLDER holds the folders sst/, snli/ and nli_extra/ (text files, see plugins/suite_dsa/README.md). Each figure is one
``suite fit``; a run that is already in the folder of runs is not repeated, so that an interrupted measurement
continues. OPTIONS are further ones of every ``suite fit``, such as ``--trainer.precision bf16-mixed``. Prints one table
and writes benchmarks/results/dsa_accuracy.json; without ``--data`` it prints the recorded results."""

import re
import statistics
from typing import Any

from benchmarks._fits import figures, fitted, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._papers import printed
from benchmarks._record import record, recorded

METRICS = ["test_accuracy", "train_accuracy"]
STAND_IN = "benchmarks/snli_stand_in.yaml"

SNLI = ["--recipe", "snli-single", "--config", STAND_IN, "--data.path", "{data}"]

CASES: dict[str, tuple[tuple[str, str, str], list[str]]] = {
    "sst2": (("table-2", "Single DSA", "SST-2"), ["--recipe", "sst2", "--data.path", "{data}/sst"]),
    "sst5": (("table-2", "Single DSA", "SST-5"), ["--recipe", "sst5", "--data.path", "{data}/sst"]),
    "snli dynamic": (("table-1", "ours (600D Single DSA)", "Test (%)"), SNLI),
    "snli static": (
        ("table-1", "600D CNN (Dense) with self-attention", "Test (%)"),
        [*SNLI, "--model.attention", "static"],
    ),
}
"""Where the paper has a case: table, row and column; and the options of ``suite fit``."""


def table(results: dict[str, Any]) -> str:
    """Return test accuracy of the recipes beside the paper's."""
    rows = []
    for case, values in results["cases"].items():
        accuracies = [100 * run["test_accuracy"] for run in values["runs"]]
        average, spread = mean_and_scatter(accuracies)
        seconds = statistics.median(run["cpu_seconds_per_epoch"] for run in values["runs"])
        each = ", ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        mean = f"**{average:.1f}** ± {spread:.1f}"
        of_table, row, column = CASES[case][0]
        paper = printed("dsa", of_table)[row, column]
        rows.append([case, mean, each, f"{paper:.1f}", f"{values['runs'][0]['epochs']}", f"{seconds:.0f}"])
    return markdown(["", "test accuracy", "seeds", "paper", "epochs", "CPU s an epoch"], rows)


def main() -> None:
    """Measure what is missing, print it and write it."""
    chosen = options_of(__doc__, "accuracy", further=True).parse_args()
    results = {"cases": recorded("dsa_accuracy").get("cases", {})}
    for case, (_, words) in CASES.items() if chosen.data is not None else ():
        if re.search(chosen.only, case):
            options = [*(word.format(data=chosen.data) for word in words), *chosen.options]
            runs = [
                figures(fitted("dsa", options, chosen.runs, case, seed), seed, METRICS) for seed in range(chosen.seeds)
            ]
            results["cases"][case] = {"options": [*words, *chosen.options], "runs": runs}
            record("dsa_accuracy", results)
    print(table(results))


if __name__ == "__main__":
    main()
