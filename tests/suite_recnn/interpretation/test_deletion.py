import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn.cells import SimpleCell
from suite_recnn.clustering import cluster
from suite_recnn.interpretation.deletion import HARDEST, RANDOM, deletion, groomed, highest
from suite_recnn.interpretation.saliency import node_saliency
from suite_recnn.interpretation.subject import Subject, open_subject
from suite_recnn.interpretation.trees import trees_of
from suite_recnn.jets import Jets, kinematics
from suite_recnn.network import RecNN


@pytest.fixture(scope="module")
def subject(train: Callable[..., Run]) -> Subject:
    return open_subject(train().folder, limit=40)


def test_the_share_of_each_jet_is_rounded_up() -> None:
    order, owners = np.arange(9.0), np.array([0] * 5 + [1] * 4)
    candidates = np.array([True] * 5 + [False, True, True, False])
    assert np.flatnonzero(highest(order, candidates, owners, 0.3)).tolist() == [3, 4, 7]
    assert not highest(order, candidates, owners, 0.0).any()
    assert (highest(order, candidates, owners, 1.0) == candidates).all()


def test_grooming_keeps_momentum_of_the_harder_branches_alone(make_jets: Callable[..., Jets]) -> None:
    jets = make_jets([9, 1, 2])
    trees = cluster(jets.momenta, jets.offsets)
    whole = groomed(trees, np.zeros(len(trees.children), dtype=bool))
    np.testing.assert_array_equal(whole.momenta, jets.momenta)
    root = int(trees.offsets[1]) - 1
    harder = int(trees.children[root, 0])
    cut = groomed(trees, np.arange(len(trees.children)) == root)
    np.testing.assert_allclose(cut.totals()[0], trees.momenta[harder])
    np.testing.assert_allclose(cut.totals()[1:], jets.totals()[1:])
    everything = groomed(trees, np.ones(len(trees.children), dtype=bool))
    assert everything.counts().tolist() == [1, 1, 1]


@pytest.mark.parametrize("removal", ["median", "branch"])
def test_nothing_is_lost_where_nothing_is_taken_away(subject: Subject, removal: str) -> None:
    found = deletion(subject, removal=removal, methods=["relative"], shares=[0.0], repeats=2)  # type: ignore[arg-type]
    assert {point.method for point in found.points} == {"relative", HARDEST, RANDOM}
    assert all(point.auc == pytest.approx(found.whole.value) for point in found.points)
    assert all(point.momentum == pytest.approx(1.0) for point in found.points)


def test_taking_all_splittings_away_leaves_less_of_the_jet(subject: Subject) -> None:
    (most, *_) = deletion(subject, removal="branch", methods=["relative"], shares=[1.0], repeats=1).points
    trees = trees_of(subject)
    first = trees.children[trees.offsets[1:] - 1].T + trees.offsets[:-1]  # the two branches of every root
    pt = kinematics(trees.momenta).pt
    lead = []
    for side in first:  # what remains of each branch is the constituent at the end of its harder branches
        while len(inner := np.flatnonzero(trees.children[side, 0] >= 0)):
            side[inner] = trees.children[side[inner], 0] + trees.offsets[:-1][inner]
        lead.append(trees.momenta[side])
    expected = kinematics(lead[0] + lead[1]).pt / pt[trees.offsets[1:] - 1]
    assert most.momentum == pytest.approx(expected.mean())


def test_the_test_is_one_of_two_classes(subject: Subject) -> None:
    with pytest.raises(UsageError, match="this run has qcd, w, top"):
        deletion(replace(subject, classes=("qcd", "w", "top")))


def test_the_most_salient_nodes_matter_more_than_random_ones(subject: Subject) -> None:
    """Of a network whose logit is the sum of what all nodes have of one feature, the saliency is each node's share."""
    cell = SimpleCell(7, 2)
    network = RecNN(cell, 2)
    network.scaler.load_state_dict(subject.tagger.network.scaler.state_dict())
    eye = torch.eye(2)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        cell.own.weight[:, 5] = torch.tensor([1.0, -1.0])
        cell.inner.weight.copy_(torch.cat([eye, eye, eye], dim=1))
        network.dense_1.weight.copy_(eye)
        network.dense_2.weight.copy_(eye)
        network.output.weight.copy_(torch.tensor([[1.0, -1.0]]))
    tagger = copy.deepcopy(subject.tagger)
    tagger.network = network
    summed = replace(subject, tagger=tagger)
    share_of_node = network.scaler(torch.from_numpy(subject.forest.features))[:, 5]
    np.testing.assert_allclose(node_saliency(summed, "gradient_input"), share_of_node, rtol=1e-3, atol=1e-5)
    logits = np.add.reduceat(share_of_node.numpy(), subject.forest.offsets[:-1])
    labelled = replace(summed, labels=(logits > np.median(logits)).astype(np.int64))
    found = deletion(labelled, methods=["gradient_input"], shares=[0.1, 0.2])
    assert found.whole.value == 1.0
    assert found.mean_auc("gradient_input") < found.mean_auc(RANDOM) - 0.02
    assert found.methods()[-1] == RANDOM
