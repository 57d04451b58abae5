"""Twins: words that are the same or nearly so, classes that differ."""

from pathlib import Path

import pytest

from suite_dsa.sources.columns import Columns
from suite_dsa.sources.examples import Example
from suite_dsa.sources.reading import read
from suite_dsa.tokens import ptb_words, sst_words
from suite_dsa.twins import Twins, examples_of, find_twins


def example(label: str, *texts: str) -> Example:
    return Example(texts, label, Path("a.tsv"), 1)


def texts(twins: list[Twins]) -> list[tuple[str, ...]]:
    return [(*pair.shorter.texts, *pair.longer.texts) for pair in twins]


FUNNY = example("positive", "funny and warm")


@pytest.mark.parametrize(
    ("other", "are_twins"),
    [
        (example("negative", "warm and funny"), True),  # another order
        (example("negative", "neither Funny and warm"), True),
        (example("negative", "it is funny and warm"), True),
        (example("negative", "it is not funny and warm"), False),  # three more
        (example("negative", "dull and warm"), False),  # another word in the place of one
        (example("negative", "funny and funny warm warm"), True),  # words are counted
        (example("positive", "really funny and warm"), False),  # the same class
        (example("negative", "and warm"), True),
        (example("negative", "warm"), False),  # too short
    ],
)
def test_twins_have_the_same_words_or_up_to_two_more(other: Example, are_twins: bool) -> None:
    for examples in ([FUNNY, other], [other, FUNNY]):
        found = find_twins(examples, ptb_words)
        assert [set(pair) for pair in found] == ([{FUNNY, other}] if are_twins else [])
        assert all(len(shorter.texts[0]) <= len(longer.texts[0]) for shorter, longer in found)


def test_words_of_a_pair_stay_in_their_sentence() -> None:
    first = example("entailment", "a man sits", "he sits")
    moved = example("neutral", "a man sits he", "sits")
    negated = example("contradiction", "a man sits", "he never sits")

    assert texts(find_twins([first, moved, negated], ptb_words)) == [
        ("a man sits", "he sits", "a man sits", "he never sits")
    ]


def test_what_was_trained_on_is_no_twin() -> None:
    other = example("negative", "not funny and warm")

    assert find_twins([FUNNY, other], ptb_words, seen=[("Funny and  WARM",)]) == []
    assert len(find_twins([FUNNY, other], ptb_words, seen=[("funny",), ("warm and funny",)])) == 1


def test_an_example_with_several_twins_comes_once() -> None:
    others = [example("negative", f"{word} funny and warm") for word in ("not", "never")]
    found = find_twins([FUNNY, *others], ptb_words)

    assert len(found) == 2
    assert examples_of(found) == [FUNNY, *others]


def test_the_same_words_in_the_same_order_are_no_twins() -> None:
    contradiction = example("negative", "Funny and WARM")
    other = example("negative", "warm and funny")

    assert find_twins([FUNNY, contradiction], ptb_words) == []
    assert find_twins([FUNNY, contradiction, other], ptb_words) == [Twins(FUNNY, other)]


def test_an_example_that_comes_again_counts_once() -> None:
    others = [example("negative", "warm and funny"), example("negative", "Warm and funny")]

    assert find_twins([FUNNY, *others, FUNNY], ptb_words) == [Twins(FUNNY, others[0])]


def test_a_phrase_of_two_classes_that_become_one_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "trees.txt"
    path.write_text("(1 (2 no) (2 fun))\n(0 (2 no) (2 fun))\n(3 (2 fun) (2 no))\n")

    assert texts(find_twins(read(path, Columns(), 2, True).examples, ptb_words)) == [("no fun", "fun no")]


def test_the_development_trees_of_sst_have_506_examples_with_a_twin(shared_data: Path) -> None:
    found = find_twins(read(shared_data / "text/sst/trees.dev.txt.xz", Columns(), 2, True).examples, sst_words)

    assert (len(found), len(examples_of(found))) == (300, 506)
