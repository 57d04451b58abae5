"""AUC and rejection of the jet taggers: three tasks, five networks, three seeds, and what each step brings for W/QCD.

    python -m benchmarks.recnn_accuracy --data FOLDER [--more FOLDER] [--runs runs] [--only PATTERN] [--seeds 3]

FOLDER holds w_*, top_*, qcd_*, quark_* and gluon_* files, as ``suite generate-jets FOLDER --classes all`` makes them;
``--more`` names one with the same w_* and qcd_* files and 20,000 further jets of each of the two.
Each figure is one ``suite fit``; a run that is already in the folder of runs is not repeated, so that an interrupted
measurement continues. Prints two tables and writes benchmarks/results/recnn_accuracy.json. Without ``--data`` it prints
what was measured.
"""

import re
import statistics
from pathlib import Path
from typing import Any

from benchmarks._fits import figures, fitted, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._papers import printed
from benchmarks._record import record, recorded

# name: the recipe, and the paper's row whose base AUC is that of its recursive network
TASKS = {
    "W/QCD": ("w-qcd", "Top/QCD → W/QCD"),
    "top/QCD": ("top-qcd", "W/QCD → Top/QCD"),
    "quark/gluon": ("quark-gluon", "W/QCD → q/g"),
}
NETWORKS = {
    "RecNN": [],
    "RecNN, gated": ["--model.network", "gated", "--trainer.max_epochs", "12"],
    "FCN": ["--model.network", "fcn", "--model.learning_rate", "0.001"],
    "LSTM": ["--model.network", "lstm"],
    "CNN": ["--model.network", "cnn", "--model.learning_rate", "0.001", "--trainer.max_epochs", "8"],
}
# what differs from the recipe w-qcd; seed 0 alone
STEPS = {
    "the recipe": [],
    "with the mass": ["--model.mass", "true"],
    "without weight decay": ["--model.weight_decay", "0"],
    "without mirroring": ["--model.mirror", "false"],
    "not centred": ["--data.preprocess", "none"],
    "aligned as by Louppe et al., not mirrored": ["--data.preprocess", "recnn", "--model.mirror", "false"],
    "kt trees": ["--data.algorithm", "kt"],
    "5,000 jets a class": ["--data.jets", "5000"],
    "10,000 jets a class": ["--data.jets", "10000"],
    "40,000 jets a class": ["--data.path", "{more}"],
    "40,000 jets a class, gated": ["--data.path", "{more}", "--model.network", "gated", "--trainer.max_epochs", "12"],
}
METRICS = ["test_auc", "test_auc_error", "test_rejection_50", "test_rejection_30", "test_accuracy"]


def cases(seeds: int) -> dict[str, tuple[list[str], int]]:
    """Return the name of every case, its options, and the number of its seeds."""
    measured = {
        f"{task}, {network}": (["--recipe", recipe, *options], seeds)
        for task, (recipe, _) in TASKS.items()
        for network, options in NETWORKS.items()
    }
    return measured | {f"W/QCD step, {step}": (["--recipe", "w-qcd", *options], 1) for step, options in STEPS.items()}


def table(results: dict[str, Any]) -> str:
    """Return AUC and rejection of every network and task, beside the paper's AUC of its recursive network."""
    rows = []
    for case, values in results["cases"].items():
        task, network = case.split(", ", maxsplit=1)
        if task not in TASKS:
            continue
        mean, scatter = mean_and_scatter([run["test_auc"] for run in values["runs"]])
        error = statistics.mean(run["test_auc_error"] for run in values["runs"])
        each = ", ".join(f"{run['test_auc']:.4f}" for run in values["runs"])
        rejections = [statistics.mean(run[f"test_rejection_{at}"] for run in values["runs"]) for at in (50, 30)]
        seconds = statistics.median(run["cpu_seconds_per_epoch"] for run in values["runs"])
        rows.append(
            [
                f"{task}, {network}",
                f"**{mean:.4f}** ± {scatter:.4f} ± {error:.4f}",
                each,
                f"{printed('recnn', 'table-2')[TASKS[task][1], 'Base AUC']}" if network == "RecNN" else "",
                *(f"{rejection:.0f}" for rejection in rejections),
                f"{values['runs'][0]['epochs']}",
                f"{seconds:.0f}",
            ]
        )
    columns = ["", "AUC", "seeds", "paper", "1/ε_B at 50 %", "1/ε_B at 30 %", "epochs", "CPU s an epoch"]
    return markdown(columns, rows)


def table_steps(results: dict[str, Any]) -> str:
    """Return what each setting brings for W/QCD."""
    rows = []
    for case, values in results["cases"].items():
        step, run = case.removeprefix("W/QCD step, "), values["runs"][0]
        if step != case:
            auc = f"{run['test_auc']:.4f} ± {run['test_auc_error']:.4f}"
            rows.append([step, auc, f"{run['best_val']:.4f}", f"{run['test_rejection_50']:.0f}"])
    return markdown(["W/QCD, seed 0", "test AUC", "validation AUC", "1/ε_B at 50 %"], rows)


def main() -> None:
    """Measure what is missing, print it and write it."""
    parser = options_of(__doc__, "recnn_accuracy")
    parser.add_argument("--more", type=Path)
    chosen = parser.parse_args()
    results = {"cases": recorded("recnn_accuracy").get("cases", {})}
    if chosen.data is not None:
        for case, (options, seeds) in cases(chosen.seeds).items():
            if not re.search(chosen.only, case) or ("{more}" in options and chosen.more is None):
                continue
            words = [word.format(more=chosen.more) for word in options]
            words += [] if "{more}" in options else ["--data.path", str(chosen.data)]
            runs = [figures(fitted("recnn", words, chosen.runs, case, seed), seed, METRICS) for seed in range(seeds)]
            results["cases"][case] = {"options": options, "runs": runs}
        record("recnn_accuracy", results)
    print(table(results), table_steps(results), sep="\n\n")


if __name__ == "__main__":
    main()
