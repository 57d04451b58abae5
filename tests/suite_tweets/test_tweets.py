"""The CSV file of tweets."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from suite_tweets.tweets import COLUMNS, Tweet, write_tweets

TWEETS = [
    Tweet("1201", datetime(2020, 5, 17, 8, 30, tzinfo=UTC), 'Ракета "Заря", сегодня\nв 10:00 🚀'),
    Tweet("", None, "a, b; c\t'd'"),
    Tweet("1202", datetime(2020, 5, 17, 11, 30, tzinfo=timezone(timedelta(hours=3))), ""),
]


def test_every_text_stands_in_the_file_as_it_was_written(tmp_path: Path) -> None:
    write_tweets(tmp_path / "a.csv", TWEETS)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert [row[2] for row in rows] == [tweet.text for tweet in TWEETS]
    assert [row[0] for row in rows] == ["1201", "", "1202"]


def test_times_keep_their_zone_and_unknown_ones_are_empty(tmp_path: Path) -> None:
    write_tweets(tmp_path / "a.csv", TWEETS)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        times = [row["created_at"] for row in csv.DictReader(file)]
    assert times == ["2020-05-17T08:30:00+00:00", "", "2020-05-17T11:30:00+03:00"]


def test_no_tweets_are_a_file_with_a_header(tmp_path: Path) -> None:
    write_tweets(tmp_path / "a.csv", [])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines() == ["id,created_at,text"]


def test_a_failure_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    def failing() -> Iterator[Tweet]:
        yield TWEETS[0]
        raise RuntimeError("the line went dead")

    write_tweets(tmp_path / "a.csv", TWEETS[1:])
    before = (tmp_path / "a.csv").read_bytes()
    with pytest.raises(RuntimeError):
        write_tweets(tmp_path / "a.csv", failing())
    assert (tmp_path / "a.csv").read_bytes() == before
