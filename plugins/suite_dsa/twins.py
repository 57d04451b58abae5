"""Twins: two examples of the same words in another order, or of nearly the same, whose classes differ.

"It lacks humor" has the words of "humor" and two more; "a dog chases a man" those of "a man chases a dog". A sum of
word vectors hardly tells twins apart, so that accuracy on them says how far a network reads order and negation.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from typing import NamedTuple

from suite_dsa.sources.examples import Example

Bag = tuple[tuple[int, str], ...]
"""The words of an example in the order of the alphabet, each with the number of its sentence."""


class Twins(NamedTuple):
    """Two examples of different classes; the longer has all words of the shorter, and a few more."""

    shorter: Example
    longer: Example


def find_twins(
    examples: Sequence[Example],
    tokenize: Callable[[str], list[str]],
    *,
    most: int = 2,
    least: int = 2,
    seen: Collection[tuple[str, ...]] = (),
) -> list[Twins]:
    """Return all twins, in the order of the shorter and then of the longer.

    Examples of one class with the same words in the same order count once; with two classes, they contradict each other
    and are no twins.

    Args:
        examples: sentences, or pairs, with their classes.
        tokenize: splits a text into words; capitals do not matter.
        most: how many words the longer may have more.
        least: how many words the shorter must have.
        seen: texts that were trained on; an example that differs from them in nothing but spaces and capitals is no
            twin.

    Example:
        >>> from pathlib import Path
        >>> rows = [("warm and funny", "good"), ("not warm and funny", "bad"), ("funny", "good"), ("not funny", "bad")]
        >>> examples = [Example((text,), label, Path("films.csv"), 1) for text, label in rows]
        >>> [(shorter.texts[0], longer.texts[0]) for shorter, longer in find_twins(examples, str.split)]
        [('warm and funny', 'not warm and funny')]
    """
    known = {words_of(texts, tokenize) for texts in seen}
    by_bag: defaultdict[Bag, list[int]] = defaultdict(list)
    first: dict[tuple[tuple[tuple[str, ...], ...], str | None], int] = {}
    all_words = [words_of(example.texts, tokenize) for example in examples]
    for index, (example, words) in enumerate(zip(examples, all_words, strict=True)):
        if first.setdefault((words, example.label), index) != index:
            continue
        bag = tuple(sorted((number, word) for number, sentence in enumerate(words) for word in sentence))
        if words not in known and len(bag) >= least:
            by_bag[bag].append(index)
    found = set()
    for bag, longer in by_bag.items():
        for more in range(min(most, len(bag) - 1) + 1):
            for fewer in {*combinations(bag, len(bag) - more)} & by_bag.keys():
                found |= {(i, j) for i in by_bag[fewer] for j in longer if more or i < j}
    pairs = [(i, j) for i, j in sorted(found) if all_words[i] != all_words[j]]
    return [Twins(examples[i], examples[j]) for i, j in pairs if examples[i].label != examples[j].label]


def words_of(texts: tuple[str, ...], tokenize: Callable[[str], list[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the words of a sentence, or of a pair, in lower case.

    Example:
        >>> words_of(("A dog", "It runs"), str.split)
        (('a', 'dog'), ('it', 'runs'))
    """
    return tuple(tuple(tokenize(text.lower())) for text in texts)


def examples_of(twins: Sequence[Twins]) -> list[Example]:
    """Return the examples that have a twin, each once, in the order in which they come."""
    return list(dict.fromkeys(example for pair in twins for example in pair))
