"""Jets from files: every format gives the same jets back, and errors name file, jet and column."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from lightning_suite.errors import DataError, UsageError
from suite_recnn.jets import Jets, kinematics
from suite_recnn.sources.reading import read, read_blocks

COUNTS = [3, 1, 5, 2]
CARTESIAN = {"px": "px", "py": "py", "pz": "pz", "energy": "energy"}


def some_jets() -> Jets:
    """Four jets of massless and massive particles that float32 represents, hardest first."""
    random = np.random.default_rng(1)
    offsets = np.concatenate([[0], np.cumsum(COUNTS)])
    pt = np.concatenate([np.sort(random.uniform(1, 100, count))[::-1] for count in COUNTS])
    eta, phi = random.uniform(-2, 2, (2, offsets[-1]))
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    momenta[::3, 3] *= 1.01
    return Jets(momenta.astype(np.float32).astype(np.float64), offsets)


def lists(values: np.ndarray[Any, Any], counts: list[int] = COUNTS) -> list[list[float]]:
    return [part.tolist() for part in np.split(np.asarray(values), np.cumsum(counts)[:-1])]


def components() -> dict[str, list[list[float]]]:
    """A list a jet of each component, in both ways of writing a momentum."""
    jets = some_jets()
    motion = kinematics(jets.momenta)
    columns = dict(zip(("px", "py", "pz", "energy"), jets.momenta.T, strict=True)) | motion._asdict()
    return {name: lists(values) for name, values in columns.items()}


def write_parquet(path: Path, columns: Mapping[str, Any]) -> Path:
    pq.write_table(pa.table(dict(columns)), path)
    return path


def ours(**changes: Any) -> dict[str, Any]:
    names = {"px": "px", "py": "py", "pz": "pz", "energy": "E"}
    columns = components() | changes
    jets = [
        [dict(zip(names.values(), row, strict=True)) | {"pid": 211} for row in zip(*jet, strict=True)]
        for jet in zip(*(columns[name] for name in names), strict=True)
    ]
    fields = pa.struct([*((name, pa.float64()) for name in names.values()), ("pid", pa.int32())])
    return {"constituents": pa.array(jets, type=pa.large_list(fields))}


def assert_same(jets: Jets) -> None:
    expected = some_jets()
    assert jets.offsets.tolist() == expected.offsets.tolist()
    assert jets.momenta.dtype == np.float64
    np.testing.assert_allclose(jets.momenta, expected.momenta, rtol=1e-5, atol=1e-4)


# Our own parquet


def test_our_parquet_comes_back(tmp_path: Path) -> None:
    jets = read(write_parquet(tmp_path / "w.parquet", ours()))
    np.testing.assert_array_equal(some_jets().momenta, jets.momenta)
    assert_same(jets)


def test_our_parquet_comes_back_from_several_row_groups(tmp_path: Path) -> None:
    pq.write_table(pa.table(ours()), tmp_path / "w.parquet", row_group_size=2)
    assert_same(read(tmp_path / "w.parquet"))


def test_values_of_each_jet_come_along(tmp_path: Path) -> None:
    columns = ours() | {
        "event": [5, 5, 6, 9],
        "label": pa.array([0, 1, 1, 0], type=pa.int8()),
        "sample": ["w", "qcd", "qcd", "w"],
        "jet_pt": [1.5, 2.5, 3.5, 4.5],
    }
    jets = read(write_parquet(tmp_path / "w.parquet", columns))
    assert {name: values.tolist() for name, values in jets.columns.items()} == {
        name: columns[name] if name != "label" else [0, 1, 1, 0] for name in ("event", "label", "sample", "jet_pt")
    }


def test_whole_numbers_are_int64_and_texts_are_str(tmp_path: Path) -> None:
    columns = {"event": pa.array([1, 2, 3, 4], type=pa.int32()), "label": [0.0, 1.0, 1.0, 0.0], "sample": list("abab")}
    jets = read(write_parquet(tmp_path / "w.parquet", ours() | columns))
    assert (jets.columns["event"].dtype, jets.columns["label"].dtype) == (np.int64, np.int64)
    assert jets.columns["sample"].dtype.kind == "U"


def test_texts_in_a_dictionary_are_texts(tmp_path: Path) -> None:
    sample = pa.array(["w", "qcd", "w", "w"]).dictionary_encode()
    jets = read(write_parquet(tmp_path / "w.parquet", ours() | {"sample": sample}))
    assert jets.columns["sample"].tolist() == ["w", "qcd", "w", "w"]


def test_without_events_the_jets_are_counted(tmp_path: Path) -> None:
    assert read(write_parquet(tmp_path / "w.parquet", ours())).columns["event"].tolist() == [0, 1, 2, 3]


def test_the_hardest_constituent_comes_first(tmp_path: Path) -> None:
    backwards = {name: [jet[::-1] for jet in values] for name, values in components().items()}
    assert_same(read(write_parquet(tmp_path / "w.parquet", ours(**backwards))))


def test_constituents_of_nothing_are_padding(tmp_path: Path) -> None:
    padded = {name: [[0.0, *jet, 0.0] for jet in values] for name, values in components().items()}
    assert_same(read(write_parquet(tmp_path / "w.parquet", ours(**padded))))


def test_a_part_of_a_table_comes_back(tmp_path: Path) -> None:
    pq.write_table(pa.table(ours()).slice(1, 2), tmp_path / "w.parquet")
    jets = read(tmp_path / "w.parquet")
    np.testing.assert_array_equal(some_jets().take(np.array([1, 2])).momenta, jets.momenta)


def test_the_measured_jets_can_be_read(shared_data: Path) -> None:
    path = shared_data / "jets" / "w_particle_s11.parquet"
    jets = read(path)
    truth = pq.read_table(path, columns=["jet_pt", "jet_mass"])
    actual = kinematics(jets.totals())
    np.testing.assert_allclose(actual.pt, truth["jet_pt"].to_numpy(), rtol=1e-5)
    np.testing.assert_allclose(actual.mass, truth["jet_mass"].to_numpy(), rtol=1e-3, atol=0.02)
    assert set(jets.columns["sample"].tolist()) == {"w"}


# Any parquet


@pytest.mark.parametrize(
    "names", [("px", "py", "pz", "energy"), ("pt", "eta", "phi", "energy"), ("pt", "eta", "phi", "mass")], ids="-".join
)
def test_columns_of_parquet_are_mapped(tmp_path: Path, names: tuple[str, ...]) -> None:
    values = components()
    path = write_parquet(tmp_path / "j.parquet", {f"my_{name}": values[name] for name in names} | {"y": [0, 1, 0, 1]})
    jets = read(path, {name: f"my_{name}" for name in names} | {"label": "y"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "names", [("px", "py", "pz", "energy"), ("pt", "eta", "phi", "energy"), ("pt", "eta", "phi", "mass")], ids="-".join
)
def test_columns_with_our_names_need_no_mapping(tmp_path: Path, names: tuple[str, ...]) -> None:
    values = components()
    assert_same(read(write_parquet(tmp_path / "j.parquet", {name: values[name] for name in names})))


def test_without_mass_and_energy_constituents_are_massless(tmp_path: Path) -> None:
    values = components()
    jets = read(write_parquet(tmp_path / "j.parquet", {name: values[name] for name in ("pt", "eta", "phi")}))
    np.testing.assert_allclose(np.linalg.norm(jets.momenta[:, :3], axis=1), jets.momenta[:, 3])


def test_any_other_name_of_a_mapping_is_a_value_of_each_jet(tmp_path: Path) -> None:
    columns = components() | {"w": [0.5, 1.5, 2.5, 3.5], "unasked": [1, 2, 3, 4]}
    jets = read(write_parquet(tmp_path / "j.parquet", columns), CARTESIAN | {"weight": "w"})
    assert jets.columns["weight"].tolist() == [0.5, 1.5, 2.5, 3.5]
    assert set(jets.columns) == {"weight", "event"}


def weaver() -> dict[str, list[list[float]]]:
    return {f"part_{name}": components()[name] for name in CARTESIAN}


def test_a_parquet_file_for_weaver_needs_no_mapping(tmp_path: Path) -> None:
    jets = read(write_parquet(tmp_path / "j.parquet", weaver() | {"label": [1, 0, 0, 1]}))
    assert_same(jets)
    assert jets.columns["label"].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("layout", [ours, weaver, components], ids=["ours", "weaver", "our names"])
def test_a_mapping_of_the_label_alone_leaves_the_known_momenta(tmp_path: Path, layout: Any) -> None:
    path = write_parquet(tmp_path / "j.parquet", layout() | {"y": [0, 1, 1, 0], "label": ["a", "b", "b", "a"]})
    jets = read(path, {"label": "y"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("layout", [ours, weaver], ids=["ours", "weaver"])
def test_a_label_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path, layout: Any) -> None:
    path = write_parquet(tmp_path / "j.parquet", layout() | {"is_top": [0, 1, 1, 0]})
    with pytest.raises(DataError, match=r"'istop'\nthere are: .*\nDid you mean 'is_top'"):
        read(path, {"label": "istop"})


def test_the_classes_of_jetclass_become_one_label(tmp_path: Path) -> None:
    names = ["QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl"]
    ones = {f"label_{name}": [int(i == label) for label in (8, 0, 7, 8)] for i, name in enumerate(names)}
    jets = read(write_parquet(tmp_path / "j.parquet", weaver() | ones))
    assert jets.columns["label"].tolist() == [8, 0, 7, 8]


@pytest.mark.parametrize("names", [("pt", "eta", "phi", "mass"), ("px", "py", "pz", "energy")], ids="-".join)
def test_a_list_of_structs_is_read(tmp_path: Path, names: tuple[str, ...]) -> None:
    zipped = ak.zip({name: ak.Array(components()[name]) for name in names} | {"pid": ak.Array(components()["pt"])})
    ak.to_parquet(ak.Array({"pfcands": zipped, "y": [0, 1, 1, 0]}), tmp_path / "j.parquet")
    assert_same(read(tmp_path / "j.parquet"))
    jets = read(tmp_path / "j.parquet", {name: f"pfcands.{name}" for name in names} | {"label": "y"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [0, 1, 1, 0]
    with pytest.raises(DataError, match=r"'pfcands\.pid': expected one number or text for each jet, got a list"):
        read(tmp_path / "j.parquet", {"label": "pfcands.pid"})


def test_several_lists_of_structs_ask_for_a_choice(tmp_path: Path) -> None:
    zipped = ak.zip({name: ak.Array(components()[name]) for name in CARTESIAN})
    ak.to_parquet(ak.Array({"pfcands": zipped, "tracks": zipped}), tmp_path / "j.parquet")
    with pytest.raises(DataError, match=r"several columns hold momenta: pfcands, tracks; expected one"):
        read(tmp_path / "j.parquet")
    assert_same(read(tmp_path / "j.parquet", {name: f"tracks.{name}" for name in CARTESIAN}))


def test_lists_of_lists_are_refused_with_what_is_needed(tmp_path: Path) -> None:
    events = {name: [values[:3], values[3:]] for name, values in components().items() if name in CARTESIAN}
    ak.to_parquet(ak.Array(events), tmp_path / "j.parquet")
    with pytest.raises(
        DataError, match=r"px, py, pz, energy hold lists of lists .*an entry for each event .*ak\.flatten"
    ):
        read(tmp_path / "j.parquet")


def test_with_rapidities_the_mass_counts_in_the_longitudinal_momentum(tmp_path: Path) -> None:
    columns = {"pt": [[30.0, 10.0]], "rapidity": [[0.5, -1.0]], "phi": [[0.0, 1.0]]}
    massive = read(write_parquet(tmp_path / "j.parquet", columns | {"mass": [[40.0, 0.0]]}))
    np.testing.assert_allclose(massive.momenta[0], [30, 0, 50 * np.sinh(0.5), 50 * np.cosh(0.5)])
    np.testing.assert_allclose(massive.momenta[1, 2:], [10 * np.sinh(-1), 10 * np.cosh(1)])
    massless = read(write_parquet(tmp_path / "k.parquet", columns))
    np.testing.assert_allclose(massless.momenta[0], [30, 0, 30 * np.sinh(0.5), 30 * np.cosh(0.5)])


def test_the_top_tagging_set_in_parquet_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite_recnn.sources.parquet.BLOCK", 3)
    columns: dict[str, Any] = {}
    for name, role in (("E", "energy"), ("PX", "px"), ("PY", "py"), ("PZ", "pz")):
        for k in range(6):
            columns[f"{name}_{k}"] = pa.array(
                [jet[k] if k < len(jet) else 0.0 for jet in components()[role]], type=pa.float32()
            )
    columns |= {"truthE": [1.0] * 4, "ttv": [0, 1, 2, 0], "is_signal_new": [1, 0, 0, 1]}
    jets = read(write_parquet(tmp_path / "train.parquet", columns))
    assert_same(jets)
    assert jets.columns["label"].tolist() == [1, 0, 0, 1]
    assert jets.columns["ttv"].tolist() == [0, 1, 2, 0]
    assert read(tmp_path / "train.parquet", {"label": "ttv"}).columns["label"].tolist() == [0, 1, 2, 0]
    with pytest.raises(DataError, match=r"jet 3: is_signal_new is 2; expected one of \(0, 1\)"):
        read(write_parquet(tmp_path / "train.parquet", columns | {"is_signal_new": [1, 0, 0, 2]}))


def test_a_list_of_fixed_length_is_a_list(tmp_path: Path) -> None:
    values = {
        name: pa.array([[10.0, 1.0], [2.0, 1.0]], type=pa.list_(pa.float32(), 2)) for name in ("pt", "eta", "phi")
    }
    assert read(write_parquet(tmp_path / "j.parquet", values)).offsets.tolist() == [0, 2, 4]


# ROOT


def write_root(path: Path, columns: Mapping[str, Any], tree: str = "tree") -> Path:
    arrays = {name: ak.Array(values) for name, values in columns.items()}
    with uproot.recreate(path) as file:
        types = {name: array.type.content for name, array in arrays.items()}
        written = file.mktree(tree, types, counter_name=lambda name: f"n_{name}")
        written.extend(arrays)
    return path


def test_branches_of_root_are_mapped(tmp_path: Path) -> None:
    values = components()
    columns = {"PT": values["pt"], "ETA": values["eta"], "PHI": values["phi"], "M": values["mass"], "y": [0, 1, 1, 0]}
    path = write_root(tmp_path / "j.root", columns)
    jets = read(path, {"pt": "PT", "eta": "ETA", "phi": "PHI", "mass": "M", "label": "y"})
    assert_same(jets)
    assert jets.columns["label"].tolist() == [0, 1, 1, 0]


def test_jetclass_in_root_needs_no_mapping(tmp_path: Path) -> None:
    jets = read(write_root(tmp_path / "j.root", weaver() | {"jet_pt": [1.0, 2.0, 3.0, 4.0]}))
    assert_same(jets)
    assert set(jets.columns) == {"event", "jet_pt"}


def test_jetclass_in_root_has_the_label_of_its_columns(tmp_path: Path) -> None:
    names = ["QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl"]
    ones = {
        f"label_{name}": ak.values_astype(ak.Array([place == label for label in (8, 0, 7, 8)]), np.float32)
        for place, name in enumerate(names)
    }
    jets = read(write_root(tmp_path / "j.root", weaver() | ones))
    assert_same(jets)
    assert jets.columns["label"].tolist() == [8, 0, 7, 8]
    assert jets.columns["label_Tbqq"].tolist() == [1, 0, 0, 1]


def write_ntuple(path: Path, columns: Mapping[str, Any]) -> Path:
    with uproot.recreate(path) as file:
        file.mkrntuple("jets", ak.Array({name: ak.Array(values) for name, values in columns.items()}))
    return path


def test_an_rntuple_is_read_like_a_tree(tmp_path: Path) -> None:
    columns = weaver() | {"label": [1, 0, 0, 1], "sample": ["w", "qcd", "qcd", "w"], "good": [True, False, True, True]}
    jets = read(write_ntuple(tmp_path / "j.root", columns))
    assert_same(jets)
    assert jets.columns["label"].tolist() == [1, 0, 0, 1]
    assert jets.columns["sample"].tolist() == ["w", "qcd", "qcd", "w"]
    assert jets.columns["good"].tolist() == [True, False, True, True]
    path = write_ntuple(
        tmp_path / "k.root", {"c": ak.zip({name: components()[name] for name in CARTESIAN}), "y": [0] * 4}
    )
    assert_same(read(path))
    assert_same(read(path, {name: f"c.{name}" for name in CARTESIAN} | {"label": "y"}))


def test_lists_of_lists_in_an_rntuple_are_refused_with_what_is_needed(tmp_path: Path) -> None:
    path = write_ntuple(tmp_path / "j.root", {"part_px": [[[1.0], [2.0]], []], "n": [2, 0]})
    with pytest.raises(DataError, match=r"part_px hold lists of lists \(vector<vector>\), .*ak\.flatten"):
        read(path)


@pytest.mark.parametrize(
    ("branches", "words"),
    [
        ({"FatJetPFCands_pFCandsIdx": [[0, 1], [0]]}, r"indices of their constituents \(FatJetPFCands_pFCandsIdx\)"),
        ({"FatJet_pt": [[500.0], []]}, "no constituents"),
    ],
)
def test_nanoaod_is_refused_with_what_is_needed(tmp_path: Path, branches: dict[str, Any], words: str) -> None:
    numbers = {
        "run": [1, 1],
        "luminosityBlock": [1, 1],
        "event": [7, 8],
        "nFatJet": [1, 0],
        "PFCands_pt": [[1.0], [2.0]],
    }
    path = write_root(tmp_path / "j.root", numbers | branches, tree="Events")
    with uproot.update(path) as file:
        file.mktree("Runs", {"run": np.int64}).extend({"run": [1]})
    for columns in (None, dict.fromkeys(("pt", "eta", "phi"), "PFCands_pt")):
        with pytest.raises(
            DataError, match=rf"is a NanoAOD .* whose jets have {words}.*; expected an entry for each jet"
        ):
            read(path, columns)


def test_one_of_several_trees_is_chosen(tmp_path: Path) -> None:
    path = write_root(tmp_path / "j.root", weaver(), tree="jets")
    with uproot.update(path) as file:
        file.mktree("other", {"x": np.float64}).extend({"x": [1.0]})
    assert_same(read(path, {"tree": "jets"}))


def test_several_trees_ask_for_a_choice(tmp_path: Path) -> None:
    path = write_root(tmp_path / "j.root", weaver(), tree="jets")
    with uproot.update(path) as file:
        file.mktree("other", {"x": np.float64}).extend({"x": [1.0]})
    with pytest.raises(DataError, match=r"expected one TTree or RNTuple, got 2 among .*jets.*--data.columns.tree NAME"):
        read(path)


def test_a_file_without_a_tree_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "j.root") as file:
        file["counts"] = np.histogram([1.0, 2.0])
    with pytest.raises(DataError, match=r"expected one TTree or RNTuple, got 0 among counts;1 \(TH1D\)$"):
        read(tmp_path / "j.root")


def test_a_tree_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no tree 'tre'\nthere are: tree\nDid you mean 'tree'"):
        read(write_root(tmp_path / "j.root", weaver()), {"tree": "tre"})


def test_a_branch_with_one_value_an_entry_is_no_component(tmp_path: Path) -> None:
    path = write_root(tmp_path / "j.root", weaver() | {"x": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(DataError, match=r"'x' has one value an entry; expected a list"):
        read(path, {"px": "x", "py": "part_py", "pz": "part_pz", "energy": "part_energy"})


def test_a_branch_with_lists_is_no_label(tmp_path: Path) -> None:
    path = write_root(tmp_path / "j.root", components())
    with pytest.raises(DataError, match=r"'px' has a list in each entry; expected one value"):
        read(path, CARTESIAN | {"label": "px"})


# Units, and columns that are not asked for


def in_mev() -> dict[str, Any]:
    return {name: [[1000 * value for value in jet] for jet in components()[name]] for name in CARTESIAN}


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_a_file_in_mev_gives_the_same_jets(tmp_path: Path, suffix: str) -> None:
    path, columns = tmp_path / f"j.{suffix}", in_mev() | {"jet_pt": [5e5, 6e5, 7e5, 8e5], "mass_of_truth": [1.0] * 4}
    write_parquet(path, columns) if suffix == "parquet" else write_root(path, columns)
    jets = read(path, unit="MeV")
    assert_same(jets)
    assert jets.columns["jet_pt"].tolist() == [500, 600, 700, 800]
    assert jets.columns["mass_of_truth"].tolist() == [1, 1, 1, 1]


def test_a_file_in_another_unit_is_doubted_with_the_factor_that_fits(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", in_mev())
    words = (
        r"j\.parquet: the median .* in MeV it would be \d\d\d? GeV \(a factor of 0\.001\)\. --unit says .* it is GeV"
    )
    with pytest.warns(RuntimeWarning, match=words):
        read(path, option="--")


def test_columns_that_are_not_asked_for_may_be_absent_or_damaged(tmp_path: Path) -> None:
    columns = components() | {"label": [0.5, None, 1.0, 2.0], "event": [4, 4, 5, 6], "jet_pt": [1.0, 2.0, 3.0, 4.0]}
    path = write_parquet(tmp_path / "j.parquet", columns)
    for mapping in (None, {"label": "is_top"}, CARTESIAN | {"label": "is_top"}):
        assert set(read(path, mapping, only=("event",)).columns) == {"event"}
    assert read(path, only=("jet_pt",)).columns["jet_pt"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("layout", [weaver, ours], ids=["weaver", "ours"])
def test_every_layout_leaves_out_what_is_not_asked_for(tmp_path: Path, layout: Any) -> None:
    path = write_parquet(tmp_path / "j.parquet", layout() | {"label": [0, None, 1, 0], "event": [1, 2, 3, 4]})
    jets = read(path, {"label": "absent"}, only=("event",))
    assert_same(jets)
    assert set(jets.columns) == {"event"}


def test_options_in_messages_are_the_caller_s(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", {"momentum_x": [[1.0]]})
    with pytest.raises(DataError, match=r"name the columns, for instance --columns '") as raised:
        read(path, option="--")
    assert "--data" not in str(raised.value)


# Refusals


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.parquet: there is no such file"):
        read(tmp_path / "none.parquet")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder; expected a file"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", ["parquet", "h5", "root"])
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"j.{suffix}"
    path.touch()
    with pytest.raises(DataError, match="is empty"):
        read(path)


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "jets.csv"
    path.write_text("1\n")
    with pytest.raises(DataError, match=r"'\.csv'; expected one of \*\.parquet, .*\*\.h5, .*\*\.root"):
        read(path)


@pytest.mark.parametrize(("suffix", "kind"), [("parquet", "parquet"), ("root", "ROOT")])
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.02])
def test_a_file_cut_short_is_refused_in_one_line(tmp_path: Path, suffix: str, kind: str, kept: float) -> None:
    path = tmp_path / f"j.{suffix}"
    write_parquet(path, weaver()) if suffix == "parquet" else write_root(path, weaver())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(DataError, match=rf"^[^\n]*cannot be read as {kind}; it [^\n]*cut short[^\n]*$"):
        read(path)


@pytest.mark.parametrize(("suffix", "kind"), [("parquet", "parquet"), ("h5", "HDF5"), ("root", "ROOT")])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"j.{suffix}"
    path.write_text("these are no jets at all\n" * 100)
    with pytest.raises(DataError, match=f"cannot be read as {kind}"):
        read(path)


def test_damaged_values_are_refused(tmp_path: Path) -> None:
    path = write_root(tmp_path / "j.root", {name: values * 500 for name, values in weaver().items()})
    with uproot.open(path) as file:
        basket = int(file["tree"]["part_py"].member("fBasketSeek")[0])
    whole = bytearray(path.read_bytes())
    whole[basket : basket + 400] = b"\xff" * 400
    path.write_bytes(whole)
    with pytest.raises(DataError, match="cannot be read as ROOT; it may be cut short or damaged"):
        read(path)


def test_a_file_without_jets_is_refused(tmp_path: Path) -> None:
    kind = pa.list_(pa.float32())
    path = write_parquet(tmp_path / "j.parquet", {name: pa.array([], type=kind) for name in CARTESIAN})
    with pytest.raises(DataError, match="holds no jets"):
        read(path)


def test_unknown_columns_ask_for_a_mapping(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", {"momentum_x": [[1.0]], "momentum_y": [[1.0]]})
    with pytest.raises(DataError, match=r"there are momentum_x, momentum_y\nname the columns.*--data\.columns"):
        read(path)


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", components())
    expected = r"there is no column 'enrgy'\nthere are: .*phi.*\nDid you mean 'energy'\?\n.*--data\.columns"
    with pytest.raises(DataError, match=expected):
        read(path, CARTESIAN | {"energy": "enrgy"})


@pytest.mark.parametrize(
    "given",
    [
        ("px", "py", "pz"),
        ("px", "py", "pz", "E"),
        ("pt", "eta"),
        ("pt", "label"),
        ("pt", "eta", "phi", "energy", "mass"),
    ],
)
def test_a_mapping_that_is_no_momentum_is_refused(tmp_path: Path, given: tuple[str, ...]) -> None:
    path = write_parquet(tmp_path / "j.parquet", components())
    with pytest.raises(UsageError, match=rf"names {', '.join(given)}, which is not a complete momentum"):
        read(path, dict.fromkeys(given, "px"))


def test_constituents_without_energy_are_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", {"constituents": [[{"px": 1.0, "py": 1.0, "pz": 1.0}]]})
    with pytest.raises(DataError, match=r"'constituents' \(ours\).*there are .*\.px, .*\.py, constituents\.pz\n"):
        read(path)


def test_columns_of_different_lengths_in_a_jet_are_refused(tmp_path: Path) -> None:
    values = components()
    values["pz"][2].pop()
    with pytest.raises(DataError, match="jet 2 has 5 values in column 'px' and 4 in column 'pz'"):
        read(write_parquet(tmp_path / "j.parquet", {name: values[name] for name in CARTESIAN}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_refused_with_its_position(tmp_path: Path, value: float) -> None:
    values = components()
    values["py"][2][3] = value
    path = write_parquet(tmp_path / "j.parquet", {name: values[name] for name in CARTESIAN})
    with pytest.raises(DataError, match=rf"jet 2, constituent 3: py is {value}; expected a finite number"):
        read(path)


def test_in_our_parquet_the_field_is_named(tmp_path: Path) -> None:
    values = components()
    values["energy"][1][0] = float("nan")
    with pytest.raises(DataError, match=r"jet 1, constituent 0: constituents\.E is nan"):
        read(write_parquet(tmp_path / "j.parquet", ours(**values)))


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_a_momentum_above_the_energy_is_refused(tmp_path: Path, suffix: str) -> None:
    values = components()
    values["energy"][2][1] *= 0.9
    columns = {name: values[name] for name in CARTESIAN}
    path = tmp_path / f"j.{suffix}"
    write_parquet(path, columns) if suffix == "parquet" else write_root(path, columns)
    with pytest.raises(DataError, match=r"jet 2, constituent 1: energy is .* and \|p\| is .* expected E >= \|p\|"):
        read(path)


def test_a_rounding_error_of_the_energy_is_none(tmp_path: Path) -> None:
    values = components()
    values["energy"] = [[energy * (1 - 1e-5) for energy in jet] for jet in values["energy"]]
    assert len(read(write_parquet(tmp_path / "j.parquet", {name: values[name] for name in CARTESIAN}))) == 4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_masses_below_zero_by_rounding_are_zero_and_counted_once(tmp_path: Path, suffix: str) -> None:
    values = components()
    names = ("pt", "eta", "phi", "mass")
    values["mass"][0][1], values["mass"][2][3] = -2.98e-07, -1e-4 * values["pt"][2][3]
    path = tmp_path / f"j.{suffix}"
    columns = {name: values[name] for name in names}
    write_parquet(path, columns) if suffix == "parquet" else write_root(path, columns)
    with pytest.warns(RuntimeWarning, match=r"j\.\w+: 2 masses slightly below zero, .*are taken as 0") as caught:
        jets = read(path)
    assert len(caught) == 1
    momentum = np.linalg.norm(jets.momenta[[1, 7], :3], axis=1)
    np.testing.assert_allclose(jets.momenta[[1, 7], 3], momentum, rtol=1e-12)


@pytest.mark.parametrize("name", ["pt", "mass"])
def test_a_negative_pt_or_mass_is_refused(tmp_path: Path, name: str) -> None:
    values = components()
    values[name][3][1] = -2.5
    path = write_parquet(tmp_path / "j.parquet", {role: values[role] for role in ("pt", "eta", "phi", "mass")})
    with pytest.raises(DataError, match=rf"jet 3, constituent 1: {name} is -2\.5; expected at least 0"):
        read(path)


def test_a_constituent_along_the_beam_is_refused(tmp_path: Path) -> None:
    values = components()
    values["eta"][1][0] = 1000.0
    path = write_parquet(tmp_path / "j.parquet", {role: values[role] for role in ("pt", "eta", "phi")})
    with pytest.raises(DataError, match="jet 1, constituent 0: energy is inf"):
        read(path)


def test_a_jet_of_padding_alone_has_no_constituents(tmp_path: Path) -> None:
    values = components()
    for name in CARTESIAN:
        values[name][1] = [0.0]
        values[name][3] = []
    jets = read(write_parquet(tmp_path / "j.parquet", ours(**values)))
    assert jets.counts().tolist() == [3, 0, 5, 0]
    assert jets.columns["event"].tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(jets.momenta, some_jets().take(np.array([0, 2])).momenta)


def test_a_jet_without_a_list_is_refused(tmp_path: Path) -> None:
    values: dict[str, Any] = {name: components()[name] for name in CARTESIAN}
    values["pz"][2] = None
    with pytest.raises(DataError, match="jet 2: column 'pz' has no value; expected a list"):
        read(write_parquet(tmp_path / "j.parquet", values))


def test_a_missing_value_is_refused_with_its_position(tmp_path: Path) -> None:
    values: dict[str, Any] = {name: components()[name] for name in CARTESIAN}
    values["pz"][2][4] = None
    with pytest.raises(DataError, match="jet 2, constituent 4: pz has no value"):
        read(write_parquet(tmp_path / "j.parquet", values))


def test_a_column_of_numbers_is_no_component(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", components() | {"x": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(DataError, match="'x': expected a list of numbers for each jet, got double"):
        read(path, CARTESIAN | {"px": "x"})


def test_lists_of_texts_are_no_component(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", components() | {"x": [["a"]] * 4})
    with pytest.raises(DataError, match="'x': expected numbers, got string"):
        read(path, CARTESIAN | {"px": "x"})


def test_a_list_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'pt': expected one number or text for each jet"):
        read(write_parquet(tmp_path / "j.parquet", components()), CARTESIAN | {"label": "pt"})


@pytest.mark.parametrize(
    ("label", "shown"),
    [([0.0, 1.0, 0.5, 0.0], "jet 2: label is 0.5"), ([0.0, float("nan"), 1.0, 0.0], "jet 1: label is nan")],
)
def test_a_number_that_is_no_whole_number_is_no_label(tmp_path: Path, label: list[Any], shown: str) -> None:
    path = write_parquet(tmp_path / "j.parquet", ours() | {"label": label})
    with pytest.raises(DataError, match=re.escape(shown) + "; expected a whole number"):
        read(path)


@pytest.mark.parametrize(
    ("label", "expected"),
    [([True, False, False, True], [1, 0, 0, 1]), (["top", "w", "w", "top"], ["top", "w", "w", "top"])],
)
def test_labels_are_booleans_or_texts_as_well(tmp_path: Path, label: list[Any], expected: list[Any]) -> None:
    assert read(write_parquet(tmp_path / "j.parquet", ours() | {"label": label})).columns["label"].tolist() == expected


def test_a_jet_without_a_label_is_refused_where_others_have_one(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "j.parquet", ours() | {"label": [0, 1, None, 0]})
    with pytest.raises(DataError, match="jet 2: column 'label' has no value"):
        read(path)


def test_the_blocks_of_a_parquet_file_are_its_row_groups_and_count_the_jets_through(tmp_path: Path) -> None:
    path = tmp_path / "jets.parquet"
    momenta = [[600.0 + jet] for jet in range(9)]
    columns = {"px": momenta, "py": [[0.0]] * 9, "pz": [[0.0]] * 9, "energy": momenta}
    pq.write_table(pa.table(columns), path, row_group_size=2)
    blocks = list(read_blocks(path, jets=3))
    assert [len(block) for block in blocks] == [4, 4, 1]
    assert [block.columns["event"].tolist() for block in blocks] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    whole = read(path)
    np.testing.assert_array_equal(np.concatenate([block.momenta for block in blocks]), whole.momenta)
    columns["energy"] = [*momenta[:6], [float("nan")], *momenta[7:]]
    pq.write_table(pa.table(columns), path, row_group_size=2)
    with pytest.raises(DataError, match=r"jet 2, constituent 0: energy is nan(.|\n)*counted from jet 4 of the file"):
        list(read_blocks(path, jets=3))


def test_what_is_said_of_a_file_is_said_once_whatever_its_blocks(tmp_path: Path) -> None:
    path = tmp_path / "jets.parquet"
    columns = {"pt": [[600e3]] * 6, "eta": [[0.0]] * 6, "phi": [[0.0]] * 6, "mass": [[-1e-7]] * 6}
    pq.write_table(pa.table(columns), path, row_group_size=2)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert sum(len(block) for block in read_blocks(path, jets=2)) == 6
    words = [str(warning.message) for warning in said]
    assert len(words) == 2
    assert sum("6 masses slightly below zero" in line for line in words) == 1


def test_a_block_that_is_read_at_once_is_handed_out_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "jets.parquet"
    momenta = [[600.0 + jet] for jet in range(9)]
    columns = {"px": momenta, "py": [[0.0]] * 9, "pz": [[0.0]] * 9, "energy": momenta}
    pq.write_table(pa.table(columns), path)
    blocks = list(read_blocks(path, jets=4))
    assert [block.momenta[:, 0].tolist() for block in blocks] == [[600, 601, 602, 603], [604, 605, 606, 607], [608]]
    assert [block.columns["event"].tolist() for block in blocks] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_weights_are_read_beside_momenta_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "jets.parquet"
    momenta = {"a": [[600.0]], "b": [[0.0]], "c": [[0.0]], "d": [[600.0]]}
    pq.write_table(pa.table({**momenta, "mcEventWeight": [2.5], "weight": [0.5], "else": [1.0]}), path)
    jets = read(path, {"px": "a", "py": "b", "pz": "c", "energy": "d"})
    assert {name: values.tolist() for name, values in jets.columns.items()} == {
        "event": [0],
        "mcEventWeight": [2.5],
        "weight": [0.5],
    }
