from collections.abc import Callable

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn.interpretation.saliency import Splittings, node_saliency, splittings, untrained_splittings
from suite_recnn.interpretation.subject import Subject, open_subject
from suite_recnn.interpretation.trees import trees_of


@pytest.fixture(scope="module")
def subject(train: Callable[..., Run]) -> Subject:
    return open_subject(train().folder, limit=8)


@pytest.fixture(scope="module")
def found(subject: Subject) -> Splittings:
    return splittings(subject)


def test_the_root_has_saliency_one_and_is_left_out(subject: Subject, found: Splittings) -> None:
    roots = subject.forest.offsets[1:] - 1
    np.testing.assert_allclose(node_saliency(subject)[roots], 1.0, rtol=1e-6)
    assert not np.isin(roots, found.nodes).any()
    assert not np.allclose(found.saliency, 1.0)


def test_every_inner_node_below_a_root_is_a_splitting(subject: Subject, found: Splittings) -> None:
    constituents = subject.jets.counts()
    np.testing.assert_array_equal(np.bincount(found.jets, minlength=len(subject)), constituents - 2)
    assert (subject.forest.children[found.nodes, 0] >= 0).all()
    assert found.labels.tolist() == subject.labels[found.jets].tolist()


def test_the_momenta_are_those_of_the_nodes(subject: Subject, found: Splittings) -> None:
    np.testing.assert_allclose(found.pt, subject.forest.features[found.nodes, 5], rtol=1e-5)
    np.testing.assert_allclose(trees_of(subject).momenta[:, 3], subject.forest.features[:, 3], rtol=1e-5)


def test_the_mean_of_a_class_counts_jets_by_their_weights(subject: Subject) -> None:
    subject.weights[:] = np.where(np.arange(len(subject)) == 0, 1.0, 0.0)
    found = splittings(subject)
    subject.weights[:] = 1.0
    label = int(subject.labels[0])
    assert found.mean(label) == pytest.approx(found.saliency[found.jets == 0].mean())
    assert found.jet_weights.sum() == 1


def test_only_trees_of_cambridge_aachen_are_mapped(train: Callable[..., Run]) -> None:
    run = train().folder
    with pytest.raises(UsageError, match="the jets were clustered with kt"):
        splittings(open_subject(run, algorithm="kt", limit=2))


def test_an_untrained_network_sees_the_same_splittings_otherwise(subject: Subject, found: Splittings) -> None:
    random = untrained_splittings(subject)
    assert random.nodes.tolist() == found.nodes.tolist()
    assert not np.allclose(random.saliency, found.saliency)
    np.testing.assert_array_equal(random.saliency, untrained_splittings(subject).saliency)
