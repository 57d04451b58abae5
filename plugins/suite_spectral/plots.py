"""The pictures of a test: the spectrum with its gap, and points coloured by cluster; each with its numbers as CSV.

Clusters have the eight colours of Okabe and Ito (2002), which eyes without red or green tell apart; from the ninth on
the colours come again with another mark.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#4d4d4d")

MARKS = "o^sDvP*X"

NAMED = 10
"""Most clusters that a legend names."""

SHOWN = 20_000
"""Points that a picture shows at most, evenly spread over the file."""


def write_spectrum(picture: Path, eigenvalues: Tensor, n_clusters: int) -> None:
    """Draws the smallest eigenvalues, and the gap behind as many as there are clusters.

    Args:
        picture: the PNG file; the CSV has its name.
        eigenvalues: (value,) in rising order.
        n_clusters: how many clusters there are.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    values = eigenvalues.tolist()
    with picture.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "eigenvalue", "gap_to_next", "used"])
        for place, value in enumerate(values):
            gap = values[place + 1] - value if place + 1 < len(values) else ""
            writer.writerow([place + 1, value, gap, int(place < n_clusters)])
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    numbers = list(range(1, len(values) + 1))
    axis.plot(numbers[:n_clusters], values[:n_clusters], "o", color=COLOURS[0], label="used")
    axis.plot(numbers[n_clusters:], values[n_clusters:], "o", color=COLOURS[5], label="next")
    if len(values) > n_clusters:
        low, high = values[n_clusters - 1], values[n_clusters]
        axis.axhspan(low, high, color="0.9", zorder=0)
        axis.set_title(f"gap after {n_clusters}: {high - low:.3g}")
    axis.set_xlabel("number")
    axis.set_ylabel("eigenvalue of L")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend()
    figure.savefig(picture, dpi=150)


def write_points(picture: Path, points: Tensor, labels: Tensor) -> None:
    """Draws points by their first two principal components, or by their two dims, coloured by cluster.

    Args:
        picture: the PNG file; the CSV has its name.
        points: (point, dim).
        labels: (point,) int64.
    """
    from matplotlib.figure import Figure

    shown = torch.linspace(0, len(points) - 1, min(SHOWN, len(points))).round().long()
    places = plane(points)[shown].cpu()
    clusters = labels[shown.to(labels.device)].cpu()
    names = ["x", "y"] if points.shape[1] <= 2 else ["component_1", "component_2"]
    with picture.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["point", *names, "cluster"])
        for point, (x, y), cluster in zip(shown.tolist(), places.tolist(), clusters.tolist(), strict=True):
            writer.writerow([point, x, y, cluster])
    figure = Figure(figsize=(7, 5), layout="constrained")
    axis = figure.subplots()
    sizes = labels.bincount().tolist()
    named = len(sizes) <= NAMED
    scatter(axis, places, clusters, [f"{place}: {size:,} points" for place, size in enumerate(sizes)] if named else ())
    if named:
        figure.legend(loc="outside right upper", frameon=False, title="cluster", markerscale=2)
    axis.set_xlabel(names[0].replace("_", " "))
    axis.set_ylabel(names[1].replace("_", " "))
    axis.set_title(f"{len(points):,} points, {int((labels.bincount() > 0).sum())} clusters")
    figure.savefig(picture, dpi=150)


def scatter(axis: Any, places: Tensor, labels: Tensor, names: Sequence[str] = ()) -> None:
    """Draws points with the colours and marks of their clusters, smaller the more there are.

    Args:
        axis: of matplotlib.
        places: (point, 2).
        labels: (point,) int64.
        names: (cluster,) for the legend, or none.
    """
    size = 26 * min(1.0, (200 / max(1, len(places))) ** 0.4)
    for cluster in torch.unique(labels).tolist():
        inside = labels == cluster
        axis.scatter(
            places[inside, 0].numpy(),
            places[inside, 1].numpy(),
            s=size,
            color=COLOURS[cluster % len(COLOURS)],
            marker=MARKS[cluster // len(COLOURS) % len(MARKS)],
            linewidths=0,
            alpha=0.85,
            label=names[cluster] if names else None,
        )
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(0.05)


def plane(points: Tensor) -> Tensor:
    """Two numbers a point, (point, 2) float64: its dims, or its first two principal components."""
    values = points.double()
    if values.shape[1] == 1:
        return torch.cat([values, torch.zeros_like(values)], dim=1)
    if values.shape[1] == 2:
        return values
    centred = values - values.mean(dim=0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    axes: Tensor = vectors[:, -2:].flip(1)
    # Eigenvectors have no sign of their own: the entry that is farthest from 0 is above it.
    signs = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()
    places: Tensor = centred @ (axes * signs)
    return places
