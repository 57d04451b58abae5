"""Tweets as JSON objects: of the X API v1.1 or v2, a page of it, an archive of X, or plain."""

import json
import re
from collections.abc import Iterable
from typing import Any

from lightning_suite.errors import DataError
from lightning_suite.text_files import find_name
from suite_tweets.sources.columns import Columns, find_columns
from suite_tweets.sources.identifiers import identifier_of_column
from suite_tweets.sources.times import time_of_column
from suite_tweets.tweets import Tweet

_ARCHIVE = re.compile(r"\s*window\.YTD\.\w+\.part\d+\s*=\s*")


def is_archive(text: str) -> bool:
    """Return whether a text is a file of an archive of X: ``window.YTD.tweets.part0 = [...]``."""
    return _ARCHIVE.match(text) is not None


def read_archive(text: str, columns: Columns, path: str) -> list[Tweet]:
    """Return the tweets of a file of an archive of X.

    Raises:
        DataError: it is no list of tweets.
    """
    start = _ARCHIVE.match(text)
    assert start is not None
    items = _parse(text, start.end(), path)
    if not isinstance(items, list):
        raise DataError("expected a list of tweets after `window.YTD...part0 =`", path)
    return [_tweet(item, columns, path, None, number) for number, item in enumerate(items, start=1)]


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
    items = whole if isinstance(whole, list) else _items(whole, columns)
    return [_tweet(item, columns, path, None, number) for number, item in enumerate(items, start=1)]


def tweets_of_lines(lines: Iterable[tuple[int, dict[str, Any]]], columns: Columns, path: str) -> list[Tweet]:
    """Return the tweets of an object a line, or a page of the API a line, as ``read_jsonl`` gives them.

    Raises:
        DataError: an object is no tweet; with its line.
    """
    return [
        _tweet(item, columns, path, number, None) for number, value in lines if value for item in _items(value, columns)
    ]


def _parse(text: str, start: int, path: str) -> Any:
    lines_before = text.count("\n", 0, start)
    try:
        return json.loads(text[start:].rstrip().removesuffix(";") if start else text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", path, lines_before + error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", path) from None


def _items(value: Any, columns: Columns) -> list[Any]:
    """Return the tweets of a page of the API, ``{"data": [...]}`` or ``{"statuses": [...]}``, or the one tweet."""
    if not isinstance(value, dict) or find_name(list(value), columns.texts) is not None:
        return [value]
    for key in ("data", "statuses"):
        inside = value.get(key)
        if isinstance(inside, list | dict):
            return inside if isinstance(inside, list) else [inside]
    meta = value.get("meta")
    return [] if isinstance(meta, dict) and meta.get("result_count") == 0 else [value]


def _tweet(value: Any, columns: Columns, path: str, line: int | None, number: int | None) -> Tweet:
    intro = f"item {number}: " if number is not None else ""
    if isinstance(value, dict) and isinstance(value.get("tweet"), dict):
        value = value["tweet"]
    if not isinstance(value, dict):
        raise DataError(f"{intro}expected an object with a text, got {json.dumps(value)[:60]}", path, line)
    names = find_columns(list(value), columns, f"{intro}the object has the keys", path, line)
    text = _full_text(value) if columns.text is None else None
    text = value[names.text or ""] if text is None else text
    if not isinstance(text, str):
        raise DataError(f"{intro}the text {names.text!r} is not a text: {json.dumps(text)[:60]}", path, line)
    return Tweet(
        identifier_of_column(value[names.id] if names.id else None, names.id, intro, path, line),
        time_of_column(value[names.time] if names.time else None, names.time, intro, path, line),
        re.sub("[\ud800-\udfff]", "\ufffd", text),
    )


def _full_text(value: dict[str, Any]) -> str | None:
    """Return the whole text where an object of the API holds it apart from a shortened one."""
    for outer, inner in (("note_tweet", "text"), ("extended_tweet", "full_text")):
        inside = value.get(outer)
        if isinstance(inside, dict) and isinstance(inside.get(inner), str):
            return str(inside[inner])
    return None
