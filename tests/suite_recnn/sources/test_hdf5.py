"""Jets from HDF5: the Top-Tagging layout, padded arrays, lists, parts of larger arrays, and what is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from suite_recnn.jets import Jets, kinematics
from suite_recnn.sources import arrays
from suite_recnn.sources.reading import read

COUNTS = [3, 1, 5, 2]
NAMES = ("px", "py", "pz", "energy")
TOP_TAGGING = np.dtype([("index", "<i8"), ("values_block_0", "<f4", (804,)), ("values_block_1", "<i8", (2,))])


def some_jets(counts: list[int] = COUNTS) -> Jets:
    """Jets of particles that float32 represents, hardest first."""
    random = np.random.default_rng(1)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    pt = np.concatenate([np.sort(random.uniform(1, 100, count))[::-1] for count in counts])
    eta, phi = random.uniform(-2, 2, (2, offsets[-1]))
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    return Jets(momenta.astype(np.float32).astype(np.float64), offsets)


def padded(values: NDArray[Any], width: int, counts: list[int] = COUNTS, nothing: float = 0.0) -> NDArray[np.float32]:
    """(jet, width, ...) of values (constituent, ...)."""
    array = np.full((len(counts), width, *values.shape[1:]), nothing, dtype=np.float32)
    array[np.arange(width) < np.array(counts)[:, None]] = values
    return array


def write(path: Path, datasets: Mapping[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


def assert_same(jets: Jets, counts: list[int] = COUNTS) -> None:
    expected = some_jets(counts)
    assert jets.offsets.tolist() == expected.offsets.tolist()
    assert jets.momenta.dtype == np.float64
    np.testing.assert_allclose(jets.momenta, expected.momenta, rtol=1e-5, atol=1e-4)


# The Top-Tagging reference set


def top_tagging(counts: list[int] = COUNTS) -> NDArray[Any]:
    """The rows of the table, as pandas lays them out."""
    table = np.zeros(len(counts), dtype=TOP_TAGGING)
    table["index"] = np.arange(len(counts)) * 7
    momenta = padded(some_jets(counts).momenta[:, [3, 0, 1, 2]], 200, counts)
    table["values_block_0"][:, :800] = momenta.reshape(len(counts), 800)
    table["values_block_0"][:, 800:] = (620.0, 400.0, 300.0, 100.0)
    table["values_block_1"] = np.stack([np.full(len(counts), 2), np.arange(len(counts)) % 2], axis=1)
    return table


def write_top_tagging(path: Path, table: NDArray[Any]) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("table")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.create_dataset("table", data=table, chunks=(2,), compression="gzip")
        group["table"].attrs["values_block_0_kind"] = np.bytes_(b"(lp0\nVE_0\np1\na.")  # a pickle: never open it
    return path


def test_the_top_tagging_set_is_read_without_a_mapping(tmp_path: Path) -> None:
    jets = read(write_top_tagging(tmp_path / "test.h5", top_tagging()))
    np.testing.assert_array_equal(some_jets().momenta, jets.momenta)
    assert_same(jets)
    assert {name: values.tolist() for name, values in jets.columns.items()} == {
        "label": [0, 1, 0, 1],
        "is_signal_new": [0, 1, 0, 1],
        "ttv": [2, 2, 2, 2],
        "event": [0, 1, 2, 3],
    }


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5])
def test_the_size_of_a_block_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(arrays, "BLOCK", block)
    jets = read(write_top_tagging(tmp_path / "test.h5", top_tagging()))
    assert_same(jets)
    assert jets.columns["label"].tolist() == [0, 1, 0, 1]


def test_two_hundred_constituents_are_read(tmp_path: Path) -> None:
    assert_same(read(write_top_tagging(tmp_path / "test.h5", top_tagging([200, 2]))), [200, 2])


def test_a_position_in_a_later_block_is_counted_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "BLOCK", 2)
    table = top_tagging()
    table["values_block_0"][2, 4 * 3] = np.nan
    with pytest.raises(DataError, match="jet 2, constituent 3: E is nan; expected a finite number"):
        read(write_top_tagging(tmp_path / "test.h5", table))


def fixed_format(path: Path, table: NDArray[Any]) -> Path:
    """The same rows in pandas' fixed format: blocks of columns of one type, and the names of their columns as text."""
    momenta = [f"{name}_{k}" for k in range(200) for name in ("E", "PX", "PY", "PZ")]
    names = {0: [*momenta, "truthE", "truthPX", "truthPY", "truthPZ"], 1: ["ttv", "is_signal_new"]}
    with h5py.File(path, "w") as file:
        file["table/axis0"] = np.array([*names[0], *names[1]], dtype="S13")
        file["table/axis1"] = table["index"]
        for number, columns in names.items():
            file[f"table/block{number}_items"] = np.array(columns, dtype="S13")
            file[f"table/block{number}_values"] = table[f"values_block_{number}"]
    return path


def test_the_top_tagging_set_is_read_in_pandas_fixed_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "BLOCK", 3)
    jets = read(fixed_format(tmp_path / "test.h5", top_tagging()))
    np.testing.assert_array_equal(some_jets().momenta, jets.momenta)
    assert {name: values.tolist() for name, values in jets.columns.items()} == {
        "label": [0, 1, 0, 1],
        "is_signal_new": [0, 1, 0, 1],
        "ttv": [2, 2, 2, 2],
        "event": [0, 1, 2, 3],
    }
    assert set(read(tmp_path / "test.h5", only=("event",)).columns) == {"event"}


@pytest.mark.parametrize(
    "as_file", [lambda path: write_top_tagging(path, top_tagging()), lambda path: fixed_format(path, top_tagging())]
)
def test_a_mapping_of_the_label_alone_leaves_the_top_tagging_set_known(tmp_path: Path, as_file: Any) -> None:
    path = as_file(tmp_path / "test.h5")
    jets = read(path, {"label": "ttv"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [2, 2, 2, 2]
    with pytest.raises(
        DataError, match=r"no column with one value for each jet 'is_signal'\nthere are: .*is_signal_new"
    ):
        read(path, {"label": "is_signal"})


def test_another_frame_in_fixed_format_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "j.h5", {"df/block0_items": np.array([b"a", b"b"]), "df/block0_values": np.ones((3, 2))})
    with pytest.raises(
        DataError, match=r"'df' is a frame of pandas with the columns a, b, \.\.\.; expected those of the"
    ):
        read(path)


@pytest.mark.parametrize("settings", [{}, {"format": "table"}, {"format": "table", "complib": "blosc", "complevel": 5}])
def test_what_pandas_writes_is_read(tmp_path: Path, settings: dict[str, Any]) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("tables", reason="tables, by which pandas writes HDF5, is not installed")
    if "complib" in settings:
        pytest.importorskip("hdf5plugin", reason="hdf5plugin, which reads blosc, is not installed")
    table = top_tagging()
    momenta = [f"{name}_{k}" for k in range(200) for name in ("E", "PX", "PY", "PZ")]
    frame = pandas.DataFrame(
        table["values_block_0"], columns=[*momenta, "truthE", "truthPX", "truthPY", "truthPZ"], index=table["index"]
    )
    frame[["ttv", "is_signal_new"]] = table["values_block_1"]
    frame.to_hdf(tmp_path / "test.h5", key="table", **settings)
    jets = read(tmp_path / "test.h5")
    np.testing.assert_array_equal(some_jets().momenta, jets.momenta)
    assert jets.columns["label"].tolist() == [0, 1, 0, 1]


def test_another_order_of_the_momenta_is_refused(tmp_path: Path) -> None:
    table = top_tagging()
    table["values_block_0"][:, :800] = padded(some_jets().momenta, 200).reshape(4, 800)
    with pytest.raises(DataError, match=r"jet 0, constituent 0: E is .* expected E >= \|p\|"):
        read(write_top_tagging(tmp_path / "test.h5", table))


def test_another_order_of_the_labels_is_refused(tmp_path: Path) -> None:
    table = top_tagging()
    table["values_block_1"] = table["values_block_1"][:, ::-1]
    with pytest.raises(DataError, match=r"jet 0: is_signal_new is 2; expected one of \(0, 1\)"):
        read(write_top_tagging(tmp_path / "test.h5", table))


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    table = top_tagging()
    table["values_block_1"][3, 0] = 7
    with pytest.raises(DataError, match=r"jet 3: ttv is 7; expected one of \(0, 1, 2\)"):
        read(write_top_tagging(tmp_path / "test.h5", table))


def test_another_table_of_pandas_is_refused(tmp_path: Path) -> None:
    other = np.dtype([("index", "<i8"), ("values_block_0", "<f4", (12,)), ("values_block_1", "<i8", (2,))])
    with pytest.raises(DataError, match=r"table of pandas with .*\(12,\).*expected that of the Top-Tagging set"):
        read(write_top_tagging(tmp_path / "test.h5", np.zeros(3, dtype=other)))


def test_a_table_without_rows_holds_no_jets(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "test.h5", "w") as file:
        file["table/table"] = np.zeros(0, dtype=TOP_TAGGING)
    with pytest.raises(DataError, match="holds no jets"):
        read(tmp_path / "test.h5")


def test_a_row_of_zeros_is_a_jet_without_constituents(tmp_path: Path) -> None:
    table = top_tagging()
    table["values_block_0"][1] = 0
    assert read(write_top_tagging(tmp_path / "test.h5", table)).counts().tolist() == [3, 0, 5, 2]


def test_a_compression_that_is_not_there_says_what_to_install(tmp_path: Path) -> None:
    number = 460  # of no registered compression, so that no installed plugin knows it
    path = tmp_path / "test.h5"
    with h5py.File(path, "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((4,))
        settings.set_filter(number, h5py.h5z.FLAG_OPTIONAL, ())
        kind = h5py.h5t.py_create(TOP_TAGGING, logical=True)
        group = file.create_group("table")
        dataset = h5py.h5d.create(group.id, b"table", kind, h5py.h5s.create_simple((4,)), settings)
        dataset.write_direct_chunk((0,), b"compressed by something else", filter_mask=0)
    with pytest.raises(DataError, match=r"/table/table is compressed by 460, .*pip install hdf5plugin"):
        read(path)


# JetNet


def jetnet() -> dict[str, NDArray[Any]]:
    """Two jets of 3 and 2 constituents at 1,000 and 900 GeV."""
    particles = np.zeros((2, 4, 4), dtype=np.float32)
    particles[0, :3] = [[0.01, 0.02, 0.5, 1], [-0.1, 0.0, 0.3, 1], [0.2, -0.2, 0.1, 1]]
    particles[1, :2] = [[0.0, 0.1, 0.7, 1], [0.05, -0.3, 0.2, 1]]
    particles[1, 2] = [0.3, 0.3, 0.001, 0]  # masked
    return {"particle_features": particles, "jet_features": np.array([[1000, 0.5, 80, 3], [900, -1, 60, 2]], "<f4")}


def test_jetnet_is_read_with_the_momentum_of_its_jets(tmp_path: Path) -> None:
    jets = read(write(tmp_path / "t.hdf5", jetnet()))
    assert jets.counts().tolist() == [3, 2]
    pt, eta, phi, mass = kinematics(jets.momenta)
    np.testing.assert_allclose(pt, [500, 300, 100, 630, 180], rtol=1e-6)
    np.testing.assert_allclose(eta, [0.51, 0.4, 0.7, -1.0, -0.95], rtol=1e-6)
    np.testing.assert_allclose(phi, [0.02, 0.0, -0.2, 0.1, -0.3], rtol=1e-6)
    np.testing.assert_allclose(mass, 0, atol=1e-4)


def test_values_of_each_jet_beside_jetnet_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "t.hdf5", jetnet() | {"weight": [0.5, 2.0], "kind": [b"t", b"g"], "other": [1, 2, 3]})
    jets = read(path, {"label": "kind"})
    assert jets.columns["label"].tolist() == ["t", "g"]
    assert jets.columns["weight"].tolist() == [0.5, 2.0]
    assert "other" not in jets.columns


def test_jetnet_without_features_of_jets_is_relative_and_said_to_be(tmp_path: Path) -> None:
    path = write(tmp_path / "t.hdf5", {"particle_features": jetnet()["particle_features"]})
    with pytest.warns(RuntimeWarning, match=r"is 0\.\d+ GeV; are they relative to their jet's\?"):
        jets = read(path)
    np.testing.assert_allclose(kinematics(jets.momenta).pt, [0.5, 0.3, 0.1, 0.7, 0.2], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape"), [("particle_features", (2, 4, 3)), ("jet_features", (2, 5)), ("jet_features", (3, 4))]
)
def test_features_of_another_shape_are_not_jetnet_s(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=rf"{name} has the shape \({shape[0]}, .*; expected that of JetNet"):
        read(write(tmp_path / "t.hdf5", jetnet() | {name: np.zeros(shape)}))


# Arrays by a mapping


def test_padded_arrays_are_mapped(tmp_path: Path) -> None:
    momenta = some_jets().momenta
    arrays = {f"jets/{name}": padded(momenta[:, i], 7) for i, name in enumerate(NAMES)}
    path = write(tmp_path / "j.h5", arrays | {"jets/y": [1, 0, 0, 1]})
    jets = read(path, {name: f"jets/{name}" for name in NAMES} | {"label": "jets/y"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [1, 0, 0, 1]


def test_arrays_with_our_names_need_no_mapping(tmp_path: Path) -> None:
    arrays = {name: padded(some_jets().momenta[:, i], 7) for i, name in enumerate(NAMES)}
    scalars = {"label": [1, 0, 0, 1], "sample": [b"w", b"top", b"w", b"w"], "other": [1, 2, 3]}
    jets = read(write(tmp_path / "j.h5", arrays | scalars))
    assert_same(jets)
    assert jets.columns["sample"].tolist() == ["w", "top", "w", "w"]
    assert set(jets.columns) == {"label", "sample", "event"}


def test_parts_of_a_larger_array_are_named_by_their_number(tmp_path: Path) -> None:
    path = write(tmp_path / "j.h5", {"particles": padded(some_jets().momenta, 6)})
    assert_same(read(path, {name: f"particles[{i}]" for i, name in enumerate(NAMES)}))


def test_fields_of_a_compound_array_are_named(tmp_path: Path) -> None:
    motion = kinematics(some_jets().momenta)
    tracks = np.zeros((4, 6), dtype=[("pt", "<f4"), ("eta", "<f4"), ("phi", "<f4")])
    for name in ("pt", "eta", "phi"):
        tracks[name] = padded(getattr(motion, name), 6)
    flavour = np.array([(5, 1.0), (0, 1.0), (4, 1.0), (5, 1.0)], dtype=[("flavour", "<i4"), ("w", "<f4")])
    path = write(tmp_path / "j.h5", {"tracks": tracks, "jets": flavour})
    jets = read(path, {"pt": "tracks[pt]", "eta": "tracks[eta]", "phi": "tracks[phi]", "label": "jets[flavour]"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [5, 0, 4, 5]


def test_nan_in_all_components_is_padding(tmp_path: Path) -> None:
    momenta = some_jets().momenta
    path = write(tmp_path / "j.h5", {name: padded(momenta[:, i], 7, nothing=np.nan) for i, name in enumerate(NAMES)})
    assert_same(read(path))


def test_nan_in_one_component_is_refused(tmp_path: Path) -> None:
    arrays = {name: padded(some_jets().momenta[:, i], 7) for i, name in enumerate(NAMES)}
    arrays["pz"][2, 4] = np.nan
    with pytest.raises(DataError, match="jet 2, constituent 4: pz is nan"):
        read(write(tmp_path / "j.h5", arrays))


def write_lists(path: Path, columns: Mapping[str, list[NDArray[Any]]]) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            dataset = file.create_dataset(name, (len(values),), dtype=h5py.vlen_dtype(np.float32))
            for i, numbers in enumerate(values):
                dataset[i] = numbers
    return path


def test_lists_of_different_lengths_are_read(tmp_path: Path) -> None:
    momenta = some_jets().momenta
    columns = {name: np.split(momenta[:, i], np.cumsum(COUNTS)[:-1]) for i, name in enumerate(NAMES)}
    assert_same(read(write_lists(tmp_path / "j.h5", columns)))


def test_lists_that_differ_within_a_jet_are_refused(tmp_path: Path) -> None:
    momenta = some_jets().momenta
    columns = {name: np.split(momenta[:, i], np.cumsum(COUNTS)[:-1]) for i, name in enumerate(NAMES)}
    columns["py"][2] = columns["py"][2][:-1]
    with pytest.raises(DataError, match="jet 2 has 5 values in column 'px' and 4 in column 'py'"):
        read(write_lists(tmp_path / "j.h5", columns))


def test_arrays_of_different_widths_are_refused(tmp_path: Path) -> None:
    arrays = {name: padded(some_jets().momenta[:, i], 7 + (name == "py")) for i, name in enumerate(NAMES)}
    with pytest.raises(DataError, match="'px' is 7 constituents wide and column 'py' 8"):
        read(write(tmp_path / "j.h5", arrays))


def test_arrays_of_different_numbers_of_jets_are_refused(tmp_path: Path) -> None:
    arrays = {name: padded(some_jets().momenta[:, i], 7) for i, name in enumerate(NAMES)}
    arrays["pz"] = arrays["pz"][:3]
    with pytest.raises(DataError, match="4 jets in column 'px' and 3 in column 'pz'"):
        read(write(tmp_path / "j.h5", arrays))


def test_labels_of_another_number_of_jets_are_refused(tmp_path: Path) -> None:
    arrays = {name: padded(some_jets().momenta[:, i], 7) for i, name in enumerate(NAMES)}
    path = write(tmp_path / "j.h5", arrays | {"y": [1, 0, 1]})
    with pytest.raises(DataError, match=r"'label' has the shape \(3,\) beside the constituents of 4 jets"):
        read(path, {name: name for name in NAMES} | {"label": "y"})


def test_an_array_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "j.h5", {"particles": padded(some_jets().momenta, 6)})
    with pytest.raises(DataError, match=r"'particles' has the shape \(4, 6, 4\); expected \(jet, constituent\)"):
        read(path, dict.fromkeys(NAMES, "particles"))


def test_texts_are_no_momenta(tmp_path: Path) -> None:
    path = write(tmp_path / "j.h5", {"names": np.full((4, 2), b"pion"), "x": np.ones((4, 2))})
    with pytest.raises(DataError, match=r"'names' .*expected \(jet, constituent\)"):
        read(path, dict.fromkeys(NAMES, "x") | {"px": "names"})


def test_unknown_arrays_ask_for_a_mapping(tmp_path: Path) -> None:
    path = write(tmp_path / "j.h5", {"particles": padded(some_jets().momenta, 6)})
    with pytest.raises(DataError, match=r"there are particles, particles\[0\], .*\nname the columns.*--data\.columns"):
        read(path)


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.01])
def test_a_file_cut_short_is_refused_in_one_line(tmp_path: Path, kept: float) -> None:
    path = write_top_tagging(tmp_path / "test.h5", top_tagging())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(DataError, match=r"^[^\n]*cannot be read as HDF5; it may be cut short or damaged[^\n]*$"):
        read(path)
