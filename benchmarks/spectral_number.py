"""The number of clusters that the eigenvalues say, on data whose number of classes is known.

    python -m benchmarks.spectral_number [--only digits]

Graphs of ten neighbours, `n_clusters` left open, at most 20 clusters. Beside the rule in use
(`suite_spectral.clusters.number_of_clusters`) are the largest gap relative to the eigenvalue above it, without a floor,
and the largest as it is. The rule was fixed on other data, made up for it. "Undecided" is what the plugin warns of.

Prints a table and writes benchmarks/results/spectral_number.json.
"""

from typing import Any

from benchmarks._markdown import markdown
from benchmarks._spectral import each_measured, example

SHAPES = ("moons 1000", "circles 1000", "spiral", "jain", "flame", "aggregation", "compound", "pathbased")
CHAMELEON = tuple(f"chameleon_{name}" for name in ("t4_8k", "t5_8k", "t7_10k", "t8_8k"))
NAMES = (*SHAPES, *CHAMELEON, "iris", "wine", "breast_cancer", "digits", "pendigits_train")
MOST = 20


def measure(name: str) -> dict[str, Any]:
    """Return the number of classes and what each rule says."""
    import torch

    from suite_spectral.clusters.clustering import without_loose
    from suite_spectral.clusters.number_of_clusters import eigengap_clusters, relative_gaps, rival_of
    from suite_spectral.eigen.laplacian import Laplacian
    from suite_spectral.eigen.spectrum import spectrum
    from suite_spectral.settings import Settings
    from suite_spectral.solving.building import graph_by

    data = example(name)
    settings = Settings(max_clusters=MOST)
    laplacian, _ = without_loose(Laplacian(graph_by(settings, torch.from_numpy(data.content))), settings)
    values = spectrum(laplacian, MOST).values
    chosen = eigengap_clusters(values, MOST)
    return {
        "classes": data.n_clusters,
        "components": int(laplacian.components.max()) + 1,
        "rule": chosen,
        "rival": rival_of(chosen, values, MOST),
        "relative": 2 + int(relative_gaps(values)[1:].argmax()),
        "absolute": 2 + int(values.diff()[1:].argmax()),
    }


def table(results: dict[str, Any]) -> str:
    """Return what each rule says of each set, and on how many it is right."""
    rows = []
    for name, found in results["cases"].items():
        rival = "" if found["rival"] is None else f", undecided: {found['rival']}"
        cells = [f"**{found[rule]}**" if found[rule] == found["classes"] else f"{found[rule]}" for rule in RULES]
        rows.append([name.split()[0], f"{found['classes']}", f"{found['components']}", cells[0] + rival, *cells[1:]])
    right = [sum(found[rule] == found["classes"] for found in results["cases"].values()) for rule in RULES]
    rows.append([f"right of {len(rows)}", "", "", *map(str, right)])
    return markdown(["", "classes", "components", "the rule", "largest relative gap", "largest gap"], rows)


RULES = ("rule", "relative", "absolute")


def main() -> None:
    """Measure, print and write."""
    cases = each_measured("spectral_number", NAMES, measure, __doc__, most=MOST)
    print(table({"cases": cases}))


if __name__ == "__main__":
    main()
