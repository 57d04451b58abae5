"""Two methods beside the classes, and two cuts of the same graph."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lightning_suite.pictures import drawing, write_csv
from suite_spectral.comparing import Comparison, TwoCuts
from suite_spectral.pictures.scatter import SHOWN, plane, scatter, spread


def write_comparison(picture: Path, comparisons: Sequence[Comparison]) -> None:
    """Draw both methods' clusters beside the classes, one row per set.

    Args:
        picture: the PNG file; the measures go beside it, and the points with ``-points`` after its name.
        comparisons: one or several.
    """
    measures = (
        [one.point_set.name, *one.point_set.points.shape, one.n_clusters, answer.method]
        + ["" if value is None else value for value in (answer.ari, answer.nmi)]
        + [answer.ncut, answer.seconds]
        for one in comparisons
        for answer in one.answers
    )
    names = ["set", "points", "dims", "clusters", "method", "ari", "nmi", "ncut", "cpu_seconds"]
    columns = 3 if any(one.point_set.labels is not None for one in comparisons) else 2
    points: list[list[object]] = []
    with drawing(picture, names, measures, width=3.4 * columns, height=3.1 * len(comparisons)) as figure:
        grid = figure.subplots(len(comparisons), columns, squeeze=False)
        for axes, comparison in zip(grid, comparisons, strict=True):
            points += _draw_row(axes, comparison)
    header = ["set", "point", "x", "y", "given", "k-means", "spectral"]
    write_csv(picture.with_name(f"{picture.stem}-points.csv"), header, points)


def _draw_row(axes: Any, comparison: Comparison) -> list[list[object]]:
    """Draw one set; return the points that are shown: set, number, place, class and clusters."""
    drawn = comparison.point_set
    shown = spread(drawn.points.shape[0], SHOWN)
    places, names = _places(drawn.points, shown)
    if len(axes) == 3 and drawn.labels is None:
        axes[0].set_axis_off()
    elif drawn.labels is not None:
        _dots(axes[0], places, drawn.labels[shown])
        axes[0].set_title(f"given: {len(torch.unique(drawn.labels))} classes")
    for axis, answer in zip(axes[-2:], comparison.answers, strict=True):
        _dots(axis, places, answer.labels[shown])
        worth = f"ARI {answer.ari:.2f}" if answer.ari is not None else f"Ncut {answer.ncut:.3g}"
        axis.set_title(f"{answer.method}: {worth}")
    for axis in axes:
        axis.set_xlabel(names[0], fontsize="small")
    first = axes[-2] if drawn.labels is None else axes[0]
    first.set_ylabel(f"{drawn.name}\n{names[1]}")
    classes = [""] * len(shown) if drawn.labels is None else drawn.labels[shown].tolist()
    clusters = [answer.labels[shown].tolist() for answer in comparison.answers]
    rows = zip(shown.tolist(), *places.T.tolist(), classes, *clusters, strict=True)
    return [[drawn.name, *row] for row in rows]


def write_cuts(picture: Path, cuts: TwoCuts) -> None:
    """Draw the minimum cut beside the normalised one, on the same graph."""
    places, names = _places(cuts.point_set.points, spread(cuts.point_set.points.shape[0], SHOWN))
    rows = zip(range(len(places)), *places.T.tolist(), cuts.smallest.tolist(), cuts.normalised.tolist(), strict=True)
    parts = {"minimum cut": cuts.smallest, "normalised cut": cuts.normalised}
    columns = ["point", "x", "y", "minimum_cut", "normalised_cut"]
    with drawing(picture, columns, rows, width=8.4, height=3.9) as figure:
        both = zip(figure.subplots(1, 2), parts.items(), cuts.weights, cuts.ncuts, strict=True)
        for axis, (name, labels), weight, value in both:
            _dots(axis, places, labels)
            axis.set_ylabel(names[1])
            sizes = labels.bincount(minlength=2).tolist()
            axis.set_title(f"{name}: {max(sizes)} and {min(sizes)} points")
            axis.set_xlabel(f"{names[0]}\nweight of the edges cut {weight:.3g}, Ncut {value:.3g}", fontsize="small")
            if sizes[1] <= 5:
                _ring(axis, places[labels == 1])
        figure.suptitle(f"{cuts.point_set.name}: two cuts of the same Gaussian graph")


def _places(points: Tensor, shown: Tensor) -> tuple[Tensor, tuple[str, str]]:
    """Where the shown points are drawn, (shown, 2), and what the axes are."""
    if points.layout == torch.strided and points.shape[1] <= 2:
        return plane(points)[shown], ("x", "y")
    dense = points if points.layout == torch.strided else points.to_dense()
    return plane(dense)[shown], ("principal component 1", "principal component 2")


def _dots(axis: Any, places: Tensor, labels: Tensor) -> None:
    """Points in a picture of several: without numbers at the axes."""
    scatter(axis, places, labels)
    axis.tick_params(labelbottom=False, labelleft=False, length=0)


def _ring(axis: Any, places: Tensor) -> None:
    x, y = places.T.numpy()
    axis.scatter(x, y, s=160, facecolors="none", edgecolors="black", linewidths=1.2)
