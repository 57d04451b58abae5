"""A million points on one thread: every point in the graph, or five hundred landmarks for all.

    python -m benchmarks.spectral_million [--points 1000000] [--only circles,moons,blobs] [--routes exact,landmarks]

Circles and moons in two dimensions (noise 0.05), five blobs in ten, drawn by scikit-learn with seed 0. The exact route
is the graph of 10 neighbours (found exactly in two dimensions, by faiss in ten), the multilevel eigenvectors and
k-means; the other 500 landmarks placed by k-means, of which each point is written by the nearest 5. Beside them what
people take at this size: scikit-learn's MiniBatchKMeans, and its SpectralClustering with amg (pyamg).

CPU seconds, once, by stages; MiB: growth of the peak memory in a process of its own, after the points were drawn. ARI
against the true labels, and the normalised cut on the graph of 10 neighbours beside that of the true labels. Prints a
table and writes benchmarks/results/spectral_million.json.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._markdown import markdown
from benchmarks._record import recorded
from benchmarks._spectral import Example, alone, cell, example, keep, scores, spent

NAMES = ("circles", "moons", "blobs")
NEIGHBOURS, LANDMARKS, NEAREST = 10, 500, 5
LIMIT = 400
"""CPU seconds after which a route is ended; the graph on which its cut is measured counts, 90 of them in 10 dim."""

Labels = NDArray[np.int64]


def exact(data: Example) -> tuple[Labels, dict[str, float]]:
    """Return labels by the graph of every point, and the CPU seconds of each stage."""
    import torch

    from suite_spectral.clusters.clustering import cluster
    from suite_spectral.graphs.neighbour_graph import neighbour_graph
    from suite_spectral.settings import Settings

    begin = time.process_time()
    points = torch.from_numpy(data.content)
    graph = neighbour_graph(points, NEIGHBOURS)
    built = time.process_time()
    result = cluster(graph, Settings(n_clusters=data.n_clusters), points=points)
    return result.labels.numpy(), {"graph": built - begin, **result.seconds}


def landmarks(data: Example) -> tuple[Labels, dict[str, float]]:
    """Return labels by landmarks, and the CPU seconds of each stage."""
    import torch

    from suite_spectral.clusters.labelling import by_component
    from suite_spectral.eigen.landmarks import place_landmarks, sparse_landmarks
    from suite_spectral.graphs.landmark_graph import LandmarkGraph

    begin = time.process_time()
    points = torch.from_numpy(data.content)
    graph = LandmarkGraph(points, place_landmarks(points, LANDMARKS), nearest=NEAREST)
    built = time.process_time()
    result = sparse_landmarks(graph, data.n_clusters)
    solved = time.process_time()
    labels = by_component(graph, result.spectrum, data.n_clusters, root=result.root, points=points).labels
    stages = {"graph": built - begin, "eigenvectors": solved - built, "labels": time.process_time() - solved}
    return labels.numpy(), stages


def minibatch(data: Example) -> tuple[Labels, dict[str, float]]:
    """Return labels by scikit-learn's k-means in batches."""
    from sklearn.cluster import MiniBatchKMeans

    return MiniBatchKMeans(data.n_clusters, n_init=10, random_state=0).fit_predict(data.content), {}


def amg(data: Example) -> tuple[Labels, dict[str, float]]:
    """Return labels by scikit-learn's spectral clustering with its fastest solver."""
    from sklearn.cluster import SpectralClustering

    method = SpectralClustering(
        data.n_clusters, affinity="nearest_neighbors", n_neighbors=NEIGHBOURS, eigen_solver="amg", random_state=0
    )
    return method.fit_predict(data.content), {}


ROUTES: dict[str, Callable[[Example], tuple[Labels, dict[str, float]]]] = {
    "exact": exact,
    "landmarks": landmarks,
    "scikit-learn, amg": amg,
    "MiniBatchKMeans": minibatch,
}


def once(route: str, name: str, n: int) -> dict[str, Any]:
    """Return seconds, memory and answer of a route."""
    import torch

    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.graphs.neighbour_graph import neighbour_graph

    ROUTES[route](example(f"{name} 3000"))
    data = example(f"{name} {n}")
    (labels, stages), seconds, mib = spent(lambda: ROUTES[route](data))
    graph = neighbour_graph(torch.from_numpy(data.content), NEIGHBOURS)
    cuts = [ncut(graph, torch.from_numpy(each).long(), data.n_clusters) for each in (labels, data.truth)]
    result = {"seconds": seconds, "mib": mib, "stages": stages, **scores(labels, data.truth)}
    return result | {"ncut": cuts[0], "ncut_of_truth": cuts[1]}


def table(results: dict[str, Any]) -> str:
    """Return CPU seconds, memory, ARI and normalised cut of a million points."""
    names = {"exact": "suite_spectral, every point", "landmarks": f"suite_spectral, {results['landmarks']} landmarks"}
    rows = []
    for name, routes in results["cases"].items():
        for route, result in routes.items():
            row = [f"{name}, {names.get(route, route)}"]
            if isinstance(result, str):
                rows.append([*row, result, "", "", ""])
                continue
            stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in result["stages"].items())
            cut = f"{result['ncut']:.3g} ({result['ncut_of_truth']:.3g})"
            rows.append([*row, cell(result), stages, f"{result['ari']:.4f}", cut])
    columns = [f"{results['points']:,} points", "CPU s, memory", "of these", "ARI", "Ncut (of the true labels)"]
    return markdown(columns, rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--only", help="of the sets, with commas; the others stay as they were")
    parser.add_argument("--routes", help="with semicolons; the others stay as they were")
    parser.add_argument("--once", help="measure this route, here")
    chosen = parser.parse_args()
    if chosen.once:
        print(json.dumps(once(chosen.once, chosen.only, chosen.points)))
        return
    before = recorded("spectral_million") if chosen.only or chosen.routes else {}
    cases = before.get("cases", {}) if before.get("points") == chosen.points else {}
    for name in chosen.only.split(",") if chosen.only else NAMES:
        for route in chosen.routes.split(";") if chosen.routes else ROUTES:
            options = ["--points", str(chosen.points), "--only", name, "--once", route]
            cases.setdefault(name, {})[route] = alone("benchmarks.spectral_million", options, seconds=LIMIT)
            print(f"{name}, {route}: {cases[name][route]}", flush=True)
        results = {"points": chosen.points, "landmarks": LANDMARKS, "nearest": NEAREST, "cases": cases}
        keep("spectral_million", results)
    print(table(results))


if __name__ == "__main__":
    main()
