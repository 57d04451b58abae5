"""The whole text of a tweet, where an object of X holds it apart from a shortened one.

A post of more than 280 characters, and a retweet, are cut in ``text`` or ``full_text``. Where the whole stands:

====================  ================================================================================================
API v1.1              ``extended_tweet.full_text``; of a retweet in ``retweeted_status``
API v2                ``note_tweet.text``; of a retweet in ``includes.tweets``, or within ``referenced_tweets``
X's own pages         ``note_tweet.note_tweet_results.result.text`` beside ``legacy``; of a retweet in
                      ``legacy.retweeted_status_result.result``
archive of X          ``note-tweet.js``, by the ``noteTweetId``, which is the post's own or one made in the same second
====================  ================================================================================================
"""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from suite_tweets.sources.times import parse_time
from suite_tweets.tweets import is_retweet

_WHOLE = (  # keys one within the other that lead to a whole text
    ("note_tweet", "text"),
    ("note_tweet", "note_tweet_results", "result", "text"),
    ("extended_tweet", "full_text"),
)
_SHORTENED = ("full_text", "text")
_AROUND = ("tweet_results", "result")  # keys around an object of X's own pages
_OF_PAGES = ("legacy", "tweet", "result")  # one of which is within
_BEFORE = re.compile(r"(?:@\w+\s+)*")  # whom a post answers: the archive has it in one of the two texts only
_CUT = re.compile(r"\s*(?:…|\.{3})?\s*(?:https://t\.co/\w+)?\s*$")
_ALIKE = 60  # characters from which two texts are the same post's


def unwrapped(value: Any) -> Any:
    """Return the object of a tweet without what is around it, and that of X's own pages in the form of the API v1.1.

    Example:
        >>> unwrapped({"tweet": {"id_str": "7", "full_text": "Lift-off!"}})
        {'id_str': '7', 'full_text': 'Lift-off!'}
        >>> unwrapped({"rest_id": "7", "legacy": {"full_text": "Lift-off!"}})
        {'id_str': '7', 'full_text': 'Lift-off!'}
    """
    while isinstance(value, dict) and not isinstance(value.get("legacy"), dict):
        insides = [value[key] for key in _AROUND if _is_around(value.get(key))]
        inside = value["tweet"] if isinstance(value.get("tweet"), dict) else next(iter(insides), None)
        if inside is None:
            return value
        value = inside
    if not isinstance(value, dict):
        return value
    beside = {key: value[key] for key in ("note_tweet",) if key in value}
    return {**({"id_str": value["rest_id"]} if "rest_id" in value else {}), **value["legacy"], **beside}


def _is_around(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key), dict) for key in _OF_PAGES)


def whole_text(tweet: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the text of a tweet that is not cut; None where the object holds none but its usual one.

    Args:
        tweet: its object.
        others: objects that came with it, by their identifiers: ``includes.tweets`` of the API v2.

    Example:
        >>> whole_text({"text": "RT @anna: Lift…", "retweeted_status": {"full_text": "Lift-off!"}}, {})
        'RT @anna: Lift-off!'
    """
    own = next((text for keys in _WHOLE if isinstance(text := _within(tweet, keys), str)), None)
    text = own or next((tweet[key] for key in _SHORTENED if isinstance(tweet.get(key), str)), "")
    head, colon, _ = text.partition(": ")
    if not colon or not is_retweet(head) or (passed_on := _passed_on(tweet, others)) is None:
        return own
    whole = whole_text(passed_on, {}) or next((t for k in _SHORTENED if isinstance(t := passed_on.get(k), str)), None)
    return own if whole is None else head + colon + whole


def _passed_on(tweet: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the object of the tweet that a retweet repeats, where it is there."""
    for value in (tweet.get("retweeted_status"), _within(tweet, ("retweeted_status_result", "result"))):
        if isinstance(value, dict):
            return dict(unwrapped(value))
    references = tweet.get("referenced_tweets")
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, dict) and reference.get("type") == "retweeted":
            return reference if "text" in reference else others.get(str(reference.get("id")))
    return None


def _within(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


class Note(NamedTuple):
    """A long post of an archive, as ``note-tweet.js`` has it.

    Attributes:
        id: its number, often but not always that of the tweet.
        created_at: when it was written.
        text: the whole of it.
    """

    id: str
    created_at: datetime | None
    text: str


def note_of(value: Any) -> Note | None:
    """Return the long post of an item of ``note-tweet.js``; None where it holds no text.

    Raises:
        ValueError: its time is no time.
    """
    note = value.get("noteTweet", value) if isinstance(value, dict) else None
    text = _within(note, ("core", "text"))
    if not isinstance(note, dict) or not isinstance(text, str):
        return None
    return Note(str(note.get("noteTweetId", "")), parse_time(note.get("createdAt")), text)


class Notes:
    """The long posts of an archive, to be found again by the tweets that are their beginnings.

    Example:
        >>> notes = Notes([Note("7", None, "Lift-off! And then we flew on.")])
        >>> notes.whole("7", None, "Lift-off! And…")
        'Lift-off! And then we flew on.'
    """

    def __init__(self, notes: Sequence[Note]) -> None:
        self._by_id = {note.id: note.text for note in notes if note.id}
        self._by_time: dict[datetime, list[str]] = {}
        for note in notes:
            if note.created_at is not None:
                self._by_time.setdefault(_second(note.created_at), []).append(note.text)

    def whole(self, id: str, created_at: datetime | None, text: str) -> str:
        """Return the whole text of a tweet of an archive; its own where it is no long post."""
        if id in self._by_id:
            return self._by_id[id]
        same_time = self._by_time.get(_second(created_at), []) if created_at is not None else []
        return next((note for note in same_time if _begins(note, text)), text)


def _second(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)


def _begins(whole: str, shortened: str) -> bool:
    """Return whether a shortened text is the beginning of a longer one."""
    plain, beginning = (_BEFORE.sub("", html.unescape(text), count=1) for text in (whole, shortened))
    beginning = _CUT.sub("", beginning)[:_ALIKE]
    return len(beginning) > 0 and len(plain) > len(beginning) and plain.startswith(beginning)
