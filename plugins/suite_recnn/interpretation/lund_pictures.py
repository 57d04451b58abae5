"""Pictures of saliency on the Lund plane, one row of panels for each class, with the lines of constant mass."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lightning_suite.pictures import GREY, drawing, numbers_of
from suite_recnn.interpretation.lund_plane import LundMap, boundary, mass_line
from suite_recnn.interpretation.saliency import Splittings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MASSES: Final = {"m(W)": 80.4, "m(top)": 172.8}
"""GeV."""
BAND: Final = (60.0, 80.0)
"""GeV: between these masses the paper sees the hard splittings of QCD jets."""
COMMON_RANGE: Final = 1.5
"""Upper end of the colours of pictures that compare tasks, as Figure 3 of the paper."""

COLUMNS: Final = (
    "class",
    "low_ln_inverse_delta",
    "high_ln_inverse_delta",
    "low_ln_kt",
    "high_ln_kt",
    "splittings",
    "saliency",
    "density",
)


def paper_range(classes: Sequence[str]) -> float:
    """Return the upper end of the colours of the paper's Figure 1: 2 for W against QCD, 1.5 for other tasks.

    Example:
        >>> paper_range(("qcd", "w")), paper_range(("gluon", "quark"))
        (2.0, 1.5)
    """
    return 2.0 if set(classes) == {"w", "qcd"} else 1.5


def draw_lund_planes(picture: Path, found: Splittings, classes: Sequence[str], *, title: str = "") -> Path:
    """Draw mean saliency and density on the Lund plane by class, write all numbers beside it, and return their path.

    The paper's saliency is drawn in the paper's range and in a common one; what is above has the colour of the upper
    end. Saliency with a sign has one range, symmetric, that 98 % of the cells are in.

    Args:
        picture: the PNG file.
        found: the splittings and their saliency.
        classes: their names by label: (background, signal).
        title: of the picture.
    """
    maps = {name: found.map(label) for label, name in enumerate(classes)}
    if found.method == "relative":
        scales = [(0.0, paper_range(classes), "the paper's range"), (0.0, COMMON_RANGE, "common range")]
    else:
        cells = np.concatenate([each.mean[np.isfinite(each.mean)] for each in maps.values()])
        end = float(np.percentile(np.abs(cells), 98)) if len(cells) else 1.0
        scales = [(-end, end, found.method)]
    across = len(scales) + 1
    size = {"width": 3.9 * across, "height": 3.3 * len(maps) + 0.3}
    with drawing(picture, COLUMNS, rows_of(maps), **size) as figure:
        axes = figure.subplots(len(maps), across, squeeze=False, sharex=True, sharey=True)
        for row, (name, each) in zip(axes, maps.items(), strict=True):
            for axis, (low, high, words) in zip(row, scales, strict=False):
                colours = "viridis" if low == 0 else "RdBu_r"
                draw_plane(figure, axis, each, each.mean, colours, low, high, "saliency")
                axis.set_title(f"{name}: saliency, {words}")
            filled = np.where(each.counts > 0, each.density, np.nan)
            draw_plane(figure, row[-1], each, filled, "Blues", 0.0, None, "splittings a jet and unit area")
            row[-1].set_title(f"{name}: density")
            row[0].set_ylabel("ln(kT / GeV)")
        for axis in axes[-1]:
            axis.set_xlabel("ln(1 / Δ)")
        for axis in axes.ravel():
            draw_lines(axis, found.jet_pt)
        axes[0, -1].legend(loc="upper right", fontsize="small")
        if title:
            figure.suptitle(title)
    return numbers_of(picture)


def rows_of(maps: Mapping[str, LundMap]) -> Iterator[tuple[object, ...]]:
    """Yield a row of COLUMNS for every cell with a splitting; saliency is empty where there are fewer than five."""
    for name, each in maps.items():
        for x, y in zip(*np.nonzero(each.counts), strict=True):
            cell = each.mean[x, y]
            edges = (each.x_edges[x], each.x_edges[x + 1], each.y_edges[y], each.y_edges[y + 1])
            shown = "" if np.isnan(cell) else f"{cell:.5g}"
            yield (
                name,
                *(f"{edge:.4g}" for edge in edges),
                int(each.counts[x, y]),
                shown,
                f"{each.density[x, y]:.5g}",
            )


def draw_plane(
    figure: Any,
    axis: "Axes",
    plane: LundMap,
    values: NDArray[np.float64],
    colours: str,
    low: float,
    high: float | None,
    label: str,
) -> None:
    """Draw a quantity of cells, (x, y), with its bar of colours from low to high, or to its largest value."""
    image = axis.pcolormesh(plane.x_edges, plane.y_edges, values.T, cmap=colours, vmin=low, vmax=high, rasterized=True)
    extend = "neither" if high is None else "both" if low < 0 else "max"
    figure.colorbar(image, ax=axis, label=label, extend=extend)
    axis.grid(visible=False)
    axis.set_xlim(plane.x_edges[0], plane.x_edges[-1])
    axis.set_ylim(plane.y_edges[0], plane.y_edges[-1])


def draw_lines(axis: "Axes", pt: float) -> None:
    """Draw the boundary of the plane and the lines of constant mass for a node with this transverse momentum."""
    x = np.linspace(*axis.get_xlim(), 50)
    axis.plot(x, boundary(x, pt), color=GREY, linewidth=0.8, linestyle=":")
    for number, (name, mass) in enumerate(MASSES.items()):
        along, up = mass_line(mass, pt)
        axis.plot(along, up, color=("#d55e00", "#cc79a7")[number], linewidth=1.4, label=name)
    low, high = (mass_line(mass, pt) for mass in BAND)
    axis.fill(
        np.concatenate([low[0], high[0][::-1]]),
        np.concatenate([low[1], high[1][::-1]]),
        facecolor="none",
        edgecolor="#d55e00",
        hatch="///",
        linewidth=0.0,
        label="60-80 GeV",
    )
