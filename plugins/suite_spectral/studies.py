"""The plugin's own verbs: compare with k-means, segment an image, look at eigenvalues."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lightning_suite import load, load_data
from lightning_suite.constraints import Interval, check
from lightning_suite.errors import DataError, UsageError
from lightning_suite.files import atomic_path
from lightning_suite.progress import progress
from lightning_suite.run import Run
from lightning_suite.setting import constraints_of, with_meanings
from suite_spectral.data_settings import DEFAULTS as DATA
from suite_spectral.data_settings import DataSettings
from suite_spectral.settings import DEFAULTS, SEGMENT_SIZE, SEGMENTATION, Kind, RowScaling, Settings, Weights

if TYPE_CHECKING:
    from torch import Tensor

    from suite_spectral.graphs.graph import SparseGraph
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.point_sets import PointSet

OF_FILES = ("columns", "label_column", "noise_label", "text_column", "standardize", "limit")
"""Options of ``compare`` that say what of a file is clustered."""


@with_meanings(Settings, DataSettings)
def compare(
    *,
    path: str | None = DATA.path,
    n_clusters: int | None = DEFAULTS.n_clusters,
    n_neighbors: int = 10,
    weights: Weights = DEFAULTS.weights,
    rows: RowScaling = DEFAULTS.rows,
    columns: list[int | str] | None = DATA.columns,
    label_column: int | str | None = DATA.label_column,
    noise_label: int | str | None = DATA.noise_label,
    text_column: list[int | str] | int | str | None = DATA.text_column,
    standardize: Literal["none", "scale"] = DATA.standardize,
    limit: int | None = DATA.limit,
    samples: int = DATA.samples,
    seed: int = 0,
    output: str | None = None,
) -> None:
    """Clusters the same data by k-means and by spectral clustering, side by side.

    Without a path: shapes drawn at random and scikit-learn's measured sets, and the minimum cut beside the normalised
    one. Prints a table; writes pictures (PNG) with their numbers (CSV) into a folder.

    Args:
        path: a file of points or texts, as --data.path of suite fit takes it.
        n_clusters: how many clusters; null: as many as there are classes, without labels by the eigengap.
        n_neighbors: neighbours of a point in the graph, itself counted.
        {settings}
        seed: of the shapes and of k-means.
        output: the folder of the pictures; null: comparison, or the file's name and -comparison, in the working
            directory.

    Raises:
        UsageError: an option makes no sense, or the file holds a graph or an image.
        DataError: the file cannot be read.
    """
    options = dict(locals())
    ranges = {name: constraints_of(Settings)[name] for name in ("n_neighbors", "weights", "rows")}
    check(ranges | {"n_clusters": [Interval(int, 2), None], "samples": [Interval(int, 10)]}, options, where="--")
    of_file = {name: options[name] for name in OF_FILES if options[name] != getattr(DATA, name)}
    if path is None and (n_clusters is not None or of_file):
        name = next(iter(of_file), "n_clusters")
        raise UsageError(f"--{name} says how a file is clustered, but no --path is given")
    folder = _folder(output, "comparison" if path is None else f"{Path(path).name.split('.')[0]}-comparison")

    from suite_spectral import comparing, point_sets, reports
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.pictures.comparison import write_comparison, write_cuts

    module = SpectralClusterer(n_neighbors=n_neighbors, weights=weights, rows=rows)
    if path is None:
        sets = list(point_sets.own_sets(samples, seed))
    else:
        module.kind, points = _points_of(path, of_file, seed)
        sets = [points]
    with progress("comparing") as task:
        compared = comparing.compare_sets(sets, module.settings(), n_clusters, seed=seed, progress=task.stage)
        cuts = comparing.compare_cuts(seed) if path is None else None
        task.stage("pictures")
        write_comparison(folder / "comparison.png", compared)
        if cuts is not None:
            write_cuts(folder / "cuts.png", cuts)
    print(reports.comparison_table(compared))
    print(f"\n{reports.verdict(compared)}")
    print(compared[0].line if cuts is None else f"\n{reports.cuts_line(cuts)}")
    print(f"\npictures: {folder}")
    typed = {"name": sets[0].name} if path is None else {"path": path, **of_file}
    words = [f" --data.{name} {shlex.quote(f'{value}')}" for name, value in typed.items()]
    print(f"next: suite fit --plugin spectral{''.join(words)} --model.n_clusters {compared[0].n_clusters}")


def _points_of(path: str, options: dict[str, Any], seed: int) -> "tuple[Kind, PointSet]":
    """The kind of data in a file, and the points that both methods cluster."""
    from suite_spectral.batches import join, prepared
    from suite_spectral.data import ClusterData
    from suite_spectral.point_sets import PointSet
    from suite_spectral.solving.building import made_dense

    data = ClusterData(path, split_seed=seed, **options)
    data.setup("fit")
    if data.kind not in ("points", "texts"):
        command = "suite segment" if data.kind == "image" else "suite fit --plugin spectral --data.path"
        what = "an image" if data.kind == "image" else "a graph"
        raise UsageError(f"{path} holds {what}: k-means needs points or texts. Take {command} {shlex.quote(path)}")
    points = prepared(join(list(data.train_dataloader())).content, data.scaling, data.vocabulary)
    if data.kind == "points":  # k-means needs their means
        points = made_dense(points)
    return data.kind, PointSet(Path(path).name, points, data.labels)


@with_meanings(Settings)
def segment(
    image: str,
    *,
    k: int = 4,
    size: int = SEGMENT_SIZE,
    radius: float = SEGMENTATION.radius,
    sigma_color: float = SEGMENTATION.sigma_color,
    sigma_position: float = SEGMENTATION.sigma_position,
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
        {settings}
        seed: of k-means.
        output: the folder of the files; null: the image's name and -segments, in the working directory.

    Raises:
        UsageError: an option makes no sense.
        DataError: the image cannot be read.
    """
    options = dict(locals())
    check({"k": [Interval(int, 2, 255)]}, options, where="-")
    ranges = {name: constraints_of(Settings)[name] for name in ("radius", "sigma_color", "sigma_position")}
    check(ranges | {"size": [Interval(int, 2)]}, options, where="--")
    path = Path(image).expanduser()
    folder = _folder(output, f"{path.stem}-segments")

    import numpy as np
    import torch
    from PIL import Image

    from suite_spectral import reports, segments
    from suite_spectral.pictures.segments import write_segments
    from suite_spectral.sources.reading import read

    source = read(path)
    if source.image_shape is None:
        raise DataError(f"expected an image, got {source.kind}", path)
    pixels = torch.from_numpy(source.content[:, 2:]).reshape(source.image_shape)
    with progress("segmenting") as task:
        cut = segments.segment(
            pixels,
            k,
            size=size,
            radius=radius,
            sigma_color=sigma_color,
            sigma_position=sigma_position,
            seed=seed,
            progress=task.stage,
        )
        parts = segments.segments_of(pixels, cut.labels)
        task.stage("pictures")
        write_segments(folder / "segments.png", pixels, cut.labels, parts)
        labels = cut.labels.numpy().astype(np.uint8)
        with atomic_path(folder / "labels.npy") as unfinished:
            np.save(unfinished, labels)
        with atomic_path(folder / "labels.png") as unfinished:
            Image.fromarray(labels).save(unfinished)
    height, width, _ = source.image_shape
    worked = " x ".join(map(str, reversed(cut.cut_size)))
    smaller = f", cut at {worked} (--size {size})" if cut.cut_size != (height, width) else ""
    print(f"{path.name}: {width} x {height} pixels{smaller}\n")
    print(reports.segment_table(parts))
    clustering = cut.clustering
    print(
        f"\nNcut {clustering.ncut:.4g}, no {k} segments can be below {clustering.lower_bound:.4g}; eigengap "
        f"{clustering.eigengap:.3g}; {reports.components(clustering.n_components)}"
    )
    print(f"picture: {folder / 'segments.png'}\nlabels: {folder / 'labels.npy'}, {folder / 'labels.png'}")


def eigen(run: str, *, count: int = 20, output: str | None = None) -> None:
    """Shows the eigenvalues of a run's graph with their gaps, and the points by their eigenvectors.

    The graph is built again as the run built it, so that more eigenvalues can be seen than the run needed.

    Args:
        run: a run folder or a checkpoint.
        count: how many eigenvalues.
        output: the folder of the pictures; null: the run's figures.

    Raises:
        UsageError: the run is not of this plugin, or an option makes no sense.
        RunError: there is no such run.
        DataError: the run's data are needed and have changed, or are not there any more.
    """
    check({"count": [Interval(int, 3)]}, {"count": count}, where="--")

    from suite_spectral import reports
    from suite_spectral.clusters.cuts import ncut
    from suite_spectral.clusters.number_of_clusters import eigengap_clusters
    from suite_spectral.graph_spectrum import graph_spectrum, plane_of_rows
    from suite_spectral.module import SpectralClusterer
    from suite_spectral.pictures.eigenvalues import write_eigenvalues
    from suite_spectral.pictures.scatter import write_embedding

    module = load(run)
    if not isinstance(module, SpectralClusterer):
        raise UsageError(f"{run} is a run of {type(module).__name__}, which has no eigenvalues to show")
    if not module.network.is_fitted:
        raise UsageError(f"{run} ended before anything was clustered: there are no eigenvalues to show")
    folder = _folder(output, f"{Run.at(run).folder / 'figures'}")
    fitted = module.network.fitted
    k = fitted.n_clusters
    settings = replace(module.settings(), **fitted.chosen)  # what a rule has chosen need not be chosen again
    seed = int(Run.at(run).settings()["seed"])
    with progress("eigenvalues") as task:
        content = _content(module, run)
        most = max(count, k + 1) - 1
        graph, root, spectrum = graph_spectrum(content, settings, most, seed=seed, progress=task.stage)
        cost = ncut(graph, fitted.labels, k)
        values = spectrum.values[: max(count, k + 1)]
        suggested = eigengap_clusters(values, len(values) - 1)
        task.stage("pictures")
        write_eigenvalues(folder / "eigenvalues.png", values, k, suggested)
        places, names = plane_of_rows(spectrum, root, k)
        write_embedding(folder / "embedding.png", places, fitted.labels, names)
    print(reports.eigenvalue_table(values, k, suggested))
    n_components = int(spectrum.components.max()) + 1
    loose = int((spectrum.vectors == 0).all(dim=1).sum())
    left_out = f", of which {loose:,} points in loose ones are left out" if loose else ""
    print(f"\n{graph.n:,} points, {reports.components(n_components)}{left_out}; solver: {spectrum.solver}")
    bound = f"; no {k} clusters can be below {float(values[:k].sum()):.4g}, the sum of the first {k} eigenvalues"
    print(f"{k} clusters: Ncut {cost:.4g}{'' if settings.regularisation or loose else bound}")
    agrees = "as there are" if suggested == k else f"there are {k}"
    print(f"clusters suggested by the largest relative gap, of 2 to {len(values) - 1}: {suggested} ({agrees})")
    print(f"pictures: {folder / 'eigenvalues.png'}, {folder / 'embedding.png'}")


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


def _folder(output: str | None, usual: str) -> Path:
    """Where pictures go; it need not be there yet."""
    folder = Path(output if output is not None else usual).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--output {folder}: expected a folder, this is a file")
    return folder
