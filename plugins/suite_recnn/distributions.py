"""How some numbers of jets are distributed, several files side by side: as a table, as histograms and as a picture.

``Columns`` are values by name, each (jet,), and are given by the file that they belong to.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import UsageError
from lightning_suite.tables import table

Columns = Mapping[str, NDArray[Any]]

SUFFIXES: Final = (".parquet", ".csv")
"""Of the files that ``write`` can write."""

BINS: Final = 60
"""At most so many in a histogram."""

SHOWN: Final = 99.5
"""Percentile at which a histogram ends: the tails of masses would squeeze all the rest into a few bins."""


class Histogram(NamedTuple):
    """Jets of one file in bins of one observable.

    Attributes:
        edges: (bin + 1,).
        jets: (bin,) in each bin; the last one holds its upper edge.
        above: jets above the last edge.
    """

    edges: NDArray[np.float64]
    jets: NDArray[np.int64]
    above: int

    def density(self) -> NDArray[np.float64]:
        """Share of all jets, also of those above, over the width of the bin: (bin,)."""
        density: NDArray[np.float64] = self.jets / ((self.jets.sum() + self.above) * np.diff(self.edges))
        return density


def summary(values: Mapping[str, Columns]) -> str:
    """Mean, standard deviation and quartiles of each column, file under file, as text."""
    rows = []
    for name in _names(values):
        for file, columns in values.items():
            numbers = columns[name].astype(np.float64)
            quartiles = np.percentile(numbers, [25, 50, 75])
            rows.append([name, file, *(f"{number:.4g}" for number in (numbers.mean(), numbers.std(), *quartiles))])
    return table(["observable", "file", "mean", "std", "25 %", "50 %", "75 %"], rows)


def histograms(values: Mapping[str, Columns]) -> dict[str, dict[str, Histogram]]:
    """Of each column, by file; the files share the edges, and whole numbers stand in the middle of their bins."""
    found: dict[str, dict[str, Histogram]] = {}
    for name in _names(values):
        edges = _edges(np.concatenate([columns[name] for columns in values.values()]))
        found[name] = {}
        for file, columns in values.items():
            jets = np.histogram(columns[name], edges)[0].astype(np.int64)
            found[name][file] = Histogram(edges, jets, len(columns[name]) - int(jets.sum()))
    return found


def check_suffix(path: Path) -> None:
    """Whether ``write`` can write a file of such a name, asked before the work.

    Raises:
        UsageError: the suffix is none of SUFFIXES.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}, got {path.suffix!r}")


def write(path: Path, values: Mapping[str, Columns]) -> None:
    """Writes one row a jet, its file in the column ``file``, then the columns that all files have.

    The file appears when it is whole.

    Raises:
        UsageError: the suffix is none of SUFFIXES.
    """
    check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = _names(values)
    partial = path.with_name(path.name + ".partial")
    try:
        if path.suffix == ".parquet":
            _write_parquet(partial, names, values)
        else:
            rows = (
                (file, *row)
                for file, columns in values.items()
                for row in zip(*(columns[name].tolist() for name in names), strict=True)
            )
            _write_csv(partial, ["file", *names], rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_histograms(picture: Path, found: Mapping[str, Mapping[str, Histogram]]) -> Path:
    """Draws the histograms (PNG), a curve a file, and writes their numbers beside it; returns where (CSV).

    A row of the numbers is a bin; the one that ends at ``inf`` counts the jets that the picture leaves out.
    """
    picture.parent.mkdir(parents=True, exist_ok=True)
    numbers = picture.with_suffix(".csv")
    rows: list[tuple[object, ...]] = []
    for name, files in found.items():
        for file, histogram in files.items():
            lows, highs = histogram.edges[:-1].tolist(), histogram.edges[1:].tolist()
            bins = zip(lows, highs, histogram.jets.tolist(), histogram.density().tolist(), strict=True)
            rows += [(name, file, *bin) for bin in bins]
            rows.append((name, file, highs[-1], "inf", histogram.above, ""))
    _write_csv(numbers, ["observable", "file", "low", "high", "jets", "density"], rows)
    _draw(picture, found)
    return numbers


def _names(values: Mapping[str, Columns]) -> list[str]:
    """The columns that every file has, in the order of the first."""
    first, *others = values.values()
    return [name for name in first if all(name in columns for columns in others)]


def _edges(values: NDArray[Any]) -> NDArray[np.float64]:
    low, high = float(values.min()), float(np.percentile(values, SHOWN))
    if (values == np.floor(values)).all():
        step = max(1, int(np.ceil((np.floor(high) - low + 1) / BINS)))
        return np.arange(low - 0.5, high + step, step, dtype=np.float64)
    if high <= low:
        high = low + 1
    return np.linspace(low, high, BINS + 1)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _write_parquet(path: Path, names: Sequence[str], values: Mapping[str, Columns]) -> None:
    import pyarrow
    from pyarrow import parquet

    counts = [len(next(iter(columns.values()))) for columns in values.values()]
    files = np.repeat(np.asarray(list(values), dtype=object), counts)
    joined = {name: np.concatenate([columns[name] for columns in values.values()]) for name in names}
    # Texts come as an array of objects or of fixed width; pyarrow reads both as a list.
    arrays = {
        name: pyarrow.array(column.tolist() if column.dtype.kind in "OUS" else column)
        for name, column in {"file": files, **joined}.items()
    }
    parquet.write_table(pyarrow.table(arrays), path, compression="zstd")


def _draw(picture: Path, found: Mapping[str, Mapping[str, Histogram]]) -> None:
    from matplotlib.figure import Figure

    across = min(3, len(found))
    down = -(-len(found) // across)
    figure = Figure(figsize=(4.2 * across, 2.8 * down + 0.4), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for axis, (name, files) in zip(axes, found.items(), strict=False):
        for file, histogram in files.items():
            axis.stairs(histogram.density(), histogram.edges, label=file)
        axis.set_xlabel(f"{name} (GeV)" if name.endswith("mass") else name)
        axis.set_ylabel("share of jets / width")
    for axis in axes[len(found) :]:
        axis.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(5, len(labels)))
    figure.savefig(picture, dpi=130)
