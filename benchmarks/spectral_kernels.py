"""The compiled loops of suite_spectral beside what they replace: torch's aggregation, and scikit-learn's k-means.

    python -m benchmarks.spectral_kernels [--only digits,birch1]

The graph is that of ten neighbours, as in spectral_graphs. The aggregation is that of the finest level, compiled and by
its reference. k-means has the rows of the same eigenvectors on both sides, a connected graph's, and ten starts; its
answers are compared by inertia and by the normalised cut (Ncut) of the graph.

CPU seconds on one thread, medians of three turns within one process after one call for warm-up. Prints a table and
writes benchmarks/results/spectral_kernels.json.
"""

import argparse
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from benchmarks._spectral import example
from benchmarks._timing import median_seconds
from benchmarks.spectral_graphs import graph_of

NAMES = ["digits", "chameleon_t7_10k", "circles 100000", "worms_2", "birch1"]
TURNS = 3


def measure(name: str) -> dict[str, Any]:
    """Return seconds, inertia and Ncut of both sides for one set."""
    import numpy as np
    import scipy.sparse
    import torch
    from sklearn.cluster import KMeans

    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.clusters.labelling import scaled_rows
    from suite_spectral.clusters.starts import best_start
    from suite_spectral.eigen.aggregation import aggregated, aggregated_reference
    from suite_spectral.eigen.laplacian import Laplacian
    from suite_spectral.eigen.spectrum import spectrum
    from suite_spectral.graphs.graph import SparseGraph

    torch.set_num_threads(1)
    data = example(name)
    weights, k = scipy.sparse.csr_array(graph_of(data)), data.n_clusters
    graph = SparseGraph.from_scipy(weights)
    laplacian = Laplacian(graph)
    scale = scipy.sparse.diags_array(laplacian.inverse.numpy())
    matrix = scipy.sparse.csr_array(scipy.sparse.eye_array(graph.n) - scale @ weights @ scale)
    diagonal = matrix.diagonal()
    pairs = spectrum(laplacian, k)
    rows = np.ascontiguousarray(scaled_rows(pairs.vectors[:, :k], laplacian.root, "random-walk").numpy())
    answers: dict[str, Any] = {}

    def answer(side: str, labels: Any, inertia: float) -> None:
        cut = ncut(graph, torch.from_numpy(labels).long(), k)
        answers[side] = {"inertia": inertia, "ncut": cut, "clusters": len(np.unique(labels))}

    def ours() -> None:
        answer("compiled k-means", (found := best_start(rows, k, n_init=10, seed=0)).labels, found.inertia)

    def theirs() -> None:
        found = KMeans(k, n_init=10, random_state=0).fit(rows)
        answer("scikit-learn's k-means", found.labels_, found.inertia_)

    steps: dict[str, Callable[[], Any]] = {
        "torch's aggregation": lambda: aggregated_reference(matrix, diagonal, 0),
        "compiled aggregation": lambda: aggregated(matrix, diagonal, 0),
        "scikit-learn's k-means": theirs,
        "compiled k-means": ours,
    }
    seconds = median_seconds(steps, TURNS)
    return {"n": graph.n, "k": k, "components": int(pairs.components.max()) + 1, "seconds": seconds, "answers": answers}


def table(results: dict[str, Any]) -> str:
    """Return CPU seconds of both sides, and what k-means has found."""
    rows = []
    for name, case in results["cases"].items():
        seconds, answers = case["seconds"], case["answers"]
        ours, theirs = answers["compiled k-means"], answers["scikit-learn's k-means"]
        row = [name.split()[0], f"{case['n']:,}, {case['k']}"]
        for before, after in (
            ("torch's aggregation", "compiled aggregation"),
            ("scikit-learn's k-means", "compiled k-means"),
        ):
            ratio = seconds[before] / seconds[after]
            row.append(f"{1000 * seconds[before]:,.1f} -> {1000 * seconds[after]:,.1f} ms ({ratio:.1f}x)")
        row += [f"{theirs[what]:.5g} -> {ours[what]:.5g}" for what in ("inertia", "ncut")]
        rows.append(row)
    return markdown(["", "points, clusters", "aggregation", "k-means", "inertia", "Ncut"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", help="of the sets, with commas; the others stay as they were")
    chosen = parser.parse_args()
    cases = recorded("spectral_kernels").get("cases", {}) if chosen.only else {}
    for name in chosen.only.split(",") if chosen.only else NAMES:
        cases[name] = measure(name)
        print(name, cases[name], flush=True)
        packages = {package: version(package) for package in ("scikit-learn", "scipy")}
        record(
            "spectral_kernels", {"packages": packages, "cases": {each: cases[each] for each in NAMES if each in cases}}
        )
    print(table(recorded("spectral_kernels")))


if __name__ == "__main__":
    main()
