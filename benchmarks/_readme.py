"""Writes the tables of the READMEs from benchmarks/results/*.json.

    python -m benchmarks._readme

A table stands between ``<!-- STEM.json -->`` and ``<!-- end -->``, or ``<!-- STEM.json PART -->`` where a file has
several; ``tests/test_readme.py`` fails when one is not what its file says.
"""

import json
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks._fits import mean_and_scatter

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md")), *sorted(ROOT.glob("docs/**/*.md"))]


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def light_verbs(results: dict[str, Any]) -> str:
    """CPU seconds of the light verbs."""
    rows = [
        [f"`{row['command']}`", f"{row['alone']:.2f}", f"{row['with_100_more']:.2f}"] for row in results["cpu_seconds"]
    ]
    return markdown(["command", "CPU s", "with 100 more plugins"], rows)


def dsa_network(results: dict[str, Any]) -> str:
    """CPU seconds of an epoch, packed and padded."""
    rows = [
        [
            lengths,
            f"{medians['packed']:.0f}",
            f"{medians['padded, bucketed']:.0f} ({medians['padded, bucketed'] / medians['packed']:.1f}x)",
            f"{medians['padded']:.0f} ({medians['padded'] / medians['packed']:.1f}x)",
        ]
        for lengths, medians in results["medians"].items()
    ]
    return markdown(["CPU s for 84,500 sentences of", "packed", "padded, length-bucketed", "padded"], rows)


def dsa_accuracy(results: dict[str, Any]) -> str:
    """Test accuracy of the recipes beside the paper's."""
    rows = []
    for case, values in results["cases"].items():
        accuracies = [100 * run["test_accuracy"] for run in values["runs"]]
        average, spread = mean_and_scatter(accuracies)
        seconds = statistics.median(run["cpu_seconds_per_epoch"] for run in values["runs"])
        each = ", ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        mean = f"**{average:.1f}** ± {spread:.1f}"
        rows.append([case, mean, each, f"{values['paper']:.1f}", f"{values['runs'][0]['epochs']}", f"{seconds:.0f}"])
    return markdown(["", "test accuracy", "seeds", "paper", "epochs", "CPU s an epoch"], rows)


def beside(time: float, unit: float) -> str:
    """A time and how many times the unit it is."""
    ratio = time / unit
    return f"{time:.2f} ({ratio:.{1 if ratio >= 0.95 else 2}f}x)"


def dsa_routing(results: dict[str, Any], allocator: str = "default") -> str:
    """Milliseconds of every way to route, and how many times those of the op they are."""
    kept = results[allocator]["table"]
    columns = [row for modes in zip(*(shape.values() for shape in kept.values()), strict=True) for row in modes]
    names = [f"{mode}, {shape}" for mode in next(iter(kept.values())) for shape in kept]
    rows = [
        [name, *(beside(column[name]["median"], column["dsa_routing"]["median"]) for column in columns)]
        for name in columns[0]
    ]
    return markdown(["ms, 1 thread", *names], rows)


def dsa_routing_kept(results: dict[str, Any]) -> str:
    """The same where malloc keeps freed pages."""
    return dsa_routing(results, "kept")


def dsa_routing_floor(results: dict[str, Any]) -> str:
    """The op beside one pass over its words, on one thread and on two."""
    columns = {
        f"{shape}, {threads} thread{'s' if threads != '1' else ''}": times
        for shape, both in results["kept"]["floor"].items()
        for threads, times in sorted(both.items())
    }
    rows = [
        [name, *(beside(times[name]["minimum"], times["read x once"]["minimum"]) for times in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return markdown(["ms, wall, least", *columns], rows)


def dsa_routing_fusing(results: dict[str, Any]) -> str:
    """Projection, LeakyReLU and routing, whole and in blocks."""
    shapes = {
        f"{shape}, malloc: {allocator}": each["times"]
        for allocator in results["allocators"]
        for shape, each in results[allocator]["fusing"].items()
    }
    rows = [
        [name, *(beside(times[name]["median"], times["whole"]["median"]) for times in shapes.values())]
        for name in next(iter(shapes.values()))
    ]
    return markdown(["ms, 1 thread", *shapes], rows)


def dsa_routing_growth(results: dict[str, Any]) -> str:
    """Nanoseconds of the op for each number of its words while one thing grows."""
    rows = [
        [
            f"{what}: {value}",
            *(f"{each['median']:.2f}" for each in times.values()),
            *(f"{each['median']:.2f}" for each in results["default"]["growth"][what][value].values()),
        ]
        for what, values in results["kept"]["growth"].items()
        for value, times in values.items()
    ]
    modes = ["forward", "forward and backward"]
    return markdown(["ns a number", *(f"{mode}{note}" for note in ("", ", malloc: default") for mode in modes)], rows)


def dsa_routing_step(results: dict[str, Any]) -> str:
    """A training step with either attention, and what the attention is of it."""
    whole = {name: each["median"] for name, each in results["step"]["step"].items()}
    alone = {name: each["median"] for name, each in results["step"]["alone"].items()}
    rows = []
    for name, time in whole.items():
        routing = f"{alone['routing']:.1f} ({alone['routing'] / time:.0%})" if name == "dynamic" else ""
        rows.append([name, beside(time, whole["static"]), f"{alone[name]:.1f} ({alone[name] / time:.0%})", routing])
    return markdown(["attention", "step, ms", "attention alone", "routing alone"], rows)


def dsa_routing_cuda(results: dict[str, Any]) -> str:
    """The ways to route on a GPU, and the part of a copy's bandwidth that the op reaches."""
    if not results["cuda"]:
        return "GPU: not measured."
    ways = {name: "" for case in results["cuda"].values() for name in case["times"] if name != "copy x"}
    rows = []
    for name, case in results["cuda"].items():
        for mode in ("forward", "forward and backward"):
            unit = case["times"]["dsa_routing"][mode]["median"]
            times = [case["times"][way] and case["times"][way][mode]["median"] for way in ways]
            part = case["part"]["forward" if mode == "forward" else "backward"]
            cells = [beside(time, unit) if time else "out of memory" for time in times]
            rows.append([f"{name}: {mode}", *cells, f"{part:.0%}"])
    return markdown(["ms", *ways, "of the copy bandwidth (forward, or backward alone)"], rows)


def tree_embedding(results: dict[str, Any], op: str = "tree_embedding") -> str:
    """Trees a CPU second, and how many times those of each form the op embeds."""
    columns = {
        f"{way}, {trees}": rates for trees, ways in results["trees_per_second"].items() for way, rates in ways.items()
    }
    rows = [
        [name, *(f"{rates[name]:,} ({rates[op] / rates[name]:.1f}x)" for rates in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return markdown(["trees a CPU second", *columns], rows)


def jet_clustering(results: dict[str, Any]) -> str:
    """Jets a CPU second, and how many times those of each form ours clusters."""
    columns = results["jets_per_second"]
    rows = [
        [name, *(f"{rates[name]:,} ({rates['suite_recnn'] / rates[name]:.1f}x)" for rates in columns.values())]
        for name in next(iter(columns.values()))
    ]
    return markdown(["jets a CPU second", *columns], rows)


def gated_tree_embedding(results: dict[str, Any]) -> str:
    """The same of the op with gates."""
    return tree_embedding(results, "gated_tree_embedding")


def recnn_step(results: dict[str, Any]) -> str:
    """Jets a CPU second through a training step, with the op and with its reference."""
    rows = [
        [
            f"{kind}, batches of {size}",
            f"{rates['op']:,.0f}",
            f"{rates['reference']:,.0f} ({rates['op'] / rates['reference']:.1f}x)",
        ]
        for kind, sizes in results["jets_per_second"].items()
        for size, rates in sizes.items()
    ]
    return markdown(["jets a CPU second, training", "op", "reference"], rows)


def recnn_accuracy(results: dict[str, Any]) -> str:
    """AUC and rejection of every network and task, beside the paper's AUC of its recursive network."""
    paper = {"W/QCD": "0.957", "top/QCD": "0.926", "quark/gluon": "0.861"}
    rows = []
    for case, values in results["cases"].items():
        task, network = case.split(", ", maxsplit=1)
        if task not in paper:
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
                paper[task] if network == "RecNN" else "",
                *(f"{rejection:.0f}" for rejection in rejections),
                f"{values['runs'][0]['epochs']}",
                f"{seconds:.0f}",
            ]
        )
    columns = ["", "AUC", "seeds", "paper", "1/ε_B at 50 %", "1/ε_B at 30 %", "epochs", "CPU s an epoch"]
    return markdown(columns, rows)


def recnn_accuracy_steps(results: dict[str, Any]) -> str:
    """What each setting does for W/QCD."""
    rows = []
    for case, values in results["cases"].items():
        step, run = case.removeprefix("W/QCD step, "), values["runs"][0]
        if step != case:
            auc = f"{run['test_auc']:.4f} ± {run['test_auc_error']:.4f}"
            rows.append([step, auc, f"{run['best_val']:.4f}", f"{run['test_rejection_50']:.0f}"])
    return markdown(["W/QCD, seed 0", "test AUC", "validation AUC", "1/ε_B at 50 %"], rows)


def tweets_accuracy(results: dict[str, Any]) -> str:
    """Training loss at the end; held-out bits per character, variety and copying by the best checkpoint."""
    paper = {"model-1": 0.385, "model-2": 0.475, "model-3": 3.48, "model-4": 3.58}
    rows = []
    for case, values in results["cases"].items():
        runs = values["runs"]

        def mean(name: str, digits: int, runs: Any = runs) -> str:
            found = [run[name] for run in runs if name in run]
            if not found:
                return ""
            average, spread = mean_and_scatter(found)
            return f"{average:.{digits}f}" + (f" ± {spread:.{digits}f}" if len(found) > 1 else "")

        as_long = case.endswith(" epochs")  # as in the paper
        published = next((f"{loss}" for name, loss in paper.items() if as_long and f", {name}," in case), "")
        ended = mean_and_scatter([run["last"]["test_bits_per_char"] for run in runs])[0]
        copied = mean_and_scatter([run["last"]["test_copied_4"] for run in runs])[0]
        rows.append(
            [
                case,
                f"{runs[0]['epochs']}",
                mean("train_loss", 2),
                published,
                mean("test_bits_per_char", 3),
                mean("test_bits_per_char_cached", 3),
                f"{ended:.3f}",
                *(mean(f"test_distinct_{n}", 2) for n in (1, 2, 3)),
                f"{100 * mean_and_scatter([run['test_copied_4'] for run in runs])[0]:.1f} % / {100 * copied:.1f} %",
                f"{100 * mean_and_scatter([run['test_copied_8'] for run in runs])[0]:.2f} %",
                mean("test_length_distance", 1),
            ]
        )
    columns = ["", "epochs", "training loss", "paper's", "bits per character", "with the cache", "at the end"]
    columns += ["distinct-1", "distinct-2", "distinct-3", "copied 4-grams / at the end", "copied 8-grams", "lengths"]
    return markdown(columns, rows)


def tweets_accuracy_samples(results: dict[str, Any]) -> str:
    """Ten tweets that each case wrote."""
    parts = []
    for case, values in results["cases"].items():
        tweets = [
            " ".join(tweet.split()).replace("|", "\\|").replace("<", "&lt;") for tweet in values["runs"][0]["samples"]
        ]
        parts.append("\n".join([f"**{case}**\n", *(f"{i}. {tweet}" for i, tweet in enumerate(tweets, start=1))]))
    return "\n\n".join(parts)


def tweets_generation(results: dict[str, Any]) -> str:
    """Tweets a CPU second, and how far the lengths are from the account's, in characters."""
    rows = []
    for name, forms in results["runs"].items():
        rates = {form: each["tweets_a_second"] for form, each in forms.items()}
        slower = [f"{rate:.0f} ({rates['together'] / rate:.0f}x)" for form, rate in rates.items() if form != "together"]
        rows.append([name, f"{rates['together']:.0f}", *slower, f"{forms['together']['length_distance']:.1f}"])
    columns = ["tweets a CPU second", "together", "one by one, whole prefix", "one by one, its last softmax alone"]
    return markdown([*columns, "lengths apart, together"], rows)


def tweets_step(results: dict[str, Any]) -> str:
    """Tokens a CPU second in training, of three loops."""
    rows = [
        [name, *(f"{rate:,} ({rate / rates['hand']:.2f}x)" for rate in rates.values())]
        for name, rates in results["tokens_per_cpu_second"].items()
    ]
    forms = next(iter(results["tokens_per_cpu_second"].values()))
    said = {"ours": "`suite fit`", "hand": "by hand", "keras": "Keras on torch"}
    return markdown(["tokens a CPU second", *(said[form] for form in forms)], rows)


def spent(found: Any, unit: float | None = None) -> str:
    """CPU seconds, how many times the unit they are, and MiB; or the bound that something went beyond."""
    if isinstance(found, str):
        return found
    seconds = found["seconds"]
    digits = 3 if seconds < 0.1 else 2 if seconds < 10 else 0
    times = "" if unit is None else f" ({seconds / unit:.{1 if seconds / unit >= 0.95 else 2}f}x)"
    return f"{seconds:.{digits}f} s{times}, {found['mib']:.0f} MiB"


def spectral_graphs(results: dict[str, Any], suffix: str = "") -> str:
    """CPU seconds and memory of clusters of nearest-neighbour graphs, beside scikit-learn's solvers."""
    rows = []
    for name, case in results["cases"].items():
        sides = case["sides"]
        unit = sides[f"ours{suffix}"]["seconds"]
        row = [name.split()[0], f"{case['n']:,} x {case['dim']}, {case['k']}", spent(sides[f"ours{suffix}"])]
        row += [spent(sides[f"{solver}{suffix}"], unit) for solver in ("arpack", "amg")]
        if not suffix:
            tolerance = case["amg_tolerance"]
            tight = sides.get(f"amg {tolerance}")
            row.append("" if tolerance is None else f"{tolerance}: {spent(tight, unit)}" if tight else "none")
        rows.append(row)
    columns = ["", "points x dim, clusters", "suite_spectral", "scikit-learn, arpack", "scikit-learn, amg"]
    return markdown(columns if suffix else [*columns, "amg, first tolerance with the exact Ncut"], rows)


def spectral_graphs_whole(results: dict[str, Any]) -> str:
    """The same with the building of the graph."""
    return spectral_graphs(results, " whole")


def spectral_graphs_answers(results: dict[str, Any]) -> str:
    """Normalised cut and ARI of the answers on the given graph."""
    rows = []
    for name, case in results["cases"].items():
        exact = case["exact"]["ncut"]
        row = [name.split()[0], f"{exact:.4g} ({case['exact']['solver']}), ARI {case['exact']['ari']:.3f}"]
        for side in ("ours", "arpack", "amg"):
            found = case["sides"][side]
            if isinstance(found, str):
                row.append(found)
                continue
            away = f"{100 * (found['ncut'] / exact - 1):+.2f} %" if exact > 1e-12 else f"{found['ncut']:.2g}"
            empty = "" if found["clusters"] == case["k"] else f", {found['clusters']} clusters"
            row.append(f"{away}, {found['ari']:.3f}{empty}")
        rows.append(row)
    return markdown(["Ncut against the exact, ARI", "exact", "suite_spectral", "arpack", "amg"], rows)


def spectral_dense(results: dict[str, Any]) -> str:
    """CPU seconds, memory and normalised cut on the Gaussian graph, beside scikit-learn."""
    rows = []
    for name, sides in results["beside"].items():
        kind, n = name.split()
        row = [f"{kind}, {int(n):,} points"]
        for found in sides.values():
            row += [spent(found), f"{found['ncut']:.6f}", f"{found['ari']:.3f}"]
        ours, theirs = sides["suite_spectral"], sides["scikit-learn"]
        times = [theirs[what] / ours[what] for what in ("seconds", "mib")]
        rows.append([*row, f"{times[0]:.1f}x / {times[1]:.1f}x"])
    columns = ["", "suite_spectral", "Ncut", "ARI", "scikit-learn", "Ncut", "ARI", "less time / memory"]
    return markdown(columns, rows)


def spectral_dense_growth(results: dict[str, Any]) -> str:
    """CPU seconds and memory of ours on the Gaussian graph, as the points grow in number."""
    rows = [
        [
            f"{int(n):,}" + ("" if 4 * int(n) ** 2 <= results["budget"] else ", weights not kept"),
            *(f"{spent(by[n])}, ARI {by[n]['ari']:.3f}" if n in by else "" for by in results["growth"].values()),
        ]
        for n in next(iter(results["growth"].values()))
    ]
    return markdown(["points", *results["growth"]], rows)


def spectral_million(results: dict[str, Any]) -> str:
    """CPU seconds, memory, ARI and normalised cut of a million points."""
    said = {"exact": "suite_spectral, every point", "landmarks": f"suite_spectral, {results['landmarks']} landmarks"}
    rows = []
    for name, routes in results["cases"].items():
        for route, found in routes.items():
            row = [f"{name}, {said.get(route, route)}"]
            if isinstance(found, str):
                rows.append([*row, found, "", "", ""])
                continue
            stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in found["stages"].items())
            cut = f"{found['ncut']:.3g} ({found['ncut_of_truth']:.3g})"
            rows.append([*row, spent(found), stages, f"{found['ari']:.4f}", cut])
    columns = [f"{results['points']:,} points", "CPU s, memory", "of these", "ARI", "Ncut (of the true labels)"]
    return markdown(columns, rows)


def spectral_applications(results: dict[str, Any]) -> str:
    """ARI, NMI and CPU seconds of every application and method; the best ARI of a row is bold."""
    names = {"scikit-learn": "scikit-learn, defaults", "scikit-learn, nearest_neighbors": "scikit-learn, neighbours"}
    methods = list(next(iter(results["cases"].values()))["methods"])
    rows = []
    for name, case in results["cases"].items():
        measured = [round(each["ari"], 3) for each in case["methods"].values() if not isinstance(each, str)]
        best = max(measured, default=None)
        row = [f"{case['kind']}: {name.split()[0] if name[-1].isdigit() else name}", f"{case['n']:,}, {case['k']}"]
        for method in methods:
            each = case["methods"].get(method, "")
            if isinstance(each, str):
                row.append(each)
                continue
            bold = "**" if round(each["ari"], 3) == best else ""
            digits = 3 if each["seconds"] < 0.1 else 2 if each["seconds"] < 10 else 0
            row.append(f"{bold}{each['ari']:.3f}{bold}, {each['nmi']:.3f}, {each['seconds']:.{digits}f} s")
        rows.append(row)
    return markdown(["ARI, NMI, CPU s", "points, clusters", *(names.get(method, method) for method in methods)], rows)


def spectral_predict(results: dict[str, Any]) -> str:
    """How far predicted clusters agree with refitted ones, and the CPU seconds of both."""
    rows = []
    for name, graphs in results["cases"].items():
        for graph, runs in graphs.items():
            means = {what: statistics.mean(run[what] for run in runs) for what in runs[0]}
            agreements = [f"{means[what]:.3f}" for what in ("new", "nearest", "old", "predicted", "refitted")]
            times = [f"{means[what]:.2f} s" for what in ("seconds", "refit_seconds")]
            rows.append([f"{name.split()[0]}, {graph}", *agreements, *times])
    columns = ["ARI", "new: predicted, refitted", "new: of the nearest, refitted", "old: fitted, refitted"]
    return markdown([*columns, "predicted, classes", "refitted, classes", "predict", "refit"], rows)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "light_verbs": light_verbs,
    "dsa_network": dsa_network,
    "dsa_accuracy": dsa_accuracy,
    "dsa_routing": dsa_routing,
    "dsa_routing kept": dsa_routing_kept,
    "dsa_routing floor": dsa_routing_floor,
    "dsa_routing fusing": dsa_routing_fusing,
    "dsa_routing growth": dsa_routing_growth,
    "dsa_routing step": dsa_routing_step,
    "dsa_routing cuda": dsa_routing_cuda,
    "spectral_applications": spectral_applications,
    "spectral_dense": spectral_dense,
    "spectral_dense growth": spectral_dense_growth,
    "spectral_graphs": spectral_graphs,
    "spectral_graphs answers": spectral_graphs_answers,
    "spectral_graphs whole": spectral_graphs_whole,
    "spectral_million": spectral_million,
    "spectral_predict": spectral_predict,
    "tree_embedding": tree_embedding,
    "gated_tree_embedding": gated_tree_embedding,
    "jet_clustering": jet_clustering,
    "recnn_step": recnn_step,
    "recnn_accuracy": recnn_accuracy,
    "recnn_accuracy steps": recnn_accuracy_steps,
    "tweets_accuracy": tweets_accuracy,
    "tweets_accuracy samples": tweets_accuracy_samples,
    "tweets_generation": tweets_generation,
    "tweets_step": tweets_step,
}


def written(page: str) -> str:
    """A page with every table as its results say."""

    def table(found: re.Match[str]) -> str:
        results = json.loads((ROOT / "benchmarks" / "results" / f"{found[1]}.json").read_text())
        return f"<!-- {found[1]}.json{found[2]} -->\n{TABLES[found[1] + found[2]](results)}\n<!-- end -->"

    return re.sub(r"<!-- (\w+)\.json((?: \w+)?) -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def main() -> None:
    """Writes the pages."""
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
