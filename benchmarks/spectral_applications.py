"""The applications of the lecture: suite_spectral beside k-means and scikit-learn's spectral clustering.

    python -m benchmarks.spectral_applications [--only jain,AG news]

Non-linear shapes (Gagolewski's collection and scikit-learn's), measured tables, handwriting, gene expression, news,
social networks and images. All methods have the same input and the number of classes. But for images, no setting was
chosen by looking at labels. Ours:

- points: the graph by the label-free rule of suite_spectral.clusters.choosing (`n_neighbors: null`);
- news: the cosine graph of tf-idf, 2,000 words, rows of unit length;
- networks: the degrees regularised by their mean and rows of unit length (Qin and Rohe, 2013);
- images: as `suite segment` does, whose settings were chosen on these very images.

Beside them: KMeans with ten starts; SpectralClustering with its defaults (a Gaussian of gamma 1; for networks the graph
as it is); and with affinity nearest_neighbors. The columns of iris, wine and breast_cancer, whose units differ, have
standard deviation 1; k-means sees a node of a network as its row of the matrix. An image's features are colours in 0..1
and places as shares of its longer side. Points that are noise by their labels are clustered and not scored. An
image has the median of its humans' numbers of segments, and is scored against every human; the mean counts.

CPU seconds on one thread, from the points to the labels, the choice of the graph included; tf-idf is not. Once, or the
median of three below two seconds; birch1 has `--limit 300`. Prints a table and writes
benchmarks/results/spectral_applications.json.
"""

import argparse
import inspect
import json
import statistics
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._markdown import markdown
from benchmarks._record import recorded
from benchmarks._spectral import FOLDER, Example, alone, each_recorded, example, scores, spent

KINDS = {
    "shapes": ["moons 1000", "circles 1000", "spiral", "jain", "flame", "aggregation", "compound", "pathbased"]
    + [f"chameleon_{name}" for name in ("t4_8k", "t5_8k", "t7_10k", "t8_8k")]
    + ["birch1", "worms_2"],
    "tables": ["iris", "wine", "breast_cancer"],
    "handwriting": ["digits", "pendigits_train", "mnist10k", "letter"],
    "genes": ["all_leukemia", "khan", "tissue_gene"],
    "news": ["AG news", "Reuters R8"],
    "networks": ["karate", "polbooks", "football"],
    "images": sorted(file.stem for file in FOLDER.glob("bsds/*.jpg")),
}
METHODS = ("suite_spectral", "KMeans", "scikit-learn", "scikit-learn, nearest_neighbors")
FEW = 1000
"""Up to this number of points all methods run in one process."""
LIMIT = 60
"""CPU seconds after which a method is ended, by default."""


def task(method: str, kind: str, data: Example) -> Callable[[], Any]:
    """Return what a method does: a function that returns its labels."""
    from sklearn.cluster import KMeans, SpectralClustering

    k = data.n_clusters
    if method == "suite_spectral":
        return ours(kind, data)
    content = data.content
    if kind == "images":
        places, colours = content[:, :2], content[:, 2:]
        content = np.concatenate([places / (places.max() + 1), colours], axis=1).astype(np.float64)
    if method == "KMeans":
        return lambda: KMeans(k, n_init=10, random_state=0).fit(content).labels_
    affinity = "rbf" if method == "scikit-learn" else "nearest_neighbors"
    return lambda: (
        SpectralClustering(k, affinity="precomputed" if kind == "networks" else affinity, random_state=0)
        .fit(content)
        .labels_
    )


def ours(kind: str, data: Example) -> Callable[[], Any]:
    """Return labels and the line that a run prints."""
    import torch

    from suite_spectral.graphs.graph import SparseGraph, sparse_rows
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.settings import Kind
    from suite_spectral.solving.routes import solve

    clusterer = SpectralClusterer(
        n_clusters=data.n_clusters,
        n_neighbors=None,
        rows="njw" if kind in ("news", "networks") else "random-walk",
        regularisation=1.0 if kind == "networks" else 0.0,
    )
    if kind == "images":
        return segments(data)
    kinds: dict[str, Kind] = {"news": "texts", "networks": "graph"}
    clusterer.kind = kinds.get(kind, "points")
    settings = clusterer.settings()
    content: Any
    if kind == "networks":
        content = SparseGraph.from_scipy(data.content)
    elif kind == "news":
        content = sparse_rows(data.content, torch.float64)
    else:
        content = torch.from_numpy(data.content)

    def step() -> Any:
        result = solve(content, settings)
        return result.clustering.labels.numpy(), result.line

    return step


def segments(data: Example) -> Callable[[], Any]:
    """Return labels of an image as ``suite segment`` gives them."""
    import torch

    from suite_spectral import studies
    from suite_spectral.graphs.pixels import image_of
    from suite_spectral.segments import segment

    image = image_of(torch.from_numpy(data.content)).double()
    command = inspect.signature(studies.segment).parameters
    settings = {name: command[name].default for name in ("size", "radius", "sigma_color", "sigma_position")}

    def step() -> Any:
        result = segment(image, data.n_clusters, **settings)
        return result.labels.flatten().numpy(), f"as suite segment, at {result.cut_size[1]} x {result.cut_size[0]}"

    return step


def data_of(kind: str, name: str) -> Example:
    """Return a data set as every method gets it."""
    result = example(name)
    if kind == "tables":
        points = result.content
        return result._replace(content=(points - points.mean(axis=0)) / points.std(axis=0))
    if kind == "news":
        from suite_spectral.graphs.graph import SparseGraph
        from suite_spectral.sources.texts import Vocabulary

        rows = Vocabulary.learn(result.content).rows(result.content)
        return result._replace(content=SparseGraph(rows).scipy())
    return result


def once(method: str, kind: str, data: Example) -> dict[str, Any]:
    """Return a method's seconds and answer."""
    step = task(method, kind, data)
    answer, seconds, mib = spent(step)
    if seconds < 2:
        seconds = statistics.median([seconds, *(spent(step).seconds for _ in range(2))])
    labels, line = answer if isinstance(answer, tuple) else (answer, "")
    return {"seconds": seconds, "mib": mib, **scores(labels, data.truth), "line": line}


def table(results: dict[str, Any]) -> str:
    """Return ARI, NMI and CPU seconds of every application and method; the best ARI of a row is bold."""
    names = {"scikit-learn": "scikit-learn, defaults", "scikit-learn, nearest_neighbors": "scikit-learn, neighbours"}
    methods = list(next(iter(results["cases"].values()))["methods"])
    rows = []
    for name, case in results["cases"].items():
        measured = [round(each["ari"], 3) for each in case["methods"].values() if not isinstance(each, str)]
        best = max(measured, default=None)
        row = [f"{case['kind']}: {name.split()[0] if name[-1].isdigit() else name}", f"{case['n']:,}, {case['k']}"]
        for method in methods:
            each = case["methods"].get(method, "")
            if isinstance(each, str):
                row.append(each)
                continue
            bold = "**" if round(each["ari"], 3) == best else ""
            digits = 3 if each["seconds"] < 0.1 else 2 if each["seconds"] < 10 else 0
            row.append(f"{bold}{each['ari']:.3f}{bold}, {each['nmi']:.3f}, {each['seconds']:.{digits}f} s")
        rows.append(row)
    return markdown(["ARI, NMI, CPU s", "points, clusters", *(names.get(method, method) for method in methods)], rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", help="of the sets, with commas; the others stay as they were")
    parser.add_argument("--methods", help="with semicolons; the others stay as they were")
    parser.add_argument("--limit", type=int, default=LIMIT, help="CPU seconds after which a method is ended")
    parser.add_argument("--once", action="store_true", help="measure the methods, here")
    chosen = parser.parse_args()
    kinds = {name: kind for kind, names in KINDS.items() for name in names}
    methods = chosen.methods.split(";") if chosen.methods else METHODS
    if chosen.once:
        warnings.simplefilter("ignore")
        kind = kinds[chosen.only]
        data = data_of(kind, chosen.only)
        for method in methods:
            task(method, "shapes", example("moons 300"))()  # has everything loaded that is loaded late
        print(json.dumps({method: once(method, kind, data) for method in methods}))
        return
    earlier = recorded("spectral_applications").get("cases", {}) if chosen.only or chosen.methods else {}

    def measure(name: str) -> dict[str, Any]:
        data = example(name)
        n = data.content.shape[0] if hasattr(data.content, "shape") else len(data.content)
        result: dict[str, Any] = earlier.get(name, {"kind": kinds[name], "n": n, "k": data.n_clusters, "methods": {}})
        fitting = [method for method in methods if kinds[name] != "networks" or method != METHODS[-1]]
        for some in [fitting] if n <= FEW else [[method] for method in fitting]:
            # scikit-learn's dense matrix of so many points is not tried: it exceeds the memory for certain.
            answer: Any = "> 8 GiB"
            if n < 32_000 or some != ["scikit-learn"]:
                options = ["--only", name, "--once", "--methods", ";".join(some)]
                answer = alone("benchmarks.spectral_applications", options, seconds=chosen.limit)
            result["methods"] |= answer if isinstance(answer, dict) else dict.fromkeys(some, answer)
        result["methods"] = {method: result["methods"][method] for method in METHODS if method in result["methods"]}
        return result

    cases = each_recorded("spectral_applications", list(kinds), chosen.only, measure, earlier)
    print(table({"cases": cases}))


if __name__ == "__main__":
    main()
