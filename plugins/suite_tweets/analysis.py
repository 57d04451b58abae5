"""What an account's tweets are like, in numbers (section 2 of the paper), and what training on them would lose.

Training set 1 takes windows of ``seq_length`` words within tweets, so a tweet of fewer words takes no part (section 5).
The paper therefore puts ``seq_length`` at the lower quartile of the words per tweet: the largest one that costs no more
than a quarter of the tweets.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite_tweets.tweets import Tweet, is_reply, is_retweet

Integers = NDArray[np.int64]

LISTED = 1000
"""The longest ``seq_length`` in a table of losses; no tweet has as many words."""

LOST = 0.25
"""Share of the tweets that the advised ``seq_length`` may lose: the paper's quartile."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """A summary of some numbers, as pandas describes them; percentiles are interpolated linearly.

    Attributes:
        count: how many there are.
        mean: their mean.
        std: standard deviation over count - 1; None for a single number.
        minimum: the smallest.
        quartiles: 25 %, 50 %, 75 %.
        maximum: the largest.
    """

    count: int
    mean: float
    std: float | None
    minimum: int
    quartiles: tuple[float, float, float]
    maximum: int


class Kind(NamedTuple):
    """One kind of tweet.

    Attributes:
        name: what is special about it.
        tweets: how many are of this kind.
    """

    name: str
    tweets: int


class Word(NamedTuple):
    """A word of an account.

    Attributes:
        text: the word.
        times: how often it occurs.
        tweets: in how many tweets.
    """

    text: str
    times: int
    tweets: int


class Losses(NamedTuple):
    """What the two training sets of a ``seq_length`` hold, each array (seq_length,).

    Attributes:
        seq_length: 1, 2, ...
        lost: share of the tweets that are too short for training set 1.
        windows: of training set 1.
        stretches: of training set 2, one after the other; it loses no tweet.
    """

    seq_length: Integers
    lost: NDArray[np.float64]
    windows: Integers
    stretches: Integers


class Change(NamedTuple):
    """What cleaning made of a tweet."""

    before: str
    after: str


def describe(numbers: Integers) -> Description:
    """Return count, mean, deviation and quartiles of at least one number.

    Example:
        >>> describe(np.array([1, 2, 3, 4])).quartiles
        (1.75, 2.5, 3.25)
    """
    quartiles = np.percentile(numbers, [25, 50, 75]).tolist()
    return Description(
        count=len(numbers),
        mean=float(numbers.mean()),
        std=float(numbers.std(ddof=1)) if len(numbers) > 1 else None,
        minimum=int(numbers.min()),
        quartiles=(quartiles[0], quartiles[1], quartiles[2]),
        maximum=int(numbers.max()),
    )


def span(tweets: Iterable[Tweet]) -> tuple[datetime, datetime] | None:
    """Return when the first and the last tweet were written, of those whose time is known."""
    times = [tweet.created_at for tweet in tweets if tweet.created_at is not None]
    return (min(times), max(times)) if times else None


def kinds(texts: Sequence[str]) -> list[Kind]:
    """Return how many tweets are retweets, replies, repetitions, hold links, mentions or hashtags, or are long.

    A retweet is known by "RT @" at its beginning, as X's timelines give it; a reply by "@" there. A repetition is every
    tweet whose text stood before.
    """
    return [
        Kind('retweets ("RT @...")', sum(map(is_retweet, texts))),
        Kind('replies ("@...")', sum(map(is_reply, texts))),
        Kind("repetitions of an earlier text", len(texts) - len(set(texts))),
        Kind("with a link", _matching(r"https?://\S", texts)),
        Kind("with a mention", _matching(r"(?<!\w)@\w", texts)),
        Kind("with a hashtag", _matching(r"(?<![\w&])#\w*[^\W\d_]", texts)),
        Kind("without any word", sum(not text.strip() for text in texts)),
        Kind("longer than 140 characters", sum(len(text) > 140 for text in texts)),
        Kind("longer than 280 characters", sum(len(text) > 280 for text in texts)),
    ]


def frequent(texts: Iterable[Sequence[str]], count: int, letters: int = 1) -> list[Word]:
    """Return the most frequent words of texts, those that occur equally often in alphabetical order.

    Args:
        texts: as their words.
        count: at most so many.
        letters: words with fewer letters are passed over: punctuation and, from 4 on, most words without a subject.

    Example:
        >>> frequent([["go", "rocket"], ["rocket", "!"]], 2)
        [Word(text='rocket', times=2, tweets=2), Word(text='go', times=1, tweets=1)]
    """
    times: Counter[str] = Counter()
    tweets: Counter[str] = Counter()
    for words in texts:
        times.update(words)
        tweets.update(set(words))
    fitting = [word for word in times if sum(map(str.isalpha, word)) >= letters]
    fitting.sort(key=lambda word: (-times[word], word))
    return [Word(word, times[word], tweets[word]) for word in fitting[:count]]


def losses(lengths: Integers) -> Losses:
    """Return what the training sets would hold, for each ``seq_length`` up to the longest tweet (at most LISTED).

    END stands before and after a tweet, so one of n words gives n + 2 - s windows of s tokens and the one that follows;
    the paper lets a tweet take part when n >= s. The stream of training set 2 has n + 1 tokens a tweet.

    Args:
        lengths: (tweet,) words of each; tweets without words train nothing and count as lost.
    """
    longest = min(int(lengths.max()), LISTED)
    sizes = np.arange(1, longest + 1, dtype=np.int64)
    ordered = np.sort(lengths)
    shorter = np.searchsorted(ordered, sizes, side="left")
    words_from = np.append(np.cumsum(ordered[::-1])[::-1], 0)  # words of the tweets from each rank on
    taking_part = len(ordered) - shorter
    tokens = int(ordered.sum()) + int((ordered > 0).sum())
    return Losses(
        seq_length=sizes,
        lost=shorter / len(ordered),
        windows=words_from[shorter] + (2 - sizes) * taking_part,
        stretches=tokens // sizes,
    )


def advised(lengths: Integers) -> int:
    """Return the paper's ``seq_length``: the largest that loses at most a quarter of the tweets; at least 1.

    Args:
        lengths: (tweet,) words of each.

    Example:
        >>> advised(np.array([3, 5, 8, 12, 20]))
        5
    """
    return max(1, int(np.sort(lengths)[int(LOST * len(lengths))]))


def share_lost(lengths: Integers, seq_length: int) -> float:
    """Return the share of the tweets with fewer words than that."""
    return float((lengths < seq_length).mean())


def examples(texts: Sequence[str], cleaned: Sequence[str], count: int) -> list[Change]:
    """Return some texts and what cleaning made of them, spread evenly over all; those that it changes first."""
    changes = [Change(*pair) for pair in zip(texts, cleaned, strict=True)]
    changed = [change for change in changes if change.before != change.after]
    unchanged = [change for change in changes if change.before == change.after]
    chosen = _spread(changed, count)
    return chosen + _spread(unchanged, count - len(chosen))


def printable(text: str) -> str:
    """Return the text in one line for a terminal or a picture: white space and what controls either become a space.

    Example:
        >>> printable("a\\tb\\n")
        'a b'
    """
    # The joiners make one emoji of several, and shape Persian and Indian words.
    shown = (character if character.isprintable() or character in "\u200c\u200d" else " " for character in text)
    return " ".join("".join(shown).split())


def _spread(changes: Sequence[Change], count: int) -> list[Change]:
    """Return so many of them at even distances, from the first on; all where there are not as many."""
    count = min(count, len(changes))
    return [changes[i * len(changes) // count] for i in range(count)]


def _matching(pattern: str, texts: Iterable[str]) -> int:
    search = re.compile(pattern).search
    return sum(search(text) is not None for text in texts)
