"""Pictures of clusters (PNG), each with its numbers beside it (CSV): what is drawn can be drawn again elsewhere.

Clusters have the eight colours of Okabe and Ito (2002), which eyes without red or green tell apart; from the ninth on
the colours come again with another mark.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from suite_spectral.clusters.choosing import relative_gaps
from suite_spectral.comparing import Comparison, TwoCuts
from suite_spectral.segments import Segment, borders

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 5000
"""Points that one scatter shows at most, evenly spread over the file; the numbers beside it are of the same ones."""

EVERY = 30
"""Most eigenvalues of which each has its number at the axis."""

LONGEST = 1200
"""Pixels of the longer side of an image in a picture."""


COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#4d4d4d")

MARKS = "o^sDvP*X"

NAMED = 10
"""Most clusters that a legend names."""

MOST_POINTS = 20_000
"""Points that a picture shows at most, evenly spread over the file."""


def write_comparison(picture: Path, comparisons: Sequence[Comparison]) -> list[Path]:
    """Draws both methods' clusters beside the given classes, a row a set; returns where the numbers are.

    Args:
        picture: where it goes; the measures go beside it, and the points with ``-points`` after its name.
        comparisons: one or several.
    """
    measures = _write_csv(
        picture.with_suffix(".csv"),
        ["set", "points", "dims", "clusters", "method", "ari", "nmi", "ncut", "cpu_seconds"],
        (
            [each.given.name, *each.given.points.shape, each.n_clusters, answer.method]
            + ["" if value is None else value for value in (answer.ari, answer.nmi)]
            + [answer.ncut, answer.seconds]
            for each in comparisons
            for answer in each.answers
        ),
    )
    labelled = any(each.given.labels is not None for each in comparisons)
    columns = 3 if labelled else 2
    figure = _figure(3.4 * columns, 3.1 * len(comparisons))
    rows: list[list[object]] = []
    for axes, each in zip(figure.subplots(len(comparisons), columns, squeeze=False), comparisons, strict=True):
        shown = _spread(each.given.points.shape[0], SHOWN)
        places, names = _places(each.given.points, shown)
        classes = each.given.labels
        if labelled and classes is None:
            axes[0].set_axis_off()
        elif classes is not None:
            _dots(axes[0], places, classes[shown])
            axes[0].set_title(f"given: {len(torch.unique(classes))} classes", fontsize="medium")
        for axis, answer in zip(axes[-2:], each.answers, strict=True):
            _dots(axis, places, answer.labels[shown])
            worth = f"ARI {answer.ari:.2f}" if answer.ari is not None else f"Ncut {answer.ncut:.3g}"
            axis.set_title(f"{answer.method}: {worth}", fontsize="medium")
        for axis in axes:
            axis.set_xlabel(names[0], fontsize="small")
        first = axes[-columns if classes is not None else -2]
        first.set_ylabel(f"{each.given.name}\n{names[1]}")
        labels = [answer.labels[shown].tolist() for answer in each.answers]
        given = ["" for _ in shown] if classes is None else classes[shown].tolist()
        rows += [
            [each.given.name, point, *place, *clusters]
            for point, place, *clusters in zip(shown.tolist(), places.tolist(), given, *labels, strict=True)
        ]
    _save(figure, picture)
    points = _write_csv(
        picture.with_name(f"{picture.stem}-points.csv"),
        ["set", "point", "x", "y", "given", "k-means", "spectral"],
        rows,
    )
    return [measures, points]


def write_cuts(picture: Path, cuts: TwoCuts) -> Path:
    """Draws the minimum cut beside the normalised one, on the same graph; returns where the numbers are."""
    places, names = _places(cuts.given.points, _spread(cuts.given.points.shape[0], SHOWN))
    parts = {"minimum cut": cuts.smallest, "normalised cut": cuts.normalised}
    numbers = _write_csv(
        picture.with_suffix(".csv"),
        ["point", "x", "y", "minimum_cut", "normalised_cut"],
        (
            [point, *place, *both]
            for point, (place, *both) in enumerate(
                zip(places.tolist(), cuts.smallest.tolist(), cuts.normalised.tolist(), strict=True)
            )
        ),
    )
    figure = _figure(8.4, 3.9)
    for axis, (name, labels), weight, value in zip(
        figure.subplots(1, 2), parts.items(), cuts.weights, cuts.ncuts, strict=True
    ):
        _dots(axis, places, labels)
        sizes = labels.bincount(minlength=2).tolist()
        axis.set_title(f"{name}: {max(sizes)} and {min(sizes)} points", fontsize="medium")
        axis.set_xlabel(f"{names[0]}\nweight of the edges cut {weight:.3g}, Ncut {value:.3g}", fontsize="small")
        if sizes[1] <= 5:
            _ring(axis, places[labels == 1])
    figure.suptitle(f"{cuts.given.name}: two cuts of the same Gaussian graph")
    _save(figure, picture)
    return numbers


def write_segments(picture: Path, image: Tensor, labels: Tensor, segments: Sequence[Segment]) -> Path:
    """Draws an image, its segments, and their borders over it; returns where the numbers are.

    Args:
        picture: where it goes.
        image: (height, width, 1 or 3), 0 to 1.
        labels: (height, width) int64.
        segments: what each is.
    """
    numbers = _write_csv(
        picture.with_suffix(".csv"),
        ["segment", "pixels", "share", "red", "green", "blue", "top", "left", "bottom", "right"],
        ([each.number, each.pixels, each.share, *_three(each.colour), *each.box] for each in segments),
    )
    height, width = labels.shape
    step = max(1, -(-max(height, width) // LONGEST))
    seen = image[::step, ::step].expand(-1, -1, 3).contiguous().float()
    parts = labels[::step, ::step]
    colours = torch.tensor([_rgb(COLOURS[place % len(COLOURS)]) for place in range(int(labels.max()) + 1)])
    lines = borders(parts)
    thick = lines.clone()  # two pixels wide, to be seen when the picture is made smaller
    thick[1:] |= lines[:-1]
    thick[:, 1:] |= lines[:, :-1]
    outlined = seen.clone()
    outlined[thick] = torch.tensor([1.0, 1.0, 1.0])
    outlined[lines] = torch.tensor([0.85, 0.0, 0.35])
    across = width >= height
    figure = _figure(*((12.6, 0.6 + 4.1 * height / width) if across else (9.6, 0.6 + 3.1 * height / width)))
    axes = figure.subplots(1, 3)
    flat = colours[parts]
    flat[lines] = 1.0
    for axis, drawn, title in zip(
        axes,
        (seen, flat, outlined),
        ("image", f"{len(segments)} segments", "their borders"),
        strict=True,
    ):
        axis.imshow(drawn.numpy(), interpolation="antialiased")
        axis.set_title(title)
        axis.set_axis_off()
    for each in segments:
        row, column = (place / step for place in each.middle)
        axes[1].text(
            column,
            row,
            f"{each.number}",
            ha="center",
            va="center",
            color="black",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )
    _save(figure, picture)
    return numbers


def write_eigenvalues(picture: Path, values: Tensor, n_clusters: int, suggested: int) -> Path:
    """Draws the smallest eigenvalues and the gaps between them; returns where the numbers are.

    Args:
        picture: where it goes.
        values: (value,) in rising order.
        n_clusters: how many clusters there are.
        suggested: how many the eigengap suggests.
    """
    found = values.tolist()
    gaps = values.diff().tolist()
    relative = relative_gaps(values).tolist()
    numbers = _write_csv(
        picture.with_suffix(".csv"),
        ["number", "eigenvalue", "gap_to_next", "relative_gap", "sum"],
        zip(range(1, len(found) + 1), found, [*gaps, ""], [*relative, ""], values.cumsum(0).tolist(), strict=True),
    )
    figure = _figure(8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    places = range(1, len(found) + 1)
    above.plot(places[:n_clusters], found[:n_clusters], "o", color=COLOURS[0], label=f"of the {n_clusters} clusters")
    above.plot(
        places[n_clusters:], found[n_clusters:], "o", color=COLOURS[0], markerfacecolor="white", label="after them"
    )
    above.set_ylabel("eigenvalue of L")
    above.set_title("Smallest eigenvalues of the graph's Laplacian, and the gaps between them")
    above.legend(loc="upper left", facecolor="white", edgecolor="none", framealpha=1)
    # From the second: the first eigenvalue is 0, so that its relative gap is always 1.
    bars = below.bar([place + 0.5 for place in places[1:-1]], relative[1:], width=0.7, color="#bbbbbb")
    marked = {suggested: ("suggested", COLOURS[5]), n_clusters: ("used", COLOURS[0])}
    if suggested == n_clusters:
        marked = {n_clusters: ("used and suggested", COLOURS[0])}
    for count, (name, colour) in marked.items():
        if count > len(relative):
            continue
        bars[count - 2].set_color(colour)
        bars[count - 2].set_label(f"after {count}, the number {name}: {relative[count - 1]:.2f}")
        for axis in (above, below):
            axis.axvline(count + 0.5, color=colour, linewidth=0.9, linestyle=":", zorder=0)
    below.set_ylabel("gap to the next,\nas a share of the next")
    below.set_ylim(0, 1.4 * max([*relative[1:], 1e-12]))
    below.legend(loc="upper right", ncols=2, facecolor="white", edgecolor="none", framealpha=1)
    below.set_xlabel("number of the eigenvalue")
    if len(found) <= EVERY:
        below.set_xticks(list(places))
    else:
        _whole_numbers(below.xaxis)
    for axis in (above, below):
        _plain(axis)
    _save(figure, picture)
    return numbers


def write_embedding(picture: Path, rows: Tensor, labels: Tensor, names: Sequence[str]) -> Path:
    """Draws the points where the eigenvectors put them, coloured by cluster; returns where the numbers are.

    Args:
        picture: where it goes.
        rows: (point, 2).
        labels: (point,) int64.
        names: of the two axes.
    """
    shown = _spread(len(rows), SHOWN)
    places, clusters = rows[shown].double().cpu(), labels[shown].cpu()
    numbers = _write_csv(
        picture.with_suffix(".csv"),
        ["point", "x", "y", "cluster"],
        (
            [point, *place, cluster]
            for point, place, cluster in zip(shown.tolist(), places.tolist(), clusters.tolist(), strict=True)
        ),
    )
    figure = _figure(7.2, 5.4)
    axis = figure.subplots()
    sizes = labels.bincount().tolist()
    named = len(sizes) <= NAMED
    _dots(axis, places, clusters, [f"{place}: {size:,} points" for place, size in enumerate(sizes)] if named else ())
    axis.set_xlabel(names[0])
    axis.set_ylabel(names[1])
    some = "" if len(shown) == len(rows) else f" ({len(shown):,} of {len(rows):,} shown)"
    axis.set_title(f"The points by their eigenvectors, {len(sizes)} clusters{some}")
    axis.tick_params(labelbottom=True, labelleft=True)
    if named:
        figure.legend(loc="outside right upper", frameon=False, title="cluster", markerscale=2)
    _save(figure, picture)
    return numbers


def _places(points: Tensor, shown: Tensor) -> tuple[Tensor, tuple[str, str]]:
    """Where the shown points are drawn, (shown, 2), and what the axes are."""
    if points.layout == torch.strided and points.shape[1] <= 2:
        return plane(points)[shown], ("x", "y")
    dense = points if points.layout == torch.strided else points.to_dense()
    return plane(dense)[shown], ("principal component 1", "principal component 2")


def _spread(count: int, most: int) -> Tensor:
    return torch.linspace(0, count - 1, min(most, count), dtype=torch.float64).round().long()


def _dots(axis: Any, places: Tensor, labels: Tensor, names: Sequence[str] = ()) -> None:
    """Points in a picture of several: without numbers at the axes."""
    scatter(axis, places, labels, names)
    axis.tick_params(labelbottom=False, labelleft=False, length=0)


def _ring(axis: Any, places: Tensor) -> None:
    axis.scatter(
        places[:, 0].numpy(), places[:, 1].numpy(), s=160, facecolors="none", edgecolors="black", linewidths=1.2
    )


def _three(colour: tuple[float, ...]) -> tuple[float, ...]:
    return colour if len(colour) == 3 else colour * 3


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _write_csv(numbers: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with numbers.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return numbers


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _whole_numbers(side: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    side.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#dddddd")
    axis.set_axisbelow(True)


def _save(figure: "Figure", picture: Path) -> None:
    figure.savefig(picture, dpi=130)


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

    shown = torch.linspace(0, len(points) - 1, min(MOST_POINTS, len(points))).round().long()
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
