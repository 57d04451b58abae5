"""How many bits it takes to spell a word that a vocabulary does not hold.

A model over words gives no probability to a word it has never seen, so its bits per character would count only what it
knows. Such a word is paid for twice: once for leaving the vocabulary (``tokens.Words``), once for its spelling, by a
model of characters learnt from the words of the vocabulary. Each character is predicted from the four before it, with
Witten-Bell interpolation down to a uniform distribution over all of Unicode (Bell, Cleary, Witten: "Text Compression",
1990):

    p(c | ab) = (n(abc) + T(ab) p(c | b)) / (n(ab) + T(ab)),       T(ab): different characters seen after ab

The newer form predicts each character from the five before it, by Kneser-Ney, and gives nothing to the words of the
vocabulary, which are not spelt: their probabilities are shared out among all other words.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Final, Literal, Protocol

import numpy as np

from suite_tweets.characters import UNICODE, Characters
from suite_tweets.ngrams import Floats

SpellingName = Literal["witten-bell", "kneser-ney"]
ORDER = 4
END = "\n"  # never in a word


class Speller(Protocol):
    """Says how many bits it takes to spell a word."""

    def bits(self, word: str) -> float:
        """Return the bits of all characters of a word and of its end."""
        ...


class Spelling:
    """Probabilities of characters in words.

    Args:
        words: to learn from, without repetition.

    Example:
        >>> spelling = Spelling(["rocket", "rockets", "pocket"])
        >>> spelling.bits("rocket") < spelling.bits("tekcor")
        True
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        for word in words:
            padded = END * ORDER + word + END
            for i in range(ORDER, len(padded)):
                for length in range(ORDER + 1):
                    self._counts[padded[i - length : i]][padded[i]] += 1

    def bits(self, word: str) -> float:
        """Return the bits of all characters of a word and of its end."""
        padded = END * ORDER + word + END
        return -sum(math.log2(self._probability(padded[i], padded[i - ORDER : i])) for i in range(ORDER, len(padded)))

    def _probability(self, character: str, before: str) -> float:
        shorter = self._probability(character, before[1:]) if before else 1 / UNICODE
        seen = self._counts.get(before)
        if seen is None:
            return shorter
        return (seen[character] + len(seen) * shorter) / (seen.total() + len(seen))


class KneserNeySpelling:
    """Probabilities of words that are none of a vocabulary; over all such words they add up to 1.

    Args:
        words: the vocabulary, without repetition.

    Example:
        >>> spelling = KneserNeySpelling(["rocket", "rockets", "pocket"])
        >>> spelling.bits("pockets") < spelling.bits("steckop")
        True
    """

    def __init__(self, words: Iterable[str]) -> None:
        vocabulary = list(words)
        self._characters = Characters(vocabulary)
        taken = float(np.exp(-self._nats([*vocabulary, ""])).sum())
        self._others = math.log2(max(1 - taken, np.finfo(float).tiny))

    def _nats(self, words: list[str]) -> Floats:
        """Return -ln p of words, the last of which may be empty."""
        return self._characters.words(self._characters.find(words))[::2]  # after each but an empty one is an end

    def bits(self, word: str) -> float:
        """Return the bits of all characters of a word that is not in the vocabulary, and of its end."""
        return float(self._nats([word])[0]) / math.log(2) + self._others


SPELLINGS: Final[dict[SpellingName, Callable[[Iterable[str]], Speller]]] = {
    "witten-bell": Spelling,
    "kneser-ney": KneserNeySpelling,
}
