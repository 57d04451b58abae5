"""How many bits it takes to spell a word that a vocabulary does not hold.

A model over words gives no probability to a word it has never seen, so its bits per character would count only what it
knows. Such a word is paid for twice: once for leaving the vocabulary (``tokens.Words``), once for its spelling, by a
model of characters learnt from the words of the vocabulary. Each character is predicted from the four before it, with
Witten-Bell interpolation down to a uniform distribution over all of Unicode (Bell, Cleary, Witten: "Text Compression",
1990):

    p(c | ab) = (n(abc) + T(ab) p(c | b)) / (n(ab) + T(ab)),       T(ab): different characters seen after ab
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

ORDER = 4
UNICODE = 0x110000
END = "\n"  # never in a word


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
