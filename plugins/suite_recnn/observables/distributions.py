"""How some numbers of jets are distributed, several files side by side: as a table, as histograms and as a picture.

``Columns`` are values by name, (jet,) each; a mapping holds those of every file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightning_suite import parquet_files
from lightning_suite.errors import UsageError
from lightning_suite.files import atomic_path
from lightning_suite.pictures import Histogram, drawing, histogram, numbers_of, write_csv
from lightning_suite.tables import table

Columns = Mapping[str, NDArray[Any]]

SUFFIXES: Final = (".parquet", ".csv")
"""Of the files that `write` can write."""


def summary(files: Mapping[str, Columns]) -> str:
    """Return a table of mean, standard deviation and quartiles, a row for each column of each file.

    Example:
        >>> print(summary({"w.parquet": {"mass": np.array([70.0, 80.0, 90.0])}}).splitlines()[-1])
        mass        w.parquet    80  8.165    75    80    85
    """
    rows = []
    for name in _common_names(files):
        for file, columns in files.items():
            numbers = columns[name].astype(np.float64)
            quartiles = np.percentile(numbers, [25, 50, 75])
            rows.append([name, file, *(f"{number:.4g}" for number in (numbers.mean(), numbers.std(), *quartiles))])
    return table(["observable", "file", "mean", "std", "25 %", "50 %", "75 %"], rows)


def histograms(files: Mapping[str, Columns]) -> dict[str, Histogram]:
    """Return a histogram of each column that all files have; the files share its bins.

    Example:
        >>> bins = histograms({"w": {"n": np.array([3, 4])}, "qcd": {"n": np.array([4])}})["n"]
        >>> bins.edges.tolist(), bins.counts["w"].tolist(), bins.counts["qcd"].tolist()
        ([2.5, 3.5, 4.5], [1, 1], [0, 1])
    """
    return {name: histogram({file: columns[name] for file, columns in files.items()}) for name in _common_names(files)}


def check_suffix(path: Path) -> None:
    """Check, before the work, that `write` can write a file of this name.

    Raises:
        UsageError: the suffix is not in SUFFIXES.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}, got {path.suffix!r}")


def write(path: Path, files: Mapping[str, Columns]) -> None:
    """Write a row for each jet: its file in the column ``file``, then the columns that all files have.

    Raises:
        UsageError: the suffix is not in SUFFIXES.
        OutputError: the file cannot be written.
    """
    check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = _common_names(files)
    if path.suffix == ".parquet":
        _write_parquet(path, names, files)
        return
    rows = (
        (file, *row)
        for file, columns in files.items()
        for row in zip(*(columns[name].tolist() for name in names), strict=True)
    )
    write_csv(path, ["file", *names], rows)


def write_histograms(picture: Path, shown: Mapping[str, Histogram], labels: Mapping[str, tuple[str, str]]) -> Path:
    """Draw histograms (PNG), a curve for each file, and write their numbers beside it (CSV); return its path.

    A row of the numbers is a bin; the row that ends at ``inf`` counts the jets that the picture leaves out.

    Args:
        picture: the PNG file.
        shown: the histograms by the names of the observables.
        labels: symbol and unit of each observable; "" for a number without unit.
    """
    rows: list[tuple[object, ...]] = []
    for name, bins in shown.items():
        lows, highs = bins.edges[:-1].tolist(), bins.edges[1:].tolist()
        for file, counts in bins.counts.items():
            numbers = zip(lows, highs, counts.tolist(), bins.density(file).tolist(), strict=True)
            rows += [(name, file, *number) for number in numbers]
            rows.append((name, file, highs[-1], "inf", bins.above[file], ""))
    across = min(3, len(shown))
    down = -(-len(shown) // across)
    columns = ["observable", "file", "low", "high", "jets", "density"]
    with drawing(picture, columns, rows, width=4.2 * across, height=2.8 * down + 0.4) as figure:
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for axis, (name, bins) in zip(axes, shown.items(), strict=False):
            for file in bins.counts:
                axis.stairs(bins.density(file), bins.edges, label=file)
            symbol, unit = labels[name]
            axis.set_xlabel(f"{symbol} ({unit})" if unit else symbol)
            axis.set_ylabel(f"density (1/{unit})" if unit else "density")
        for axis in axes[len(shown) :]:
            axis.set_axis_off()
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=min(5, len(names)))
    return numbers_of(picture)


def _common_names(files: Mapping[str, Columns]) -> list[str]:
    """Return the columns that every file has, in the order of the first file."""
    first, *others = files.values()
    return [name for name in first if all(name in columns for columns in others)]


def _write_parquet(path: Path, names: Sequence[str], files: Mapping[str, Columns]) -> None:
    import pyarrow

    counts = [len(next(iter(columns.values()))) for columns in files.values()]
    file_of_jet = np.repeat(np.asarray(list(files), dtype=object), counts)
    joined = {name: np.concatenate([columns[name] for columns in files.values()]) for name in names}
    # Texts come as an array of objects or of fixed width; pyarrow reads both as a list.
    arrays = {
        name: pyarrow.array(column.tolist() if column.dtype.kind in "OUS" else column)
        for name, column in {"file": file_of_jet, **joined}.items()
    }
    with atomic_path(path) as unfinished:
        parquet_files.write_table(unfinished, pyarrow.table(arrays), compression="zstd")
