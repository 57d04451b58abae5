"""What splits and mergers after k-means' starts bring: cuts, classes and time with and without them.

    python -m benchmarks.spectral_split_merge [--only letter]

The graphs are those of spectral_graphs, given without their diagonal. On letter, digits and mnist10k it was chosen how
many starts are improved and which moves are tried, and by the time of birch1, worms_2 and chameleon_t8_8k how much the
inertia has to fall and how far a move may raise it. A set is clustered whole, after a small one that loads everything;
on its rows k-means then has ten starts for each of eight seeds: the normalised cut (Ncut), the adjusted Rand index
beside the classes (ARI) and CPU seconds of k-means on one thread, medians of the seeds, with and without in turns.
Prints a table and writes benchmarks/results/spectral_split_merge.json.
"""

import time
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks._markdown import markdown
from benchmarks._spectral import each_measured, example, scores
from benchmarks.spectral_graphs import graph_of, small

NAMES = (
    "letter",
    "digits",
    "mnist10k",
    "pendigits_train",
    "chameleon_t8_8k",
    "blobs 20000",
    "birch1",
    "worms_2",
)
SEEDS = 8


def measure(name: str) -> dict[str, Any]:
    """Return cuts, scores and seconds of one set without and with splits and mergers."""
    import torch

    from suite_spectral.clusters import by_eigenvectors, starts
    from suite_spectral.clusters.clustering import cluster
    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.clusters.labelling import by_component
    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.settings import Settings

    torch.set_num_threads(1)
    data = example(name)
    k, seen = data.n_clusters, []

    def noted(*given: Any, **options: Any) -> Any:
        seen.append((given, options))
        return by_component(*given, **options)

    few = small()
    cluster(SparseGraph.from_scipy(graph_of(few)), Settings(n_clusters=few.n_clusters))
    graph = SparseGraph.from_scipy(graph_of(data))
    with patch.object(by_eigenvectors, "by_component", noted):
        begin = time.process_time()
        whole = cluster(graph, Settings(n_clusters=k))
        seconds = time.process_time() - begin
    given, options = seen[-1]  # without loose parts
    core = whole.core if whole.core is not None else torch.arange(graph.n)
    truth = data.truth[core.numpy()]
    result: dict[str, Any] = {"n": graph.n, "k": k, "whole": seconds}
    kept = starts.IMPROVED
    cases: dict[str, list[Any]] = {"without": [], "with": []}
    for seed in range(SEEDS):
        for side, improved in (("without", 0), ("with", kept)):
            starts.IMPROVED = improved
            begin = time.process_time()
            labels = by_component(*given, **{**options, "seed": seed}).labels
            spent = time.process_time() - begin
            score = scores(labels.numpy(), truth)["ari"]
            cases[side].append((ncut(given[0], labels, k), score, spent))
    starts.IMPROVED = kept
    for side, values in cases.items():
        cuts, aris, spents = np.array(values).T
        result[side] = {
            "ncut": cuts.tolist(),
            "ari": aris.tolist(),
            "seconds": float(np.median(spents)),
        }
    return result


def table(results: dict[str, Any]) -> str:
    """Return mean and largest cut, mean ARI and seconds, without and with splits and mergers."""
    rows = []
    for name, case in results["cases"].items():
        sides = [case[side] for side in ("without", "with")]
        cuts = [f"{np.mean(side['ncut']):.5g}, {np.max(side['ncut']):.5g}" for side in sides]
        aris = [f"{np.mean(side['ari']):.3f}" for side in sides]
        more = sides[1]["seconds"] - sides[0]["seconds"]
        rows.append(
            [
                name.split()[0],
                f"{case['n']:,}, {case['k']}",
                cuts[0],
                cuts[1] if cuts[1] != cuts[0] else "same",
                " -> ".join(aris),
                f"{1e3 * more:+.0f} ms, {100 * more / case['whole']:+.1f} %",
            ]
        )
    columns = ["", "points, clusters", "Ncut, mean and most", "with splits and mergers", "ARI", "time, of the whole"]
    return markdown(columns, rows)


def main() -> None:
    """Measure, print and write."""
    print(table({"cases": each_measured("spectral_split_merge", NAMES, measure, __doc__)}))


if __name__ == "__main__":
    main()
