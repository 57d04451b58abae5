"""What `refine ncut` brings: clusters of nearest-neighbour graphs whose points then move by the cut itself.

    python -m benchmarks.spectral_refine [--only digits,letter]

The graphs are those of spectral_graphs, given without their diagonal, clustered with and without it: the normalised cut
of both, and how many points are in another cluster. CPU seconds on one thread of clustering without it and of the moves
alone, medians of three turns after a warm-up, once for what takes over ten seconds. Prints a table and writes
benchmarks/results/spectral_refine.json.
"""

from typing import Any

from benchmarks._markdown import markdown
from benchmarks._spectral import LONG, each_measured, example, medians, spent
from benchmarks.spectral_graphs import NAMES, graph_of, small


def measure(name: str) -> dict[str, Any]:
    """Return cuts, moved points and seconds of one set."""
    import torch
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    from suite_spectral.clusters.clustering import cluster
    from suite_spectral.clusters.refinement import refined
    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.settings import Settings

    torch.set_num_threads(1)
    few = small()
    cluster(SparseGraph.from_scipy(graph_of(few)), Settings(n_clusters=few.n_clusters, refine="ncut"))
    data = example(name)
    weights, k = graph_of(data), data.n_clusters
    graph = SparseGraph.from_scipy(weights)

    def whole() -> Any:
        return cluster(SparseGraph.from_scipy(weights), Settings(n_clusters=k))

    before, seconds, _ = spent(whole)
    after = cluster(graph, Settings(n_clusters=k, refine="ncut"))
    steps = {"moves": lambda: refined(graph, before.labels, k)}
    if seconds <= LONG:
        steps["whole"] = whole
    taken = {"whole": seconds, **medians(steps)}
    together = contingency_matrix(before.labels.numpy(), after.labels.numpy())
    kept = together[linear_sum_assignment(together, maximize=True)].sum()
    return {
        "n": graph.n,
        "k": k,
        "ncut": before.ncut,
        "refined": after.ncut,
        "moved": graph.n - int(kept),
        "seconds": taken,
    }


def table(results: dict[str, Any]) -> str:
    """Return the cuts, how many points have moved, and what share of the time that took."""
    rows = []
    for name, case in results["cases"].items():
        taken, less = case["seconds"], 100 * (case["refined"] / case["ncut"] - 1) if case["ncut"] > 0 else 0.0
        share = 100 * taken["moves"] / (taken["whole"] + taken["moves"])
        cut = f"{case['refined']:.4g} ({less:+.1f} %)" if case["moved"] else "as it was"
        rows.append([name.split()[0], f"{case['ncut']:.4g}", cut, f"{case['moved']:,}", f"{share:.1f} %"])
    columns = ["graph as given", "Ncut, k-means", "refined", "points moved", "time, as a share of the whole"]
    return markdown(columns, rows)


def main() -> None:
    """Measure, print and write."""
    print(table({"cases": each_measured("spectral_refine", NAMES, measure, __doc__)}))


if __name__ == "__main__":
    main()
