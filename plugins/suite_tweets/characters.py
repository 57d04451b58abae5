"""A model of the characters of texts: a Kneser-Ney 6-gram, which knows no words and so no unknown ones.

In running text it gives a word the probability of its characters and of an end, which a space or the text's end makes:

    p(word) = p(its characters | what is before it) (p(space) + p(end))

Which of the two it is belongs to what follows, and neither can stand where a word begins. So no probability depends on
what comes later, and those of all words, and of the end in their place, add up to 1.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from suite_tweets.ngrams import Floats, Found, KneserNey

ORDER: Final = 6
UNICODE: Final = 0x110000
END: Final = 0
SPACE: Final = 1


class Characters:
    """Kneser-Ney over the characters of texts, white space between two words being one.

    Args:
        texts: to count.
        to_come: further texts, to be counted later.

    Example:
        >>> model = Characters(["the rocket flies", "the crew waits"])
        >>> model.words(model.find(["the crew"])).round(1).tolist()
        [1.4, 0.9, 7.2]
    """

    def __init__(self, texts: Sequence[str], *, to_come: Sequence[str] = ()) -> None:
        alphabet = {character for text in (*texts, *to_come) for character in text if not character.isspace()}
        self._codes = {" ": SPACE} | {character: code for code, character in enumerate(sorted(alphabet), start=2)}
        self._other = len(self._codes) + 1  # a character that is nowhere in the texts
        coded, coming = ([self._code(text) for text in part] for part in (texts, to_come))
        self._model = KneserNey(coded, order=ORDER, size=self._other + 1, to_come=coming)

    def _code(self, text: str) -> list[int]:
        return [END, *(self._codes.get(character, self._other) for character in " ".join(text.split())), END]

    def find(self, texts: Iterable[str]) -> Found:
        """Return the n-grams of texts."""
        return self._model.find([self._code(text) for text in texts])

    def count(self, found: Found) -> None:
        """Count the n-grams of texts."""
        self._model.count(found)

    def words(self, found: Found) -> Floats:
        """Return -ln p of each word, and of the end of each text after its words."""
        space, end = (self._probabilities(self._model.instead(found, code)) for code in (SPACE, END))
        codes = found.grams[0]
        boundaries = np.flatnonzero((codes == SPACE) | (codes == END))  # one after each word, or an empty text's end
        costs = -np.log(self._probabilities(found))
        starts = found.begins[:-1]
        costs[starts] += np.log(1 - space[starts])  # a text may be empty, but begins with no space
        inner = np.flatnonzero(codes[:-1] == SPACE) + 1
        costs[inner] += np.log(1 - space[inner] - end[inner])
        any_end = -np.log(space + end)[boundaries]
        which = costs[boundaries] - any_end
        costs[boundaries] = any_end
        words = np.add.reduceat(costs, np.concatenate(([0], boundaries[:-1] + 1)))
        ends = codes[boundaries] == END
        words[1:] += np.where(ends, 0, which)[:-1]
        empty = np.isin(boundaries, starts)
        which[empty] += words[empty]
        each: Floats = np.stack((words, which), axis=1)[np.stack((~empty, ends), axis=1)]
        return each

    def _probabilities(self, found: Found) -> Floats:
        return self._model.probabilities(found, np.full(found.contexts.shape[1], 1 / UNICODE))
