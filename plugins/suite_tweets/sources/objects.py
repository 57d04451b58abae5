"""Tweets as JSON objects: of the X API v1.1 or v2, a page of it, an archive of X, or plain.

An archive's file is a script that assigns a list: ``window.YTD.tweets.part0 = [...]``, without ``window.`` in some, and
until 2018 ``Grailbird.data.tweets_2016_11 = [...]``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lightning_suite.errors import DataError
from lightning_suite.text_files import find_name
from suite_tweets.sources.columns import Columns, find_columns
from suite_tweets.sources.identifiers import identifier_of_column
from suite_tweets.sources.times import time_of_column
from suite_tweets.sources.whole_texts import Note, Notes, note_of, unwrapped, whole_text
from suite_tweets.tweets import Tweet

_ARCHIVE = re.compile(r"\s*(?:(?:window\.)?YTD\.\w+\.part\d+|Grailbird\.data\.\w+)\s*=\s*")

Objects = Mapping[str, Mapping[str, Any]]
"""Objects of tweets that came with others, by their identifiers."""


def is_archive(text: str) -> bool:
    """Return whether a text is a file of an archive of X: ``window.YTD.tweets.part0 = [...]``."""
    return _ARCHIVE.match(text) is not None


def read_archive(text: str, columns: Columns, path: str, notes: Notes) -> list[Tweet]:
    """Return the tweets of a file of an archive of X.

    Args:
        text: of the file.
        columns: as asked for.
        path: of the file, for a message.
        notes: long posts of the archive, whose whole texts are put in.

    Raises:
        DataError: it is no list of tweets.
    """
    items = enumerate(_archive_items(text, path), start=1)
    tweets = [_tweet(item, columns, path, None, number, {}) for number, item in items]
    if columns.text is not None:
        return tweets
    return [tweet._replace(text=notes.whole(*tweet)) for tweet in tweets]


def read_notes(text: str, path: str) -> list[Note]:
    """Return the long posts of ``note-tweet.js``.

    Raises:
        DataError: it is no such file.
    """
    if not is_archive(text):
        raise DataError("expected an assignment, `window.YTD.note_tweet.part0 = [...]`", path)
    try:
        return [note for item in _archive_items(text, path) if (note := note_of(item)) is not None]
    except ValueError as error:
        raise DataError(f"a long post's createdAt is no time: {error}", path) from None


def _archive_items(text: str, path: str) -> list[Any]:
    start = _ARCHIVE.match(text)
    assert start is not None
    items = _parse(text, start.end(), path)
    if not isinstance(items, list):
        raise DataError("expected a list of tweets after `window.YTD...part0 =`", path)
    return items


def is_json_lines(text: str) -> bool:
    """Return whether a text is no JSON as a whole, but has more than one line, and the first is an object."""
    lines = text.strip().split("\n")
    if len(lines) == 1 or not lines[0].startswith("{"):
        return False
    try:
        return isinstance(json.loads(lines[0]), dict)
    except (ValueError, RecursionError):
        return False


def read_json(text: str, columns: Columns, path: str) -> list[Tweet]:
    """Return the tweets of a list of objects, or of one object.

    Raises:
        DataError: it is neither, or an object is no tweet.
    """
    whole = _parse(text, 0, path)
    pages = whole if isinstance(whole, list) else [whole]
    items = ((item, included) for page in pages for item, included in _items(page, columns))
    return [_tweet(item, columns, path, None, number, others) for number, (item, others) in enumerate(items, start=1)]


def tweets_of_lines(lines: Iterable[tuple[int, dict[str, Any]]], columns: Columns, path: str) -> list[Tweet]:
    """Return the tweets of an object a line, or a page of the API a line, as ``read_jsonl`` gives them.

    Raises:
        DataError: an object is no tweet; with its line.
    """
    return [
        _tweet(item, columns, path, number, None, others)
        for number, value in lines
        if value
        for item, others in _items(value, columns)
    ]


def _parse(text: str, start: int, path: str) -> Any:
    lines_before = text.count("\n", 0, start)
    try:
        return json.loads(text[start:].rstrip().removesuffix(";") if start else text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", path, lines_before + error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", path) from None


def _items(value: Any, columns: Columns) -> list[tuple[Any, Objects]]:
    """Return the tweets of a page of the API, ``{"data": [...]}`` or ``{"statuses": [...]}``, or the one tweet.

    Each with the tweets that the page includes for it, which are no tweets of the page.
    """
    if not isinstance(value, dict) or find_name(list(value), columns.texts) is not None:
        return [(value, {})]
    for key in ("data", "statuses"):
        inside = value.get(key)
        if isinstance(inside, list | dict):
            others = _included(value.get("includes"))
            return [(item, others) for item in (inside if isinstance(inside, list) else [inside])]
    meta = value.get("meta")
    return [] if isinstance(meta, dict) and meta.get("result_count") == 0 else [(value, {})]


def _included(includes: Any) -> Objects:
    tweets = includes.get("tweets") if isinstance(includes, dict) else None
    return {str(tweet.get("id")): tweet for tweet in tweets or [] if isinstance(tweet, dict)}


def _tweet(value: Any, columns: Columns, path: str, line: int | None, number: int | None, others: Objects) -> Tweet:
    intro = f"item {number}: " if number is not None else ""
    value = unwrapped(value)
    if not isinstance(value, dict):
        raise DataError(f"{intro}expected an object with a text, got {json.dumps(value)[:60]}", path, line)
    names = find_columns(list(value), columns, f"{intro}the object has the keys", path, line)
    text = whole_text(value, others) if columns.text is None else None
    text = value[names.text or ""] if text is None else text
    if not isinstance(text, str):
        raise DataError(f"{intro}the text {names.text!r} is not a text: {json.dumps(text)[:60]}", path, line)
    return Tweet(
        identifier_of_column(value[names.id] if names.id else None, names.id, intro, path, line),
        time_of_column(value[names.time] if names.time else None, names.time, intro, path, line, names.rest_of(value)),
        re.sub("[\ud800-\udfff]", "\ufffd", text),
    )
