"""Points coloured by cluster.

From the ninth cluster on the colours come again with another mark.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lightning_suite.pca import principal_components
from lightning_suite.pictures import COLOURS, drawing
from suite_spectral.graphs.sparse_points import as_csr, is_sparse
from suite_spectral.one_thread import one_thread

MARKS = "o^sDvP*X"

NAMED = 10
"""Most clusters that a legend names."""

MOST_EXACT = 2000
"""Points, or dims, of which the principal components come from a matrix of all pairs."""

MOST_DENSE = 2**24
"""Numbers of sparse points that are made dense for their picture."""

SHOWN = 5000
"""Points that one scatter shows at most, evenly spread over the file; the numbers beside it are of the same ones."""

MOST_POINTS = 20_000
"""Points that the picture of a test shows at most."""


def write_points(picture: Path, points: Tensor, labels: Tensor, numbers: Tensor | None = None) -> None:
    """Draw points by their first two principal components, or by their two dims, coloured by cluster.

    Args:
        picture: the PNG file; the CSV has its name.
        points: (point, dim), dense or sparse_csr.
        labels: (point,) int64, of all points.
        numbers: which of all points these are; None: all.
    """
    shown = spread(len(labels), MOST_POINTS) if numbers is None else numbers
    places = plane(points)[shown.to(points.device)] if numbers is None else plane(points)
    names = ("x", "y") if points.shape[1] <= 2 else ("component_1", "component_2")
    title = f"{len(labels):,} points, {int((labels.bincount() > 0).sum())} clusters"
    _write_clusters(picture, places, labels, shown, names, names, title)


def write_embedding(picture: Path, rows: Tensor, labels: Tensor, names: Sequence[str]) -> None:
    """Draw the points where the eigenvectors put them, coloured by cluster.

    Args:
        picture: the PNG file; the CSV has its name.
        rows: (point, 2).
        labels: (point,) int64.
        names: of the two axes.
    """
    shown = spread(len(rows), SHOWN)
    some = "" if len(shown) == len(rows) else f" ({len(shown):,} of {len(rows):,} shown)"
    title = f"The points by their eigenvectors, {int(labels.max()) + 1} clusters{some}"
    _write_clusters(picture, rows.double()[shown.to(rows.device)], labels, shown, ("x", "y"), names, title)


def _write_clusters(
    picture: Path,
    places: Tensor,
    labels: Tensor,
    shown: Tensor,
    columns: Sequence[str],
    names: Sequence[str],
    title: str,
) -> None:
    sizes = labels.bincount().tolist()
    places, labels = places.cpu(), labels[shown.to(labels.device)].cpu()
    rows = zip(shown.tolist(), *places.T.tolist(), labels.tolist(), strict=True)
    with drawing(picture, ["point", *columns, "cluster"], rows, width=7.2, height=5.4) as figure:
        axes = figure.subplots()
        named = len(sizes) <= NAMED
        legend = [f"{cluster}: {size:,} points" for cluster, size in enumerate(sizes)] if named else ()
        scatter(axes, places, labels, legend)
        if named:
            figure.legend(loc="outside right upper", title="cluster", markerscale=2)
        axes.set_xlabel(names[0].replace("_", " "))
        axes.set_ylabel(names[1].replace("_", " "))
        axes.set_title(title)


def scatter(axes: Any, places: Tensor, labels: Tensor, names: Sequence[str] = ()) -> None:
    """Draw points with the colours and marks of their clusters, smaller the more there are.

    Args:
        axes: of matplotlib.
        places: (point, 2).
        labels: (point,) int64.
        names: (cluster,) for the legend, or none.
    """
    size = 26 * min(1.0, (200 / max(1, len(places))) ** 0.4)
    for cluster in torch.unique(labels).tolist():
        inside = labels == cluster
        axes.scatter(
            places[inside, 0].numpy(),
            places[inside, 1].numpy(),
            s=size,
            color=COLOURS[cluster % len(COLOURS)],
            marker=MARKS[cluster // len(COLOURS) % len(MARKS)],
            linewidths=0,
            alpha=0.85,
            label=names[cluster] if names else None,
        )
    axes.grid(False)
    axes.margins(0.05)


def plane(points: Tensor) -> Tensor:
    """Return two numbers per point, (point, 2) float64: its dims, or its first two principal components.

    Args:
        points: (point, dim), dense or sparse_csr.
    """
    n, dims = points.shape
    if min(n, dims) > MOST_EXACT or (is_sparse(points) and n * dims > MOST_DENSE):
        return _leading_components(points)
    points = points.to_dense().double()
    return principal_components(points)[0] if dims > 2 else torch.nn.functional.pad(points, (0, 2 - dims))


def _leading_components(points: Tensor) -> Tensor:
    """Return the first two principal components, (point, 2), by products with the points alone."""
    from sklearn.decomposition import PCA

    rows: Any = as_csr(points).astype(np.float64) if is_sparse(points) else points.double().cpu().numpy()
    with one_thread():
        places = PCA(2, svd_solver="arpack", random_state=0).fit_transform(rows)
    return torch.from_numpy(np.ascontiguousarray(places))


def spread(count: int, most: int) -> Tensor:
    """Return the indices of at most so many points, evenly spread over all of them, (shown,) int64."""
    return torch.linspace(0, count - 1, min(most, count), dtype=torch.float64).round().long()
