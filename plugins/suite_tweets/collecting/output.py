"""The CSV file that a collection becomes, and the files beside it."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from lightning_suite.errors import DataError, UsageError
from lightning_suite.tables import table
from lightning_suite.text_files import read_table
from suite_tweets.sources.columns import Columns
from suite_tweets.sources.tables import tweets_of_table
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
    contents = read_table(path)
    if contents.header != list(COLUMNS):
        raise DataError(
            f"expected the columns {', '.join(COLUMNS)} that a collection has, got {', '.join(contents.header)}; "
            "newer tweets are added to no other file",
            path,
        )
    return tweets_of_table(contents, Columns(text="text", time="created_at", id="id"))


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
