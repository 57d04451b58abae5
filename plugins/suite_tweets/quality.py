"""Figures of written tweets: how varied they are, how much of them is copied, how long they are.

Words are runs of letters, digits and underscores in lower case, so that figures of tweets with and without their
punctuation can be compared. Distinct n-grams: Li, Galley, Brockett, Gao, Dolan: "A Diversity-Promoting Objective
Function for Neural Conversation Models", 2016, arXiv:1510.03055.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from lightning_suite.errors import UsageError
from suite_tweets.account import weighted_length

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text, in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def ngrams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """The runs of n words, in order.

    Raises:
        UsageError: n is below 1.
    """
    if n < 1:
        raise UsageError(f"n-grams of words: expected n of at least 1, got {n}")
    return zip(*(words[place:] for place in range(n)), strict=False)


def distinct(texts: Sequence[str], n: int) -> float:
    """How many different n-grams of words there are, as a share of all (Li et al., 2016); 0 where there is none."""
    found = [gram for text in texts for gram in ngrams(words(text), n)]
    return len(set(found)) / len(found) if found else 0.0


class Copies:
    """Finds what stands word for word in training texts.

    Args:
        texts: the training texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = [words(text) for text in texts]
        self._grams: dict[int, set[tuple[str, ...]]] = {}

    def share(self, texts: Sequence[str], n: int) -> float:
        """How many n-grams of these texts stand in a training text, as a share of all; 0 where there is none."""
        known = self._known(n)
        found = [gram in known for text in texts for gram in ngrams(words(text), n)]
        return sum(found) / len(found) if found else 0.0

    def copied(self, text: str, n: int) -> bool:
        """Whether any n-gram of a text stands in a training text; a text of fewer words has none."""
        return not self._known(n).isdisjoint(ngrams(words(text), n))

    def _known(self, n: int) -> set[tuple[str, ...]]:
        if n not in self._grams:
            self._grams[n] = {gram for text in self._words for gram in ngrams(text, n)}
        return self._grams[n]


def length_distance(texts: Sequence[str], lengths: Sequence[int]) -> float:
    """How far the lengths of texts are from given ones: the Wasserstein distance, in weighted characters.

    The area between the two cumulated distributions, which is the mean distance by which one has to be moved to become
    the other. nan where one of the two is empty.
    """
    if not len(texts) or not len(lengths):
        return float("nan")
    ours = np.sort([weighted_length(text) for text in texts])
    theirs = np.sort(np.asarray(lengths))
    steps = np.unique(np.concatenate((ours, theirs)))
    shares = [np.searchsorted(each, steps[:-1], side="right") / len(each) for each in (ours, theirs)]
    return float(np.abs(shares[0] - shares[1]) @ np.diff(steps))
