"""Dynamic beside static attention, and eight heads beside one, on LingNLI: the paper's comparison on 45,000 pairs.

    python -m benchmarks.dsa_lingnli --data FOLDER [--runs runs] [--only "single"] [--seeds 5]

FOLDER holds lingnli.train.tsv and lingnli.val.tsv, compressed or not. Of the 44,958 training pairs a twentieth, whole
premises, chooses the epoch; the 7,361 validation pairs are the test. Each figure is one ``suite fit``; it is recorded
as it ends, and a run that is already in the folder of runs is not repeated. All cases of a seed come before the next
seed. Prints two tables and writes benchmarks/results/dsa_lingnli.json; without ``--data`` it prints the recorded ones.

Differences are paired: the same pairs and the same seeds. Their interval is that of a bootstrap over premises, with all
their pairs, and over seeds; of one seed, over premises alone.
"""

import base64
import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._fits import figures, fitted, folder_of, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._papers import printed
from benchmarks._record import record, recorded

METRICS = ["test_accuracy", "train_accuracy"]
CONFIG = ["--config", "benchmarks/dsa_lingnli.yaml", "--data.path", "{data}"]
CASES = {
    "single dynamic": ["--recipe", "snli-single", *CONFIG],
    "single static": ["--recipe", "snli-single", *CONFIG, "--model.attention", "static"],
    "multiple dynamic": ["--recipe", "snli-multiple", *CONFIG],
    "multiple static": ["--recipe", "snli-multiple", *CONFIG, "--model.attention", "static"],
}
DIFFERENCES = [
    ("single dynamic", "single static"),
    ("multiple dynamic", "multiple static"),
    ("multiple dynamic", "single dynamic"),
    ("multiple static", "single static"),
]
IN_TABLE_1 = {
    "single dynamic": "ours (600D Single DSA)",
    "single static": "600D CNN (Dense) with self-attention",
    "multiple dynamic": "ours (2400D Multiple DSA)",
}
"""How the paper's table of SNLI calls the cases."""
DRAWS = 10_000


def table(results: dict[str, Any]) -> str:
    """Return the accuracies, and the differences between cases that were both measured."""
    cases = results["cases"]
    rows = []
    for case, runs in cases.items():
        average, spread = mean_and_scatter([100 * run["test_accuracy"] for run in runs])
        each = ", ".join(f"{100 * run['test_accuracy']:.1f}" for run in runs)
        mean = f"**{average:.1f}** ± {spread:.1f}" if len(runs) > 1 else f"**{average:.1f}**"
        best = f"{statistics.mean(100 * run['best_val'] for run in runs):.1f}"
        seconds = f"{statistics.median(run['cpu_seconds_per_epoch'] for run in runs):.0f}"
        published = printed("dsa", "table-1").get((IN_TABLE_1.get(case, ""), "Test (%)"), "")
        rows.append([case, mean, each, best, f"{published}", f"{runs[0]['epochs']}", seconds])
    head = ["LingNLI", "test accuracy", "seeds", "validation", "paper, on SNLI", "epochs", "CPU s an epoch"]
    return f"{markdown(head, rows)}\n\n{differences(results)}"


def differences(results: dict[str, Any]) -> str:
    """Return the paired differences with their intervals."""
    rows = []
    premises = np.frombuffer(base64.b64decode(results["premises"]), dtype="<u2").astype(np.int64)
    for first, second in DIFFERENCES:
        both = [{run["seed"]: right_of(run) for run in results["cases"].get(case, [])} for case in (first, second)]
        seeds = sorted(both[0].keys() & both[1].keys())
        if seeds:
            gains = np.stack([both[0][seed].astype(float) - both[1][seed] for seed in seeds])  # seed pair
            low, high = interval(gains, premises)
            rows.append(
                [
                    f"{first} - {second}",
                    f"{100 * gains.mean():+.1f}",
                    f"{100 * low:+.1f} to {100 * high:+.1f}",
                    f"{len(seeds)}",
                ]
            )
    return markdown(["points of accuracy", "difference", "95 %", "seeds"], rows)


def interval(gains: NDArray[np.float64], groups: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean gain, by drawing groups of pairs, and seeds, with replacement.

    Args:
        gains: (seed, pair) 1, 0 or -1.
        groups: (pair,) the number of each pair's premise.
    """
    random = np.random.default_rng(0)
    count = int(groups.max()) + 1
    sizes = np.bincount(groups, minlength=count)
    sums = np.stack([np.bincount(groups, weights=row, minlength=count) for row in gains])  # seed group
    drawn = random.multinomial(count, np.full(count, 1 / count), size=DRAWS)  # draw group
    means = drawn @ sums.T / (drawn @ sizes)[:, None]  # draw seed
    seeds = random.integers(len(gains), size=(DRAWS, len(gains)))
    low, high = np.quantile(np.take_along_axis(means, seeds, axis=1).mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def right_of(run: dict[str, Any]) -> NDArray[np.bool_]:
    """Return for each test pair whether a recorded run was right."""
    bits = np.frombuffer(base64.b64decode(run["right"]), dtype=np.uint8)
    return np.unpackbits(bits)[: run["pairs"]].astype(bool)


def measured(folder: Path) -> tuple[dict[str, Any], str]:
    """Return which test pairs a run's best checkpoint is right on, and the number of each pair's premise, as base64."""
    from suite_dsa.studies.comparison import classified, labelled, opened

    module, _, parts = opened(folder)
    examples = parts["test"].examples
    test = labelled(module, examples)
    right = classified(module, test.texts) == test.labels
    numbers: dict[str, int] = {}
    premises = [numbers.setdefault(texts[0], len(numbers)) for texts in test.texts]
    packed = base64.b64encode(np.array(premises, dtype="<u2").tobytes()).decode()
    return {"pairs": len(examples), "right": base64.b64encode(np.packbits(right).tobytes()).decode()}, packed


def main() -> None:
    """Measure what is missing, record each run as it ends, and print the tables."""
    chosen = options_of(__doc__, "lingnli", seeds=5, further=True).parse_args()
    before = recorded("dsa_lingnli")
    results: dict[str, Any] = {"cases": before.get("cases", {}), "premises": before.get("premises", "")}
    todo = [(seed, case) for seed in range(chosen.seeds) for case in CASES if re.search(chosen.only, case)]
    for seed, case in todo if chosen.data is not None else []:
        options = [*(word.format(data=chosen.data) for word in CASES[case]), *chosen.options]
        fit = fitted("dsa", options, chosen.runs, case, seed)
        right, results["premises"] = measured(folder_of(chosen.runs, case, seed))
        others = [run for run in results["cases"].get(case, []) if run["seed"] != seed]
        runs = [*others, {**figures(fit, seed, METRICS), "options": chosen.options, **right}]
        results["cases"][case] = sorted(runs, key=lambda run: run["seed"])
        results["cases"] = {name: results["cases"][name] for name in CASES if name in results["cases"]}
        record("dsa_lingnli", results)
    print(table(results))


if __name__ == "__main__":
    main()
