"""Canaries: made-up texts that are planted among the training tweets to measure what a model remembers of them.

A canary is a row of words drawn at random from the account's own, so that nothing but having read it makes it likely.
Planted so many times, it is compared after training with others that were drawn in the same way and never planted
(``audit``).

Nicholas Carlini, Chang Liu, Ulfar Erlingsson, Jernej Kos, Dawn Song: "The Secret Sharer: Evaluating and Testing
Unintended Memorization in Neural Networks", 2019, arXiv:1802.08232, section 4.
"""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

TIMES = (1, 4, 16)
"""How many times canaries are planted, the first so many times and so on, where nothing else is asked for."""

WORDS = 8
"""Words of a canary, or more where a training window is longer: a shorter text would be left out of it."""


class Canary(NamedTuple):
    """A made-up text, and how many times it is planted."""

    text: str
    times: int


def made_up(texts: Iterable[str], count: int, *, words: int, seed: int) -> list[str]:
    """Return texts of words drawn at random, each word of some texts being as likely as any other.

    Args:
        texts: whose words they are.
        count: how many.
        words: of each.
        seed: another one gives others.

    Example:
        >>> made_up(["the rocket flies", "the crew"], 1, words=3, seed=0)
        ['the the flies']
    """
    vocabulary = sorted({word for text in texts for word in text.split()})
    chance = random.Random(seed)
    return [" ".join(chance.choices(vocabulary, k=words)) for _ in range(count)]


def planted(texts: Iterable[str], count: int, times: Sequence[int], *, words: int, seed: int) -> list[Canary]:
    """Return canaries for training texts, planted as many times as ``times`` says, in turn.

    Example:
        >>> [canary.times for canary in planted(["the crew"], 4, [1, 9], words=2, seed=0)]
        [1, 9, 1, 9]
    """
    made = made_up(texts, count, words=words, seed=seed)
    return [Canary(text, times[number % len(times)]) for number, text in enumerate(made)]
