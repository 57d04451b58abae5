"""How near to the least inertia a start of k-means has to be for its normalised cut to count: `NEAR` of starts.py.

    python -m benchmarks.spectral_starts [--only iris]

Graphs of 10 neighbours of points drawn here, of scikit-learn's tables and of shapes, colours of photographs, and block
models: none of those of spectral_graphs, on which nothing is chosen. The eigenvectors are found once; then k-means has
ten starts for each of the seeds 0 to 9. Recorded are the mean normalised cut (Ncut), which the method is to make small,
and how far the answers of different seeds agree: the mean adjusted Rand index of all pairs of them. Labels are not
seen. CPU seconds of k-means on one thread, of all ten seeds. Writes benchmarks/results/spectral_starts.json.
"""

import time
from itertools import combinations
from typing import Any

import numpy as np
import scipy.sparse

from benchmarks._markdown import markdown
from benchmarks._spectral import each_measured, example

VALUES = (1.05, 1.1, 1.2, 1.3, 1.5)
BEFORE = 1.1
SEEDS = range(10)
NAMES = (
    *(f"mixture {k} {spread}" for k in (5, 20, 50) for spread in (1.5, 3)),
    *(f"blocks {k} {inside}" for k in (5, 15, 40) for inside in (8, 12)),
    "wine",
    "breast_cancer",
    *("compound", "pathbased", "chameleon_t4_8k", "chameleon_t5_8k", "chameleon_t8_8k"),
    "tissue_gene",
    "china.jpg",
    "flower.jpg",
)


def graph_of(name: str) -> tuple[Any, int]:
    """Return a graph by name, and the number of its clusters: 8 of a photograph."""
    import torch
    from sklearn import datasets

    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.graphs.neighbour_graph import neighbour_graph

    kind, *numbers = name.split()
    draw = np.random.default_rng(0)
    if kind == "blocks":
        k, inside, n = int(numbers[0]), float(numbers[1]), 4000
        truth = draw.integers(0, k, n)
        chance = np.where(truth[:, None] == truth, inside * k / n, 4 / n)
        upper = np.triu(draw.random((n, n)) < chance, 1)
        return SparseGraph.from_scipy(scipy.sparse.csr_array((upper + upper.T).astype(float))), k
    if kind == "mixture":
        k, spread = int(numbers[0]), float(numbers[1])
        points = datasets.make_blobs(
            4000, n_features=5, centers=k, cluster_std=spread * draw.uniform(0.5, 1.5, k), random_state=0
        )[0]
    elif kind.endswith(".jpg"):
        pixels = datasets.load_sample_image(kind)[::8, ::8]
        places = np.indices(pixels.shape[:2]).transpose(1, 2, 0)
        points, k = np.concatenate([pixels / 255.0, places / 50.0], axis=2).reshape(-1, 5), 8
    else:
        data = example(name)
        points, k = data.content, data.n_clusters
        if name in ("wine", "breast_cancer"):
            points = points / points.std(axis=0)
    return neighbour_graph(torch.from_numpy(np.ascontiguousarray(points)), 10), k


def measure(name: str) -> dict[str, Any]:
    """Return cut, agreement and seconds of a graph for each value."""
    import torch
    from sklearn.metrics import adjusted_rand_score

    from suite_spectral.clusters import starts
    from suite_spectral.clusters.clustering import without_loose
    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.clusters.labelling import by_component
    from suite_spectral.eigen.laplacian import Laplacian
    from suite_spectral.eigen.spectrum import spectrum
    from suite_spectral.settings import Settings

    torch.set_num_threads(1)
    graph, k = graph_of(name)
    laplacian, _ = without_loose(Laplacian(graph), Settings(n_clusters=k))
    graph, pairs = laplacian.graph, spectrum(laplacian, k)
    result: dict[str, Any] = {"n": graph.n, "k": k}
    kept = starts.NEAR
    for value in VALUES:
        starts.NEAR = value
        begin = time.process_time()
        labels = [by_component(graph, pairs, k, root=laplacian.root, seed=seed).labels for seed in SEEDS]
        seconds = time.process_time() - begin
        cuts = [ncut(graph, each, k) for each in labels]
        agreement = [adjusted_rand_score(*pair) for pair in combinations([each.numpy() for each in labels], 2)]
        result[f"{value}"] = {
            "ncut": float(np.mean(cuts)),
            "least": min(cuts),
            "agreement": float(np.mean(agreement)),
            "seconds": seconds,
        }
    starts.NEAR = kept
    return result


def table(results: dict[str, Any]) -> str:
    """Return the mean cuts and agreements of each value, beside those of the value in use."""
    rows = []
    for name, case in results["cases"].items():
        before = case[f"{BEFORE}"]
        row = [name, f"{case['n']:,}, {case['k']}", f"{before['ncut']:.4g}, {before['agreement']:.3f}"]
        for value in VALUES:
            if value == BEFORE:
                continue
            other = case[f"{value}"]
            share = other["ncut"] / before["ncut"] - 1 if before["ncut"] > 1e-12 else 0.0
            same = other["ncut"] == before["ncut"] and other["agreement"] == before["agreement"]
            row.append("same" if same else f"{100 * share:+.2f} %, {other['agreement']:.3f}")
        rows.append(row)
    others = [f"{value}" for value in VALUES if value != BEFORE]
    return markdown(["", "points, clusters", f"Ncut, agreement at {BEFORE}", *others], rows)


def main() -> None:
    """Measure, print and write."""
    print(table({"cases": each_measured("spectral_starts", NAMES, measure, __doc__)}))


if __name__ == "__main__":
    main()
