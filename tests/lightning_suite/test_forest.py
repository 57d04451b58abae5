"""A forest's nodes by height, and the forests that are none; ops/test__trees.py has all kinds of bad children."""

import pytest
import torch

from lightning_suite import forest

# Two trees: one of three leaves, a chain; and one leaf.
CHILDREN = torch.tensor([[-1, -1], [-1, -1], [0, 1], [-1, -1], [3, 2], [-1, -1]])
OFFSETS = torch.tensor([0, 5, 6])


def test_levels_are_the_nodes_of_each_height() -> None:
    assert [level.tolist() for level in forest.levels(CHILDREN)] == [[2], [4]]


def test_leaves_alone_have_no_levels() -> None:
    assert forest.levels(torch.full((3, 2), -1)) == []
    assert forest.levels(torch.empty(0, 2, dtype=torch.int64)) == []


def test_a_forest_is_accepted() -> None:
    forest.check(CHILDREN, OFFSETS, 6, "f")


def test_a_child_of_another_tree_is_refused() -> None:
    with pytest.raises(ValueError, match=r"f: node 4, whose tree begins at 3, .* got 3 and 2"):
        forest.check(CHILDREN, torch.tensor([0, 3, 6]), 6, "f")


def test_a_child_of_two_is_refused() -> None:
    children = CHILDREN.clone()
    children[4] = torch.tensor([0, 2])
    with pytest.raises(ValueError, match="f: node 0 must be the child of one node"):
        forest.check(children, OFFSETS, 6, "f")
