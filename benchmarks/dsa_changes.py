"""What each change to the training of dsa is worth on SST-2's validation sentences: one change at a time, no test set.

    python -m benchmarks.dsa_changes --data FOLDER [--runs runs] [--only "GloVe-100 too"] [--seeds 1] [-- OPTIONS]

FOLDER holds sst/ and vectors/ (text files, see plugins/suite_dsa/README.md). Each figure is one ``suite fit`` of two
epochs over the training phrases, so that a change costs minutes, with eight validations. Single ones scatter by about a
point (872 sentences), hence the mean of the last four beside the best. A run that is already in the folder of runs is
not repeated. Prints one table and writes benchmarks/results/dsa_changes.json; without ``--data`` it prints the recorded
results.
"""

import csv
import re
import statistics
from pathlib import Path
from typing import Any

from benchmarks._fits import fitted, folder_of, options_of
from benchmarks._markdown import markdown
from benchmarks._record import record, recorded

LAST = 4
"""The number of validations, at the end, whose mean is taken."""

# the validation sentences stand for the test sentences too, which no choice may see
COMMON = "--recipe sst2 --data.path {data}/sst --data.train=[trees.train.txt] --data.validation=[trees.dev.txt] "
COMMON += "--data.test=[trees.dev.txt] --trainer.limit_train_batches 0.25 --trainer.val_check_interval 1.0 "
COMMON += "--trainer.max_epochs 8 --model.learning_rate_floor 0"

BEFORE = {"data.vectors": "spacy-md", "model.dropout_gain": "drop", "model.average": "0", "model.word_dropout": "0.4"}
GLOVE = "{data}/vectors/glove100_fp16.npz"
THREE = {"data.vectors": "[spacy-md,glove-50,wordllama]"}
MINILM = {"data.vectors": "[spacy-md,wordllama,minilm]"}
RETAIN = {"model.dropout_gain": "retain"}
AVERAGE = {"model.average": "0.998"}

# Averaged weights come first: without them single validations scatter by two points.
CASES = {
    "before": {},
    "averaged weights": AVERAGE,
    "averaged, GloVe-100 too": AVERAGE | {"data.vectors": f"[spacy-md,{GLOVE}]"},
    "averaged, GloVe-50 too": AVERAGE | {"data.vectors": "[spacy-md,glove-50]"},
    "averaged, WordLlama too": AVERAGE | {"data.vectors": "[spacy-md,wordllama]"},
    "averaged, all three packages": AVERAGE | THREE,
    "averaged, all three and GloVe-100": AVERAGE | {"data.vectors": f"[spacy-md,{GLOVE},glove-50,wordllama]"},
    "averaged, MiniLM's for GloVe-50": AVERAGE | MINILM,
    "averaged, all three packages, which learn": AVERAGE | THREE | {"model.train_vectors": "true"},
    "averaged, retaining": AVERAGE | RETAIN,
    "averaged, word dropout 0.2": AVERAGE | {"model.word_dropout": "0.2"},
    "averaged, all three packages, retaining": AVERAGE | THREE | RETAIN,
}


def table(results: dict[str, Any]) -> str:
    """Return the validation accuracy of each change."""
    rows = []
    for case, runs in results["cases"].items():
        best, last, loss = (100 * statistics.mean(run[name] for run in runs) for name in ("best", "last", "loss"))
        rows.append([case, f"{best:.1f}", f"{last:.1f}", f"{loss / 100:.3f}", f"{len(runs)}"])
    return markdown(["change", "best", f"last {LAST}", "loss", "seeds"], rows)


def validations(folder: Path) -> dict[str, float]:
    """Return what a run's validations came to: the best accuracy, and means over the last ones."""
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["val_accuracy"]]
    accuracies = [float(row["val_accuracy"]) for row in rows]
    losses = [float(row["val_loss"]) for row in rows]
    return {
        "best": max(accuracies),
        "last": statistics.mean(accuracies[-LAST:]),
        "loss": statistics.mean(losses[-LAST:]),
    }


def main() -> None:
    """Measure what is missing, print it and write it."""
    chosen = options_of(__doc__, "changes", seeds=1, further=True).parse_args()
    results: dict[str, Any] = {"cases": recorded("dsa_changes").get("cases", {})}
    for case in CASES if chosen.data is not None else ():
        if not re.search(chosen.only, case):
            continue
        options = COMMON.split() + [f"--{name}={value}" for name, value in (BEFORE | CASES[case]).items()]
        options = [word.format(data=chosen.data) for word in options] + chosen.options
        runs = []
        for seed in range(chosen.seeds):
            fit = fitted("dsa", options, chosen.runs, case, seed)
            seconds = round(fit["cpu_seconds"])
            runs.append(
                {"seed": seed, "cpu_seconds": seconds, "options": chosen.options}
                | validations(folder_of(chosen.runs, case, seed))
            )
        results["cases"][case] = runs
        results["cases"] = {name: results["cases"][name] for name in CASES if name in results["cases"]}
        record("dsa_changes", results)
    print(table(results))


if __name__ == "__main__":
    main()
