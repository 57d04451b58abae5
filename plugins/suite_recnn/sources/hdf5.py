"""Jets from HDF5: the Top-Tagging reference set, JetNet, and any file with an array for each component of the momenta.

Which arrays can be read by a mapping is in ``arrays``; groups are written with a slash: ``train/px``.

The Top-Tagging set is a frame of pandas: as a table, whose column names are in pickled attributes, which are never read
(the order is known, and the values are checked against it); or in pandas' fixed format, which writes the names as text.

JetNet (Kansal et al., 2021, arXiv:2106.11535, doi:10.5281/zenodo.6975118) has ``particle_features`` (jet, constituent,
4): eta and phi relative to the jet, the share of the jet's pt, 0 for padding; and ``jet_features`` (jet, 4): pt, eta,
mass, number of constituents. The jets' phi is not in the file: it is 0. Constituents are massless.
"""

import importlib
import importlib.util
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from suite_recnn.jets import Jets
from suite_recnn.sources import top_tagging
from suite_recnn.sources.arrays import Lists, columns_of, in_blocks, padded, read_mapped
from suite_recnn.sources.columns import finished, has_momenta, renamed
from suite_recnn.sources.hdf5_heaps import check_heaps
from suite_recnn.sources.momenta import Origin, reading

_BLOCKS = {"values_block_0": (804,), "values_block_1": (2,)}
_JETNET = {"eta": "particle_features[0]", "phi": "particle_features[1]", "pt": "particle_features[2]"}


class Known(NamedTuple):
    """The jets of a layout that is recognised, and the values of each jet by the file's names."""

    jets: Jets
    values: Mapping[str, NDArray[Any]]


def read_hdf5(path: Path, columns: Mapping[str, str], only: Collection[str] | None) -> Jets:
    """Return the jets of an HDF5 file.

    Raises:
        DataError, UsageError: see `suite_recnn.sources.reading.read`.
    """
    if importlib.util.find_spec("hdf5plugin"):
        importlib.import_module("hdf5plugin")  # registers more compressions, such as pandas' blosc
    with reading(path, "HDF5", OSError, RuntimeError), h5py.File(path, "r") as file:
        with reading(path, "HDF5", Exception):  # a damaged description of the data has many ways to fail
            datasets = _datasets(file)
            if any(data.dtype.kind == "O" for data in datasets.values()):
                check_heaps(path)
        with _filters(path, datasets.values()):
            known = None if has_momenta(columns) else _recognised(path, datasets)
            if known is None:
                return read_mapped(path, columns_of(datasets), columns, only)
            jets, values = known
            return replace(jets, columns=finished(path, renamed(path, columns, values, only), len(jets)))


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    datasets: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: datasets.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return datasets


def _recognised(path: Path, datasets: Mapping[str, h5py.Dataset]) -> Known | None:
    """Return the jets of a layout that needs no mapping; None where it is none of those."""
    table = next((data for data in datasets.values() if set(_BLOCKS) <= set(data.dtype.names or ())), None)
    if table is not None:
        return _table(path, table)
    if frame := next((name for name in datasets if name.endswith("block0_items")), None):
        return _fixed(path, datasets, frame.removesuffix("block0_items"))
    return _jetnet(path, datasets) if "particle_features" in datasets else None


def _table(path: Path, table: h5py.Dataset) -> Known:
    """Return the jets of the Top-Tagging set as a table of pandas."""
    shapes = {name: table.dtype[name].shape for name in _BLOCKS}
    if shapes != _BLOCKS:
        raise DataError(
            f"{table.name} is a table of pandas with {shapes}; expected that of the Top-Tagging set, {_BLOCKS}", path
        )
    numbers: list[NDArray[Any]] = []

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        read = table[rows]
        numbers.append(read["values_block_1"])
        values = read["values_block_0"][:, :800].reshape(len(read), 200, 4)
        return padded({role: values[..., i] for i, role in enumerate(top_tagging.NAMES)}, origin)

    jets = in_blocks(path, len(table), block, top_tagging.NAMES, np.float32)
    values = np.concatenate(numbers).T if numbers else np.zeros((2, 0), dtype=np.int64)
    return Known(jets, top_tagging.values_of_jets(path, dict(zip(top_tagging.KNOWN, values, strict=True))))


def _fixed(path: Path, datasets: Mapping[str, h5py.Dataset], frame: str) -> Known:
    """Return the jets of the Top-Tagging set in pandas' fixed format: blocks of columns, each with their names."""
    place: dict[str, tuple[str, int]] = {}  # of each column: the values of its block, and its place there
    number = 0
    while f"{frame}block{number}_items" in datasets:
        for column, name in enumerate(datasets[f"{frame}block{number}_items"][:]):
            text = name.decode("utf-8", "replace") if isinstance(name, bytes) else f"{name}"
            place[text] = (f"{frame}block{number}_values", column)
        number += 1
    components = top_tagging.flat(place)
    if not components:
        raise DataError(
            f"{frame.rstrip('/')!r} is a frame of pandas with the columns {', '.join([*place][:8])}, ...; expected "
            "those of the Top-Tagging set, E_0, PX_0, PY_0, PZ_0, ... Write others as parquet with a list for each jet",
            path,
        )
    places = {role: [place[name] for name in names] for role, names in components.items()}
    blocks = {name for places_of_role in places.values() for name, _ in places_of_role}
    rows_of_frame = len(datasets[next(iter(blocks))])

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        read = {name: datasets[name][rows] for name in blocks}
        return padded(
            {role: np.stack([read[name][:, column] for name, column in at], axis=1) for role, at in places.items()},
            origin,
        )

    jets = in_blocks(path, rows_of_frame, block, top_tagging.NAMES, np.float32)
    of_jets = {name: place[name] for name in top_tagging.KNOWN if name in place}
    values = {name: datasets[of_block][:, column] for name, (of_block, column) in of_jets.items()}
    return Known(jets, top_tagging.values_of_jets(path, values))


def _jetnet(path: Path, datasets: Mapping[str, h5py.Dataset]) -> Known:
    """Return the jets of JetNet; relative to their own momentum where the file has no features of jets."""
    particles, features = datasets["particle_features"], datasets.get("jet_features")
    if particles.ndim != 3 or particles.shape[2] != 4:
        raise DataError(
            f"particle_features has the shape {particles.shape}; expected that of JetNet, (jet, constituent, 4): eta "
            "and phi relative to the jet, share of its pt, mask. Of another set, name the columns: --data.columns",
            path,
        )
    if features is not None and features.shape != (len(particles), 4):
        raise DataError(
            f"jet_features has the shape {features.shape}; expected that of JetNet, ({len(particles)}, 4): pt, eta, "
            "mass, number of constituents",
            path,
        )

    def block(rows: slice, origin: Origin) -> tuple[Lists, NDArray[np.int64]]:
        read = particles[rows].astype(np.float64)
        eta, phi, pt, real = np.moveaxis(read, 2, 0)  # jet constituent
        if features is not None:
            jet = features[rows].astype(np.float64)
            pt, eta = pt * jet[:, :1], eta + jet[:, 1:2]
        return padded({"pt": np.where(real > 0, pt, 0.0), "eta": eta, "phi": phi}, origin)

    jets = in_blocks(path, len(particles), block, _JETNET, np.float64)
    others = {name: data for name, data in datasets.items() if data.shape == (len(particles),)}
    return Known(jets, {name: data[:] for name, data in others.items()})


@contextmanager
def _filters(path: Path, datasets: Iterable[h5py.Dataset]) -> Iterator[None]:
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
