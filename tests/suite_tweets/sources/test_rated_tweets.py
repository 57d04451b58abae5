"""The tweets of the default recipe."""

from pathlib import Path

import pytest

from lightning_suite.errors import DataError
from suite_tweets.sources.rated_tweets import rated_tweets
from suite_tweets.tweets import Tweet


def test_rated_tweets_have_number_and_text(tmp_path: Path) -> None:
    path = tmp_path / "rated.txt"
    path.write_text("1\t2.5\tA fine day :-)\n2\t-0.75\tкакой\tветер 🌬\n", encoding="utf-8")
    assert rated_tweets(path) == [Tweet("1", None, "A fine day :-)"), Tweet("2", None, "какой\tветер 🌬")]


def test_a_rated_tweet_without_its_rating_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rated.txt"
    path.write_text("1\t2.5\tA fine day\n2\tno rating\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected a number, a rating and a text") as said:
        rated_tweets(path)
    assert "rated.txt" in str(said.value)
    assert "2" in str(said.value).partition("expected")[0].rpartition("rated.txt")[2]
