"""The smallest eigenvalues of a graph's Laplacian, and the gap behind as many as there are clusters."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor

from lightning_suite.pictures import COLOURS, drawing, whole_numbers
from suite_spectral.clusters.number_of_clusters import relative_gaps

NUMBERED = 30
"""Most eigenvalues of which each has its number at the axis."""


def write_eigenvalues(picture: Path, values: Tensor, n_clusters: int, suggested: int) -> None:
    """Draw the smallest eigenvalues and the gaps between them.

    Args:
        picture: the PNG file; the CSV has its name.
        values: (value,) in rising order.
        n_clusters: how many clusters there are.
        suggested: how many the eigengap suggests.
    """
    numbers = range(1, len(values) + 1)
    eigenvalues, relative = values.tolist(), relative_gaps(values).tolist()
    rows = zip(numbers, eigenvalues, _gaps(eigenvalues), [*relative, ""], values.cumsum(0).tolist(), strict=True)
    columns = ["number", "eigenvalue", "gap_to_next", "relative_gap", "sum"]
    with drawing(picture, columns, rows, width=8, height=5.4) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        k = n_clusters
        above.plot(numbers[:k], eigenvalues[:k], "o", color=COLOURS[0], label=f"of the {k} clusters")
        hollow = {"color": COLOURS[0], "markerfacecolor": "white", "label": "after them"}
        above.plot(numbers[k:], eigenvalues[k:], "o", **hollow)
        above.set_ylabel("eigenvalue of L")
        above.set_title("Smallest eigenvalues of the graph's Laplacian, and the gaps between them")
        # From the second: the first eigenvalue is 0, so that its relative gap is always 1.
        bars = below.bar([number + 0.5 for number in numbers[1:-1]], relative[1:], width=0.7, color="#bbbbbb")
        marked = {suggested: ("suggested", COLOURS[1]), k: ("used", COLOURS[0])}
        if suggested == k:
            marked = {k: ("used and suggested", COLOURS[0])}
        for count, (name, colour) in marked.items():
            if count > len(relative):
                continue
            bars[count - 2].set_color(colour)
            bars[count - 2].set_label(f"after {count}, the number {name}: {relative[count - 1]:.2f}")
            for axes in (above, below):
                axes.axvline(count + 0.5, color=colour, linewidth=0.9, linestyle=":", zorder=0)
        below.set_ylabel("gap to the next,\nas a share of the next")
        below.set_ylim(0, 1.4 * max([*relative[1:], 1e-12]))
        below.set_xlabel("number of the eigenvalue")
        for axes, place in ((above, "upper left"), (below, "upper right")):
            axes.legend(loc=place, ncols=2, frameon=True, facecolor="white", edgecolor="none", framealpha=1)
        if len(numbers) <= NUMBERED:
            below.set_xticks(list(numbers))
        else:
            whole_numbers(below.xaxis)


def _gaps(values: Sequence[float]) -> Iterable[float | str]:
    return [*(after - before for before, after in itertools.pairwise(values)), ""]
