"""The tweets of the default recipe, which a published package carries."""

from pathlib import Path

from lightning_suite.assets import Asset
from lightning_suite.errors import DataError
from lightning_suite.text_files import numbered_lines
from suite_tweets.tweets import Tweet

RATED_TWEETS = Asset(
    package="vaderSentiment",
    version="3.3.2",
    archive="sdist",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    member="vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz!hutto_ICWSM_2014/tweets_GroundTruth.txt",
)
"""4,200 tweets of many accounts, with the mean rating of 20 people each (Hutto, Gilbert, 2014), which is not read."""


def rated_tweets(path: Path) -> list[Tweet]:
    """Return the tweets of ``RATED_TWEETS``: number, rating and text on a line, with tabs between.

    Raises:
        DataError: a line does not have these three.
    """
    tweets = []
    for number, line in numbered_lines(path):
        fields = line.split("\t", 2)
        if len(fields) != 3:
            raise DataError(
                f"expected a number, a rating and a text with tabs between, got {line[:60]!r}", path, number
            )
        tweets.append(Tweet(fields[0], None, fields[2]))
    return tweets
