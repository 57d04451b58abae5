"""What is said of a collection."""

from datetime import UTC, datetime
from pathlib import Path

from suite_tweets.collecting.output import summary
from suite_tweets.tweets import Tweet


def some_tweets() -> list[Tweet]:
    times = [datetime(2024, 1, day, tzinfo=UTC) for day in (3, 2, 1)]
    texts = ["запуск", "RT @rocket: launch", "@rocket thanks"]
    return [Tweet(str(i), time, text) for i, (time, text) in enumerate(zip(times, texts, strict=True))]


def test_the_table_counts_tweets_retweets_and_replies() -> None:
    row = summary(some_tweets(), Path("kosmos.csv")).splitlines()[-1].split()
    assert row == ["3", "1", "1", "2024-01-01", "2024-01-03", "kosmos.csv"]


def test_the_table_of_tweets_without_time_has_no_days() -> None:
    row = summary([Tweet("", None, "a")], Path("a.csv")).splitlines()[-1].split()
    assert row == ["1", "0", "0", "a.csv"]
