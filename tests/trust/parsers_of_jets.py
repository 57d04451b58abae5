"""The parsers of recnn: jets, with files of each layout that they know."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import uproot
from pyarrow import parquet

from suite_recnn import tree_cache
from suite_recnn.forests import Forest
from suite_recnn.jet_finding import JetDefinition
from suite_recnn.sources.reading import read
from tests.trust.parsers import Parser, Seed
from tests.trust.valid_files import saved

JETS = [
    [(3.0, 0.0, 4.0, 5.0), (1.0, 0.0, 0.0, 1.0)],
    [(0.0, 2.0, 0.0, 2.0)],
    [(6.0, 8.0, 0.0, 10.0), (0.0, 1.0, 1.0, 2.0)],
]
NAMES = ("px", "py", "pz", "energy")
DEFINITION = JetDefinition(radius=0.8, pt_min=10, pt_max=1000, eta_max=2.0, constituents_min=1)
TABLE = np.dtype([("index", "<i8"), ("values_block_0", "<f4", (804,)), ("values_block_1", "<i8", (2,))])


def _lists(component: int) -> list[list[float]]:
    return [[constituent[component] for constituent in jet] for jet in JETS]


def _padded() -> Any:
    array = np.zeros((len(JETS), 3, 4))
    for number, jet in enumerate(JETS):
        array[number, : len(jet)] = jet
    return array


def _parquet() -> list[Seed]:
    ours = [[dict(zip(("px", "py", "pz", "E"), constituent, strict=True)) for constituent in jet] for jet in JETS]
    tables = (
        pa.table({"constituents": ours, "event": [0, 1, 2], "sample": ["w", "w", "qcd"], "label": [1, 1, 0]}),
        pa.table({f"part_{name}": _lists(i) for i, name in enumerate(NAMES)} | {"label": [1, 0, 1]}),
    )

    plain = {"compression": "none", "use_dictionary": False}

    def seed(table: Any, **options: Any) -> Seed:
        return Seed("a.parquet", saved(lambda file: parquet.write_table(table, file, **options)))

    return [seed(table, **options) for table in tables for options in ({}, plain)]


def _in_file(suffix: str, write: Callable[[Path], Any]) -> Seed:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        write(path)
        return Seed(path.name, path.read_bytes())


def _hdf5_file(datasets: dict[str, Any], **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w", libver="latest" if options.pop("latest", False) else None) as file:
            for name, values in datasets.items():
                file.create_dataset(name, data=values, **options)

    return write


def _hdf5() -> list[Seed]:
    array = _padded()
    columns = {name: array[..., i] for i, name in enumerate(NAMES)} | {"label": np.array([1, 0, 1])}
    table = np.zeros(len(JETS), dtype=TABLE)
    table["values_block_0"][:, :12] = array[..., [3, 0, 1, 2]].reshape(len(JETS), 12)
    table["values_block_1"] = [[2, 1], [0, 0], [1, 1]]

    def unequal(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for i, name in enumerate(NAMES):
                values = file.create_dataset(name, (len(JETS),), dtype=h5py.vlen_dtype(np.float32))
                for number, jet in enumerate(_lists(i)):
                    values[number] = np.array(jet, dtype=np.float32)
            file.create_dataset("sample", data=["w", "w", "qcd"])

    return [
        _in_file(".h5", _hdf5_file(columns)),
        _in_file(".h5", _hdf5_file(columns, latest=True)),
        _in_file(".hdf5", _hdf5_file(columns, chunks=True, compression="gzip", shuffle=True)),
        _in_file(".h5", unequal),
        _in_file(".h5", _hdf5_file({"table/table": table}, chunks=(2,), compression="gzip")),
    ]


def _root() -> list[Seed]:
    def jagged(path: Path) -> None:
        with uproot.recreate(path) as file:
            arrays = {f"part_{name}": ak.Array(_lists(i)) for i, name in enumerate(NAMES)}
            file.mktree("tree", dict.fromkeys(arrays, "var * float64") | {"label": "int64"}).extend(
                {**arrays, "label": np.array([1, 0, 1])}
            )

    def delphes(path: Path) -> None:
        kinds = {"EFlowTrack": "PT", "EFlowPhoton": "ET", "EFlowNeutralHadron": "ET"}
        lists = {f"{kind}.{pt}": [[100.0, 50.0], [], [200.0]] for kind, pt in kinds.items()}
        lists |= {f"{kind}.{angle}": [[0.1, 0.2], [], [0.5]] for kind in kinds for angle in ("Eta", "Phi")}
        arrays = {name: ak.values_astype(ak.Array(values), np.float32) for name, values in lists.items()}
        with uproot.recreate(path, compression=None) as file:
            types = dict.fromkeys(arrays, "var * float32")
            file.mktree("Delphes", types, counter_name=lambda name: f"n{name}").extend(arrays)

    return [_in_file(".root", jagged), _in_file(".root", delphes)]


def _trees() -> list[Seed]:
    forest = Forest(
        np.ones((3, 7), dtype=np.float32), np.array([[-1, -1], [-1, -1], [0, 1]]), np.array([0, 3], dtype=np.int64)
    )
    with tempfile.TemporaryDirectory() as folder:
        tree_cache.store(Path(folder, "trees"), [tree_cache.ClusteredFile(forest, {"label": np.array([1])})])
        files = {path.name: path.read_bytes() for path in Path(folder, "trees").iterdir()}
    return [Seed(name, files[name], {other: files[other] for other in files if other != name}) for name in files]


def _stored_trees(path: Path) -> Any:
    """The trees where they are undamaged: other numbers would be a silent error."""
    stored = tree_cache.load(path.parent)
    if stored is not None:
        assert np.asarray(stored.forest.features).sum() == 21
        assert np.asarray(stored.forest.children).tolist() == [[-1, -1], [-1, -1], [0, 1]]
    return stored


PARSERS = (
    Parser("recnn: parquet", read, _parquet),
    Parser("recnn: HDF5", read, _hdf5),
    Parser("recnn: ROOT", lambda path: read(path, definition=DEFINITION), _root),
    Parser("recnn: stored trees", _stored_trees, _trees),
)
