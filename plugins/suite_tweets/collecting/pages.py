"""The file of a collection that is not complete: a JSON object a line, a heading first, then the pages.

Each page is written at once, with what leads to the next one, so that an end of any kind loses nothing and the same
call goes on.
"""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from lightning_suite.errors import DataError, UsageError
from lightning_suite.files import naming
from suite_tweets.collecting.choice import Choice, as_typed
from suite_tweets.tweets import Tweet
from suite_tweets.x_api.answers import Page, TimelineTweet


def heading(name: str, choice: Choice, user_id: str, since_id: str | None, tweets: int | None = None) -> dict[str, Any]:
    """Return the heading of a collection.

    Args:
        name: of the account.
        choice: which tweets are wanted.
        user_id: of the account.
        since_id: the newest tweet of an earlier collection; None where there is none.
        tweets: how many the account has written; None where that is not known.
    """
    return {"account": name, "user_id": user_id, "tweets": tweets, "since_id": since_id, **choice.options()}


class CollectedPages:
    """What has been collected so far.

    Attributes:
        path: of its file.
        heading: of which account and of which options it is.
        tweets: of all pages, each once.
        next_token: leads to the next page; None after the last.
        newest_id: of all tweets that came.
        oldest_id: of all tweets that came.
        until_id: the tweet before which the pages that ``next_token`` belongs to begin; None: the newest.
        count: of pages.
    """

    def __init__(self, path: Path, heading: Mapping[str, Any]) -> None:
        self.path = path
        self.heading: dict[str, Any] = dict(heading)
        self.tweets: list[TimelineTweet] = []
        self.next_token: str | None = None
        self.newest_id: str | None = None
        self.oldest_id: str | None = None
        self.until_id: str | None = None
        self.count = 0
        self._ids: set[str] = set()

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what an earlier call left; None when there is nothing. A last line that was cut off is taken away.

        Raises:
            DataError: another line is not as it was written.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
        pages = None
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                entry = json.loads(line)
                if pages is None:
                    pages = cls(path, {key: entry[key] for key in heading("", Choice(), "", None)})
                else:
                    pages.until_id = entry["until_id"]
                    pages._add(_page_of(entry), entry["seen"])
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                raise DataError(
                    f"not a line of a collection ({type(error).__name__}: {error}). Delete the file to start over",
                    path,
                    number,
                ) from None
        return pages

    def check(self, name: str, choice: Choice) -> None:
        """Refuse to go on with the pages of another account or of other options; another limit does not matter.

        Raises:
            UsageError: they are of others.
        """
        if self.heading["account"].lower() != name.lower():
            raise UsageError(
                f"{self.path} is a collection of @{self.heading['account']}, not of @{name}: "
                "choose another name with --output, or delete it"
            )
        options = choice.options()
        differing = [
            f"--{key} {as_typed(options[key])} here, {as_typed(self.heading[key])} there"
            for key in options
            if options[key] != self.heading[key]
        ]
        if differing:
            raise UsageError(
                f"{self.path} was begun with other options: {'; '.join(differing)}\n"
                "give those again to go on, choose another name with --output, or delete it to start over"
            )

    def begin(self) -> None:
        """Write the heading.

        Raises:
            OutputError: it cannot be written.
        """
        with naming(self.path):
            self.path.write_text(_line(self.heading), encoding="utf-8")

    def write(self, page: Page, choice: Choice) -> bool:
        """Add a page, to the file first; return whether it had any tweet that was not known.

        Those of other kinds than the wanted ones are counted as known from now on, and left out.

        Raises:
            OutputError: it cannot be written.
        """
        seen = [entry.tweet.id for entry in page.tweets]
        wanted = Page([entry for entry in page.tweets if choice.replies or not entry.is_reply], page.next_token)
        is_news = not self._ids.issuperset(seen)
        line = {
            "tweets": [_json_of(entry) for entry in wanted.tweets],
            "seen": seen,
            "next_token": page.next_token,
            "until_id": self.until_id,
        }
        with naming(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(_line(line))
            file.flush()
            os.fsync(file.fileno())
        self._add(wanted, seen)
        return is_news

    def _add(self, page: Page, seen: Iterable[str]) -> None:
        self.tweets += {entry.tweet.id: entry for entry in page.tweets if entry.tweet.id not in self._ids}.values()
        self._ids.update(seen)
        self.next_token = page.next_token
        self.newest_id = max(self._ids, key=int, default=None)
        self.oldest_id = min(self._ids, key=int, default=None)
        self.count += 1


def _json_of(entry: TimelineTweet) -> dict[str, Any]:
    number, time, text = entry.tweet
    return {
        "id": number,
        "created_at": time.isoformat() if time else None,
        "text": text,
        "is_retweet": entry.is_retweet,
        "is_reply": entry.is_reply,
        "versions": entry.versions,
    }


def _page_of(line: Mapping[str, Any]) -> Page:
    tweets = [
        TimelineTweet(
            Tweet(entry["id"], _time(entry["created_at"]), entry["text"]),
            entry["is_retweet"],
            entry["is_reply"],
            tuple(entry["versions"]),
        )
        for entry in line["tweets"]
    ]
    return Page(tweets, line["next_token"])


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
