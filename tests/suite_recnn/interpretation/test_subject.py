from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet as pq
import pytest
import torch

import suite_recnn
from lightning_suite import load
from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn.forests import build_trees
from suite_recnn.interpretation import subject as subject_file
from suite_recnn.interpretation.subject import Subject, open_subject, untrained
from suite_recnn.module import JetTagger

CHECK = Path(suite_recnn.__file__).parent / "recipes" / "check"


@pytest.fixture(scope="module")
def subject(train: Callable[..., Run]) -> Subject:
    return open_subject(train().folder)


def scores(subject: Subject) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([subject.tagger(batch) for batch in subject.batches(50)])


def test_the_jets_are_those_of_the_test_of_the_run(subject: Subject) -> None:
    subject.data.setup("test")
    expected = torch.cat([batch.labels for batch in subject.data.test_dataloader()])
    assert subject.labels.tolist() == expected.tolist()
    assert subject.classes == ("qcd", "w")


def test_momenta_and_trees_are_of_the_same_jets(subject: Subject) -> None:
    expected = build_trees(subject.jets, "cambridge-aachen", "center")
    np.testing.assert_array_equal(subject.forest.offsets, expected.offsets)
    np.testing.assert_array_equal(subject.forest.features, expected.features)


def test_chosen_jets_keep_momenta_trees_and_labels_together(subject: Subject) -> None:
    chosen = np.array([17, 3, 60])
    some = subject.take(chosen)
    torch.testing.assert_close(scores(some), scores(subject)[chosen])
    np.testing.assert_array_equal(some.jets.totals(), subject.jets.totals()[chosen])
    assert some.labels.tolist() == subject.labels[chosen].tolist()


def test_the_network_is_the_best_one_of_the_run(subject: Subject, train: Callable[..., Run]) -> None:
    with torch.no_grad():
        expected = torch.cat([load(train().best)(batch) for batch in subject.batches()])
    torch.testing.assert_close(scores(subject), expected)
    assert not subject.tagger.training


def test_the_last_layer_gives_the_scores(subject: Subject) -> None:
    *_, last = subject.layers().values()
    with torch.no_grad():
        expected = subject.tagger.network.output(torch.from_numpy(last)).squeeze(1)
    torch.testing.assert_close(scores(subject), expected)


def test_an_untrained_network_scales_as_the_trained_one_and_has_weights_of_its_seed(subject: Subject) -> None:
    first, again, other = (untrained(subject.tagger, seed).network for seed in (0, 0, 1))
    torch.testing.assert_close(first.scaler.state_dict(), subject.tagger.network.scaler.state_dict())
    torch.testing.assert_close(first.state_dict(), again.state_dict())
    assert not torch.equal(first.output.weight, other.output.weight)
    assert not torch.equal(first.output.weight, subject.tagger.network.output.weight)


def test_an_untrained_network_reads_the_features_and_classes_of_the_trained_one() -> None:
    tagger = JetTagger(hidden_dim=4)
    tagger.on_load_checkpoint({"features": "lund", "classes": ["w", "top", "qcd"]})
    shapes, expected = (
        {name: value.shape for name, value in one.state_dict().items()} for one in (untrained(tagger), tagger)
    )
    assert shapes == expected
    assert shapes["network.output.weight"] == (3, 4)


def test_other_files_are_taken_whole_and_labelled_by_their_names(train: Callable[..., Run]) -> None:
    files = [CHECK / "qcd_check.parquet", CHECK / "w_check.parquet"]
    subject = open_subject(train().folder, jets=files)
    assert subject.labels.tolist() == [0] * 150 + [1] * 150
    assert subject.source.startswith("all 300 jets of qcd_check.parquet, w_check.parquet (of qcd_check.parquet, w_c")


def test_files_that_a_run_was_not_trained_on_are_not_said_to_be_so(train: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "w_more.parquet"
    file.write_bytes((CHECK / "w_check.parquet").read_bytes())
    assert open_subject(train(), jets=[file]).source == "all 150 jets of w_more.parquet"


def test_jets_of_other_classes_have_no_label(train: Callable[..., Run], tmp_path: Path) -> None:
    jets = pq.read_table(CHECK / "w_check.parquet")
    samples = pyarrow.array(["w", "top", "qcd"] * 50)
    pq.write_table(jets.set_column(jets.column_names.index("sample"), "sample", samples), tmp_path / "more.parquet")
    assert open_subject(train(), jets=[tmp_path / "more.parquet"]).labels.tolist() == [1, -1, 0] * 50


def test_weights_of_other_files_count_as_in_training(
    train: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, scale in (("w", 1e-3), ("qcd", 50.0)):
        jets = pq.read_table(CHECK / f"{name}_check.parquet")
        weights = pyarrow.array(scale * np.arange(1.0, 151.0))
        pq.write_table(jets.append_column("weight", weights), tmp_path / f"{name}_weighted.parquet")
    files = sorted(tmp_path.glob("*.parquet"))
    subject = open_subject(train(), jets=files)
    for label in (0, 1):
        np.testing.assert_allclose(subject.weights[subject.labels == label], np.arange(1, 151) / 75.5)
    subject.data.division = replace(subject.data.division, weights=False)
    monkeypatch.setattr(subject_file, "load_data", lambda run, trust: subject.data)
    assert open_subject(train(), jets=files).weights.tolist() == [1.0] * 300


def test_the_jets_of_an_event_share_its_number(train: Callable[..., Run], tmp_path: Path) -> None:
    file = tmp_path / "w_twice.parquet"
    file.write_bytes((CHECK / "w_check.parquet").read_bytes())
    twice = open_subject(train(), jets=[CHECK / "w_check.parquet", file, CHECK / "qcd_check.parquet"])
    np.testing.assert_array_equal(twice.events[:150], twice.events[150:300])
    assert not np.isin(twice.events[300:], twice.events[:300]).any()


def test_trees_are_clustered_as_asked(subject: Subject, train: Callable[..., Run]) -> None:
    kt = open_subject(train(), algorithm="kt")
    np.testing.assert_array_equal(kt.jets.momenta, subject.jets.momenta)
    np.testing.assert_array_equal(kt.forest.features, build_trees(kt.jets, "kt", "center").features)
    assert not np.array_equal(kt.forest.children, subject.forest.children)


def test_a_limit_keeps_the_first_of_each_class(subject: Subject, train: Callable[..., Run]) -> None:
    some = open_subject(train(), limit=5)
    assert np.bincount(some.labels).tolist() == [5, 5]
    first = np.sort([np.flatnonzero(subject.labels == label)[:5] for label in (0, 1)], axis=None)
    np.testing.assert_array_equal(some.jets.totals(), subject.jets.totals()[first])


def test_other_parts_of_the_run_have_other_events(subject: Subject, train: Callable[..., Run]) -> None:
    other = open_subject(train(), part="train")
    names = ("sample", "seed", "event")
    events, seen = (set(zip(*(one.jets.columns[name] for name in names), strict=True)) for one in (subject, other))
    assert len(events) > 50 and len(seen) > 50 and not events & seen


def test_a_limit_that_no_class_reaches_is_not_spoken_of(subject: Subject, train: Callable[..., Run]) -> None:
    every = open_subject(train(), limit=len(subject.labels))
    assert every.labels.tolist() == subject.labels.tolist()
    assert every.source == subject.source == f"{len(subject.labels):,} test jets of the run"


def test_a_limit_of_nothing_is_refused(train: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="--limit: expected a whole number of 1 or more, or null, got 0"):
        open_subject(train(), limit=0)
