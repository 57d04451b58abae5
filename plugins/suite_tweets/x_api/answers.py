"""What the X API answers: an account, and a page of its timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from suite_tweets.tweets import Tweet, is_retweet


def page_of(answer: Mapping[str, Any], user_id: str) -> "Page":
    """Return the page that an answer holds, of the timeline of an account.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the answer has another form.
    """
    whole = {str(entry["id"]): entry for entry in answer.get("includes", {}).get("tweets", [])}
    tweets = [_timeline_tweet(entry, whole, user_id) for entry in answer.get("data", [])]
    return Page(tweets, answer.get("meta", {}).get("next_token"))


def _timeline_tweet(entry: Mapping[str, Any], whole: Mapping[str, Mapping[str, Any]], user_id: str) -> "TimelineTweet":
    number = str(entry["id"])
    if not number.isdecimal():
        raise ValueError(f"the id {number!r}")
    passed_on = [str(other["id"]) for other in entry.get("referenced_tweets", []) if other["type"] == "retweeted"]
    text = _text(entry)
    head, colon, _ = text.partition(": ")
    if passed_on and passed_on[0] in whole and is_retweet(head):
        text = head + colon + _text(whole[passed_on[0]])
    answered = entry.get("in_reply_to_user_id")
    return TimelineTweet(
        Tweet(number, _time(entry.get("created_at")), text),
        is_retweet=bool(passed_on),
        is_reply=answered is not None and str(answered) != user_id,
        versions=tuple(str(version) for version in entry.get("edit_history_tweet_ids", []) if str(version) != number),
    )


def _text(entry: Mapping[str, Any]) -> str:
    """Return the whole text: of a tweet longer than 280 characters, ``text`` is but the beginning."""
    text = entry.get("note_tweet", {}).get("text") or entry["text"]
    # Half of a surrogate pair, where a text was cut, can be in JSON but in no file.
    return str(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


class User(NamedTuple):
    """An account.

    Attributes:
        id: stays when the account changes its name.
        name: as its owner writes it, without @.
        tweets: how many it has written; None when the API does not say.
    """

    id: str
    name: str
    tweets: int | None


class TimelineTweet(NamedTuple):
    """A tweet of a timeline, and what the API knows of it.

    Attributes:
        tweet: with its whole text.
        is_retweet: somebody else's tweet, passed on.
        is_reply: an answer to somebody else; a thread continues the account's own tweets and is none.
        versions: ids that it had before it was edited.
    """

    tweet: Tweet
    is_retweet: bool
    is_reply: bool
    versions: tuple[str, ...]


class Page(NamedTuple):
    """A page of a timeline, newest first; next_token leads to the one after it, None after the last."""

    tweets: list[TimelineTweet]
    next_token: str | None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Which tweets of an account are asked for.

    Attributes:
        user_id: of the account.
        retweets: whether the API gives retweets. (It could leave out replies too, but gives only the newest 800 then.)
        since: not older than this.
        until: not newer than this.
        since_id: only tweets after this one.
    """

    user_id: str
    retweets: bool = True
    since: datetime | None = None
    until: datetime | None = None
    since_id: str | None = None
