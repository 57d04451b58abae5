"""Clusters of nearest-neighbour graphs: suite_spectral beside scikit-learn with each of its eigen-solvers.

    python -m benchmarks.spectral_graphs [--only digits,mnist10k]

The graph is scikit-learn's own, 10 neighbours, edges of weight 1 and 1/2. Two things are measured: eigenvectors and
k-means on the same given graph, and the whole job from the points. A graph is given without its diagonal, which
scikit-learn leaves out of its Laplacian and suite_spectral does not. All sides have the same number of clusters, ten
starts of k-means and seed 0; each answer's normalised cut (Ncut) is computed on the same given graph. The exact one is
that of all eigenvalues by LAPACK, of ARPACK to rounding, or, where ARPACK takes too long, of our own eigenvectors to
1e-5 of the gap. Where amg's answer is more than 0.25 % above it and above ARPACK's, amg is measured also with the
loosest power of ten for `eigen_tol` with which it is not.

CPU seconds on one thread, medians of three turns within one process after a warm-up, each side called as often as
takes a second; what takes over ten seconds is measured once, in a process of its own. MiB: growth of the peak memory in
a process of its own. Prints three tables and writes benchmarks/results/spectral_graphs.json. Needs pyamg for `amg`,
which is no requirement of the project.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._record import recorded
from benchmarks._spectral import LONG, Example, alone, cell, example, keep, medians, scores, spent

NAMES = [
    "iris",
    "digits",
    "aggregation",
    "moons 1000",
    "pendigits_train",
    "chameleon_t7_10k",
    "mnist10k",
    "letter",
    "blobs 20000",
    "circles 100000",
    "birch1",
    "worms_2",
]
NEIGHBOURS = 10
TOLERANCES = ("1e-3", "1e-4", "1e-5", "1e-6", "1e-7", "1e-8")
NEAR = 1.0025
"""So many times the exact Ncut is near enough."""
LIMIT = 100
"""CPU seconds after which a side is ended."""


def task(side: str, data: Example, weights: Any) -> Callable[[], Any]:
    """Return what a method does: a function that returns its labels.

    Args:
        side: `exact` and a solver, `ours`, `arpack`, `amg`, or `amg` and a tolerance; then ` whole` if from the points.
        given: the points.
        weights: of the graph, scipy csr without a diagonal.
    """
    import torch
    from sklearn.cluster import SpectralClustering

    from suite_spectral.clusters.clustering import cluster
    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.graphs.neighbour_graph import neighbour_graph
    from suite_spectral.settings import Settings

    name, *options = side.split()
    k, ours = data.n_clusters, Settings(n_clusters=data.n_clusters)
    if name == "exact":
        fine = 1e-5 if options == ["multilevel"] else None
        solver: Any = options[0]
        solved = Settings(n_clusters=k, solver=solver, tolerance=fine)
        return lambda: cluster(SparseGraph.from_scipy(weights), solved).labels.numpy()
    if name == "ours" and not options:
        return lambda: cluster(SparseGraph.from_scipy(weights), ours).labels.numpy()
    if name == "ours":
        points = torch.from_numpy(data.content)
        return lambda: cluster(neighbour_graph(points, NEIGHBOURS), ours, points=points).labels.numpy()
    tolerance: Any = float(options[0]) if options and options != ["whole"] else "auto"
    settings = {"eigen_solver": name, "eigen_tol": tolerance, "random_state": 0}
    if options == ["whole"]:
        return lambda: (
            SpectralClustering(k, affinity="nearest_neighbors", n_neighbors=NEIGHBOURS, **settings)
            .fit(data.content)
            .labels_
        )
    return lambda: SpectralClustering(k, affinity="precomputed", **settings).fit(weights).labels_


def small() -> Example:
    """Return a small problem, which loads everything that is loaded late."""
    return example("moons 1000")


def graph_of(data: Example) -> Any:
    """Return the weights of the graph, scipy csr without a diagonal."""
    import scipy.sparse
    import torch

    from suite_spectral.graphs.neighbour_graph import neighbour_graph

    weights = scipy.sparse.csr_matrix(neighbour_graph(torch.from_numpy(data.content), NEIGHBOURS).scipy())
    weights.setdiag(0)
    weights.eliminate_zeros()
    return weights


def once(side: str, data: Example, weights: Any) -> dict[str, Any]:
    """Return a side's seconds, memory and answer."""
    import torch

    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.graphs.graph import SparseGraph

    few = small()
    task(side.replace("arpack", "dense") if "exact" in side else side, few, graph_of(few))()
    labels, seconds, mib = spent(task(side, data, weights))
    value = ncut(SparseGraph.from_scipy(weights), torch.from_numpy(labels).long(), data.n_clusters)
    return {"seconds": seconds, "mib": mib, "ncut": value, **scores(labels, data.truth), "clusters": len(set(labels))}


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Return everything of one set."""

    def asked(*options: str) -> Any:
        here = ["--name", name, "--folder", str(folder), *options]
        return alone("benchmarks.spectral_graphs", here, seconds=LIMIT)

    shape = asked("--graph")
    sides: dict[str, Any] = {"ours": asked("--once", "ours")}
    for side in ("arpack", "amg", "ours whole", "arpack whole", "amg whole"):
        stopped = isinstance(sides.get(side.split()[0]), str)
        sides[side] = sides[side.split()[0]] if stopped else asked("--once", side)
        print(f"{name}, {side}: {sides[side]}", flush=True)
    exact = None
    for solver in ("dense",) if shape["n"] <= 3000 else ("arpack", "multilevel"):
        if solver != "arpack" or isinstance(sides["arpack"], dict):
            exact = asked("--once", f"exact {solver}") | {"solver": solver}
            break
    assert exact is not None
    # What ARPACK's answer has more than the exact one is k-means', whose starts are scikit-learn's for both.
    enough = NEAR * max(exact["ncut"], sides["arpack"]["ncut"] if isinstance(sides["arpack"], dict) else 0)
    tolerance = None
    if isinstance(sides["amg"], dict) and sides["amg"]["ncut"] > enough:
        tolerance = "none"
        for each in TOLERANCES:
            result = asked("--once", f"amg {each}")
            print(f"{name}, amg {each}: {result}", flush=True)
            if isinstance(result, dict) and result["ncut"] <= enough:
                tolerance, sides[f"amg {each}"] = each, result
                break
    short = [side for side, result in sides.items() if isinstance(result, dict) and result["seconds"] <= LONG]
    for part in ([side for side in short if "whole" not in side], [side for side in short if "whole" in side]):
        if part:
            for side, seconds in asked("--turns", ",".join(part)).items():
                sides[side]["seconds"] = seconds
    print(name, {side: result["seconds"] for side, result in sides.items() if isinstance(result, dict)}, flush=True)
    return {**shape, "exact": exact, "amg_tolerance": tolerance, "sides": sides}


def table(results: dict[str, Any], suffix: str = "") -> str:
    """Return CPU seconds and memory of clusters of nearest-neighbour graphs, beside scikit-learn's solvers."""
    rows = []
    for name, case in results["cases"].items():
        sides = case["sides"]
        unit = sides[f"ours{suffix}"]["seconds"]
        row = [name.split()[0], f"{case['n']:,} x {case['dim']}, {case['k']}", cell(sides[f"ours{suffix}"])]
        row += [cell(sides[f"{solver}{suffix}"], unit) for solver in ("arpack", "amg")]
        if not suffix:
            tolerance = case["amg_tolerance"]
            tight = sides.get(f"amg {tolerance}")
            row.append("" if tolerance is None else f"{tolerance}: {cell(tight, unit)}" if tight else "none")
        rows.append(row)
    columns = ["", "points x dim, clusters", "suite_spectral", "scikit-learn, arpack", "scikit-learn, amg"]
    return markdown(columns if suffix else [*columns, "amg, first tolerance with the exact Ncut"], rows)


def table_whole(results: dict[str, Any]) -> str:
    """Return the table with the building of the graph."""
    return table(results, " whole")


def table_answers(results: dict[str, Any]) -> str:
    """Return normalised cut and ARI of the answers on the given graph."""
    rows = []
    for name, case in results["cases"].items():
        exact = case["exact"]["ncut"]
        row = [name.split()[0], f"{exact:.4g} ({case['exact']['solver']}), ARI {case['exact']['ari']:.3f}"]
        for side in ("ours", "arpack", "amg"):
            result = case["sides"][side]
            if isinstance(result, str):
                row.append(result)
                continue
            away = f"{100 * (result['ncut'] / exact - 1):+.2f} %" if exact > 1e-12 else f"{result['ncut']:.2g}"
            empty = "" if result["clusters"] == case["k"] else f", {result['clusters']} clusters"
            row.append(f"{away}, {result['ari']:.3f}{empty}")
        rows.append(row)
    return markdown(["Ncut against the exact, ARI", "exact", "suite_spectral", "arpack", "amg"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", help="of the sets, with commas; the others stay as they were")
    parser.add_argument("--name", help="of the set, for what follows")
    parser.add_argument("--folder", type=Path, help="of the graph")
    parser.add_argument("--graph", action="store_true", help="build the graph, here")
    parser.add_argument("--once", help="measure this side, here")
    parser.add_argument("--turns", help="measure these sides, here")
    chosen = parser.parse_args()
    if chosen.name is None:
        cases = recorded("spectral_graphs").get("cases", {}) if chosen.only else {}
        for name in chosen.only.split(",") if chosen.only else NAMES:
            with tempfile.TemporaryDirectory() as folder:
                cases[name] = measure(name, Path(folder))
            results = {"neighbours": NEIGHBOURS, "limit": LIMIT, "cases": {n: cases[n] for n in NAMES if n in cases}}
            keep("spectral_graphs", results)
        print(table(results), table_whole(results), table_answers(results), sep="\n\n")
        return
    import scipy.sparse

    data = example(chosen.name)
    file = chosen.folder / "weights.npz"
    if chosen.graph:
        weights = graph_of(data)
        scipy.sparse.save_npz(file, weights)
        n, dim = data.content.shape
        print(json.dumps({"n": n, "dim": dim, "k": data.n_clusters, "weights": weights.nnz}))
        return
    weights = scipy.sparse.load_npz(file)
    if chosen.once:
        print(json.dumps(once(chosen.once, data, weights)))
    else:
        print(json.dumps(medians({side: task(side, data, weights) for side in chosen.turns.split(",")})))


if __name__ == "__main__":
    main()
