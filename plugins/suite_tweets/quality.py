"""Measures of written tweets: how varied they are, how much of them is copied, how long they are.

Words are runs of letters, digits and underscores in lower case, so that measures of tweets with and without their
punctuation can be compared. Distinct n-grams: Li, Galley, Brockett, Gao, Dolan: "A Diversity-Promoting Objective
Function for Neural Conversation Models", 2016, arXiv:1510.03055.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from lightning_suite.errors import UsageError
from suite_tweets.account import weighted_length

OVERLAP, SHARE = 15, 70
"""How many words in a row a written text may have in common with a training text, and how many per cent of its words:
what the package markovify allows."""

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case, without punctuation.

    Example:
        >>> words("Lift-off, at last!")
        ['lift', 'off', 'at', 'last']
    """
    return _WORD.findall(text.lower())


def ngrams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Return the runs of n words, in order.

    Raises:
        UsageError: n is below 1.
    """
    if n < 1:
        raise UsageError(f"n-grams of words: expected n of at least 1, got {n}")
    return zip(*(words[begin:] for begin in range(n)), strict=False)


def distinct(texts: Sequence[str], n: int) -> float:
    """Return the share of different n-grams of words among all (Li et al., 2016); 0 where there is none.

    Example:
        >>> distinct(["the rocket and the crew"], 1)
        0.8
    """
    grams = [gram for text in texts for gram in ngrams(words(text), n)]
    return len(set(grams)) / len(grams) if grams else 0.0


class Copies:
    """Finds what stands word for word in training texts.

    Args:
        texts: the training texts.

    Example:
        >>> Copies(["the rocket flies to the moon"]).copied("Our rocket flies to Mars", 3)
        True
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = [words(text) for text in texts]
        self._grams: dict[int, set[tuple[str, ...]]] = {}
        self._sorted: list[list[str]] = []

    def overlaps(self, text: str) -> bool:
        """Return whether more than `OVERLAP` words in a row, or `SHARE` per cent of all, stand in one training text.

        Example:
            >>> copies = Copies(["the rocket flies to the moon"])
            >>> copies.overlaps("Our rocket flies to the moon!"), copies.overlaps("A rocket flies to the far moon")
            (True, False)
        """
        longest = self.longest(text)
        return longest > OVERLAP or 100 * longest > SHARE * len(words(text))

    def longest(self, text: str) -> int:
        """Return how many words in a row of a text stand in one training text, at most.

        Example:
            >>> Copies(["the rocket flies to the moon"]).longest("To the moon and back")
            3
        """
        if not self._sorted:  # every end of a training text: the nearest in order has the most words in common
            self._sorted = sorted(text[begin:] for text in self._words for begin in range(len(text)))
        ours, longest = words(text), 0
        for begin in range(len(ours)):
            if len(ours) - begin <= longest:
                break
            rest = ours[begin:]
            place = bisect(self._sorted, rest)
            for other in self._sorted[max(place - 1, 0) : place + 1]:
                longest = max(longest, _in_common(rest, other))
        return longest

    def share(self, texts: Sequence[str], n: int) -> float:
        """Return the share of the n-grams of texts that stand in a training text; 0 where there is none."""
        known = self._known(n)
        copied = [gram in known for text in texts for gram in ngrams(words(text), n)]
        return sum(copied) / len(copied) if copied else 0.0

    def copied(self, text: str, n: int) -> bool:
        """Return whether any n-gram of a text stands in a training text; a text of fewer words has none."""
        return not self._known(n).isdisjoint(ngrams(words(text), n))

    def _known(self, n: int) -> set[tuple[str, ...]]:
        if n not in self._grams:
            self._grams[n] = {gram for text in self._words for gram in ngrams(text, n)}
        return self._grams[n]


def new_words(texts: Iterable[str], training_texts: Iterable[str]) -> float:
    """Return the share of the words of texts that stand in no training text; 0 where there is none.

    Example:
        >>> new_words(["the roket flies", "the crew"], ["The rocket flies", "a crew"])
        0.2
    """
    known = {word for text in training_texts for word in words(text)}
    new = [word not in known for text in texts for word in words(text)]
    return sum(new) / len(new) if new else 0.0


def _in_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return with how many equal words both begin."""
    common = 0
    for ours, theirs in zip(first, second, strict=False):
        if ours != theirs:
            break
        common += 1
    return common


def length_distance(texts: Sequence[str], lengths: Sequence[int]) -> float:
    """Return how far the lengths of texts are from others: the Wasserstein distance, in weighted characters.

    The area between the two cumulated distributions, which is the mean distance by which one has to be moved to become
    the other. nan where one of the two is empty.

    Example:
        >>> length_distance(["four", "sixsix"], [5, 7])
        1.0
    """
    if not len(texts) or not len(lengths):
        return float("nan")
    ours = np.sort([weighted_length(text) for text in texts])
    theirs = np.sort(np.asarray(lengths))
    steps = np.unique(np.concatenate((ours, theirs)))
    shares = [np.searchsorted(part, steps[:-1], side="right") / len(part) for part in (ours, theirs)]
    return float(np.abs(shares[0] - shares[1]) @ np.diff(steps))


def measures(
    texts: Sequence[str], training_texts: Sequence[str], lengths: Sequence[int], held_out: Sequence[str]
) -> dict[str, float]:
    """Return all measures of written texts, by their names.

    Args:
        texts: that were written.
        training_texts: that they may be copied from.
        lengths: of the training texts, in weighted characters.
        held_out: texts of the same kind, whose new words are those of real ones.
    """
    copies = Copies(training_texts)
    return {
        **{f"distinct_{n}": distinct(texts, n) for n in (1, 2, 3)},
        **{f"copied_{n}": copies.share(texts, n) for n in (4, 8)},
        "length_distance": length_distance(texts, lengths),
        "new_words": new_words(texts, training_texts),
        "new_words_held_out": new_words(held_out, training_texts),
    }
