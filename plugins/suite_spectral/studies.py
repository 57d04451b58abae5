"""What one does with spectral clustering besides fitting it: compare it, segment images, look at eigenvalues."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lightning_suite import load, load_data
from lightning_suite.errors import DataError, UsageError
from lightning_suite.run import Run
from lightning_suite.tables import clip, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from suite_spectral.comparing import Comparison, PointSet, TwoCuts
    from suite_spectral.eigen.solvers import Spectrum
    from suite_spectral.graphs.graph import Graph, SparseGraph
    from suite_spectral.module import SpectralClusterer

SIZE = 160
"""Longer side at which an image is cut: 160 x 107 pixels take some two seconds of a processor, without the imports."""


def compare(
    *,
    path: str | None = None,
    n_clusters: int | None = None,
    n_neighbors: int = 10,
    weights: Literal["connectivity", "gaussian", "self-tuning"] = "connectivity",
    rows: Literal["plain", "njw", "random-walk"] = "random-walk",
    columns: list[int | str] | None = None,
    label_column: int | str | None = None,
    noise_label: int | str | None = None,
    text_column: list[int | str] | int | str | None = None,
    standardize: Literal["none", "scale"] = "none",
    limit: int | None = None,
    samples: int = 1000,
    seed: int = 0,
    output: str | None = None,
) -> None:
    """Clusters the same data by k-means and by spectral clustering, side by side.

    Without a path: shapes drawn at random and scikit-learn's measured sets, and the minimum cut beside the normalised
    one. Prints a table; writes pictures (PNG) with their numbers (CSV) into a folder.

    Args:
        path: a file of points or texts, as --data.path of suite fit takes it.
        n_clusters: how many clusters; by default as many as there are classes, without labels by the eigengap.
        n_neighbors: neighbours of a point in the graph, itself counted.
        weights: of the edges between neighbours.
        rows: what k-means sees of the eigenvectors.
        columns: of points in a table, by name or by number from 0; by default all that are numbers.
        label_column: of the labels, by name or by number from 0; by default y of an .npz file.
        noise_label: points with this label are left out.
        text_column: of the texts; several are joined.
        standardize: scale: every column gets mean 0 and standard deviation 1.
        limit: takes so many points of a file, chosen at random.
        samples: points of each shape that is drawn.
        seed: of the shapes and of k-means.
        output: the folder of the pictures; by default comparison, or the file's name and -comparison, in the working
            directory.

    Raises:
        UsageError: an option makes no sense, or the file holds a graph or an image.
        DataError: the file cannot be read.
    """
    for option, count, least in (
        ("n_clusters", n_clusters, 2),
        ("n_neighbors", n_neighbors, 2),
        ("samples", samples, 10),
    ):
        if count is not None and count < least:
            raise UsageError(f"--{option} {count}: expected at least {least}")
    if path is None:
        _refuse_file_options(
            columns=columns,
            label_column=label_column,
            noise_label=noise_label,
            text_column=text_column,
            limit=limit,
            n_clusters=n_clusters,
            standardize=None if standardize == "none" else standardize,
        )
    name = "comparison" if path is None else f"{Path(path).name.split('.')[0]}-comparison"
    folder = _folder(output, name)

    from suite_spectral import comparing, pictures
    from suite_spectral.data import ClusterData
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.stages import Stages

    module = SpectralClusterer(n_neighbors=n_neighbors, weights=weights, rows=rows)
    if path is None:
        given = list(comparing.own_sets(samples, seed))
    else:
        data = ClusterData(
            path,
            columns=columns,
            label_column=label_column,
            noise_label=noise_label,
            text_column=text_column,
            standardize=standardize,
            limit=limit,
            split_seed=seed,
        )
        data.setup("fit")
        if data.kind not in ("points", "texts"):
            command = "suite segment" if data.kind == "image" else "suite fit --plugin spectral --data.path"
            what = "an image" if data.kind == "image" else "a graph"
            raise UsageError(f"{path} holds {what}: k-means needs points or texts. Take {command} {shlex.quote(path)}")
        module.kind = data.kind
        given = [_of_data(data, Path(path).name)]
    compared = []
    with Stages("comparing") as stages:
        for each in given:
            settings = comparing.settings_for(module.settings(), each, n_clusters)

            def told(words: str, name: str = each.name) -> None:
                stages(f"{name}: {words}")

            compared.append(comparing.compare(each, settings, seed=seed, progress=told))
        cuts = comparing.compare_cuts(seed) if path is None else None
        stages("pictures")
        folder.mkdir(parents=True, exist_ok=True)
        pictures.write_comparison(folder / "comparison.png", compared)
        if cuts is not None:
            pictures.write_cuts(folder / "cuts.png", cuts)
    print(_comparison_table(compared))
    print(f"\n{_verdict(compared)}")
    if path is not None:
        print(compared[0].line)
    if cuts is not None:
        print(f"\n{_cuts_line(cuts)}")
    print(f"\npictures: {folder}")
    said = {
        "path": path,
        "name": given[0].name if path is None else None,
        "columns": columns,
        "label_column": label_column,
        "noise_label": noise_label,
        "text_column": text_column,
        "standardize": None if standardize == "none" else standardize,
        "limit": limit,
    }
    typed = [f" --data.{option} {shlex.quote(f'{value}')}" for option, value in said.items() if value is not None]
    print(f"next: suite fit --plugin spectral{''.join(typed)} --model.n_clusters {compared[0].n_clusters}")


def segment(
    image: str,
    *,
    k: int = 4,
    size: int = SIZE,
    radius: float = 10.0,
    sigma_color: float = 0.05,
    sigma_position: float = 100.0,
    seed: int = 0,
    output: str | None = None,
) -> None:
    """Divides an image into segments by its normalised cut.

    Pixels are compared by colour and place. Writes a picture of the segments (PNG) with their sizes, colours and boxes
    (CSV), and the segment of every pixel, as an image of their numbers (labels.png) and an array (labels.npy).

    The usual settings are one choice for all images, made by agreement with people's segmentations of eight photographs
    (BSDS): colours as people see them (CIE L*a*b*), and a radius that is large against the image, else even areas are
    divided for no visible reason.

    Args:
        image: PNG, JPEG or another file of pixels.
        k: how many segments.
        size: the image is cut with its longer side at most so many pixels; borders are brought back to full size.
        radius: how far apart two pixels may be that are joined.
        sigma_color: width of the Gaussian of their colours; 1 is black against white.
        sigma_position: width of the Gaussian of their places, in pixels.
        seed: of k-means.
        output: the folder of the files; by default the image's name and -segments, in the working directory.

    Raises:
        UsageError: an option makes no sense.
        DataError: the image cannot be read.
    """
    if not 2 <= k <= 255:
        raise UsageError(f"-k {k}: expected from 2 to 255 segments")
    path = Path(image).expanduser()
    folder = _folder(output, f"{path.stem}-segments")

    import numpy as np
    import torch

    from suite_spectral import pictures, segments
    from suite_spectral.sources.reading import read
    from suite_spectral.stages import Stages

    source = read(path)
    if source.image_shape is None:
        raise DataError(f"expected an image, got {source.kind}", path)
    pixels = torch.from_numpy(source.content[:, 2:]).reshape(source.image_shape)
    with Stages("segmenting") as stages:
        found = segments.segment(
            pixels,
            k,
            size=size,
            radius=radius,
            sigma_color=sigma_color,
            sigma_position=sigma_position,
            seed=seed,
            progress=stages,
        )
        parts = segments.segments_of(pixels, found.labels)
        stages("pictures")
        folder.mkdir(parents=True, exist_ok=True)
        pictures.write_segments(folder / "segments.png", pixels, found.labels, parts)
        labels = found.labels.numpy().astype(np.uint8)
        np.save(folder / "labels.npy", labels)
        _write_labels(folder / "labels.png", labels)
    height, width, _ = source.image_shape
    rows, columns = found.worked
    smaller = f", cut at {columns} x {rows} (--size {size})" if (rows, columns) != (height, width) else ""
    print(f"{path.name}: {width} x {height} pixels{smaller}\n")
    print(
        table(
            ["segment", "pixels", "share", "mean colour", "rows", "columns"],
            [
                [
                    f"{each.number}",
                    f"{each.pixels}",
                    f"{each.share:.3f}",
                    "#" + "".join(f"{round(255 * value):02x}" for value in each.colour),
                    f"{each.box[0]}-{each.box[2]}",
                    f"{each.box[1]}-{each.box[3]}",
                ]
                for each in parts
            ],
        )
    )
    clustering = found.clustering
    print(
        f"\nNcut {clustering.ncut:.4g}, no {k} segments can be below {clustering.lower_bound:.4g}; eigengap "
        f"{clustering.eigengap:.3g}; {_components(clustering.n_components)}"
    )
    print(f"picture: {folder / 'segments.png'}\nlabels: {folder / 'labels.npy'}, {folder / 'labels.png'}")


def eigen(run: str, *, count: int = 20, output: str | None = None) -> None:
    """Shows the eigenvalues of a run's graph with their gaps, and the points by their eigenvectors.

    The graph is built again as the run built it, so that more eigenvalues can be seen than the run needed.

    Args:
        run: a run folder or a checkpoint.
        count: how many eigenvalues.
        output: the folder of the pictures; by default the run's figures.

    Raises:
        UsageError: the run is not of this plugin, or an option makes no sense.
        RunError: there is no such run.
        DataError: the run's data are needed and have changed, or are not there any more.
    """
    from suite_spectral import pictures
    from suite_spectral.clusters.choosing import eigengap_clusters
    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.stages import Stages

    if count < 3:
        raise UsageError(f"--count {count}: expected at least 3")
    module = load(run)
    if not isinstance(module, SpectralClusterer):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which has no eigenvalues to show")
    if not module.network.is_fitted:
        raise UsageError(f"{run} ended before anything was clustered: there are no eigenvalues to show")
    folder = _folder(output, f"{Run.at(run).folder / 'figures'}")
    fitted = module.network.fitted
    k = fitted.n_clusters
    with Stages("eigenvalues") as stages:
        graph, root, found = _spectrum(module, run, max(count, k + 1) - 1, stages)
        cost = ncut(graph, fitted.labels, k)
        values = found.values[: max(count, k + 1)]
        suggested = eigengap_clusters(values, len(values) - 1)
        stages("pictures")
        folder.mkdir(parents=True, exist_ok=True)
        pictures.write_eigenvalues(folder / "eigenvalues.png", values, k, suggested)
        places, names = _plane_of_rows(found, root, k)
        pictures.write_embedding(folder / "embedding.png", places, fitted.labels, names)
    regularised = module.settings().regularisation > 0
    print(_eigenvalue_table(values, k, suggested))
    bound = float(values[:k].sum())
    print(f"\n{graph.n:,} points, {_components(int(found.components.max()) + 1)}; solver: {found.solver}")
    print(
        f"{k} clusters: Ncut {cost:.4g}"
        + ("" if regularised else f"; no {k} clusters can be below {bound:.4g}, the sum of the first {k} eigenvalues")
    )
    agrees = "as there are" if suggested == k else f"there are {k}"
    print(f"clusters suggested by the largest relative gap, of 2 to {len(values) - 1}: {suggested} ({agrees})")
    print(f"pictures: {folder / 'eigenvalues.png'}, {folder / 'embedding.png'}")


def _folder(output: str | None, usual: str) -> Path:
    """Where pictures go; it need not be there yet."""
    folder = Path(output if output is not None else usual).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--output {folder}: expected a folder, this is a file")
    return folder


def _refuse_file_options(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise UsageError(f"--{name} says how a file is clustered, but no --path is given")


def _of_data(data: object, name: str) -> "PointSet":
    """What a data module has read, as points: texts as their tf-idf rows."""
    from suite_spectral.batches import join, prepared
    from suite_spectral.comparing import PointSet
    from suite_spectral.data import ClusterData

    assert isinstance(data, ClusterData)
    content = join(list(data.train_dataloader())).content
    return PointSet(name, prepared(content, data.scaling, data.vocabulary), data.labels)


def _comparison_table(compared: "Sequence[Comparison]") -> str:
    rows = []
    for each in compared:
        count, dims = each.given.points.shape
        for answer in each.answers:
            rows.append(
                [
                    clip(each.given.name, 28),
                    f"{count}",
                    f"{dims}",
                    f"{each.n_clusters}",
                    answer.method,
                    "" if answer.ari is None else f"{answer.ari:.3f}",
                    "" if answer.nmi is None else f"{answer.nmi:.3f}",
                    f"{answer.ncut:.4f}",
                    f"{answer.seconds:.2f}",
                ]
            )
    return table(["set", "n", "d", "k", "method", "ARI", "NMI", "Ncut", "CPU s"], rows)


def _verdict(compared: "Sequence[Comparison]") -> str:
    """Which method agrees better with the given classes, by set; without classes, which cuts less."""
    better: dict[str, list[str]] = {"spectral": [], "k-means": [], "neither": []}
    for each in compared:
        means, spectral = each.answers
        if means.ari is None or spectral.ari is None:
            relation = "less" if spectral.ncut < means.ncut else "not less"
            return (
                f"spectral clustering cuts {relation} of the graph than k-means; without labels nothing else is known"
            )
        ahead = spectral.ari - means.ari
        winner = "neither" if abs(ahead) < 0.01 else "spectral" if ahead > 0 else "k-means"
        better[winner].append(each.given.name)
    lines = {
        "spectral": "spectral clustering is closer to the given classes (ARI)",
        "k-means": "k-means is closer",
        "neither": "both are within 0.01",
    }
    return "\n".join(f"{lines[method]}: {', '.join(names)}" for method, names in better.items() if names)


def _cuts_line(cuts: "TwoCuts") -> str:
    sizes = [sorted(labels.bincount().tolist()) for labels in (cuts.smallest, cuts.normalised)]
    return (
        f"{cuts.given.name}, two parts: the minimum cut separates {sizes[0][0]} of them (weight {cuts.weights[0]:.3g}, "
        f"Ncut {cuts.ncuts[0]:.3g}), the normalised cut {sizes[1][0]} (weight {cuts.weights[1]:.3g}, "
        f"Ncut {cuts.ncuts[1]:.3g})"
    )


def _components(count: int) -> str:
    return "1 connected component" if count == 1 else f"{count} connected components"


def _write_labels(path: Path, labels: object) -> None:
    from PIL import Image

    Image.fromarray(labels).save(path)  # type: ignore[arg-type]  # an array


def _spectrum(
    module: "SpectralClusterer", run: str, count: int, progress: "Callable[[str], None]"
) -> "tuple[Graph, Tensor, Spectrum]":
    """The graph of a run, the roots of its degrees, and its smallest eigenvalues."""
    from suite_spectral.eigen.laplacian import Laplacian
    from suite_spectral.eigen.solvers import spectrum
    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.solving.building import affinity_of

    fitted, settings = module.network.fitted, module.settings()
    seed = int(Run.at(run).settings()["seed"])
    # what a rule has chosen need not be chosen again
    content = _content(module, run)
    progress("graph")
    graph = (
        content
        if isinstance(content, SparseGraph)
        else affinity_of(replace(settings, **fitted.chosen)).build(content, seed=seed, progress=progress).graph
    )
    laplacian = Laplacian(graph, settings.regularisation)
    found = spectrum(laplacian, min(count, graph.n - 1), solver=settings.solver, seed=seed, progress=progress)
    return graph, laplacian.root, found


def _content(module: "SpectralClusterer", run: str) -> "Tensor | SparseGraph":
    """What a run has clustered: from its buffers where these hold it, else read again.

    Raises:
        UsageError: it was clustered by points that stand for the others.
        DataError: the data have changed, or are not there any more.
    """
    from suite_spectral.batches import Rows, join, prepared
    from suite_spectral.data import ClusterData
    from suite_spectral.graphs.graph import SparseGraph

    fitted, settings = module.network.fitted, module.settings()
    if settings.route == "landmarks":
        raise UsageError(
            f"{run} has clustered {len(fitted.labels):,} points by landmarks: there is no graph of all of them, whose "
            "eigenvalues could be shown. Fit with --model.route exact, and --data.limit where that would take too long"
        )
    if (kept := fitted.extension.content()) is not None:
        return kept
    data = load_data(run)
    assert isinstance(data, ClusterData)
    data.setup("fit")
    if data.fingerprint != Run.at(run).record.get("data_fingerprint", data.fingerprint):
        raise DataError("has changed since it was clustered, so its graph is another one", data.source_path)
    content = join(list(data.train_dataloader())).content
    points = prepared(content, module.scaling, module.vocabulary)
    return SparseGraph(points) if isinstance(content, Rows) else points


def _plane_of_rows(found: "Spectrum", root: "Tensor", n_clusters: int) -> "tuple[Tensor, tuple[str, str]]":
    """Two numbers a point of its row of the eigenvectors, (point, 2), and their names.

    Of two clusters only the second eigenvector says anything: the third is shown beside it. Of more, the rows are
    shown at unit length, for a small cluster lies so far out that it would press all others together.
    """
    from suite_spectral.eigen.row_scaling import scaled_rows
    from suite_spectral.pictures import plane

    if n_clusters == 2 and found.vectors.shape[1] > 2:
        scaled = scaled_rows(found.vectors[:, :3], root, "random-walk")
        return scaled[:, 1:3], ("eigenvector 2, divided by the root of the degree", "eigenvector 3, likewise")
    scaled = scaled_rows(found.vectors[:, :n_clusters], root, "njw")
    name = f"principal component 1 of the rows of {n_clusters} eigenvectors, at unit length"
    return plane(scaled), (name, "principal component 2")


def _eigenvalue_table(values: "Tensor", n_clusters: int, suggested: int) -> str:
    rows = []
    found = values.tolist()
    for place, value in enumerate(found, start=1):
        gap = found[place] - value if place < len(found) else None
        relative = gap / found[place] if gap is not None and found[place] > 0 else None
        marks = [name for name, number in (("used", n_clusters), ("suggested", suggested)) if number == place]
        rows.append(
            [
                f"{place}",
                f"{value:.4e}",
                "" if gap is None else f"{gap:.3e}",
                "" if relative is None else f"{relative:.3f}",
                f"{sum(found[:place]):.4e}",
                ", ".join(marks),
            ]
        )
    return table(["number", "eigenvalue", "gap to next", "relative", "sum so far", "clusters"], rows)
