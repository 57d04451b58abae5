"""A tweet, and the CSV file of tweets that a person can open."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lightning_suite.pictures import write_csv

COLUMNS = ("id", "created_at", "text")


class Tweet(NamedTuple):
    """One tweet, or any short text.

    Attributes:
        id: as the source gives it; empty where it gives none.
        created_at: when it was written, with its time zone (UTC where the source names none); None where not known.
        text: as it was written, line breaks included.
    """

    id: str
    created_at: datetime | None
    text: str


def is_retweet(text: str) -> bool:
    """Return whether a text repeats another account's tweet, as X's timelines mark it.

    Example:
        >>> is_retweet("RT @rocket: lift-off")
        True
    """
    return text.startswith("RT @")


def is_reply(text: str) -> bool:
    """Return whether a text answers somebody, as X's timelines mark it.

    Example:
        >>> is_reply("@rocket thanks")
        True
    """
    return text.startswith("@")


def write_tweets(path: Path, tweets: Iterable[Tweet]) -> None:
    """Write tweets as CSV (UTF-8; id, created_at in ISO 8601, text); the file appears whole or not at all.

    Raises:
        OutputError: the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_tweets(Path(folder) / "mine.csv", [Tweet("7", None, "Lift-off, at last!")])
        ...     (Path(folder) / "mine.csv").read_text().splitlines()
        ['id,created_at,text', '7,,"Lift-off, at last!"']
    """
    rows = ((tweet.id, tweet.created_at.isoformat() if tweet.created_at else "", tweet.text) for tweet in tweets)
    write_csv(path, COLUMNS, rows)
