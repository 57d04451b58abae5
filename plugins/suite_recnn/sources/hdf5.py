"""Jets from HDF5: the Top-Tagging reference set, and any file with an array for each component of the momenta.

An array is (jet, constituent), padded with zeros or, in all components, with nan; or (jet,) of lists of different
lengths. ``DATASET[PART]`` names a part of a larger one: ``particles[2]`` the third value along the last axis of
(jet, constituent, 4), ``tracks[pt]`` a field of a compound type. Groups are written with a slash: ``train/px``.

The Top-Tagging set (Kasieczka et al., 2019, doi:10.5281/zenodo.2603256) is a table as pandas writes it. Its column
names are in pickled attributes, which are never read: the order is known (E, PX, PY, PZ of 200 constituents, then of
the true top quark; ttv, is_signal_new), and the values are checked against it.
"""

import importlib
import importlib.util
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.offsets import offsets_of
from lightning_suite.progress import track
from suite_recnn.jets import Jets
from suite_recnn.sources.columns import choose, finished
from suite_recnn.sources.hdf5_heaps import check_heaps
from suite_recnn.sources.momenta import Origin, is_constituent, packed, reading, same_counts

BLOCK = 16_384
"""Rows that are read at a time: 53 MB of the Top-Tagging set, so that its 1.2 million jets need no 4 GB at once."""

_WIDEST = 1_000  # parts of a last axis that can be named
_TOP_TAGGING = {"px": "PX", "py": "PY", "pz": "PZ", "energy": "E"}
_TOP_TAGGING_ORDER = ("energy", "px", "py", "pz")
_TOP_TAGGING_BLOCKS = {"values_block_0": (804,), "values_block_1": (2,)}

Lists = dict[str, NDArray[Any]]
"""Values of each component of the momenta, those of all jets end to end."""


class Column(NamedTuple):
    """A dataset or a part of it.

    Attributes:
        dataset: the dataset.
        part: a field of a compound type, a position along the last axis, or None for the whole dataset.
        axes: the number of axes of the part.
    """

    dataset: h5py.Dataset
    part: int | str | None
    axes: int

    def rows(self, rows: slice) -> NDArray[Any]:
        """Return the values of some rows."""
        values: NDArray[Any]
        if isinstance(self.part, str):
            values = self.dataset.fields(self.part)[rows]
        elif self.part is not None:
            values = self.dataset[(rows, ..., self.part)]
        else:
            values = self.dataset[rows]
        return values


def read_hdf5(path: Path, columns: Mapping[str, str] | None, only: Collection[str] | None = None) -> Jets:
    """Return the jets of an HDF5 file.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    if importlib.util.find_spec("hdf5plugin"):
        importlib.import_module("hdf5plugin")  # registers more compressions
    with reading(path, "HDF5", OSError, RuntimeError), h5py.File(path, "r") as file:
        with reading(path, "HDF5", Exception):  # a damaged description of the data has many ways to fail
            datasets = _datasets(file)
            table = next((data for data in datasets if set(_TOP_TAGGING_BLOCKS) <= set(data.dtype.names or ())), None)
            available = _columns(datasets)
            if any(data.dtype.kind == "O" for data in datasets):
                check_heaps(path)
        return (
            _top_tagging(path, table) if table is not None and not columns else _mapped(path, available, columns, only)
        )


def _datasets(file: h5py.File) -> list[h5py.Dataset]:
    datasets: list[h5py.Dataset] = []
    file.visititems(lambda _, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None)
    return datasets


def _top_tagging(path: Path, table: h5py.Dataset) -> Jets:
    shapes = {name: table.dtype[name].shape for name in _TOP_TAGGING_BLOCKS}
    if shapes != _TOP_TAGGING_BLOCKS:
        raise DataError(
            f"{table.name} is a table of pandas with {shapes}; expected that of the Top-Tagging set, "
            f"{_TOP_TAGGING_BLOCKS}",
            path,
        )
    numbers: list[NDArray[Any]] = []

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        read = table[rows]
        numbers.append(read["values_block_1"])
        values = read["values_block_0"][:, :800].reshape(len(read), 200, 4)
        return _padded({role: values[..., i] for i, role in enumerate(_TOP_TAGGING_ORDER)}, origin)

    with _filters(path, [table]):
        jets = _in_blocks(path, len(table), block, _TOP_TAGGING, np.float32)
    ttv, label = np.concatenate(numbers).T if numbers else np.zeros((2, 0), dtype=np.int64)
    for name, values, known in (("ttv", ttv, (0, 1, 2)), ("is_signal_new", label, (0, 1))):
        wrong = ~np.isin(values, known)
        if wrong.any():
            jet = int(np.argmax(wrong))
            raise DataError(f"jet {jet}: {name} is {values[jet]}; expected one of {known}", path)
    return Jets(jets.momenta, jets.offsets, finished(path, {"label": label, "ttv": ttv}, len(jets)))


def _mapped(
    path: Path, available: Mapping[str, Column], columns: Mapping[str, str] | None, only: Collection[str] | None
) -> Jets:
    lists = [name for name, column in available.items() if column.axes == 2]
    scalars = [name for name, column in available.items() if column.axes == 1 and not isinstance(column.part, int)]
    chosen = choose(path, columns, lists, scalars, list(available), only)
    momentum = {role: available[name] for role, name in chosen.momentum.items()}
    jets = len(next(iter(momentum.values())).dataset)
    for name in chosen.momentum.values():
        if available[name].axes != 2:
            raise DataError(
                f"column {name!r} has the shape {available[name].dataset.shape}; expected (jet, constituent), such as "
                "DATASET[2], the third value along the last axis of (jet, constituent, 4)",
                path,
            )
        if (count := len(available[name].dataset)) != jets:
            first = next(iter(chosen.momentum.values()))
            raise DataError(
                f"{jets} jets in column {first!r} and {count} in column {name!r}; expected equal numbers", path
            )

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        values = {role: column.rows(rows) for role, column in momentum.items()}
        if any(numbers.dtype == np.object_ for numbers in values.values()):
            return _unequal(values, origin)
        return _padded(values, origin)

    with _filters(path, [column.dataset for column in available.values()]):
        read = _in_blocks(path, jets, block, chosen.momentum, np.float64)
        of_jets = {name: available[column] for name, column in chosen.scalars.items()}
        if not columns:  # without a mapping, only the columns with one value for each jet
            of_jets = {name: column for name, column in of_jets.items() if len(column.dataset) == jets}
        values = {name: column.rows(slice(None)) for name, column in of_jets.items()}
    return Jets(read.momenta, read.offsets, finished(path, values, jets))


def _columns(datasets: Sequence[h5py.Dataset]) -> dict[str, Column]:
    """Return all columns that can be named, whole datasets first."""
    whole: dict[str, Column] = {}
    parts: dict[str, Column] = {}
    for dataset in datasets:
        name = dataset.name.removeprefix("/")
        if not dataset.ndim:
            continue
        if dataset.dtype.names:
            for field in dataset.dtype.names:
                kind = dataset.dtype[field]
                parts[f"{name}[{field}]"] = Column(dataset, field, _axes(dataset.ndim + len(kind.shape), kind.base))
            continue
        whole[name] = Column(dataset, None, _axes(dataset.ndim, dataset.dtype))
        if dataset.ndim > 1 and dataset.shape[-1] <= _WIDEST:
            axes = _axes(dataset.ndim - 1, dataset.dtype)
            parts |= {f"{name}[{k}]": Column(dataset, k, axes) for k in range(dataset.shape[-1])}
    return whole | parts


def _axes(axes: int, kind: np.dtype[Any]) -> int:
    """Return the number of axes, lists of numbers counted as one more; 0 for neither numbers nor one text a jet."""
    inner = h5py.check_vlen_dtype(kind)
    if isinstance(inner, np.dtype):  # of texts it is a type of Python's
        return axes + 1 if inner.kind in "iuf" else 0
    return axes if kind.kind in "biuf" or axes == 1 else 0


def _padded(values: Mapping[str, NDArray[Any]], origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
    """Return the values of arrays (jet, constituent) without padding, which is zero, or nan in all components."""
    (role, first), *others = values.items()
    for other, second in others:
        if second.shape != first.shape:
            raise DataError(
                f"column {origin.names[role]!r} is {first.shape[1]} constituents wide and column "
                f"{origin.names[other]!r} {second.shape[1]}; expected equal numbers",
                origin.path,
            )
    real = is_constituent(values)
    if np.isnan(first).any():
        real &= ~np.logical_and.reduce([np.isnan(numbers) for numbers in values.values()])
    return {role: numbers[real] for role, numbers in values.items()}, offsets_of(real.sum(axis=1))


def _unequal(values: Mapping[str, NDArray[Any]], origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
    """Return the values of arrays (jet,) of lists of different lengths."""
    offsets = {role: offsets_of([len(numbers) for numbers in lists]) for role, lists in values.items()}
    return {role: np.concatenate(list(lists)) for role, lists in values.items()}, same_counts(offsets, origin)


def _in_blocks(
    path: Path,
    jets: int,
    block: Callable[[slice, Origin], tuple[Lists, NDArray[np.int64]]],
    names: Mapping[str, str],
    precision: type[np.floating[Any]],
) -> Jets:
    """Return all jets, read block after block; finished blocks are held in this precision until the last is read."""
    parts: list[NDArray[np.floating[Any]]] = []
    counts: list[NDArray[np.int64]] = []
    for start in track(range(0, jets, BLOCK), f"reading {path.name}"):
        origin = Origin(path, names, first=start)
        lists, offsets = block(slice(start, min(start + BLOCK, jets)), origin)
        done = packed(lists, offsets, {}, origin)
        parts.append(done.momenta.astype(precision, copy=False))
        counts.append(done.counts())
    offsets = offsets_of(np.concatenate(counts) if counts else [])
    momenta = np.empty((int(offsets[-1]), 4))
    end = len(momenta)
    while parts:  # from the last, so that the memory of a part is released when it is copied
        part = parts.pop()
        momenta[end - len(part) : end] = part
        end -= len(part)
    return Jets(momenta, offsets)


@contextmanager
def _filters(path: Path, datasets: Sequence[h5py.Dataset]) -> Iterator[None]:
    """Name the package to install where reading fails because of a compression that h5py does not have."""
    try:
        yield
    except OSError as error:
        for dataset in datasets:
            settings = dataset.id.get_create_plist()
            for number, _, _, name in (settings.get_filter(i) for i in range(settings.get_nfilters())):
                if not h5py.h5z.filter_avail(number):
                    raise DataError(
                        f"{dataset.name} is compressed by {name.decode() or number!r}, which h5py lacks. Install it "
                        "with: pip install hdf5plugin",
                        path,
                    ) from error
        raise
