"""Steps of the eigensolver of a refit that starts from an earlier fit, beside those of a fit from nothing.

    python -m benchmarks.spectral_refit

A hundredth of the points, of the nodes or of the edges was missing before. Points have the default graph; networks are
block models, of a number of communities, with so many edges of a node inside its community and to anywhere. Steps, CPU
seconds of the whole fit on one thread (the graph included), the agreement (ARI) of the two answers, and the normalised
cuts of both.

Prints a table and writes benchmarks/results/spectral_refit.json.
"""

import time
import warnings
from typing import Any

import numpy as np
import scipy.sparse

from benchmarks._markdown import markdown
from benchmarks._record import record
from benchmarks._spectral import example

SHARE = 0.01
POINTS = ("digits", "pendigits_train", "mnist10k", "blobs 10000")
NETWORKS = ((5000, 4, 8, 2), (5000, 20, 14, 6), (20000, 10, 10, 3))


def block_model(n: int, communities: int, inside: int, anywhere: int) -> Any:
    """Return the weights of a block model, scipy csr: nodes, communities, mean degrees."""
    draw = np.random.default_rng(0)
    home = draw.integers(communities, size=n)
    ends = [
        draw.choice(np.flatnonzero(home == part), (inside * int((home == part).sum()) // 2, 2)) for part in set(home)
    ]
    edges = np.concatenate([*ends, draw.integers(n, size=(anywhere * n // 2, 2))])
    edges = edges[edges[:, 0] != edges[:, 1]]
    half = scipy.sparse.coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(n, n)).tocsr()
    weights = half + half.T
    weights.data[:] = 1
    return weights


def fewer_edges(weights: Any) -> Any:
    """Return a graph without a hundredth of its edges."""
    upper = scipy.sparse.triu(weights, 1).tocoo()
    kept = np.random.default_rng(1).random(upper.nnz) >= SHARE
    half = scipy.sparse.coo_array((upper.data[kept], (upper.row[kept], upper.col[kept])), shape=weights.shape)
    return (half + half.T).tocsr()


def measure(before: Any, after: Any, n_clusters: int, affinity: str) -> dict[str, float]:
    """Return steps, seconds, cuts and agreement of a fit from nothing and of one from an earlier fit."""
    from sklearn.metrics import adjusted_rand_score

    from suite_spectral import SpectralClustering

    def model() -> SpectralClustering:
        return SpectralClustering(n_clusters, affinity=affinity, random_state=0, n_jobs=1)

    earlier = model().fit(before)
    begun = time.process_time()
    cold = model().fit(after)
    between = time.process_time()
    warm = model().fit(after, warm_start=earlier)
    return {
        "cold_steps": cold.n_iter_,
        "warm_steps": warm.n_iter_,
        "cold_seconds": between - begun,
        "warm_seconds": time.process_time() - between,
        "ari": adjusted_rand_score(cold.labels_, warm.labels_),
        "cold_ncut": cold.ncut_,
        "warm_ncut": warm.ncut_,
    }


def table(results: dict[str, Any]) -> str:
    """Return steps and seconds, set by set."""
    rows = []
    for name, found in results["cases"].items():
        steps = f"{found['cold_steps']} -> {found['warm_steps']}"
        seconds = f"{found['cold_seconds']:.2f} -> {found['warm_seconds']:.2f}"
        ratio = f"{found['cold_steps'] / max(1, found['warm_steps']):.1f}x"
        rows.append([name, steps, ratio, seconds, f"{found['ari']:.3f}"])
    return markdown(["", "steps", "fewer", "CPU s of the fit", "ARI of the two"], rows)


def main() -> None:
    """Measure, print and write."""
    warnings.simplefilter("ignore")
    cases = {}
    for name in POINTS:
        data = example(name)
        points = data.content[np.random.default_rng(0).permutation(len(data.content))]
        kept = round((1 - SHARE) * len(points))
        cases[f"{name}, points"] = measure(points[:kept], points, data.n_clusters, "nearest_neighbors")
    for shape in NETWORKS:
        weights = block_model(*shape)
        n, communities = shape[:2]
        name = f"network of {n:,} nodes, {communities} communities"
        cases[f"{name}, edges"] = measure(fewer_edges(weights), weights, communities, "precomputed")
        order = np.random.default_rng(2).permutation(n)
        weights, kept = weights[order][:, order], round((1 - SHARE) * n)
        cases[f"{name}, nodes"] = measure(weights[:kept, :kept], weights, communities, "precomputed")
    record("spectral_refit", {"share": SHARE, "cases": cases})
    print(table({"cases": cases}))


if __name__ == "__main__":
    main()
