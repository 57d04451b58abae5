"""Numbers of an account, against values worked out by hand or by the statistics module."""

import statistics
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite_tweets.analysis import (
    Kind,
    Word,
    advised,
    describe,
    examples,
    frequent,
    kinds,
    losses,
    printable,
    share_lost,
    span,
)
from suite_tweets.tweets import Tweet

LENGTHS = np.array([0, 1, 3, 3, 5])

# Tweets of 1, 2, ... words, made up so that count, quartiles and extremes are those of the paper's account (figure 3).
_TWEETS = [5, 18, 47, 89, 105, 111, 157, 202, 250, 282, 284, 290, 340, 240, 230, 190, 150, 90, 50, 25, 12, 8, 4, 2, 1]
PAPER = np.repeat(np.arange(1, 26), _TWEETS)


def test_a_description_is_that_of_the_statistics_module() -> None:
    numbers = [1, 4, 4, 7, 12, 20]
    actual = describe(np.array(numbers))
    assert (actual.count, actual.minimum, actual.maximum) == (6, 1, 20)
    assert actual.mean == pytest.approx(statistics.mean(numbers))
    assert actual.std == pytest.approx(statistics.stdev(numbers))
    assert actual.quartiles == pytest.approx(statistics.quantiles(numbers, n=4, method="inclusive"))


def test_quartiles_are_interpolated_as_pandas_does() -> None:
    assert describe(np.array([1, 2, 3, 4])).quartiles == (1.75, 2.5, 3.25)


@pytest.mark.filterwarnings("error")
def test_a_single_number_has_no_deviation() -> None:
    actual = describe(np.array([7]))
    assert (actual.std, actual.mean, actual.quartiles) == (None, 7.0, (7.0, 7.0, 7.0))


def test_the_span_is_that_of_the_tweets_whose_time_is_known() -> None:
    days = [datetime(2020, 1, day, tzinfo=UTC) for day in (5, 2, 9)]
    tweets = [Tweet("", None, "a"), *(Tweet("", day, "b") for day in days)]
    assert span(tweets) == (days[1], days[2])
    assert span(tweets[:1]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RT @anna: новая ракета", {'retweets ("RT @...")', "with a mention"}),
        ("@anna спасибо!", {'replies ("@...")', "with a mention"}),
        ("Фото дня https://t.co/abc", {"with a link"}),
        ("Добыча газа #газпром", {"with a hashtag"}),
        ("We are #1 &#39;again&#39;", set()),
        ("mail me: anna@example.org", set()),
        (" \n", {"without any word"}),
        ("я" * 141, {"longer than 140 characters"}),
        ("я" * 281, {"longer than 140 characters", "longer than 280 characters"}),
        ("RT is a TV channel", set()),
    ],
)
def test_kinds_of_tweets_are_recognised(text: str, expected: set[str]) -> None:
    assert {kind.name for kind in kinds([text]) if kind.tweets} == expected


def test_only_the_repetitions_of_a_text_are_counted() -> None:
    assert Kind("repetitions of an earlier text", 2) in kinds(["да", "нет", "да", "да"])


def test_frequent_words_come_in_order_of_their_times_then_of_the_alphabet() -> None:
    texts = [["газ", "и", "газ"], ["нефть", "и"], ["вода"]]
    assert frequent(texts, 3) == [Word("газ", 2, 1), Word("и", 2, 2), Word("вода", 1, 1)]


def test_words_with_few_letters_are_passed_over_on_request() -> None:
    texts = [["и", "----", "20:15", "вода", "day1", "days"]]
    assert [word.text for word in frequent(texts, 9, letters=4)] == ["days", "вода"]


def test_losses_are_those_counted_by_hand() -> None:
    actual = losses(LENGTHS)
    assert actual.seq_length.tolist() == [1, 2, 3, 4, 5]
    assert actual.lost.tolist() == [0.2, 0.4, 0.4, 0.8, 0.8]
    # Set 1 at 3 takes the tweets of 3, 3 and 5 words, with 2, 2 and 4 windows.
    assert actual.windows.tolist() == [2 + 4 + 4 + 6, 3 + 3 + 5, 2 + 2 + 4, 3, 2]
    # The stream has 12 words and an END for each of four tweets.
    assert actual.stretches.tolist() == [16, 8, 5, 4, 3]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30).filter(any))
def test_windows_are_those_of_the_training_set(lengths: list[int]) -> None:
    actual = losses(np.array(lengths))
    for size, lost, windows in zip(actual.seq_length.tolist(), actual.lost, actual.windows, strict=True):
        assert windows == sum(n + 2 - size for n in lengths if n >= size)
        assert lost == sum(n < size for n in lengths) / len(lengths)


def test_the_sample_is_like_the_papers_account() -> None:
    actual = describe(PAPER)
    assert (actual.count, actual.minimum, actual.maximum) == (3182, 1, 25)
    assert actual.quartiles == (9, 12, 14)


def test_the_paper_would_be_advised_its_own_seq_length() -> None:
    assert advised(PAPER) == 9
    assert share_lost(PAPER, 9) <= 0.25 < share_lost(PAPER, 10)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_the_advice_is_the_largest_that_loses_at_most_a_quarter(lengths: list[int]) -> None:
    best = advised(np.array(lengths))
    assert share_lost(np.array(lengths), best) <= 0.25 < share_lost(np.array(lengths), best + 1)


def test_the_advice_is_never_below_one_word() -> None:
    assert advised(np.array([0, 0, 0, 5])) == 1


def test_examples_are_spread_over_the_file_and_those_that_change_come_first() -> None:
    texts = ["same", "A", "B", "C", "D"]
    actual = examples(texts, ["same", "a", "b", "c", "d"], 2)
    assert actual == [("A", "a"), ("C", "c")]
    assert examples(texts, ["same", "a", "b", "c", "d"], 9)[-1] == ("same", "same")


def test_what_is_printed_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[31mb\nc\u202ed\ud83d") == "a [31mb c d"
    assert printable("👩\u200d🚀 ракета") == "👩\u200d🚀 ракета"
