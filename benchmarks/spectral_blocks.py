"""A degree-corrected stochastic block model of half a million vertices, clustered on one thread.

    python -m benchmarks.spectral_blocks [--vertices 500000] [--solver filtered] [--gib 8] [--seconds 600]

Like the graphs of the Graph Challenge (Kao and others: "Streaming graph challenge: stochastic block partition", HPEC
2017): n^0.35 blocks, 98 for half a million vertices; sizes by a Dirichlet distribution of concentration 10; degrees by
a power law of exponent 2.5 between 10 and 100, 20 in the mean; for every edge between blocks five within one. The
generator is our own, and the data are not theirs: the ends of an edge are drawn in proportion to the degrees, in the
whole graph or in a block, several edges between two vertices are one, and so are both directions.

CPU seconds of clustering the given graph and the growth of the peak memory in a process of its own, after the graph was
made; adjusted Rand index against the blocks. Prints a table and writes benchmarks/results/spectral_blocks.json.
"""

import argparse
import json
from typing import Any, get_args

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from benchmarks._markdown import markdown
from benchmarks._record import record, recorded
from benchmarks._spectral import alone, cell, scores, spent
from suite_spectral.settings import Solver

EXPONENT, LEAST, MOST, WITHIN, CONCENTRATION, SHARE = 2.5, 10, 100, 5 / 6, 10, 0.35


def block_model(n: int, seed: int = 0) -> tuple[scipy.sparse.csr_array, NDArray[np.int64]]:
    """Return the weights of a graph, (vertex, vertex), and the block of each vertex, (vertex,)."""
    draw = np.random.default_rng(seed)
    blocks = int(n**SHARE)
    truth = draw.choice(blocks, n, p=draw.dirichlet(np.full(blocks, CONCENTRATION))).astype(np.int64)
    power = 1 - EXPONENT
    degrees = (LEAST**power + draw.random(n) * (MOST**power - LEAST**power)) ** (1 / power)
    edges = int(degrees.sum() / 2)
    by_block = np.argsort(truth, kind="stable")
    mass = np.cumsum(degrees[by_block])
    ends = mass[np.cumsum(np.bincount(truth, minlength=blocks)) - 1]  # of each block

    def drawn(low: Any, high: Any) -> NDArray[np.int64]:
        places = np.searchsorted(mass, low + draw.random(edges) * (high - low), side="right")
        return by_block[places.clip(max=n - 1)]

    first = drawn(0.0, mass[-1])
    inside = draw.random(edges) < WITHIN
    own = truth[first]
    second = drawn(np.where(inside, np.append(0.0, ends)[own], 0.0), np.where(inside, ends[own], mass[-1]))
    kept = first != second
    ones = np.ones(int(kept.sum()))
    graph = scipy.sparse.coo_array((ones, (first[kept], second[kept])), shape=(n, n)).tocsr()
    graph = scipy.sparse.csr_array(graph + graph.T)
    graph.data[:] = 1
    return graph, truth


def once(n: int, solver: Solver) -> dict[str, Any]:
    """Return seconds, memory and answer for so many vertices."""
    from suite_spectral.clusters.clustering import cluster
    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.settings import Settings

    small, truth = block_model(2000)
    cluster(SparseGraph.from_scipy(small), Settings(n_clusters=int(truth.max()) + 1, solver=solver))
    weights, truth = block_model(n)
    graph, k = SparseGraph.from_scipy(weights), int(truth.max()) + 1
    found, seconds, mib = spent(lambda: cluster(graph, Settings(n_clusters=k, solver=solver)))
    result = {"edges": weights.nnz // 2, "clusters": k, "seconds": seconds, "mib": mib, "stages": found.seconds}
    return result | {"components": found.n_components, **scores(found.labels.numpy(), truth)}


def table(results: dict[str, Any]) -> str:
    """Return what each number of vertices took."""
    rows = []
    for name, result in results["cases"].items():
        if isinstance(result, str):
            rows.append([name, "", "", result, "", ""])
            continue
        stages = ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in result["stages"].items())
        sizes = [name, f"{result['edges']:,}", f"{result['clusters']}"]
        rows.append([*sizes, cell(result), stages, f"{result['ari']:.4f}"])
    return markdown(["vertices, solver", "edges", "blocks", "CPU s, memory", "of these", "ARI"], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--vertices", type=int, default=500_000)
    parser.add_argument("--solver", default="filtered", choices=get_args(Solver))
    parser.add_argument("--gib", type=float, default=8.0)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--once", action="store_true", help="measure here")
    chosen = parser.parse_args()
    if chosen.once:
        print(json.dumps(once(chosen.vertices, chosen.solver)))
        return
    cases = recorded("spectral_blocks").get("cases", {})
    options = ["--vertices", f"{chosen.vertices}", "--solver", chosen.solver, "--once"]
    found = alone("benchmarks.spectral_blocks", options, seconds=chosen.seconds, gib=chosen.gib)
    cases[f"{chosen.vertices:,}, {chosen.solver}"] = found
    record("spectral_blocks", {"cases": cases})
    print(table({"cases": cases}))


if __name__ == "__main__":
    main()
