"""The CSV file that a collection becomes, and the files beside it."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lightning_suite.errors import DataError, UsageError
from lightning_suite.tables import table
from suite_tweets.tweets import COLUMNS, Tweet, is_reply, is_retweet


def check_output(output: Path) -> None:
    """Refuse what cannot be the file of a collection.

    Raises:
        UsageError: the name does not end in .csv, its folder is not there, or it is a folder.
    """
    if output.suffix != ".csv":
        raise UsageError(f"--output {output}: expected a name that ends in .csv")
    if not output.parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {output.parent}")
    if output.is_dir():
        raise UsageError(f"--output {output}: that is a folder")


def beside(output: Path, ending: str) -> Path:
    """Return the file beside a CSV file that has its name and an ending."""
    return output.with_name(f"{output.name}.{ending}")


def read_output(path: Path) -> list[Tweet]:
    """Return the tweets of a file that ``write_tweets`` wrote, perhaps opened and saved since.

    Raises:
        DataError: it is another one now.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        if (names := next(reader, [])) != list(COLUMNS):
            raise DataError(
                f"expected the columns {', '.join(COLUMNS)} that a collection has, got {', '.join(names) or 'none'}; "
                "newer tweets are added to no other file",
                path,
            )
        tweets = []
        for row in reader:
            try:
                number, time, text = row
                tweets.append(Tweet(number, datetime.fromisoformat(time) if time else None, text))
            except ValueError as error:
                raise DataError(
                    f"expected id, created_at and text of a tweet: {error}", path, reader.line_num
                ) from None
    return tweets


def summary(tweets: Sequence[Tweet], path: Path) -> str:
    """Return a table of one row: tweets, those that begin as retweets and replies, the days from and to, the file."""
    times = sorted(tweet.created_at.astimezone(UTC) for tweet in tweets if tweet.created_at is not None)
    days = [f"{times[i]:%Y-%m-%d}" if times else "" for i in (0, -1)]
    counts = [
        len(tweets),
        sum(is_retweet(tweet.text) for tweet in tweets),
        sum(is_reply(tweet.text) for tweet in tweets),
    ]
    return table(["tweets", "retweets", "replies", "from", "to", "file"], [[*map(str, counts), *days, str(path)]])
