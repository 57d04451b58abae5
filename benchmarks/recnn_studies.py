"""What the jet taggers have learnt, beside the paper's tables: probes (Table 1, Fig. 2) and transfer (Table 2).

    python -m benchmarks.recnn_studies --data FOLDER [--runs runs] [--only PATTERN] [--seeds 3]

FOLDER and runs are those of benchmarks/recnn_accuracy.py, whose runs are used where they are there, and trained
otherwise; a study that is already recorded is not repeated. Prints the tables and writes
benchmarks/results/recnn_studies.json. Without ``--data`` it prints what was measured.
"""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._fits import fitted, folder_of, mean_and_scatter, options_of
from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from benchmarks.recnn_accuracy import NETWORKS, TASKS

COMPARED = ["RecNN", "FCN", "LSTM", "CNN"]
"""The networks of Fig. 2."""
NOT_CENTRED = ["--data.preprocess", "none"]
SYMBOLS = {
    "multiplicity": "n λ⁰₀",
    "width": "width λ¹₁",
    "mass_angularity": "mass λ¹₂",
    "ptd_squared": "(pTᴰ)² λ²₀",
    "tau1": "τ₁",
    "tau2": "τ₂",
    "tau3": "τ₃",
    "tau21": "τ₂₁",
    "tau32": "τ₃₂",
}
CONTROLS = ("partial", "untrained", "summaries", "root")
"""What stands beside each score; see ``suite_recnn.interpretation.probing``."""


def runs() -> dict[str, list[str]]:
    """Return the name of every run that is studied, and its options."""
    named = {f"{task}, RecNN": ["--recipe", recipe] for task, (recipe, _) in TASKS.items()}
    for network in COMPARED:
        options = ["--recipe", "top-qcd", *NETWORKS[network]]
        named |= {f"top/QCD, {network}": options, f"top/QCD, {network}, not centred": [*options, *NOT_CENTRED]}
    return named


def probes(folder: Path) -> list[dict[str, Any]]:
    """Return R^2 of each observable in each layer of a run, with what stands beside it."""
    from suite_recnn.interpretation.probing import probe
    from suite_recnn.interpretation.subject import open_subject

    rows = probe(open_subject(folder), layers="all").rows
    names = ("r2", *CONTROLS, "shuffled")
    return [
        {"layer": row.layer, "observable": row.observable, "paper": row.paper}
        | {name: [round(value, 5) for value in getattr(row, name)] for name in names}
        for row in rows
    ]


def transferred(source: Path, target: Path, seed: int) -> dict[str, Any]:
    """Return the AUC of a transfer, and of what stands beside it, each with its statistical error."""
    from suite_recnn.interpretation.transfer import transfer

    found = transfer(source, target, seed=seed)
    values = {"base": found.base, "transfer": found.auc, "floor": found.floor}
    named = {name: [round(number, 5) for number in value] for name, value in values.items() if value is not None}
    return named | {"paper": found.paper}


def table(results: dict[str, Any]) -> str:
    """Return Table 1: R^2 from the embedding of the recursive network, beside the paper's."""
    columns = {task: _by_observable(results, f"{task}, RecNN", "r2") for task in TASKS}
    rows = []
    for observable, symbol in SYMBOLS.items():
        row = [symbol]
        for task, scores in columns.items():
            if observable not in scores:
                row += ["", ""]
                continue
            highest = sorted(scores, key=lambda name, scores=scores: -statistics.mean(scores[name]))[:3]  # type: ignore[misc]
            mark = "**" if observable in highest else ""
            row += [_with_scatter(scores[observable], 3, mark), f"{_paper(results, task, observable):.2f}"]
        rows.append(row)
    return markdown(["R²", *(name for task in TASKS for name in (task, "paper"))], rows)


def table_controls(results: dict[str, Any]) -> str:
    """Return what stands beside Table 1: partial R^2, an untrained network, n, m and pT, the root's own input."""
    rows = []
    for observable, symbol in SYMBOLS.items():
        cells = []
        for task in TASKS:
            scores = [_by_observable(results, f"{task}, RecNN", name).get(observable) for name in CONTROLS]
            cells.append(" / ".join(f"{statistics.mean(values):.2f}" for values in scores if values))
        rows.append([symbol, *cells])
    return markdown(["partial / untrained / n, m, pT / root's input", *TASKS], rows)


def table_transfer(results: dict[str, Any]) -> str:
    """Return Table 2: transfer between tasks and, as a check, from each task to itself."""
    rows = []
    for pair, seeds in results.get("transfers", {}).items():
        each = list(seeds.values())
        cells = []
        for name in ("base", "transfer", "floor"):
            error = statistics.mean(one[name][1] for one in each)
            cells.append(f"{_with_scatter([one[name][0] for one in each], 4)} ± {error:.4f}")
        papers = [f"{value:.3f}" for value in each[0]["paper"]] if each[0]["paper"] else ["", ""]
        rows.append([pair, *cells, *papers])
    return markdown(["AUC", "base", "transfer", "random embedding", "paper: base", "paper: transfer"], rows)


def table_layers(results: dict[str, Any]) -> str:
    """Return the numbers of Fig. 2: R^2 from the last three layers of four networks, top against QCD."""
    rows = []
    for case, seeds in results.get("probes", {}).items():
        if not case.startswith("top/QCD"):
            continue
        layers = list(dict.fromkeys(row["layer"] for row in next(iter(seeds.values()))))
        for layer in layers:
            scores = _by_observable(results, case, "r2", layer)
            means = [f"{statistics.mean(scores[observable]):.2f}" for observable in SYMBOLS]
            rows.append([f"{case.removeprefix('top/QCD, ')}: {layer}", *means])
    return markdown(["R², top/QCD", *SYMBOLS.values()], rows)


def _with_scatter(values: Sequence[float], digits: int, mark: str = "") -> str:
    """Return the mean and, of several seeds, the standard deviation."""
    mean, scatter = mean_and_scatter(values)
    return f"{mark}{mean:.{digits}f}{mark}" + (f" ± {scatter:.{digits}f}" if len(values) > 1 else "")


def _by_observable(results: dict[str, Any], case: str, name: str, layer: str | None = None) -> dict[str, list[float]]:
    """Return the scores of all seeds by observable, from a layer or the first one."""
    scores: dict[str, list[float]] = {}
    for rows in results.get("probes", {}).get(case, {}).values():
        wanted = layer or rows[0]["layer"]
        for row in rows:
            if row["layer"] == wanted:
                scores.setdefault(row["observable"], []).append(row[name][0])
    return scores


def _paper(results: dict[str, Any], task: str, observable: str) -> float:
    rows: Sequence[dict[str, Any]] = next(iter(results["probes"][f"{task}, RecNN"].values()))
    return next(float(row["paper"]) for row in rows if row["observable"] == observable)


def main() -> None:
    """Measure what is missing, print it and write it."""
    chosen = options_of(__doc__, "recnn_accuracy").parse_args()
    results = {name: recorded("recnn_studies").get(name, {}) for name in ("probes", "transfers")}

    def measured(kind: str, case: str, seed: int) -> dict[str, Any] | None:
        """Return where the result of a study belongs, None where it is there or not wanted."""
        seeds: dict[str, Any] = results[kind].setdefault(case, {}) if re.search(chosen.only, case) else {}
        return seeds if re.search(chosen.only, case) and str(seed) not in seeds else None

    def run_of(case: str, seed: int) -> Path:
        fitted("recnn", [*runs()[case], "--data.path", str(chosen.data)], chosen.runs, case, seed)
        return folder_of(chosen.runs, case, seed)

    for seed in range(chosen.seeds if chosen.data is not None else 0):
        for case in runs():
            if (found := measured("probes", case, seed)) is not None:
                found[str(seed)] = probes(run_of(case, seed))
                record("recnn_studies", results)
        for target in TASKS:
            for source in TASKS:
                if (found := measured("transfers", f"{source} → {target}", seed)) is not None:
                    of_source, of_target = (run_of(f"{task}, RecNN", seed) for task in (source, target))
                    found[str(seed)] = transferred(of_source, of_target, seed)
                    record("recnn_studies", results)
    tables = (table(results), table_controls(results), table_transfer(results), table_layers(results))
    print(*tables, sep="\n\n")


if __name__ == "__main__":
    main()
