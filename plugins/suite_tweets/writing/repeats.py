"""Keeps rows that are being written from going in circles: no run of n words comes twice in a row.

After n - 1 words that stood in the row before, what followed them there may not follow again ("no-repeat n-grams":
Paulus, Xiong, Socher: "A Deep Reinforced Model for Abstractive Summarization", 2017, arXiv:1705.04304, section 2.5). A
word is a token and those that go on with it, so that a long word of several pieces may come as often as a short one; it
is barred by its first piece, the only one known when it is drawn.
"""

from collections.abc import Collection, Iterator, Sequence

LONGEST = 32
"""Pieces of a word, after which it is barred from going on: a circle within a word ends here."""


class Repeats:
    """What the rows that are written side by side may not draw next.

    Args:
        words: n; 0 bars nothing.
        within: tokens that go on with the word before them.
        rows: how many there are.

    Example:
        >>> repeats = Repeats(2, [], 1)
        >>> for tokens in ([7], [7, 8], [7, 8, 7]):
        ...     repeats.add(0, tokens)
        >>> list(repeats.barred([0], [[7, 8, 7]]))
        [(0, 8)]
    """

    def __init__(self, words: int, within: Collection[int], rows: int) -> None:
        self._before = words - 1
        self._within = frozenset(within)
        self._starts: list[list[int]] = [[] for _ in range(rows)]  # where the words of each row begin
        self._seen: list[dict[tuple[int, ...], list[int]]] = [{} for _ in range(rows)]

    def add(self, row: int, tokens: Sequence[int]) -> None:
        """Note the last of a row's tokens."""
        if self._before < 0 or tokens[-1] in self._within:
            return
        starts = self._starts[row]
        if len(starts) >= self._before:
            self._seen[row].setdefault(self._last_words(row, tokens[:-1]), []).append(tokens[-1])
        starts.append(len(tokens) - 1)

    def barred(self, rows: Sequence[int], tokens: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
        """Yield for every token that a row may not draw next the position among ``rows``, and the token.

        Args:
            rows: that are still being written.
            tokens: of each of all rows.
        """
        if self._before < 0:
            return
        for position, row in enumerate(rows):
            starts = self._starts[row]
            if len(starts) >= self._before and (seen := self._seen[row]):
                for token in seen.get(self._last_words(row, tokens[row]), ()):
                    yield position, token
            if self._within and starts and len(tokens[row]) - starts[-1] >= LONGEST:
                for token in self._within:
                    yield position, token

    def _last_words(self, row: int, tokens: Sequence[int]) -> tuple[int, ...]:
        return tuple(tokens[self._starts[row][-self._before] :]) if self._before else ()
