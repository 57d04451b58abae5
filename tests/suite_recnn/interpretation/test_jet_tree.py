import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_suite.errors import UsageError
from lightning_suite.run import Run
from suite_recnn.interpretation.jet_tree import JetTree, draw_jet, jet_tree, places
from suite_recnn.interpretation.saliency import node_saliency
from suite_recnn.interpretation.subject import Subject, open_subject


@pytest.fixture(scope="module")
def subject(train: Callable[..., Run]) -> Subject:
    return open_subject(train().folder, limit=2)


@pytest.fixture(scope="module")
def tree(subject: Subject) -> JetTree:
    return jet_tree(subject, 1)


def test_the_saliency_is_that_of_the_jet_among_all(subject: Subject, tree: JetTree) -> None:
    begin, end = subject.forest.offsets[1:3]
    np.testing.assert_allclose(tree.saliency, node_saliency(subject)[begin:end], rtol=1e-5)
    assert tree.saliency[-1] == 1
    assert tree.name == f"jet 1, {subject.classes[int(subject.labels[1])]}"


def test_the_depth_counts_steps_from_the_root(tree: JetTree) -> None:
    assert tree.depth[-1] == 0
    for node in np.flatnonzero(tree.trees.children[:, 0] >= 0):
        assert (tree.depth[tree.trees.children[node]] == tree.depth[node] + 1).all()


def test_branches_do_not_cross_and_the_harder_one_is_on_the_left(tree: JetTree) -> None:
    spot, children = places(tree), tree.trees.children
    inner = children[:, 0] >= 0
    assert sorted(spot[~inner, 0]) == list(range(len(spot) - inner.sum()))
    assert (spot[children[inner, 0], 0] < spot[children[inner, 1], 0]).all()
    np.testing.assert_allclose(spot[-1, 1], -np.log(tree.lund.delta[-1]))
    assert np.isfinite(spot).all()


def test_every_node_has_a_row_of_numbers(tree: JetTree, tmp_path: Path) -> None:
    numbers = draw_jet(tmp_path / "jet.png", tree)
    rows = list(csv.DictReader(numbers.open(encoding="utf-8")))
    assert len(rows) == len(tree.saliency)
    assert (rows[0]["harder"], rows[0]["kt"], rows[-1]["saliency"]) == ("", "", "1")
    assert float(rows[-1]["mass"]) == pytest.approx(tree.lund.mass[-1], rel=1e-3)


def test_a_jet_that_is_not_there_is_refused(subject: Subject) -> None:
    with pytest.raises(UsageError, match="--jet 4: expected a number from 0 to 3"):
        jet_tree(subject, 4)
