"""Which tweets of an account are used, and which of them are trained, validated and tested on."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch

from suite_tweets.cleaning import clean
from suite_tweets.tweets import Tweet, is_retweet


class Parts(NamedTuple):
    """Cleaned texts of an account: the older ones to train on, then those to validate on, the latest to test on."""

    train: list[str]
    validation: list[str]
    test: list[str]


class UsedTexts(NamedTuple):
    """The cleaned texts of an account that are used.

    Attributes:
        texts: oldest first where all times are known, else in an order drawn at random; each once.
        counts: of the tweets that there are ("tweets"), and of those left out, by the reason.
        order: what the order is, in words.
    """

    texts: list[str]
    counts: Counter[str]
    order: str


def used_texts(
    tweets: Sequence[Tweet], rules: Sequence[str], *, retweets: bool = True, limit: int | None = None, seed: int = 0
) -> UsedTexts:
    """Return the cleaned texts that are used, without empty and repeated ones.

    Args:
        tweets: that there are.
        rules: of cleaning.
        retweets: False leaves out the texts that begin with "RT @".
        limit: at most this many, drawn at random; None: all.
        seed: of what is drawn.

    Example:
        >>> tweets = [Tweet("1", None, "Lift-off!"), Tweet("2", None, "lift-off!")]
        >>> used_texts(tweets, ["lower-case"])[:2]
        (['lift-off!'], Counter({'tweets': 2, 'repeated': 1, 'not drawn': 0, 'empty after cleaning': 0}))
    """
    counts = Counter({"tweets": len(tweets)})
    if not retweets:
        own = [tweet for tweet in tweets if not is_retweet(tweet.text)]
        counts["retweets"] = len(tweets) - len(own)
        tweets = own
    order = torch.randperm(len(tweets), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen = [tweets[i] for i in order[:limit]]
    times = [tweet.created_at for tweet in chosen if tweet.created_at is not None]
    timeless = len(chosen) - len(times)
    if not timeless:
        chosen = [tweet for _, tweet in sorted(zip(times, chosen, strict=True), key=lambda pair: pair[0])]
    counts["not drawn"] = len(tweets) - len(chosen)
    cleaned = [clean(tweet.text, rules) for tweet in chosen]
    filled = [text for text in cleaned if text.strip()]
    different = list(dict.fromkeys(filled))
    counts["empty after cleaning"] = len(cleaned) - len(filled)
    counts["repeated"] = len(filled) - len(different)
    return UsedTexts(different, counts, f"at random: {timeless:,} without a time" if timeless else "by time")


def divided(texts: Sequence[str], validation_fraction: float, test_fraction: float) -> Parts:
    """Return at least 3 texts in three parts, in their order; none is empty.

    Example:
        >>> divided(["a", "b", "c", "d", "e"], 0.2, 0.2)
        Parts(train=['a', 'b', 'c'], validation=['d'], test=['e'])
    """
    validation, test = (max(1, round(fraction * len(texts))) for fraction in (validation_fraction, test_fraction))
    test = min(test, len(texts) - 2)
    validation = min(validation, len(texts) - test - 1)
    train = len(texts) - test - validation
    return Parts(list(texts[:train]), list(texts[train : train + validation]), list(texts[train + validation :]))
