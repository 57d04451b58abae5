"""One way to draw: a picture (PNG) and, beside it, the numbers that it shows (CSV); both appear whole or not at all.

All pictures have one style, whatever matplotlib is set to elsewhere: colours for the colour-blind (Okabe and Ito,
2008), the font DejaVu Sans (Latin, Greek, Cyrillic), a light grid behind the data. Text is drawn
literally, ``$`` too: formulas are written with Unicode, as in "τ₂₁". No window is opened, and no state of ``pyplot`` is
used.
"""

import contextlib
import csv
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lightning_suite.errors import UsageError
from lightning_suite.files import atomic_path, atomic_write
from lightning_suite.needs import needs

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#f0e442", "#4d4d4d")
"""The colours of curves, in their order."""

GREY = "#555555"
"""For auxiliary lines and text."""

BINS = 60
"""The largest number of bins of a histogram."""

SHOWN = 99.5
"""The percentile at which a histogram ends if the largest number is far beyond it."""

STYLE: Mapping[str, object] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.titlesize": "medium",
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "savefig.bbox": "tight",  # nothing that sticks out is cut off
    "savefig.dpi": 130,
    "text.parse_math": False,
}
"""Differences from matplotlib's default settings."""


class Histogram(NamedTuple):
    """The number of values in each bin, for one or more sets that share their bins.

    Attributes:
        edges: (bin + 1,) in rising order; whole numbers are at the centres of their bins.
        counts: (bin,) number of values in each bin, by set; the last bin includes its upper edge.
        above: number of values beyond the last bin, by set.
    """

    edges: "NDArray[np.float64]"
    counts: "Mapping[str, NDArray[np.int64]]"
    above: Mapping[str, int]

    def density(self, name: str) -> "NDArray[np.float64]":
        """Return the share of a set's values, including those beyond the bins, over the width of the bin: (bin,)."""
        widths = self.edges[1:] - self.edges[:-1]
        density: NDArray[np.float64] = self.counts[name] / ((self.counts[name].sum() + self.above[name]) * widths)
        return density


@contextlib.contextmanager
def drawing(
    picture: str | Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    width: float = 6.4,
    height: float = 4.4,
) -> "Iterator[Figure]":
    """Yield an empty figure in our style; at the end of the block write it, and its numbers beside it as CSV.

    Args:
        picture: the PNG file; its folder is made, and the CSV has its name.
        columns: the names of the columns of numbers.
        rows: the numbers that the picture shows.
        width: of the picture, in inches.
        height: of the picture, in inches.

    Raises:
        UsageError: the name does not end in .png, or matplotlib is not installed.
        OutputError: a file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "squares.png")
        >>> with drawing(path, ["x", "square"], [(x, x * x) for x in range(4)]) as figure:
        ...     axes = figure.subplots()
        ...     _ = axes.plot(range(4), [0, 1, 4, 9])
        ...     _ = axes.set_xlabel("length (m)")
        >>> numbers_of(path).read_text().splitlines()[:2]
        ['x,square', '0,0']
    """
    picture = check_name(picture)
    with needs("drawing pictures", "matplotlib>=3.8"):
        from cycler import cycler
        from matplotlib import style
        from matplotlib.figure import Figure
    settings = {**STYLE, "axes.prop_cycle": cycler(color=COLOURS)}
    with style.context(settings, after_reset=True), warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; the numbers beside the picture spell it.
        warnings.filterwarnings("ignore", message=".*(Glyph|natively)")
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                if axis.get_scale() == "log":
                    _plain_powers(axis)
        picture.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(picture) as unfinished:
            figure.savefig(unfinished)
    write_csv(numbers_of(picture), columns, rows)


def check_name(picture: str | Path) -> Path:
    """Return the path of a picture, with ``~`` resolved, if its name is valid; call this before long work.

    Raises:
        UsageError: the name does not end in .png.

    Example:
        >>> check_name("roc.pdf")
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: roc.pdf: expected a name that ends in .png; its numbers go beside it, as .csv
    """
    path = Path(picture).expanduser()
    if path.suffix != ".png":
        raise UsageError(f"{picture}: expected a name that ends in .png; its numbers go beside it, as .csv")
    return path


def numbers_of(picture: str | Path) -> Path:
    """Return the path of a picture's numbers: its own with the suffix .csv.

    Example:
        >>> numbers_of("figures/roc.png").name
        'roc.csv'
    """
    return Path(picture).with_suffix(".csv")


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    r"""Write a table as CSV in UTF-8, whole or not at all; return its path.

    Half of a surrogate pair, which some tools leave at the end of a shortened text, is written as ``?``.

    Raises:
        OutputError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> write_csv(Path(tempfile.mkdtemp(), "words.csv"), ["word", "times"], [("of", 3)]).read_text()
        'word,times\nof,3\n'
    """
    with atomic_write(path, errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return Path(path)


def histogram(sets: "Mapping[str, NDArray[Any]]", *, start: float | None = None) -> Histogram:
    """Return a histogram of at most ``BINS`` bins, which all sets share.

    For whole numbers bins are 1, 2, 5, 10, 20, ... wide. A long tail, which would squeeze the rest into a few bins, is
    only counted: the bins end at the percentile ``SHOWN`` unless the largest number is near.

    Args:
        sets: one or more arrays by name, (number,), at least one of them not empty.
        start: where the first bin begins; by default at the smallest number.

    Example:
        >>> import numpy
        >>> words = histogram({"words": numpy.array([0, 1, 1, 3])})
        >>> words.edges.tolist(), words.counts["words"].tolist()
        ([-0.5, 0.5, 1.5, 2.5, 3.5], [1, 2, 0, 1])
    """
    import numpy as np

    joined = np.concatenate(list(sets.values()))
    whole = bool((joined == np.floor(joined)).all())
    low = float(joined.min()) if start is None else start
    last, most = float(np.percentile(joined, SHOWN)), float(joined.max())
    if most - low <= 1.5 * (last - low) + (5 if whole else 0):
        last = most
    if whole:
        low, last = np.floor(low), np.ceil(last)
        width = _bin_width(int(last - low) + 1)
        edges = low - 0.5 + width * np.arange((last - low) // width + 2)
    else:
        edges = np.linspace(low, last if last > low else low + 1, BINS + 1)
    counts = {name: np.histogram(numbers, edges)[0].astype(np.int64) for name, numbers in sets.items()}
    above = {name: int(np.count_nonzero(numbers > edges[-1])) for name, numbers in sets.items()}
    return Histogram(edges, counts, above)


def whole_numbers(axis: "Axis") -> None:
    """Set the ticks of an axis (``axes.xaxis``) at whole numbers only, with commas between thousands.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().subplots()
        >>> _ = axes.plot([1, 2000])
        >>> whole_numbers(axes.yaxis)
        >>> axes.yaxis.get_major_formatter()(1000)
        '1,000'
    """
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter("{x:,.0f}")


def _plain_powers(axis: "Axis") -> None:
    """Label a logarithmic axis with plain numbers; matplotlib's formulas would be drawn literally."""
    from matplotlib.ticker import LogFormatterMathtext, LogFormatterSciNotation

    class PlainPowers(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:,.6g}" if super().__call__(x, pos) else ""

    for get, set_formatter in (
        (axis.get_major_formatter, axis.set_major_formatter),
        (axis.get_minor_formatter, axis.set_minor_formatter),
    ):
        formatter = get()
        if isinstance(formatter, LogFormatterMathtext):
            set_formatter(PlainPowers(labelOnlyBase=formatter.labelOnlyBase))


def _bin_width(numbers: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, ... with which a range of whole numbers has at most BINS bins."""
    width = 1
    while numbers > BINS * width:
        width = width * 5 // 2 if str(width)[0] == "2" else width * 2
    return width
