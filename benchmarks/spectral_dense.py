"""Clusters of the Gaussian graph of all pairs: suite_spectral beside scikit-learn, and how ours grows.

    python -m benchmarks.spectral_dense [--largest 50000]

Blobs in ten dimensions (gamma 0.03) and two rings (gamma 50), w(x, y) = exp(-gamma |x - y|^2) for both sides, with the
points drawn by scikit-learn and seed 0. Beside scikit-learn at 5,000 and 10,000 points: CPU seconds on one thread,
medians of turns within one process after a warm-up, once for what takes over ten seconds; MiB: growth of the peak
memory in a process of its own; the normalised cut of both answers on the same graph.

Ours alone goes on to 50,000 points with a budget of 4 GiB for the weights, which is enough for 32,768 points; beyond,
every product computes them again. Prints two tables and writes benchmarks/results/spectral_dense.json.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._record import recorded
from benchmarks._spectral import LONG, Example, alone, cell, example, keep, medians, scores, spent

GAMMA = {"blobs": 0.03, "circles": 50.0}
BESIDE = (5_000, 10_000)
GROWTH = (5_000, 10_000, 20_000, 30_000, 50_000)
BUDGET = 4 * 2**30
LIMIT = 900
"""CPU seconds after which a side is ended."""


def task(side: str, data: Example, gamma: float) -> Callable[[], Any]:
    """Return what a method does: a function that returns its labels."""
    import torch
    from sklearn.cluster import SpectralClustering

    from suite_spectral.clusters.clustering import cluster
    from suite_spectral.graphs.gaussian import GaussianGraph
    from suite_spectral.settings import Settings

    if side == "scikit-learn":
        return lambda: SpectralClustering(data.n_clusters, gamma=gamma, random_state=0).fit(data.content).labels_
    points = torch.from_numpy(data.content)
    return lambda: cluster(
        GaussianGraph(points, (2 * gamma) ** -0.5, BUDGET), Settings(n_clusters=data.n_clusters), points=points
    ).labels.numpy()


def once(side: str, name: str) -> dict[str, Any]:
    """Return a side's seconds, memory and answer."""
    import torch

    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.graphs.gaussian import GaussianGraph

    kind = name.split()[0]
    gamma = GAMMA[kind]
    task(side, example(f"{kind} 500"), gamma)()
    data = example(name)
    labels, seconds, mib = spent(task(side, data, gamma))
    result = {"seconds": seconds, "mib": mib, **scores(labels, data.truth)}
    if len(labels) <= max(BESIDE):
        graph = GaussianGraph(torch.from_numpy(data.content), (2 * gamma) ** -0.5, 0)
        result["ncut"] = ncut(graph, torch.from_numpy(labels).long(), data.n_clusters)
    return result


def asked(*options: str) -> Any:
    """Return the result of a process of its own."""
    return alone("benchmarks.spectral_dense", options, seconds=LIMIT)


def table(results: dict[str, Any]) -> str:
    """Return CPU seconds, memory and normalised cut on the Gaussian graph, beside scikit-learn."""
    rows = []
    for name, sides in results["beside"].items():
        kind, n = name.split()
        row = [f"{kind}, {int(n):,} points"]
        for result in sides.values():
            row += [cell(result), f"{result['ncut']:.6f}", f"{result['ari']:.3f}"]
        ours, theirs = sides["suite_spectral"], sides["scikit-learn"]
        times = [theirs[what] / ours[what] for what in ("seconds", "mib")]
        rows.append([*row, f"{times[0]:.1f}x / {times[1]:.1f}x"])
    columns = ["", "suite_spectral", "Ncut", "ARI", "scikit-learn", "Ncut", "ARI", "less time / memory"]
    return markdown(columns, rows)


def table_growth(results: dict[str, Any]) -> str:
    """Return CPU seconds and memory of ours on the Gaussian graph, as the points grow in number."""
    rows = [
        [
            f"{int(n):,}" + ("" if 4 * int(n) ** 2 <= results["budget"] else ", weights not kept"),
            *(f"{cell(by[n])}, ARI {by[n]['ari']:.3f}" if n in by else "" for by in results["growth"].values()),
        ]
        for n in next(iter(results["growth"].values()))
    ]
    return markdown(["points", *results["growth"]], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--largest", type=int, default=max(GROWTH), help="points of the growth")
    parser.add_argument("--name", help="of the set, for what follows")
    parser.add_argument("--once", help="measure this side, here")
    parser.add_argument("--turns", help="measure these sides, here")
    chosen = parser.parse_args()
    if chosen.once:
        print(json.dumps(once(chosen.once, chosen.name)))
        return
    if chosen.turns:
        data, gamma = example(chosen.name), GAMMA[chosen.name.split()[0]]
        print(json.dumps(medians({side: task(side, data, gamma) for side in chosen.turns.split(",")})))
        return
    before = recorded("spectral_dense").get("growth", {}) if chosen.largest < max(GROWTH) else {}
    beside: dict[str, Any] = {}
    growth: dict[str, Any] = {kind: dict(before.get(kind, {})) for kind in GAMMA}
    for n in GROWTH:
        for kind in GAMMA:
            name = f"{kind} {n}"
            if n > chosen.largest:
                continue
            growth[kind][str(n)] = asked("--name", name, "--once", "suite_spectral")
            print(f"{name}: {growth[kind][str(n)]}", flush=True)
            if n not in BESIDE:
                continue
            sides = {"suite_spectral": growth[kind][str(n)]}
            sides["scikit-learn"] = asked("--name", name, "--once", "scikit-learn")
            print(f"{name}, scikit-learn: {sides['scikit-learn']}", flush=True)
            short = [side for side, result in sides.items() if result["seconds"] <= LONG]
            for side, seconds in (asked("--name", name, "--turns", ",".join(short)) if short else {}).items():
                sides[side]["seconds"] = seconds
            beside[name] = {side: dict(result) for side, result in sides.items()}
            keep("spectral_dense", {"gamma": GAMMA, "budget": BUDGET, "beside": beside, "growth": growth})
    results = {"gamma": GAMMA, "budget": BUDGET, "beside": beside, "growth": growth}
    keep("spectral_dense", results)
    print(table(results), table_growth(results), sep="\n\n")


if __name__ == "__main__":
    main()
