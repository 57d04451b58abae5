"""Collects tweets out of a file that has them."""

from collections.abc import Sequence
from pathlib import Path

from lightning_suite.errors import DataError, UsageError
from suite_tweets.collecting.choice import Choice
from suite_tweets.collecting.output import check_output
from suite_tweets.tweets import Tweet, write_tweets


def collect_from_file(path: Path, output: Path, choice: Choice, tweets: Sequence[Tweet]) -> list[Tweet]:
    """Write the tweets of a file that are wanted, in the file's order, and return them.

    Args:
        path: where they are from.
        output: the CSV file.
        choice: retweets begin with RT @ here, replies with @; the limit counts from the first.
        tweets: all that the file has.

    Raises:
        UsageError: the output is there already, or a limit in time cannot be held because tweets have no time.
        DataError: no tweet is left.
    """
    check_output(output)
    if output.exists():
        raise UsageError(f"{output} is there already: move it away, or choose another name with --output")
    timeless = sum(tweet.created_at is None for tweet in tweets)
    if timeless and (choice.since or choice.until):
        raise UsageError(f"--since and --until: {timeless:,} of {len(tweets):,} tweets in {path} have no time")
    wanted = [tweet for tweet in tweets if choice.holds(tweet)][: choice.limit]
    if not wanted:
        raise DataError(f"it has {len(tweets):,} tweets, and none that the options leave", path)
    write_tweets(output, wanted)
    return wanted
