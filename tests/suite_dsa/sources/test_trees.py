"""Trees of the treebank: every phrase with its class, and no broken tree taken for a whole one."""

from pathlib import Path

import pytest

from lightning_suite.errors import DataError
from suite_dsa.sources.trees import phrases_of

PATH = Path("t.txt")


def test_every_phrase_comes_with_its_class_and_the_sentence_last() -> None:
    assert phrases_of("(3 (2 It) (4 (1 really) (4 works)))", PATH, 1) == [
        (2, "It"),
        (1, "really"),
        (4, "works"),
        (4, "really works"),
        (3, "It really works"),
    ]


def test_a_single_word_is_a_tree() -> None:
    assert phrases_of("(0 Dull)\n", PATH, 1) == [(0, "Dull")]


def test_what_the_treebank_spells_out_is_plain() -> None:
    assert phrases_of(r"(2 (2 -LRB-) (2 (2 and\/or) (2 \*)))", PATH, 1)[-1] == (2, "( and/or *")


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ("(2 (2 a) (2 b)", r"t\.txt:7: not a whole tree: 1 brackets"),
        ("", r"t\.txt:7: not a whole tree: 0 brackets"),
        ("(2 a) b", r"t\.txt:7: not a tree of classes 0 to 4: 'b' at character 7"),
        ("(7 a)", r"t\.txt:7: not a tree.*'\(7 '"),
        ("(2 a))", r"t\.txt:7: not a tree.*'\)'"),
        ("(2 a)(2 b)", r"t\.txt:7: not a tree"),
    ],
)
def test_a_broken_tree_is_refused_with_its_position(tree: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        phrases_of(tree, PATH, 7)
