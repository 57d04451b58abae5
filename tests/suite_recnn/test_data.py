from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet as pq
import pytest
import torch

import suite_recnn
from lightning_suite.errors import DataError, UsageError
from lightning_suite.testing.learning import resumes_exactly
from lightning_suite.testing.subject import Subject
from suite_recnn import forests
from suite_recnn.data import JetData
from suite_recnn.module import JetTagger
from suite_recnn.splitting import PARTS

PAIR = ("w", "qcd")
FIELDS = ("px", "py", "pz", "E")
CHECK = Path(suite_recnn.__file__).parent / "recipes" / "check"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The 150 W and 150 QCD jets of the recipe `check`."""
    for name in ("w", "qcd"):
        (tmp_path / f"{name}_check.parquet").write_bytes((CHECK / f"{name}_check.parquet").read_bytes())
    return tmp_path


def ready(path: Path, **settings) -> JetData:
    data = JetData(str(path), **settings)
    data.prepare_data()
    data.setup("fit")
    return data


def batches(data: JetData, part: str) -> list:
    return list({"train": data.train_dataloader, "test": data.test_dataloader}[part]())


def test_a_folder_is_read_by_the_names_of_its_files(folder) -> None:
    counts = ready(folder).counts
    assert list(counts) == list(PARTS)
    assert sum(part["w"] for part in counts.values()) == 150
    assert sum(part["qcd"] for part in counts.values()) == 150


def test_signal_is_one_and_background_zero(folder) -> None:
    first = torch.cat([batch.labels for batch in batches(ready(folder), "test")])
    swapped = torch.cat([batch.labels for batch in batches(ready(folder, signal="qcd", background="w"), "test")])
    assert first.sum() == (1 - swapped).sum() > 0


def test_parts_have_the_shares_that_were_asked_for(folder) -> None:
    counts = ready(folder, validation_fraction=0.3, test_fraction=0.3).counts
    sizes = {part: sum(classes.values()) for part, classes in counts.items()}
    assert sizes["train"] == pytest.approx(120, abs=30)
    assert sizes["test"] == pytest.approx(90, abs=30)


def test_no_jet_is_in_two_parts(folder) -> None:
    data = ready(folder)
    chosen = np.concatenate([data._sets[part].chosen for part in PARTS])
    assert len(np.unique(chosen)) == len(chosen) == 300


def test_fewer_jets_of_each_class_are_the_first_ones(folder) -> None:
    counts = ready(folder, jets=40).counts
    assert [sum(part[name] for part in counts.values()) for name in ("w", "qcd")] == [40, 40]


def test_the_scale_is_that_of_the_training_jets(folder) -> None:
    data = ready(folder)
    forest, chosen = data._sets["train"].forest, data._sets["train"].chosen
    torch.testing.assert_close((data.center, data.scale), forests.robust_scale(forest, chosen))


def test_the_fingerprint_changes_with_the_jets_and_with_nothing_else(folder) -> None:
    first = ready(folder).fingerprint
    assert ready(folder, batch_size=7).fingerprint == first
    assert ready(folder, jets=40).fingerprint != first
    assert ready(folder, algorithm="kt").fingerprint != first


def test_the_trees_of_a_small_file_are_not_stored(folder) -> None:
    ready(folder, cache=str(folder / "cache"))
    assert sorted(path.name for path in folder.iterdir()) == ["qcd_check.parquet", "w_check.parquet"]


def test_a_second_reading_takes_the_trees_from_the_cache(folder, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    first = ready(folder, cache=str(folder / "cache"))
    monkeypatch.setattr("suite_recnn.data.read_blocks", lambda *_, **__: pytest.fail("the file was read again"))
    second = ready(folder, cache=str(folder / "cache"))
    assert second.fingerprint == first.fingerprint
    assert len(list((folder / "cache").iterdir())) == 2


def test_trees_are_stored_in_the_users_cache_and_their_size_is_told_once(folder, monkeypatch, caplog) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(folder / "users"))
    ready(folder)
    ready(folder)
    stored = sorted((folder / "users" / "trees").iterdir())
    assert [path.name.partition("-")[0] for path in stored] == ["qcd_check", "w_check"]
    told = [record.message for record in caplog.records if "of trees stored in" in record.message]
    assert len(told) == 2 and all(any(str(path) in words for words in told) for path in stored)


def test_where_nothing_shall_be_stored_nothing_is(folder, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(folder / "users"))
    ready(folder, cache=None)
    assert sorted(path.name for path in folder.iterdir()) == ["qcd_check.parquet", "w_check.parquet"]


@pytest.mark.parametrize("cache", ["cache", None])
@pytest.mark.parametrize("stored_from", [100, 200])
def test_trees_beyond_the_memory_give_the_same_batches(folder, monkeypatch, cache, stored_from) -> None:
    """Of which one file may be too small to be stored."""
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", stored_from)
    both = pyarrow.concat_tables([pq.read_table(folder / "qcd_check.parquet")] * 2)
    pq.write_table(both, folder / "qcd_check.parquet", row_group_size=70)
    monkeypatch.setattr("suite_recnn.sources.reading.BLOCK", 100)
    settings = {"cache": None if cache is None else str(folder / cache), "batch_size": 50}
    held, streamed = ready(folder, **settings), ready(folder, **settings, memory=0.0)
    assert isinstance(held._sets["train"].forest, forests.Forest)
    assert not isinstance(streamed._sets["train"].forest, forests.Forest)
    assert streamed.fingerprint == held.fingerprint
    torch.testing.assert_close((streamed.center, streamed.scale), (held.center, held.scale), rtol=0, atol=0)
    torch.manual_seed(0)
    expected = batches(held, "train")
    torch.manual_seed(0)
    for batch, other in zip(batches(streamed, "train"), expected, strict=True):
        for name in ("features", "children", "offsets", "labels"):
            assert torch.equal(getattr(batch, name), getattr(other, name)), name


def test_a_training_from_the_cache_that_is_interrupted_ends_as_one_that_is_not(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    subject = Subject("recnn", tmp_path / "runs")
    plain = subject.settings()
    data = plain.data | {"memory": 0.0, "cache": str(tmp_path / "cache")}
    monkeypatch.setattr(subject, "settings", lambda: replace(plain, data=data))
    assert resumes_exactly(subject) == ""
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_features_have_trees_of_their_own(folder, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    stored = {"cache": str(folder / "cache"), "memory": 0.0}
    sizes = [ready(folder, features=features, **stored).center.shape for features in ("paper", "lund", "paper")]
    assert sizes == [(8,), (13,), (8,)]
    assert len(list((folder / "cache").iterdir())) == 4


def test_one_file_is_divided_by_its_column_of_samples(folder) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet") for name in ("w", "qcd")]
    pq.write_table(pyarrow.concat_tables(tables), folder / "both.parquet")
    assert ready(folder / "both.parquet").counts == ready(folder).counts


def test_a_folder_with_parts_is_not_divided_again(folder) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet") for name in ("w", "qcd")]
    for begin, name in ((0, "train"), (50, "val"), (100, "test")):
        pq.write_table(pyarrow.concat_tables([table.slice(begin, 50) for table in tables]), folder / f"{name}.parquet")
    for path in folder.glob("*_check.parquet"):
        path.unlink()
    assert ready(folder).counts == {part: {"w": 50, "qcd": 50} for part in PARTS}


def test_a_test_needs_no_jets_to_train_on(folder) -> None:
    data = JetData(str(folder), validation_fraction=0.0, test_fraction=1.0)
    data.setup("test")
    assert data.counts["test"] == {"w": 150, "qcd": 150}
    with pytest.raises(DataError, match="no w and no qcd jets for train"):
        JetData(str(folder), validation_fraction=0.0, test_fraction=1.0).setup("fit")


def test_a_training_without_jets_to_test_on_is_refused_before_it_begins(folder) -> None:
    with pytest.raises(UsageError, match=r"--data\.test_fraction must be above 0"):
        JetData(str(folder), test_fraction=0.0).setup("fit")


def test_jets_are_predicted_in_the_order_of_their_file(folder) -> None:
    path = folder / "w_check.parquet"
    data = JetData(predict_path=str(path), batch_size=64)
    energies = torch.cat([batch.features[batch.roots(), 5] for batch in data.predict_dataloader()])
    expected = pq.read_table(path)["jet_pt"].to_numpy()
    np.testing.assert_allclose(energies, expected, rtol=1e-5)


def test_predictions_of_more_than_fits_into_memory_are_the_same(folder, monkeypatch) -> None:
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(folder / "users"))
    settings = {"predict_path": str(folder / "w_check.parquet"), "select": "jet_mass > 80", "batch_size": 150}
    (held,), (passing,) = (JetData(**settings, memory=memory).predict_dataloader() for memory in (1.0, 0.0))
    assert torch.equal(passing.features, held.features)
    assert all(torch.equal(passing.columns[name], values) for name, values in held.columns.items())


def test_predicting_needs_a_file() -> None:
    with pytest.raises(UsageError, match="give the path of a file"):
        JetData().predict_dataloader()


def test_predictions_name_event_and_momentum_of_each_jet(folder) -> None:
    path = folder / "w_check.parquet"
    (batch,) = JetData(predict_path=str(path), batch_size=150).predict_dataloader()
    table = pq.read_table(path)
    assert batch.columns["event"].tolist() == table["event"].to_pylist()
    np.testing.assert_allclose(batch.columns["jet_mass"], table["jet_mass"].to_numpy(), rtol=1e-6)


def test_jets_without_labels_can_be_predicted(folder) -> None:
    path = folder / "w_check.parquet"
    pq.write_table(pq.read_table(path, columns=["constituents"]), path)
    data = JetData(predict_path=str(path), columns={"label": "is_top"})
    assert sum(len(batch.offsets) - 1 for batch in data.predict_dataloader()) == 150


def test_nothing_is_left_beside_a_file_that_is_predicted(folder, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 1)
    monkeypatch.setenv("LIGHTNING_SUITE_CACHE", str(folder / "users"))
    list(JetData(predict_path=str(folder / "w_check.parquet")).predict_dataloader())
    assert sorted(path.name for path in folder.iterdir()) == ["qcd_check.parquet", "w_check.parquet"]


def without_constituents(path: Path, jets: list[int]) -> None:
    """Empty the lists of some jets of a file."""
    table = pq.read_table(path)
    rows = table["constituents"].to_pylist()
    emptied = pyarrow.array(
        [[] if jet in jets else row for jet, row in enumerate(rows)], type=table.schema.field("constituents").type
    )
    pq.write_table(table.set_column(table.column_names.index("constituents"), "constituents", emptied), path)


def test_jets_without_constituents_are_left_out_and_counted(folder, caplog) -> None:
    without_constituents(folder / "w_check.parquet", [0, 7])
    data = ready(folder)
    assert sum(part["w"] for part in data.counts.values()) == 148
    assert "left out: 2 jets without constituents" in caplog.text
    assert all((batch.leaf_counts() > 0).all() for batch in batches(data, "train"))


@pytest.mark.parametrize("network", ["recnn", "lstm"])
def test_a_jet_without_constituents_has_no_score_and_moves_no_other(folder, network) -> None:
    path = folder / "w_check.parquet"
    tagger = JetTagger(network=network, hidden_dim=4).eval()

    def predicted(size: int) -> tuple[list[int], torch.Tensor]:
        data = JetData(predict_path=str(path), batch_size=size)
        rows = [tagger.predict_step(batch, 0) for batch in data.predict_dataloader()]
        return [number for row in rows for number in row["jet"].tolist()], torch.cat([row["score"] for row in rows])

    _, expected = predicted(150)
    without_constituents(path, [0, 1, 149])
    with pytest.warns(UserWarning, match=r"w_check\.parquet: 3 of 150 jets have no constituents: their scores are nan"):
        numbers, scores = predicted(2)
    assert numbers == list(range(150))
    assert scores[[0, 1, 149]].isnan().all()
    torch.testing.assert_close(scores[2:149], expected[2:149])


def test_a_file_in_mev_has_the_trees_of_one_in_gev(folder, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    path = folder / "w_check.parquet"
    (expected,) = JetData(predict_path=str(path), batch_size=150).predict_dataloader()
    rows = pq.read_table(path)["constituents"].to_pylist()
    names = {"px": "px", "py": "py", "pz": "pz", "energy": "E"}
    pq.write_table(pyarrow.table({o: [[1000 * c[n] for c in row] for row in rows] for o, n in names.items()}), path)
    (batch,) = JetData(predict_path=str(path), batch_size=150, unit="MeV").predict_dataloader()
    torch.testing.assert_close(batch.features, expected.features, rtol=1e-4, atol=1e-4)
    with pytest.warns(RuntimeWarning, match=r"in MeV it would be \d{3} GeV .*--data\.unit"):
        JetData(predict_path=str(path)).predict_dataloader()


def test_another_unit_is_told_of_stored_trees_too(folder, monkeypatch) -> None:
    monkeypatch.setattr("suite_recnn.tree_cache.STORED_FROM", 100)
    jets = pq.read_table(folder / "w_check.parquet", columns=["event", "constituents"]).to_pydict()
    jets["constituents"] = [
        [{name: 1000 * p for name, p in one.items()} for one in jet] for jet in jets["constituents"]
    ]
    pq.write_table(pyarrow.table(jets), folder / "w_check.parquet")
    for is_stored in (False, True):
        with pytest.warns(RuntimeWarning, match=r"w_check\.parquet: .* in MeV it would be \d{3} GeV") as told:
            counts = ready(folder, cache=str(folder / "cache")).counts
        assert sum("in MeV" in str(warning.message) for warning in told) == 1, is_stored
        assert sum(part["w"] for part in counts.values()) == 150


def test_a_class_whose_name_begins_as_another_keeps_its_own_files(folder) -> None:
    (folder / "qcd_check.parquet").rename(folder / "w_bkg_check.parquet")
    counts = ready(folder, background="w_bkg").counts
    assert [sum(part[name] for part in counts.values()) for name in ("w", "w_bkg")] == [150, 150]


def test_of_parts_that_are_files_each_has_at_most_so_many_jets(folder) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet") for name in ("w", "qcd")]
    for path in folder.glob("*_check.parquet"):
        path.unlink()
    for begin, name in ((0, "train"), (50, "val"), (100, "test")):
        pq.write_table(pyarrow.concat_tables([table.slice(begin, 50) for table in tables]), folder / f"{name}.parquet")
    assert ready(folder, jets=20).counts == {part: {"w": 20, "qcd": 20} for part in PARTS}


def test_a_label_that_is_named_counts_more_than_the_sample(folder) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet") for name in ("w", "qcd")]
    both = pyarrow.concat_tables(tables).append_column("y", pyarrow.array([0] * 150 + [1] * 150))
    pq.write_table(both, folder / "both.parquet")
    named = ready(folder / "both.parquet", columns={"label": "y"})
    assert named.counts["test"]["w"] == ready(folder / "both.parquet").counts["test"]["qcd"]


def test_classes_are_columns_of_ones_or_texts_of_a_label(folder) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet") for name in ("w", "qcd")]
    both = pyarrow.concat_tables(tables).drop_columns(["sample", "label"])
    ones = {"label_Wqq": [1] * 150 + [0] * 150, "label_QCD": [0] * 150 + [1] * 150, "label": ["w"] * 150 + ["q"] * 150}
    for name, values in ones.items():
        both = both.append_column(name, pyarrow.array(values))
    pq.write_table(both, folder / "both.parquet")
    for signal, background in (("label_Wqq", "label_QCD"), ("w", "q")):
        data = ready(folder / "both.parquet", signal=signal, background=background)
        assert sum(part[signal] for part in data.counts.values()) == 150
        assert sum(part[background] for part in data.counts.values()) == 150


def test_jets_of_neither_class_are_counted_aloud(folder, caplog) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet") for name in ("w", "qcd")]
    other = tables[0].set_column(tables[0].column_names.index("sample"), "sample", pyarrow.array(["z"] * 150))
    pq.write_table(pyarrow.concat_tables([*tables, other.cast(tables[0].schema)]), folder / "both.parquet")
    ready(folder / "both.parquet")
    assert "left out: 150 jets that are neither w nor qcd" in caplog.text


def test_a_file_may_end_in_capitals_or_in_another_suffix_of_its_format(folder) -> None:
    (folder / "w_check.parquet").rename(folder / "w_check.pq")
    (folder / "qcd_check.parquet").rename(folder / "qcd_check.PARQUET")
    assert sum(ready(folder).counts["train"].values()) > 0


def test_data_that_were_tested_can_be_trained_on(folder) -> None:
    data = JetData(str(folder))
    data.setup("test")
    data.setup("fit")
    assert data.scale.shape == (8,)


# Selection, weights and more than two classes


def with_column(path: Path, name: str, values) -> None:
    pq.write_table(pq.read_table(path).append_column(name, pyarrow.array(values)), path)


def labels_in(data: JetData, part: str) -> torch.Tensor:
    return torch.cat([batch.labels for batch in batches(data, part)])


def test_only_selected_jets_are_in_any_part(folder, caplog) -> None:
    data = ready(folder, select="jet_mass > 80 and sample in ('w', 'qcd')")
    heavy = {name: (pq.read_table(folder / f"{name}_check.parquet")["jet_mass"].to_numpy() > 80) for name in PAIR}
    assert {name: sum(part[name] for part in data.counts.values()) for name in PAIR} == {
        name: chosen.sum() for name, chosen in heavy.items()
    }
    for name, chosen in heavy.items():
        assert f"{np.count_nonzero(~chosen)} of 150 {name}" in caplog.text
    masses = [batch.features[batch.roots(), 7].exp() - 0.1 for batch in batches(data, "test")]
    assert torch.cat(masses).min() > 79.9


def test_a_selection_that_takes_all_jets_changes_nothing(folder) -> None:
    assert ready(folder, select="jet_pt > 0").fingerprint == ready(folder).fingerprint
    assert ready(folder, select="jet_mass > 80").fingerprint != ready(folder).fingerprint


def test_the_first_jets_are_the_first_selected_ones(folder) -> None:
    counts = ready(folder, select="jet_mass > 60", jets=50).counts
    assert [sum(part[name] for part in counts.values()) for name in PAIR] == [50, 50]


def test_a_selection_without_jets_of_a_class_is_named(folder) -> None:
    with pytest.raises(DataError, match=r"no qcd jets for train(.|\n)*--data\.select \"sample == 'w'\""):
        ready(folder, select="sample == 'w'")


def test_a_column_that_files_lack_is_named_beside_those_that_they_have(folder) -> None:
    with pytest.raises(
        DataError, match=r"check\.parquet(.|\n)*no column 'contaned'(.|\n)*jet_mass, (.|\n)*multiplicity"
    ):
        ready(folder, select="contaned")


def test_a_selection_may_name_columns_of_a_file_whose_momenta_are_named(folder) -> None:
    jets = pq.read_table(folder / "w_check.parquet", columns=["constituents", "label"])
    values = jets["constituents"].combine_chunks()
    lists = {f: pyarrow.ListArray.from_arrays(values.offsets.cast("int32"), values.values.field(f)) for f in FIELDS}
    table = pyarrow.table({**lists, "fj_mass": np.arange(150.0), "y": [0, 1] * 75})
    pq.write_table(table, folder / "jets.parquet")
    columns = {"px": "px", "py": "py", "pz": "pz", "energy": "E", "label": "y"}
    counts = ready(folder / "jets.parquet", columns=columns, select="fj_mass < 100 and jet_pt > 1").counts
    assert sum(sum(part.values()) for part in counts.values()) == 100


def test_predictions_of_selected_jets_say_which_of_the_file_they_are(folder) -> None:
    path = folder / "w_check.parquet"
    (batch,) = JetData(predict_path=str(path), select="jet_mass > 80", batch_size=150).predict_dataloader()
    masses = pq.read_table(path)["jet_mass"].to_numpy()
    assert batch.columns["jet"].tolist() == np.flatnonzero(masses > 80).tolist()
    np.testing.assert_allclose(batch.columns["jet_mass"], masses[masses > 80], rtol=1e-6)
    assert len(batch.offsets) - 1 == len(batch.columns["jet"])


def test_a_column_of_weights_comes_with_the_batches(folder) -> None:
    for name, scale in (("w", 1e-5), ("qcd", 3.0)):
        with_column(folder / f"{name}_check.parquet", "weight", scale * np.linspace(-1, 5, 150))
    data = ready(folder)
    all_batches = [batch for part in PARTS[::2] for batch in batches(data, part)]
    assert all(batch.weights.dtype == torch.float32 and (batch.weights < 0).any() for batch in all_batches)
    weights, labels = data._sets["train"].weights, data._sets["train"].labels
    assert [weights[labels == label].mean() for label in (0, 1)] == pytest.approx([1, 1], abs=0.25)
    assert next(iter(ready(folder, weights=False).train_dataloader())).weights is None
    assert ready(folder, weights=False).fingerprint != data.fingerprint


def test_the_weights_follow_their_jets(folder) -> None:
    for name in PAIR:
        path = folder / f"{name}_check.parquet"
        with_column(path, "weight", pq.read_table(path)["jet_mass"].to_numpy())
    batch = next(iter(ready(folder).train_dataloader()))
    for label in (0, 1):
        chosen = batch.labels == label
        mass = batch.features[batch.roots(), 7].exp() - 0.1
        ratio = batch.weights[chosen] / mass[chosen]
        torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-3, atol=0)


def test_a_class_with_weights_in_some_of_its_files_is_refused(folder) -> None:
    (folder / "w_more.parquet").write_bytes((folder / "w_check.parquet").read_bytes())
    with_column(folder / "w_more.parquet", "weight", np.ones(150))
    with pytest.raises(DataError, match=r"w_check\.parquet: no column `weight`, which other files of the class have"):
        ready(folder)


def test_a_flat_spectrum_is_for_training_alone(folder) -> None:
    data = ready(folder, flat_pt=True)
    assert data._sets["validation"].weights is None and data._sets["test"].weights is None
    weights, labels = data._sets["train"].weights, data._sets["train"].labels
    assert [weights[labels == label].mean() for label in (0, 1)] == pytest.approx([1, 1], abs=1e-6)
    assert np.ptp(weights) > 0.5


def test_more_than_two_classes_have_whole_numbers(folder) -> None:
    (folder / "top_check.parquet").write_bytes((folder / "w_check.parquet").read_bytes())
    data = ready(folder, classes="w,top,qcd")
    assert data.classes == ("w", "top", "qcd")
    assert {name: sum(part[name] for part in data.counts.values()) for name in data.classes} == dict.fromkeys(
        data.classes, 150
    )
    labels = labels_in(data, "test")
    assert labels.dtype == torch.int64
    assert labels.bincount().tolist() == [*data.counts["test"].values()]


def test_two_classes_are_background_and_signal_by_label(folder) -> None:
    data = ready(folder)
    assert data.classes == ("qcd", "w")
    assert labels_in(data, "test").dtype == torch.float32


def test_the_numbers_of_more_than_two_classes_may_be_in_a_column(folder) -> None:
    tables = [pq.read_table(folder / f"{name}_check.parquet").drop_columns("sample") for name in PAIR]
    numbers = pyarrow.array([0] * 150 + [1] * 100 + [2] * 50)
    both = pyarrow.concat_tables(tables)
    pq.write_table(both.set_column(both.column_names.index("label"), "label", numbers), folder / "all.parquet")
    counts = ready(folder / "all.parquet", classes="a,b,c").counts
    assert [sum(part[name] for part in counts.values()) for name in "abc"] == [150, 100, 50]


# Mistakes


def test_a_folder_without_the_classes_says_what_it_has(folder) -> None:
    with pytest.raises(
        UsageError, match=r"expected files wx_\* and qcd_\*(.|\n)*w_check\.parquet(.|\n)*Did you mean 'w'"
    ):
        ready(folder, signal="wx")


def test_a_path_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match="there is no such file or folder"):
        ready(tmp_path / "nowhere")


def test_one_class_alone_cannot_be_learnt(folder) -> None:
    with pytest.raises(DataError, match="there are no qcd jets for train"):
        ready(folder / "w_check.parquet")


def test_a_class_that_pythia_does_not_make_is_refused() -> None:
    data = JetData(signal="higgs")
    data.trainer = SimpleNamespace(state=SimpleNamespace(fn="fit"))
    with pytest.raises(UsageError, match="'higgs' cannot be generated; expected one of w, top"):
        data.prepare_data()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected a whole number of 1 or more, got 0"),
        ({"eta_max": -1.0}, "--data.eta_max: expected a number above 0, got -1.0"),
        ({"constituents_min": 0}, "--data.constituents_min: expected a whole number of 1 or more, got 0"),
        ({"unit": "TeV"}, "unit: expected one of GeV, MeV, got 'TeV'"),
        ({"jets": 0}, "jets: expected a whole number of 1 or more, or null, got 0"),
        ({"num_workers": -1}, "num_workers: expected a whole number of 0 or more, got -1"),
        ({"test_fraction": 0.95}, "together at most 1"),
        ({"validation_fraction": -0.1}, "validation_fraction: expected a number from 0 to 1, got -0.1"),
        ({"test_fraction": float("nan")}, "test_fraction: expected a number from 0 to 1, got nan"),
        ({"signal": "qcd"}, "must differ"),
        ({"classes": "w,qcd"}, "expected three and more different classes with commas between them, got 'w,qcd'"),
        ({"classes": "w,top,top"}, "expected three and more different classes"),
        ({"select": "jet_pt >"}, r"--data\.select 'jet_pt >' is no condition"),
        ({"weights": "yes"}, "weights: expected auto, or one of True, False, got 'yes'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, message) -> None:
    with pytest.raises(UsageError, match=message):
        JetData(**settings)
