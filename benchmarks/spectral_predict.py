"""Clusters of new points: predicted from what was fitted, beside fitting again with the new points among the others.

    python -m benchmarks.spectral_predict [--only digits]

A fifth of the points is held out, chosen by seeds 0, 1 and 2; the rest is fitted and the held-out points are predicted
(the Nyström formula and the nearest centroid). Then everything is fitted again. The graph is the plugin's default, 10
neighbours, or the one of the label-free rule. In the table, means over the seeds:

- new: ARI between predicted and refitted clusters of the held-out points;
- old: ARI between the fitted and the refitted clusters of the others, which no prediction has part in;
- the ARI of both with the classes, on the held-out points;
- nearest: as "new", for the cluster of the nearest fitted point;
- CPU seconds, one thread, of the prediction and of the refit.

Prints a table and writes benchmarks/results/spectral_predict.json.
"""

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np

from benchmarks._markdown import markdown
from benchmarks._record import recorded
from benchmarks._spectral import Example, alone, example, keep

NAMES = ("moons 3000", "digits", "pendigits_train", "mnist10k", "letter")
SEEDS = (0, 1, 2)
HELD_OUT = 0.2
GRAPHS = {"10 neighbours": 10, "by the rule": None}


def measure(data: Example, n_neighbors: int | None, seed: int) -> dict[str, float]:
    """Return agreements and seconds with one part held out."""
    import torch
    from sklearn.metrics import adjusted_rand_score

    from suite_spectral.graphs.neighbours import nearest_to
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.solving.routes import solve

    clusterer = SpectralClusterer(n_clusters=data.n_clusters, n_neighbors=n_neighbors)
    settings = clusterer.settings()
    points = torch.from_numpy(data.content)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(points)))
    held_out = round(HELD_OUT * len(points))
    new, old = order[:held_out], order[held_out:]
    fit = solve(points[old], settings)
    begun = time.process_time()
    predicted = fit.fitted.assign(points[new])
    seconds = time.process_time() - begun
    begun = time.process_time()
    refit = solve(points, settings).clustering.labels
    refit_seconds = time.process_time() - begun
    labels = fit.clustering.labels
    truth = torch.from_numpy(data.truth)[new]
    nearest = labels[nearest_to(points[new], points[old], 1).indices[:, 0]]
    return {
        "new": adjusted_rand_score(refit[new], predicted),
        "old": adjusted_rand_score(refit[old], labels),
        "predicted": adjusted_rand_score(truth, predicted),
        "refitted": adjusted_rand_score(truth, refit[new]),
        "nearest": adjusted_rand_score(refit[new], nearest),
        "seconds": seconds,
        "refit_seconds": refit_seconds,
    }


def table(results: dict[str, Any]) -> str:
    """Return how far predicted clusters agree with refitted ones, and the CPU seconds of both."""
    rows = []
    for name, graphs in results["cases"].items():
        for graph, runs in graphs.items():
            means = {what: statistics.mean(run[what] for run in runs) for what in runs[0]}
            agreements = [f"{means[what]:.3f}" for what in ("new", "nearest", "old", "predicted", "refitted")]
            times = [f"{means[what]:.2f} s" for what in ("seconds", "refit_seconds")]
            rows.append([f"{name.split()[0]}, {graph}", *agreements, *times])
    columns = ["ARI", "new: predicted, refitted", "new: of the nearest, refitted", "old: fitted, refitted"]
    return markdown([*columns, "predicted, classes", "refitted, classes", "predict", "refit"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", help="of the sets, with commas; the others stay as they were")
    parser.add_argument("--graph", choices=GRAPHS, help="measure this graph, here")
    chosen = parser.parse_args()
    if chosen.graph:
        data = example(chosen.only)
        measure(example("moons 1000"), 10, 0)  # has everything loaded that is loaded late
        print(json.dumps([measure(data, GRAPHS[chosen.graph], seed) for seed in SEEDS]))
        return
    cases = recorded("spectral_predict").get("cases", {}) if chosen.only else {}
    for name in chosen.only.split(",") if chosen.only else NAMES:
        for graph in GRAPHS:
            runs = alone("benchmarks.spectral_predict", ["--only", name, "--graph", graph], seconds=900)
            cases.setdefault(name, {})[graph] = runs
            print(f"{name}, {graph}: {runs}", flush=True)
        cases = {each: cases[each] for each in NAMES if each in cases}
        keep("spectral_predict", {"held_out": HELD_OUT, "cases": cases})
    print(table({"held_out": HELD_OUT, "cases": cases}))


if __name__ == "__main__":
    main()
