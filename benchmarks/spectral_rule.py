"""The rule without labels for the graph of neighbours, beside ten neighbours and beside the rule of the last release.

    python -m benchmarks.spectral_rule [--only jain,khan]

The rule (`suite_spectral.clusters.choosing`) was fixed on sets made up for it, but for one number, see there. The
number of classes is given. The rule of the last release took the most stable of 5 to 30 neighbours whose smallest
cluster had a tenth of the mean size. ARI with the classes, and CPU seconds on one thread of the whole fit.

Prints a table and writes benchmarks/results/spectral_rule.json.
"""

import time
from dataclasses import replace
from typing import Any

from benchmarks._markdown import markdown
from benchmarks._spectral import each_measured, example, scores

SHAPES = ("spiral", "jain", "flame", "aggregation", "compound", "pathbased")
CHAMELEON = tuple(f"chameleon_{name}" for name in ("t4_8k", "t5_8k", "t7_10k", "t8_8k"))
LARGE = ("digits", "pendigits_train", "letter", "mnist10k")
NAMES = (*SHAPES, "iris", "wine", "breast_cancer", "all_leukemia", "khan", "tissue_gene", *CHAMELEON, *LARGE)
BEFORE = (10, 15, 20, 30, 5)


def measure(name: str) -> dict[str, Any]:
    """Return ARI and seconds of the three, and what they have chosen."""
    import torch

    from suite_spectral.clusters.choosing import choose
    from suite_spectral.graphs.nearest_neighbours import WEIGHTS, NearestNeighbours
    from suite_spectral.settings import Settings
    from suite_spectral.solving.routes import solve

    data = example(name)
    points = torch.from_numpy(data.content)
    settings = Settings(n_clusters=data.n_clusters, n_neighbors=None)

    def fitted(chosen: Settings) -> dict[str, Any]:
        begun = time.process_time()
        solution = solve(points, chosen)
        seconds = time.process_time() - begun
        kept = solution.fitted.chosen
        graph = f"{kept['n_neighbors']} {kept['weights']}"
        return {"ari": scores(solution.clustering.labels, data.truth)["ari"], "seconds": seconds, "graph": graph}

    default, rule = fitted(replace(settings, n_neighbors=10)), fitted(settings)
    begun = time.process_time()
    free = NearestNeighbours(None, "connectivity", "mean", "auto", None)
    counts = [count for count in BEFORE if count <= 0.8 * len(points)]
    every = [replace(free, n_neighbors=count, weights=weights) for weights in WEIGHTS for count in counts]
    tried = choose(free, points, settings, candidates=every).candidates
    trusted = [one for one in tried if one.smallest >= 0.1]
    best = max((one.stability for one in trusted), default=0.0)
    pick = next((one for one in trusted if one.stability > best - 0.01), max(tried, key=lambda one: one.smallest))
    assert isinstance(pick.affinity, NearestNeighbours)
    choosing = time.process_time() - begun
    before = fitted(replace(settings, n_neighbors=pick.affinity.n_neighbors, weights=pick.affinity.weights))
    before["seconds"] += choosing
    return {"default": default, "before": before, "rule": rule}


def table(results: dict[str, Any]) -> str:
    """Return ARI, graph and seconds of the three, and the mean ARI."""
    kinds = ("default", "before", "rule")
    rows = []
    for name, found in results["cases"].items():
        best = max(found[kind]["ari"] for kind in kinds)
        aris = [f"{found[kind]['ari']:.3f}" for kind in kinds]
        marked = [f"**{ari}**" if ari == f"{best:.3f}" else ari for ari in aris]
        graphs = ["", *(f" ({found[kind]['graph']})" for kind in kinds[1:])]
        seconds = [f", {found[kind]['seconds']:.2g} s" for kind in kinds]
        rows.append([name, *(f"{a}{g}{s}" for a, g, s in zip(marked, graphs, seconds, strict=True))])
    means = [sum(found[kind]["ari"] for found in results["cases"].values()) / len(rows) for kind in kinds]
    rows.append([f"mean of {len(rows)}", *(f"{mean:.3f}" for mean in means)])
    return markdown(["ARI, CPU s", "10 neighbours", "rule of the last release", "rule"], rows)


def main() -> None:
    """Measure, print and write."""
    import torch

    torch.set_num_threads(1)
    cases = each_measured("spectral_rule", NAMES, measure, __doc__)
    print(table({"cases": cases}))


if __name__ == "__main__":
    main()
