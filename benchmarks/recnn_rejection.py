"""What raises the background rejection of the recursive network: boosted trees, the network before, each change, after.

    python -m benchmarks.recnn_rejection --data FOLDER [--runs runs] [--only PATTERN] [--seeds 3]

FOLDER is that of `benchmarks.recnn_accuracy`, whose rows "before" are. Boosted trees see the plugin's observables of a
jet and its transverse momentum; they and the networks share the jets of training, validation and test.

Changes are chosen on W against QCD without the test jets: of the other 80 % of the events, 50 train and 30, three times
as many as a usual validation has, tell which change is better, since at a rejection of 100 no more than 60 background
jets pass. Only the last rows see the test jets. A run that is already in the folder of runs is not repeated. Prints two
tables and writes benchmarks/results/recnn_rejection.json; without ``--data`` it prints what was measured.
"""

import os
import re
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks._fits import figures, fitted, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from benchmarks.recnn_accuracy import METRICS as AUC_AND_REJECTION
from suite_recnn import tagging
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.observables.table import table as observables
from suite_recnn.sources.reading import read
from suite_recnn.splitting import PARTS, event_shares, parts_of

TASKS = {"W/QCD": ("w", "qcd"), "top/QCD": ("top", "qcd"), "quark/gluon": ("quark", "gluon")}
RECIPES = {"W/QCD": "w-qcd", "top/QCD": "top-qcd", "quark/gluon": "quark-gluon"}
METRICS = [*AUC_AND_REJECTION, "test_rejection_50_error", "test_rejection_30_error"]
BEFORE = {"before, RecNN": "RecNN", "before, gated": "RecNN, gated"}
LUND = ["--data.features", "lund"]
GATED = ["--model.network", "gated"]
WAVES = ["--model.mass_waves", "4"]
# what differs from the recipe w-qcd with 8 epochs; seed 0, no test jets
CHANGES: dict[str, list[str]] = {
    "the recipe": [],
    "Lund features": LUND,
    "Lund features, waves of the mass": [*LUND, *WAVES],
    "Lund features, gated": [*LUND, *GATED],
    "Lund features, waves of the mass, gated": [*LUND, *WAVES, *GATED],
    "Lund features, mean of mirror images": [*LUND, "--model.mirror_average", "true"],
    "Lund features, mean of the nodes": [*LUND, "--model.pool", "mean"],
    "Lund features, sum of the nodes": [*LUND, "--model.pool", "sum"],
    "Lund features, layer norm": [*LUND, "--model.layer_norm", "true"],
    "Lund features, averaged weights": [*LUND, "--model.average", "0.998"],
    "Lund features, dropout 0.2": [*LUND, "--model.dropout", "0.2"],
    "Lund features, turned at random": [*LUND, "--model.turn", "true"],
    "waves of the mass": WAVES,
}
BEST = "after, RecNN, gated"
GRID = [(rate, leaves) for rate in (0.03, 0.1) for leaves in (15, 31)]
"""Learning rates and numbers of leaves of boosted trees, of which validation chooses."""


def development(data: Path, folder: Path) -> Path:
    """Write the W and QCD jets of the events that are not for testing as train and val; test is the same as val.

    Args:
        data: the folder of w_* and qcd_* files.
        folder: where to write.
    """
    if (folder / "test.parquet").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    pieces: dict[str, list[pyarrow.Table]] = {"train": [], "val": []}
    for file in [*sorted(data.glob("w_*.parquet")), *sorted(data.glob("qcd_*.parquet"))]:
        jets = pyarrow.parquet.read_table(file)
        columns = {name: jets[name].to_numpy() for name in ("event", "seed", "sample")}
        share = event_shares(columns, 0, file)
        for part, chosen in {"train": share >= 0.5, "val": (share < 0.1) | ((share >= 0.3) & (share < 0.5))}.items():
            pieces[part].append(jets.filter(pyarrow.array(chosen)))
    for part, tables in pieces.items():
        pyarrow.parquet.write_table(pyarrow.concat_tables(tables), folder / f"{part}.parquet")
    os.link(folder / "val.parquet", folder / "test.parquet")
    return folder


def measured(data: Path, name: str, runs: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return observables and transverse momentum of a class, (jet, 13), and each jet's part, (jet,)."""
    stored = runs / f"observables-{name}.npz"
    if not stored.is_file():
        values, parts = [], []
        for file in sorted(data.glob(f"{name}_*.parquet")):
            jets = read(file, None, definition=JetDefinition())
            totals = jets.totals()
            columns = [*observables(jets).values(), np.hypot(totals[:, 0], totals[:, 1])]
            values.append(np.stack(columns, axis=1))
            parts.append(parts_of(jets.columns, file, validation=0.1, test=0.2, split_seed=0))
        stored.parent.mkdir(parents=True, exist_ok=True)
        np.savez(stored, values=np.concatenate(values), parts=np.concatenate(parts))
    arrays = np.load(stored)
    return arrays["values"], arrays["parts"]


def boosted(data: Path, signal: str, background: str, runs: Path) -> dict[str, Any]:
    """Return the figures of boosted trees, whose settings and length the validation jets choose; nothing is random."""
    both = [measured(data, name, runs) for name in (signal, background)]
    values, parts = (np.concatenate(arrays) for arrays in zip(*both, strict=True))
    labels = np.repeat([1, 0], [len(both[0][1]), len(both[1][1])])
    train, validation, test = (parts == number for number in range(len(PARTS)))

    def fits() -> Iterator[tuple[float, dict[str, Any], NDArray[np.float64]]]:
        for rate, leaves in GRID:
            forest = HistGradientBoostingClassifier(
                learning_rate=rate, max_leaf_nodes=leaves, max_iter=1000, early_stopping=True, random_state=0
            )
            forest.fit(values[train], labels[train], X_val=values[validation], y_val=labels[validation])
            scores = forest.decision_function(values)
            chosen = {"learning_rate": rate, "leaves": leaves, "iterations": int(forest.n_iter_)}
            yield tagging.auc(scores[validation], labels[validation]).value, chosen, scores[test]

    best_val, chosen, scores = max(fits(), key=lambda fit: fit[0])
    area = tagging.auc(scores, labels[test])
    result = {"best_val": best_val, **chosen, "test_auc": area.value, "test_auc_error": area.error}
    for at in (50, 30):
        rejection = tagging.rejection(scores, labels[test], at / 100)
        result |= {f"test_rejection_{at}": rejection.value, f"test_rejection_{at}_error": rejection.error}
    return result


def table(results: dict[str, Any]) -> str:
    """Return AUC and rejection of boosted trees and of the networks before and after, over seeds, on the test jets."""
    rows = []
    accuracy = recorded("recnn_accuracy")["cases"]
    for task in TASKS:
        named = {f"{task}, boosted trees": results["boosted"].get(task, [])}
        named |= {f"{task}, {row}": accuracy[f"{task}, {case}"]["runs"] for row, case in BEFORE.items()}
        named |= {f"{task}, {row}": runs for row, runs in results["after"].get(task, {}).items()}
        rows += [[name, *_figures(runs)] for name, runs in named.items() if runs]
    return markdown(["test jets", "AUC", "1/ε_B at 50 %", "seeds", "1/ε_B at 30 %"], rows)


def table_changes(results: dict[str, Any]) -> str:
    """Return what each change brings for W against QCD on jets of the development sample."""
    rows = []
    for change, run in results["changes"].items():
        auc = f"{run['test_auc']:.4f} ± {run['test_auc_error']:.4f}"
        rows.append([change, auc, *(_rejection([run], at) for at in (50, 30)), f"{run['cpu_seconds_per_epoch']:.0f}"])
    columns = ["W/QCD, development jets", "AUC", "1/ε_B at 50 %", "1/ε_B at 30 %", "CPU s an epoch"]
    return markdown(columns, rows)


def _figures(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the cells of a row: mean, scatter over seeds where there are several, and statistical error."""
    area, scatter = mean_and_scatter([run["test_auc"] for run in runs])
    error = statistics.mean(run["test_auc_error"] for run in runs)
    each = ", ".join(_rejection([run], 50).split()[0] for run in runs)
    between = f" ± {scatter:.4f}" if len(runs) > 1 else ""
    return [f"{area:.4f}{between} ± {error:.4f}", _rejection(runs, 50), each, _rejection(runs, 30)]


def _rejection(runs: Sequence[dict[str, Any]], at: int) -> str:
    """Return the mean rejection, its scatter over seeds and its statistical error; ∞ where no background passes."""
    values = [run.get(f"test_rejection_{at}", np.inf) for run in runs]
    if not np.isfinite(values).all():
        return "∞"
    mean, scatter = mean_and_scatter(values)
    errors = [run[name] for run in runs if (name := f"test_rejection_{at}_error") in run]
    parts = [mean, *([scatter] if len(runs) > 1 else []), *([statistics.mean(errors)] if errors else [])]
    return " ± ".join(f"{part:.0f}" for part in parts)


def main() -> None:
    """Measure what is missing, print it and write it."""
    chosen = options_of(__doc__, "recnn_rejection").parse_args()
    if chosen.data is not None:
        measure(chosen.data, chosen.runs, chosen.only, chosen.seeds)
    results = recorded("recnn_rejection")
    print(table(results), table_changes(results), sep="\n\n")


def measure(data: Path, runs: Path, only: str, seeds: int) -> None:
    """Measure the cases whose names match, and write each into the results, which another process may add to."""

    def write(part: str, name: str, value: Any) -> None:
        results = {"boosted": {}, "changes": {}, "after": {}} | recorded("recnn_rejection")
        results[part][name] = value
        record("recnn_rejection", {part: results[part] for part in ("boosted", "changes", "after")})

    for task, (signal, background) in TASKS.items():
        if re.search(only, f"boosted trees, {task}"):
            write("boosted", task, [boosted(data, signal, background, runs)])
    for change, options in CHANGES.items():
        if re.search(only, f"change: {change}"):
            words = ["--recipe", "w-qcd", "--data.path", str(development(data, runs / "development"))]
            words += ["--trainer.max_epochs", "8", *options]
            write("changes", change, figures(fitted("recnn", words, runs, change, 0), 0, METRICS))
    for task, recipe in RECIPES.items():
        if re.search(only, f"{BEST}, {task}"):
            words = ["--recipe", f"{recipe}-best", "--data.path", str(data)]
            fits = [fitted("recnn", words, runs, f"{BEST}, {task}", seed) for seed in range(seeds)]
            write("after", task, {BEST: [figures(fit, seed, METRICS) for seed, fit in enumerate(fits)]})


if __name__ == "__main__":
    main()
