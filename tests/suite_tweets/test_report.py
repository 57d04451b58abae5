"""What the terminal shows of an account."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from suite_tweets import report
from suite_tweets.analysis import Word, losses
from suite_tweets.tweets import Tweet

TEXTS = ["ПАО «Газ» добыло 5 млрд м³ https://t.co/abc", "rt user", "Ракета улетела!", "да", "нет"]
CLEANED = ["газ добыло 5 млрд м³", "rt user", "ракета улетела", "да", "нет"]


def test_the_heading_names_file_tweets_time_and_pace() -> None:
    tweets = [Tweet("", datetime(2020, 1, day, tzinfo=UTC), "a") for day in (11, 1, 6)]
    assert report.heading("a.csv", tweets) == "a.csv: 3 tweets from 2020-01-01 to 2020-01-11, 0.3 a day"


def test_the_heading_says_how_many_times_are_not_known() -> None:
    tweets = [Tweet("", datetime(2020, 1, 1, tzinfo=UTC), "a"), Tweet("", None, "b")]
    assert report.heading("a.csv", tweets) == "a.csv: 2 tweets from 2020-01-01 to 2020-01-01 (1 tweet without a time)"
    assert report.heading("a.csv", tweets[1:]) == "a.csv: 1 tweet; no times are known"


def test_lengths_are_the_table_of_the_paper() -> None:
    assert report.lengths({"words": np.array([1, 2, 3, 4])}).splitlines() == [
        "per tweet  words",
        "---------  -----",
        "count          4",
        "mean        2.50",
        "std         1.29",
        "min            1",
        "25%         1.75",
        "50%          2.5",
        "75%         3.25",
        "max            4",
    ]


def test_the_deviation_of_one_tweet_is_a_dash() -> None:
    assert "std            -" in report.lengths({"words": np.array([7])}).splitlines()


def test_kinds_have_their_shares() -> None:
    line = next(line for line in report.tweets_of_kinds(TEXTS).splitlines() if "link" in line)
    assert line.split() == ["with", "a", "link", "1", "20.0"]


def test_many_languages_are_summed_up() -> None:
    counts = Counter({"ru": 85, **{f"x{i}": 1 for i in range(15)}})
    lines = report.tweets_of_languages(counts).splitlines()
    assert lines[2].split() == ["Russian", "ru", "85", "85.0"]
    assert lines[-1].split() == ["6", "others", "6", "6.0"]
    assert len(lines) == 2 + report.LANGUAGES + 1


def test_lists_of_words_stand_side_by_side() -> None:
    shown = report.words({"all": [Word("и", 9, 7), Word("газ", 3, 3)], "longer": [Word("ракета", 2, 1)]})
    assert [line.split() for line in shown.splitlines()[2:]] == [
        ["1", "и", "9", "7", "ракета", "2", "1"],
        ["2", "газ", "3", "3"],
    ]
    assert report.words({"all": [], "longer": []}) == "no tweet has a word"


def test_the_advice_says_its_loss() -> None:
    lengths = np.array([1] * 3 + [9] * 10)
    lines = report.training_sets(lengths, losses(lengths)).splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == ["5", "6", "7", "8", "9"]
    assert lines[-2].split() == ["9", "23.1", "20", "11"]
    assert lines[-1] == "advised: --data.seq_length 9 (training set 1 would lose 23.1 % of the tweets)"


def test_rules_are_counted_by_the_tweets_they_change() -> None:
    lines = report.cleaning(TEXTS, CLEANED, "paper", 1).split("\n\n")[0].splitlines()
    counted = {line.split()[0]: line.split()[1] for line in lines}
    assert (counted["links"], counted["organisations"], counted["mentions"]) == ("1", "1", "0")


def test_examples_are_shown_before_and_after() -> None:
    shown = report.cleaning(TEXTS, CLEANED, "paper", 1)
    assert shown.endswith(f"before  {TEXTS[0]}\nafter   {CLEANED[0]}")


def test_a_tweet_of_which_nothing_is_left_is_seen() -> None:
    assert report.cleaning(["https://t.co/abc"], [""], "paper", 1).endswith("after   (nothing)")


def test_without_rules_nothing_is_counted() -> None:
    assert report.cleaning(["a"], ["a"], "none", 1).startswith("no rules: the tweets stay as they are")


@pytest.mark.parametrize("width", ["60", "100"])
def test_examples_are_wrapped_to_the_terminal(monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    long = "Слово " * 40
    shown = report.cleaning([long], [long.lower()], "paper", 1)
    assert max(map(len, shown.splitlines())) <= int(width)
