"""Modified Kneser-Ney: the probability of a token from how often it followed the last few before it.

    p(w | u v) = (c(u v w) - D(c)) / c(u v .) + gamma(u v) p(w | v),      gamma(u v): what the discounts D have taken

c counts occurrences in the longest n-grams, and in those at the beginning of a text; in all others it counts how many
different tokens stand before the n-gram, since a shorter one is asked only where the longer one was not seen. There is
a discount for a count of 1, of 2 and of more, from how many n-grams of the order have a count of 1, 2, 3 and 4. What
is left at the end goes to a distribution over tokens of which nothing is known (Chen, Goodman: "An Empirical Study of
Smoothing Techniques for Language Modeling", 1998, TR-10-98, sections 4.1.6 and 4.1.7).

An n-gram is a number: the place of (number of its first n - 1 tokens, last token) in the sorted list of its order. So
those that begin alike stand together, and a text is looked up order by order, all of its tokens at once. Lists are by
order, [0] for single tokens; the context of n tokens is an n-gram itself, and that of none has number 0.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NONE: Final = -1
"""In place of an n-gram that is not known."""


class Found(NamedTuple):
    """The n-grams that end with each token of some texts, those before the first left out.

    Attributes:
        grams: (order, token) int64, or `NONE`.
        contexts: (order, token) int64, the n-grams without their last tokens, or `NONE`.
        begins: (text + 1,) where each text begins.
    """

    grams: Ints
    contexts: Ints
    begins: Ints

    def text(self, number: int) -> "Found":
        """Return those of one text."""
        begin, end = self.begins[number : number + 2]
        return Found(self.grams[:, begin:end], self.contexts[:, begin:end], np.array([0, end - begin]))


class KneserNey:
    """Counts of n-grams, and the probabilities that they give.

    Args:
        texts: to count; tokens of each, the first of which stands before it and is not predicted.
        order: tokens of the longest n-grams.
        size: how many tokens there are.
        to_come: further texts, to be counted later.

    Example:
        >>> model = KneserNey([[0, 1, 2, 0], [0, 1, 3, 0]], order=2, size=4)
        >>> model.probabilities(model.find([[0, 1, 2, 0]]), np.full(3, 0.25)).round(2).tolist()
        [0.61, 0.36, 0.66]
    """

    order: int
    size: int

    def __init__(
        self, texts: Sequence[Sequence[int]], *, order: int, size: int, to_come: Sequence[Sequence[int]] = ()
    ) -> None:
        self.order, self.size = order, size
        self._keys: list[Ints] = [np.arange(size)]
        self._suffixes: list[Ints] = [np.zeros(size, dtype=np.int64)]
        self._first: list[NDArray[np.bool_]] = [np.zeros(size, dtype=bool)]  # at the beginning of a text
        self._number([*texts, *to_come])
        contexts = [1, *(max(len(keys), 1) for keys in self._keys[:-1])]  # one to look at where there is none
        self._counts: list[Ints] = [np.zeros(len(keys), dtype=np.int64) for keys in self._keys]
        self._totals: list[Ints] = [np.zeros(count, dtype=np.int64) for count in contexts]
        # How many followers of a context have a count of 1, of 2, of 3 and more; column 0 is not used.
        self._followers: list[Ints] = [np.zeros((count, 4), dtype=np.int64) for count in contexts]
        self.count(self.find(texts))
        self._discounts = [discounts(counts) for counts in self._counts]

    def _number(self, texts: Sequence[Sequence[int]]) -> None:
        """List all n-grams of texts."""
        tokens, starts = _end_to_end(texts)
        grams = tokens
        first = starts
        suffixes = tokens
        for _ in range(1, self.order):
            usable = ~starts & (np.roll(grams, 1) != NONE)
            keys = np.where(usable, np.roll(grams, 1) * self.size + tokens, NONE)
            listed, places, numbers = np.unique(keys[usable], return_index=True, return_inverse=True)
            first = usable & np.roll(first, 1)
            self._keys.append(listed)
            self._suffixes.append(suffixes[usable][places])
            self._first.append(first[usable][places])
            grams = np.full(len(tokens), NONE)
            grams[usable] = numbers
            suffixes = grams

    def find(self, texts: Sequence[Sequence[int]]) -> Found:
        """Return the n-grams of texts, each with the token before it."""
        tokens, starts = _end_to_end(texts)
        grams, contexts = [tokens], [np.zeros(len(tokens), dtype=np.int64)]
        for order in range(1, self.order):
            contexts.append(np.where(starts, NONE, np.roll(grams[-1], 1)))
            grams.append(self.follow(order, contexts[-1], tokens))
        lengths = np.array([len(text) - 1 for text in texts], dtype=np.int64)
        return Found(
            np.stack(grams)[:, ~starts], np.stack(contexts)[:, ~starts], np.concatenate(([0], lengths.cumsum()))
        )

    def follow(self, order: int, contexts: Ints, tokens: Ints) -> Ints:
        """Return the n-grams of an order, counted from 0, that are contexts and then tokens; `NONE` where unknown."""
        keys = self._keys[order]
        wanted = contexts * self.size + tokens
        places = np.searchsorted(keys, wanted).clip(max=max(len(keys) - 1, 0))
        return np.where((contexts != NONE) & (keys[places] == wanted) if len(keys) else False, places, NONE)

    def contexts(self, grams: Ints) -> Ints:
        """Return the contexts of what follows n-grams (order, token) that end with the same tokens."""
        return np.concatenate((np.zeros_like(grams[:1]), grams[:-1]))

    def read(self, grams: Ints, tokens: Ints) -> Ints:
        """Return the n-grams (order, row) that end with further tokens (row,), after those that ended before them."""
        return np.stack([self.follow(order, each, tokens) for order, each in enumerate(self.contexts(grams))])

    def instead(self, found: Found, token: int) -> Found:
        """Return what is found where another token is in the place of each, after the same ones."""
        tokens = np.full(found.contexts.shape[1], token)
        grams = [self.follow(order, contexts, tokens) for order, contexts in enumerate(found.contexts)]
        return found._replace(grams=np.stack(grams))

    def count(self, found: Found) -> None:
        """Count the n-grams of texts."""
        new = np.zeros(0, dtype=np.int64)  # n-grams counted for the first time: one more for what they end with
        for order in reversed(range(self.order)):
            grams = found.grams[order][found.grams[order] != NONE]
            occur = grams if order == self.order - 1 else grams[self._first[order][grams]]
            changed, added = np.unique(np.concatenate((occur, new)), return_counts=True)
            counts = self._counts[order]
            old = counts[changed]
            counts[changed] += added
            contexts = self._keys[order][changed] // self.size
            np.add.at(self._totals[order], contexts, added)
            followers = self._followers[order]
            np.add.at(followers, (contexts, np.minimum(counts[changed], 3)), 1)
            np.subtract.at(followers, (contexts[old > 0], np.minimum(old[old > 0], 3)), 1)
            new = self._suffixes[order][changed[old == 0]]

    def probabilities(self, found: Found, unknown: Floats) -> Floats:
        """Return the probability of each token after those before it.

        Args:
            found: the tokens.
            unknown: (token,) the probability of each where nothing is known.
        """
        left, _ = self.left(found.contexts)
        probabilities = unknown
        for order, grams in enumerate(found.grams):
            probabilities = self._kept(order, grams, found.contexts[order]) + left[order] * probabilities
        return probabilities

    def left(self, contexts: Ints) -> tuple[Floats, Ints]:
        """Return gamma of contexts, which is 1 where nothing was seen after them, and how much was seen.

        Args:
            contexts: (order, token).

        Returns:
            gamma and the count of all followers, (order, token) both.
        """
        seen = [np.where(each != NONE, totals[each], 0) for each, totals in zip(contexts, self._totals, strict=True)]
        taken = [
            followers[each] @ discount
            for each, followers, discount in zip(contexts, self._followers, self._discounts, strict=True)
        ]
        totals = np.stack(seen)
        return np.where(totals > 0, np.stack(taken) / np.maximum(totals, 1), 1.0), totals

    def _kept(self, order: int, grams: Ints, contexts: Ints) -> Floats:
        """Return what the discounts leave of the probabilities of n-grams of an order."""
        counts = np.where(grams != NONE, self._counts[order][grams] if len(self._counts[order]) else 0, 0)
        kept = counts - self._discounts[order][np.minimum(counts, 3)]
        return kept / np.maximum(np.where(contexts != NONE, self._totals[order][contexts], 0), 1)

    def distributions(self, contexts: Ints, unknown: Floats) -> "Distributions":
        """Return the probabilities of all tokens.

        Args:
            contexts: (order, row).
            unknown: (size,) the probability of each where nothing is known.
        """
        left, _ = self.left(contexts)
        alone = np.zeros(self.size, dtype=np.int64)
        single = self._kept(0, self._keys[0], alone) + left[0, 0] * unknown if len(left[0]) else unknown
        rows, tokens, added = [], [], []
        for order in range(1, self.order):
            known = np.flatnonzero(contexts[order] != NONE)
            begins, ends = (
                np.searchsorted(self._keys[order], (contexts[order][known] + end) * self.size) for end in (0, 1)
            )
            counts = ends - begins
            rows.append(np.repeat(known, counts))
            grams = np.arange(counts.sum()) + np.repeat(begins - counts.cumsum() + counts, counts)
            tokens.append(self._keys[order][grams] % self.size)
            later = left[order + 1 :].prod(axis=0)[rows[-1]]
            added.append(later * self._kept(order, grams, contexts[order][rows[-1]]))
        nothing = (np.zeros(0, dtype=np.int64), np.zeros(0))
        joined = [np.concatenate([nothing[kind], *parts]) for kind, parts in ((0, rows), (0, tokens), (1, added))]
        return Distributions(left[1:].prod(axis=0), single, *joined)


class Distributions(NamedTuple):
    """Probabilities of all tokens in rows: a multiple of one distribution each, and some more for a few tokens.

    Attributes:
        scale: (row,).
        single: (token,) the probabilities of single tokens.
        rows: (more,) of what is added.
        tokens: (more,) of what is added; a token may come again.
        added: (more,) to the probability of the token in the row.
    """

    scale: Floats
    single: Floats
    rows: Ints
    tokens: Ints
    added: Floats

    def add_to(self, probabilities: Tensor, weights: Tensor) -> None:
        """Add the probabilities, weighed by row (row,), to others (row, token)."""
        kind, size = probabilities.dtype, probabilities.shape[1]
        rows, tokens = torch.from_numpy(self.rows), torch.from_numpy(self.tokens)
        probabilities.addr_(torch.from_numpy(self.scale).to(kind) * weights, torch.from_numpy(self.single).to(kind))
        probabilities.view(-1).index_add_(
            0, rows * size + tokens, torch.from_numpy(self.added).to(kind) * weights[rows]
        )

    def dense(self) -> Tensor:
        """Return them all, (row, token)."""
        probabilities = torch.zeros(len(self.scale), len(self.single), dtype=torch.float64)
        self.add_to(probabilities, torch.ones(len(self.scale), dtype=torch.float64))
        return probabilities


def discounts(counts: Ints) -> Floats:
    """Return the discounts of counts of 0, 1, 2, and 3 or more (Chen and Goodman, equation 26), from all counts.

    Where there are too few to tell they are 1/2, 1 and 3/2.
    """
    one, two, three, four = (int(np.count_nonzero(counts == count)) for count in (1, 2, 3, 4))
    fallback = np.array([0.0, 0.5, 1.0, 1.5])
    if not (one and two and three and four):
        return fallback
    share = one / (one + 2 * two)
    estimated = np.array([0, 1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three])
    return np.where((estimated >= 0) & (estimated <= [0, 1, 2, 3]), estimated, fallback)


def _end_to_end(texts: Sequence[Sequence[int]]) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the tokens of all texts one after the other, and which of them are first in their texts."""
    tokens = np.array([token for text in texts for token in text], dtype=np.int64)
    starts = np.zeros(len(tokens), dtype=bool)
    starts[np.cumsum([0, *(len(text) for text in texts[:-1])])[: len(texts)]] = True
    return tokens, starts
