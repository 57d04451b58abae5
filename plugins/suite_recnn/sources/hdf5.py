"""Jets from HDF5: the Top-Tagging reference set, and any file with an array for each component of the momenta.

An array is (jet, constituent), padded with zeros or, in all components, with nan; or (jet,) of lists of different
lengths. ``DATASET[PART]`` names a part of a larger one: ``particles[2]`` the third value along the last axis of
(jet, constituent, 4), ``tracks[pt]`` a field of a compound type. Groups are written with a slash: ``train/px``.

The Top-Tagging set (Kasieczka et al., 2019, doi:10.5281/zenodo.2603256) is a table as pandas writes it. Its column
names lie in pickled attributes, which are never read: the order is known (E, PX, PY, PZ of 200 constituents, then of
the true top quark; ttv, is_signal_new), and what is read must look like it.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from suite_recnn.sources.momenta import Origin, is_constituent, packed, reading, same_counts

BLOCK = 16_384
"""Rows that are read at a time: 53 MB of the Top-Tagging set, so that its 1.2 million jets need no 4 GB at once."""

_WIDEST = 1_000  # parts of a last axis that can be named
_TOP_TAGGING = {"px": "PX", "py": "PY", "pz": "PZ", "energy": "E"}
_TOP_TAGGING_ORDER = ("energy", "px", "py", "pz")
_TOP_TAGGING_BLOCKS = {"values_block_0": (804,), "values_block_1": (2,)}

Lists = dict[str, NDArray[Any]]
"""Values of each component of the momenta, all jets' end to end."""


class Column(NamedTuple):
    """A dataset or a part of it; ``axes`` counts those that are left."""

    dataset: h5py.Dataset
    part: int | str | None
    axes: int

    def rows(self, rows: slice) -> NDArray[Any]:
        values: NDArray[Any]
        if isinstance(self.part, str):
            values = self.dataset.fields(self.part)[rows]
        elif self.part is not None:
            values = self.dataset[(rows, ..., self.part)]
        else:
            values = self.dataset[rows]
        return values


def read_hdf5(path: Path, columns: Mapping[str, str] | None) -> Jets:
    """All jets of the file.

    Raises:
        DataError, UsageError: see ``reading.read``.
    """
    if importlib.util.find_spec("hdf5plugin"):
        importlib.import_module("hdf5plugin")  # registers more ways of compression
    with reading(path, "HDF5", OSError, RuntimeError), h5py.File(path, "r") as file:
        with reading(path, "HDF5", Exception):  # a damaged description of the data has many ways to fail
            datasets = _datasets(file)
            table = next((each for each in datasets if set(_TOP_TAGGING_BLOCKS) <= set(each.dtype.names or ())), None)
            found = _columns(datasets)
        return _top_tagging(path, table) if table is not None and not columns else _mapped(path, found, columns)


def _datasets(file: h5py.File) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []
    file.visititems(lambda _, each: found.append(each) if isinstance(each, h5py.Dataset) else None)
    return found


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


def _mapped(path: Path, found: Mapping[str, Column], columns: Mapping[str, str] | None) -> Jets:
    lists = [name for name, each in found.items() if each.axes == 2]
    scalars = [name for name, each in found.items() if each.axes == 1 and not isinstance(each.part, int)]
    chosen = choose(path, columns, lists, scalars, list(found))
    momentum = {role: found[name] for role, name in chosen.momentum.items()}
    jets = len(next(iter(momentum.values())).dataset)
    for name in chosen.momentum.values():
        if found[name].axes != 2:
            raise DataError(
                f"column {name!r} has the shape {found[name].dataset.shape}; expected (jet, constituent), such as "
                "DATASET[2], the third value along the last axis of (jet, constituent, 4)",
                path,
            )
        if len(found[name].dataset) != jets:
            other = next(iter(chosen.momentum.values()))
            raise DataError(
                f"{jets} jets in column {other!r} and {len(found[name].dataset)} in column {name!r}; expected as many",
                path,
            )

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        values = {role: each.rows(rows) for role, each in momentum.items()}
        if any(each.dtype == np.object_ for each in values.values()):
            return _unequal(values, origin)
        return _padded(values, origin)

    with _filters(path, [each.dataset for each in found.values()]):
        read = _in_blocks(path, jets, block, chosen.momentum, np.float64)
        # Unasked, only what can be a value of each jet.
        names = {name: place for name, place in chosen.scalars.items() if columns or len(found[place].dataset) == jets}
        values = {name: found[place].rows(slice(None)) for name, place in names.items()}
    return Jets(read.momenta, read.offsets, finished(path, values, jets))


def _columns(datasets: Sequence[h5py.Dataset]) -> dict[str, Column]:
    """Everything that can be named, whole datasets first."""
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
    """With lists of numbers as one more axis; 0 for what is neither numbers nor one text a jet."""
    inner = h5py.check_vlen_dtype(kind)
    if isinstance(inner, np.dtype):  # of texts it is a type of Python's
        return axes + 1 if inner.kind in "iuf" else 0
    return axes if kind.kind in "biuf" or axes == 1 else 0


def _padded(values: Mapping[str, NDArray[Any]], origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
    """From (jet, constituent) each, without what is zero, or nan in all."""
    (role, first), *others = values.items()
    for other, each in others:
        if each.shape != first.shape:
            raise DataError(
                f"column {origin.names[role]!r} is {first.shape[1]} constituents wide and column "
                f"{origin.names[other]!r} {each.shape[1]}; expected as many",
                origin.path,
            )
    there = is_constituent(values)
    if np.isnan(first).any():
        there &= ~np.logical_and.reduce([np.isnan(each) for each in values.values()])
    offsets = offsets_of(there.sum(axis=1))
    return {role: each[there] for role, each in values.items()}, offsets


def _unequal(values: Mapping[str, NDArray[Any]], origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
    """From (jet,) arrays of different lengths."""
    offsets = {role: offsets_of([len(each) for each in lists]) for role, lists in values.items()}
    return {role: np.concatenate(list(lists)) for role, lists in values.items()}, same_counts(offsets, origin)


def _in_blocks(
    path: Path,
    jets: int,
    block: Callable[[slice, Origin], tuple[Lists, NDArray[np.int64]]],
    names: Mapping[str, str],
    kept: type[np.floating[Any]],
) -> Jets:
    """All jets, block after block; ``kept`` is the type in which finished blocks wait for the last."""
    parts: list[NDArray[np.floating[Any]]] = []
    counts: list[NDArray[np.int64]] = []
    for start in track(range(0, jets, BLOCK), f"reading {path.name}"):
        origin = Origin(path, names, first=start)
        lists, offsets = block(slice(start, min(start + BLOCK, jets)), origin)
        done = packed(lists, offsets, {}, origin)
        parts.append(done.momenta.astype(kept, copy=False))
        counts.append(done.counts())
    offsets = offsets_of(np.concatenate(counts) if counts else [])
    momenta = np.empty((int(offsets[-1]), 4))
    end = len(momenta)
    while parts:  # from the last, so that each is given back when it is copied
        part = parts.pop()
        momenta[end - len(part) : end] = part
        end -= len(part)
    return Jets(momenta, offsets)


@contextmanager
def _filters(path: Path, datasets: Sequence[h5py.Dataset]) -> Iterator[None]:
    """Says what to install when reading fails because of a compression that HDF5 itself does not know."""
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
