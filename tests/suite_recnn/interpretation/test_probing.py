from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import suite_recnn
from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn.interpretation.probing import OBSERVABLES, Probing, plane, probe
from suite_recnn.interpretation.subject import Subject, open_subject
from suite_recnn.module import JetTagger, Network
from suite_recnn.network import JetNetwork
from suite_recnn.network_inputs import Batch

CHECK = Path(suite_recnn.__file__).parent / "recipes" / "check"


@pytest.fixture(scope="module")
def subject(train: Callable[..., Run]) -> Subject:
    return open_subject(train(), jets=[CHECK / "w_check.parquet", CHECK / "qcd_check.parquet"])


@pytest.fixture(scope="module")
def probing(subject: Subject) -> Probing:
    return probe(subject, layers="all", folds=3)


def test_every_observable_is_probed_in_every_layer(probing: Probing) -> None:
    assert probing.layers == ("embedding", "dense_1", "dense_2")
    assert [(row.layer, row.observable) for row in probing.rows] == [
        (layer, name) for layer in probing.layers for name in OBSERVABLES
    ]


def test_the_three_highest_of_each_layer_are_marked(probing: Probing) -> None:
    for layer in probing.layers:
        marked = [row.r2.value for row in probing.of(layer) if row.marked]
        others = [row.r2.value for row in probing.of(layer) if not row.marked]
        assert len(marked) == 3 and min(marked) >= max(others)


def test_shuffled_targets_score_zero(probing: Probing) -> None:
    for row in probing.rows:
        assert row.shuffled.value == pytest.approx(0, abs=0.06)
        assert row.r2.value > row.shuffled.value - 0.05


def test_the_summaries_know_what_they_hold(probing: Probing) -> None:
    by_name = {row.observable: row for row in probing.of("embedding")}
    assert by_name["multiplicity"].summaries.value == pytest.approx(1, abs=1e-4)
    assert by_name["mass_angularity"].root.value > 0.95  # E - p of the root is m^2 / 2p


class Counting(JetNetwork):
    """A network whose embedding holds the number of constituents."""

    def layers(self, batch: Batch) -> dict[str, torch.Tensor]:
        return {"embedding": batch.leaf_counts().float().reshape(-1, 1).expand(-1, 4)}


def test_a_layer_that_holds_an_observable_is_found_out(subject: Subject) -> None:
    tagger = JetTagger(hidden_dim=4)
    tagger.network = Counting(4)
    (multiplicity, *_, tau32) = probe(replace(subject, tagger=tagger), folds=3).rows
    assert multiplicity.marked and multiplicity.r2.value == pytest.approx(1, abs=1e-4)
    assert multiplicity.partial.value == pytest.approx(1, abs=1e-4)  # mass and pT do not hold it
    assert not tau32.marked and tau32.r2.value < 0.4


def test_the_untrained_network_has_layers_of_its_own(probing: Probing) -> None:
    assert all(row.untrained != row.r2 for row in probing.rows)


def test_the_paper_stands_beside_the_embedding_of_a_task_it_has(probing: Probing) -> None:
    assert [row.paper for row in probing.of("embedding")][:3] == [0.68, 0.74, 0.77]
    assert {row.paper for row in probing.of("dense_1")} == {None}


def test_the_plane_is_blank_where_the_angularity_is_constant(subject: Subject) -> None:
    found = plane(subject, step=1.0, folds=3)
    assert found.exponents.tolist() == [0, 1, 2, 3]
    assert np.argwhere(np.isnan(found.r2)).tolist() == [[1, 0]]


def test_the_plane_and_the_table_agree(subject: Subject, probing: Probing) -> None:
    found, rows = plane(subject, step=1.0, folds=3), {row.observable: row.r2.value for row in probing.of("embedding")}
    expected = [rows[name] for name in ("multiplicity", "width", "mass_angularity", "ptd_squared")]
    np.testing.assert_allclose([found.r2[0, 0], found.r2[1, 1], found.r2[1, 2], found.r2[2, 0]], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("network", "layers"),
    {
        "gated": ("embedding", "dense_1", "dense_2"),
        "fcn": ("dense_2", "dense_3", "dense_4"),
        "lstm": ("embedding", "dense_1", "dense_2"),
        "cnn": ("flatten", "dense_1", "dense_2"),
    }.items(),
)
def test_every_network_is_probed_in_its_last_three_layers(
    network: Network, layers: tuple[str, ...], subject: Subject
) -> None:
    some = replace(subject.take(np.arange(0, 300, 6)), tagger=JetTagger(network=network, hidden_dim=4).eval())
    found = probe(some, layers="all", folds=2)
    assert found.layers == layers and len(found.rows) == 27
    assert {row.paper is None for row in found.of(layers[0])} == {network != "gated"}


def test_a_layer_that_is_not_there_is_named(subject: Subject) -> None:
    with pytest.raises(UsageError, match="'dense_3'"):
        probe(subject, layers="dense_3")


def test_too_few_events_are_refused(subject: Subject) -> None:
    with pytest.raises(UsageError, match="at least 10 events for 5 folds, got 1"):
        probe(subject.take(subject.events == subject.events[0]))
