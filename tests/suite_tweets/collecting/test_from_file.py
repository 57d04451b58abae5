"""Collecting out of files."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightning_suite.errors import DataError, UsageError
from suite_tweets.collecting.choice import Choice
from suite_tweets.collecting.from_file import collect_from_file
from suite_tweets.tweets import Tweet


def ids_in(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return [row[0] for row in csv.reader(file)][1:]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "kosmos.csv"


def some_tweets() -> list[Tweet]:
    times = [datetime(2024, 1, day, tzinfo=UTC) for day in (3, 2, 1)]
    texts = ["запуск", "RT @rocket: launch", "@rocket thanks"]
    return [Tweet(str(i), time, text) for i, (time, text) in enumerate(zip(times, texts, strict=True))]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), ["0", "1", "2"]),
        (Choice(retweets=False), ["0", "2"]),
        (Choice(replies=False), ["0", "1"]),
        (Choice(limit=1), ["0"]),
        (Choice(since=datetime(2024, 1, 2, tzinfo=UTC)), ["0", "1"]),
        (Choice(until=datetime(2024, 1, 2, tzinfo=UTC)), ["1", "2"]),
    ],
)
def test_the_options_choose_among_the_tweets_of_a_file(output: Path, choice: Choice, expected: list[str]) -> None:
    collect_from_file(Path("tweets.js"), output, choice, some_tweets())
    assert ids_in(output) == expected


def test_a_file_in_the_way_is_not_written_over(output: Path) -> None:
    output.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        collect_from_file(Path("tweets.js"), output, Choice(), some_tweets())
    assert output.read_text(encoding="utf-8") == "mine\n"


def test_a_file_of_which_nothing_is_left_is_an_error(output: Path) -> None:
    with pytest.raises(DataError, match=r"tweets.js: it has 1 tweets, and none that the options leave"):
        collect_from_file(Path("tweets.js"), output, Choice(retweets=False), some_tweets()[1:2])
    assert not output.exists()


def test_times_of_tweets_without_time_cannot_be_chosen(output: Path) -> None:
    tweets = [*some_tweets(), Tweet("3", None, "when?")]
    with pytest.raises(UsageError, match=r"1 of 4 tweets in tweets.js have no time"):
        collect_from_file(Path("tweets.js"), output, Choice(since=datetime(2024, 1, 2, tzinfo=UTC)), tweets)
