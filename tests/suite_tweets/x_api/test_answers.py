"""Tweets in the answers of the X API, as a local server speaks it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from suite_tweets.x_api.answers import Page, Timeline
from suite_tweets.x_api.client import XApi, connect


@pytest.fixture
def api(x_api: Any, clock: Any) -> XApi:
    return connect(print)


def first_page(api: XApi, **options: Any) -> Page:
    return api.page(Timeline(user_id="4242", **options))


def test_times_are_in_utc(api: XApi, x_api: Any) -> None:
    x_api.write(1)
    assert first_page(api).tweets[0].tweet.created_at == datetime(2024, 1, 1, 1, tzinfo=UTC)


def test_a_long_tweet_is_whole(api: XApi, x_api: Any) -> None:
    x_api.write(1)
    whole = "Длинный рассказ про запуск. " * 40
    x_api.tweets[0] |= {"text": whole[:277] + "…", "note_tweet": {"text": whole}}
    assert first_page(api).tweets[0].tweet.text == whole
    assert "note_tweet" in x_api.requests[0].query["tweet.fields"]


def test_a_long_retweet_is_whole(api: XApi, x_api: Any) -> None:
    x_api.write(1)
    whole = "A story: " + "of a launch " * 30
    x_api.tweets[0] |= {
        "text": f"RT @rocket: {whole[:120]}…",
        "referenced_tweets": [{"type": "retweeted", "id": "77"}],
    }
    x_api.includes = [{"id": "77", "text": whole[:277] + "…", "note_tweet": {"text": whole}}]
    tweet = first_page(api).tweets[0]
    assert tweet.tweet.text == f"RT @rocket: {whole}"
    assert tweet.is_retweet


def test_a_quoted_tweet_is_not_taken_for_the_own_text(api: XApi, x_api: Any) -> None:
    x_api.write(1)
    x_api.tweets[0] |= {"text": "RT @a: look", "referenced_tweets": [{"type": "quoted", "id": "77"}]}
    x_api.includes = [{"id": "77", "text": "quoted"}]
    tweet = first_page(api).tweets[0]
    assert (tweet.tweet.text, tweet.is_retweet) == ("RT @a: look", False)


def test_an_answer_to_oneself_is_no_reply(api: XApi, x_api: Any) -> None:
    x_api.write(2)
    x_api.tweets[0] |= {"in_reply_to_user_id": "4242"}
    x_api.tweets[1] |= {"in_reply_to_user_id": "5"}
    assert [one.is_reply for one in first_page(api).tweets] == [False, True]


def test_half_a_surrogate_pair_becomes_a_replacement_character(api: XApi, x_api: Any) -> None:
    x_api.write(1, text="cut \ud83d")
    assert first_page(api).tweets[0].tweet.text == "cut \ufffd"
