"""Collects the tweets of an account: page by page from the X API into one CSV file, or out of a file that has them.

Each page goes at once to OUTPUT.partial.jsonl, with what leads to the next one, so that an end of any kind loses
nothing and the same call goes on. A complete collection becomes OUTPUT, newest tweet first as the API gives them, and
OUTPUT.collected.json remembers of which account it is and which tweet was the newest. The next call asks for the newer
ones alone and puts them before the others.
"""

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from lightning_suite.errors import DataError, Interrupted, UsageError
from lightning_suite.tables import table
from suite_tweets.progress import Display, progress_of
from suite_tweets.tweets import COLUMNS, Tweet, is_reply, is_retweet, write_tweets
from suite_tweets.x_api import MOST, ApiError, Found, Page, Timeline, XApi, connect

_NAME = re.compile(r"\w{1,15}", re.ASCII)
_LINK = re.compile(r"(?:https?://)?(?:www\.|mobile\.)?(?:x|twitter)\.com/@?([^/?#]*)(?:[/?#].*)?", re.IGNORECASE)
_NO_NAMES = {"explore", "hashtag", "home", "i", "intent", "login", "messages", "notifications", "search", "settings"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which tweets of an account are wanted.

    Attributes:
        limit: the newest so many; None for all that there are, of which the API gives 3,200.
        retweets: also those that the account passed on.
        replies: also its answers to others; threads of its own are no replies.
        since: not older.
        until: not newer.

    Raises:
        UsageError: the limit is below 1, or no time lies between since and until.
    """

    limit: int | None = None
    retweets: bool = True
    replies: bool = True
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: expected at least 1")
        if self.since and self.until and self.since >= self.until:
            raise UsageError(f"--since {self.since.isoformat()} is not before --until {self.until.isoformat()}")


def moment(text: str | None, option: str) -> datetime | None:
    """A date or a time of an option, in UTC where it names no zone.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r}: expected a date or a time, such as 2024-05-31 or 2024-05-31T18:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def account_name(text: str) -> str:
    """The name of an account, given as name, @name, or the address of its page.

    Raises:
        UsageError: it is none.
    """
    given = text.strip()
    link = _LINK.fullmatch(given)
    name = link[1] if link else given.removeprefix("@")
    if _NAME.fullmatch(name) and not (link and name.lower() in _NO_NAMES):
        return name
    if not link and any(sign in given for sign in "./\\"):
        raise UsageError(f"there is no file {given!r}, and an account is given as name, @name or https://x.com/name")
    raise UsageError(
        f"{given!r} is no account: expected name, @name or https://x.com/name,\n"
        "where a name has 1 to 15 letters (a-z), digits and underscores"
    )


def file_of(text: str) -> Path | None:
    """The file that is meant by ACCOUNT, or None when an account is.

    A folder that has the name of an account is meant when it is written as ./NAME.
    """
    path = Path(text).expanduser()
    try:
        return path if path.is_file() or (path.is_dir() and not _NAME.fullmatch(text)) else None
    except (OSError, ValueError):  # too long, or with a NUL: no path at all
        return None


def from_file(path: Path, output: Path, choice: Choice, tweets: Sequence[Tweet]) -> list[Tweet]:
    """Writes the tweets of a file, those that are wanted, in the file's order.

    Args:
        path: where they are from.
        output: the CSV file.
        choice: retweets begin with RT @ here, replies with @; the limit counts from the first.
        tweets: all that the file has.

    Raises:
        UsageError: the output is there already, or a limit in time cannot be held because tweets have no time.
        DataError: no tweet is left.
    """
    _check_output(output)
    if output.exists():
        raise UsageError(f"{output} is there already: move it away, or choose another name with --output")
    timeless = sum(tweet.created_at is None for tweet in tweets)
    if timeless and (choice.since or choice.until):
        raise UsageError(f"--since and --until: {timeless:,} of {len(tweets):,} tweets in {path} have no time")
    kept = [tweet for tweet in tweets if _is_wanted(tweet, choice)][: choice.limit]
    if not kept:
        raise DataError(f"it has {len(tweets):,} tweets, and none that the options leave", path)
    write_tweets(output, kept)
    return kept


def from_api(name: str, output: Path, choice: Choice) -> list[Tweet]:
    """Collects an account's tweets into a CSV file, goes on with what is there, or adds what is newer.

    Args:
        name: of the account.
        output: the CSV file.
        choice: which tweets; in a file that is there, other ones than before are refused.

    Returns:
        All tweets of the file, newest first.

    Raises:
        UsageError: there is no token, or files of another account or of other options are in the way.
        ApiError: the account's tweets cannot be had. What was collected is kept.
        DataError: a file of an earlier call is not as it was left.
        Interrupted: Ctrl-C was pressed. What was collected is kept.
    """
    _check_output(output)
    if choice.limit is not None and choice.limit > MOST:
        raise UsageError(
            f"--limit {choice.limit}: expected at most {MOST}, the newest tweets that the X API gives of an account"
        )
    partial = Partial.read(_beside(output, "partial.jsonl"))
    before = _Collected.read(output, name, choice, unfinished=partial is not None)
    if partial is not None:
        partial.check(name, choice)
        if partial.heading["since_id"] and not output.exists():
            raise UsageError(
                f"{partial.path} has tweets to be added to {output}, which is gone: "
                "put it back, or delete the first to begin anew"
            )
    elif before is not None:
        partial = Partial(_beside(output, "partial.jsonl"), _heading(name, choice, before.user_id, before.newest_id))
    old = _read_csv(output) if output.exists() else []
    with progress_of(f"@{name}") as display:
        partial = _gather(name, partial, output, choice, display)
        found = partial.found[: choice.limit or MOST]
        new = _without(old, found)
        if old:
            display.say(f"@{name}: {len(new):,} newer tweets" if new else f"@{name}: no newer tweets")
            display.say(f"older ones than those of {output} were not asked for; to have them, begin another file")
        if old and partial.next_token:
            limit = choice.limit or MOST
            display.say(f"the limit of {limit:,} came before the tweets of {output}: some between may be left out")
    if not found and not old:
        partial.path.unlink(missing_ok=True)
        left = "" if choice == Choice(limit=choice.limit) else " that these options leave"
        raise ApiError(f"@{name} has no tweets{left}: nothing was written")
    replaced = {version for one in found for version in one.versions}
    tweets = new + [tweet for tweet in old if tweet.id not in replaced]
    if new:
        write_tweets(output, tweets)
    newest = partial.newest_id or (before.newest_id if before else None)
    _Collected(name, partial.heading["user_id"], choice.retweets, choice.replies, newest).write(output)
    partial.path.unlink(missing_ok=True)
    return tweets


def summary(tweets: Sequence[Tweet], path: Path) -> str:
    """A table of one row: tweets, those of them that begin as retweets and replies, the days from and to, the file."""
    times = sorted(tweet.created_at.astimezone(UTC) for tweet in tweets if tweet.created_at is not None)
    days = [f"{times[place]:%Y-%m-%d}" if times else "" for place in (0, -1)]
    counts = [len(tweets), sum(is_retweet(one.text) for one in tweets), sum(is_reply(one.text) for one in tweets)]
    return table(["tweets", "retweets", "replies", "from", "to", "file"], [[*map(str, counts), *days, str(path)]])


class Partial:
    """What has been collected so far: a JSON object a line, a heading first, then a page each."""

    def __init__(self, path: Path, heading: Mapping[str, Any]) -> None:
        self.path = path
        self.heading = dict(heading)
        self.found: list[Found] = []
        self.next_token: str | None = None
        self.newest_id: str | None = None
        self.oldest_id: str | None = None
        self.until_id: str | None = None  # what next_token belongs to, beside the timeline; see _next_page
        self.pages = 0
        self._ids: set[str] = set()

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What an earlier call left; None when there is nothing. A last line that was not finished is taken away.

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
        partial = None
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                entry = json.loads(line)
                if partial is None:
                    partial = cls(path, _heading_of(entry))
                else:
                    partial.until_id = entry["until_id"]
                    partial._add(_page_of(entry), entry["seen"])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise DataError(
                    f"not a line of a collection ({type(error).__name__}: {error}). Delete the file to begin anew",
                    path,
                    number,
                ) from None
        return partial

    def check(self, name: str, choice: Choice) -> None:
        """Sees that it is of this account and these options; another limit is no matter.

        Raises:
            UsageError: it is of others.
        """
        if self.heading["account"].lower() != name.lower():
            raise UsageError(
                f"{self.path} is a collection of @{self.heading['account']}, not of @{name}: "
                "choose another name with --output, or delete it"
            )
        now = _options(choice)
        differing = [
            f"--{key} {_shown(now[key])} here, {_shown(self.heading[key])} there"
            for key in now
            if now[key] != self.heading[key]
        ]
        if differing:
            raise UsageError(
                f"{self.path} was begun with other options: {'; '.join(differing)}\n"
                "give those again to go on, choose another name with --output, or delete it to begin anew"
            )

    def begin(self) -> None:
        """Writes the heading."""
        self.path.write_text(_line(self.heading), encoding="utf-8")

    def write(self, page: Page, choice: Choice) -> bool:
        """Takes in a page, on the disk before all else; whether it had any tweet that was not known.

        Those of other kinds than the wanted ones are counted as known from now on, and not kept.
        """
        seen = [one.tweet.id for one in page.found]
        kept = Page([one for one in page.found if choice.replies or not one.is_reply], page.next_token)
        is_news = not self._ids.issuperset(seen)
        entry = {
            "tweets": [_entry(one) for one in kept.found],
            "seen": seen,
            "next_token": page.next_token,
            "until_id": self.until_id,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())
        self._add(kept, seen)
        return is_news

    def _add(self, page: Page, seen: Iterable[str]) -> None:
        self.found += {one.tweet.id: one for one in page.found if one.tweet.id not in self._ids}.values()
        self._ids.update(seen)
        self.next_token = page.next_token
        self.newest_id = max(self._ids, key=int, default=None)
        self.oldest_id = min(self._ids, key=int, default=None)
        self.pages += 1


@dataclass(frozen=True)
class _Collected:
    """What is remembered of a collected file, beside it: the CSV file itself does not say whose tweets they are."""

    account: str
    user_id: str
    retweets: bool
    replies: bool
    newest_id: str | None

    @classmethod
    def read(cls, output: Path, name: str, choice: Choice, *, unfinished: bool) -> Self | None:
        """Of the file, when it is there.

        Args:
            output: the CSV file.
            name: whose it should be.
            choice: what should be in it.
            unfinished: whether a collection into it was begun, so that it may lack this only because its end was cut.

        Raises:
            UsageError: the file is not a collection, or of another account, or of other kinds of tweets.
            DataError: what is remembered cannot be read.
        """
        if not output.exists():
            return None
        path = _beside(output, "collected.json")
        try:
            known = cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            if unfinished:
                return None
            raise UsageError(
                f"{output} is there already, and without {path.name}, which a collection has beside it\n"
                "choose another name with --output, or move it away"
            ) from None
        except (TypeError, ValueError) as error:
            raise DataError(f"not what a collection writes beside its file ({error})", path) from None
        if known.account.lower() != name.lower():
            raise UsageError(f"{output} has the tweets of @{known.account}: choose another name with --output")
        if (known.retweets, known.replies) != (choice.retweets, choice.replies):
            was = f"--retweets {_shown(known.retweets)} --replies {_shown(known.replies)}"
            raise UsageError(f"{output} was collected with {was}: give the same, or choose another name with --output")
        return known

    def write(self, output: Path) -> None:
        path = _beside(output, "collected.json")
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(vars(self), indent=1) + "\n", encoding="utf-8")
        partial.replace(path)


def _gather(name: str, partial: Partial | None, output: Path, choice: Choice, display: Display) -> Partial:
    """All pages that are wanted and not there yet.

    Raises:
        ApiError: some cannot be had.
        Interrupted: by the user.
    """
    limit = choice.limit or MOST
    with _keeping(lambda: partial):  # as it is when the block ends
        api = connect(display)
        if partial is None:
            user = api.user(name)
            partial = Partial(_beside(output, "partial.jsonl"), _heading(name, choice, user.id, None, user.tweets))
        if not partial.pages:
            partial.begin()
        written = partial.heading["tweets"]
        total = None if written is None else min(limit, written)
        display.expect(len(partial.found), total)
        timeline = Timeline(
            user_id=partial.heading["user_id"],
            retweets=choice.retweets,
            since=choice.since,
            until=choice.until,
            since_id=partial.heading["since_id"],
        )
        is_new = True
        while is_new and len(partial.found) < limit and (partial.next_token or not partial.pages):
            page = _next_page(api, timeline, partial, limit - len(partial.found))
            # Asked for more than it has, the API may begin again with the newest; then all has been seen.
            is_new = partial.write(page, choice) or not page.found
            display.count(min(limit, len(partial.found)))
        if total is not None and len(partial.found) < total:  # the account's number counts what the options leave out
            display.expect(len(partial.found), len(partial.found))
        if written is not None and written > limit and len(partial.found) >= MOST:
            display.say(f"@{name} has written {written:,} tweets; the X API gives the newest {MOST:,}")
    return partial


def _next_page(api: XApi, timeline: Timeline, partial: Partial, count: int) -> Page:
    """The page after the last one; where the API no longer knows its token, the tweets before the oldest one."""
    try:
        return api.page(timeline, count=count, token=partial.next_token, until_id=partial.until_id)
    except ApiError as error:
        if error.status != 400 or partial.next_token is None or partial.oldest_id is None:
            raise
    partial.until_id = partial.oldest_id
    return api.page(timeline, count=count, until_id=partial.until_id)


@contextmanager
def _keeping(partial: Callable[[], Partial | None]) -> Iterator[None]:
    """Says of whatever ends the block what is kept."""

    def kept() -> str:
        now = partial()
        if now is None or not now.pages:
            return ""
        return f"\n{len(now.found):,} tweets are kept in {now.path}; the same command goes on from there"

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted{kept()}") from None
    except ApiError as error:
        raise ApiError(f"{error}{kept()}", error.status) from None


def _check_output(output: Path) -> None:
    if output.suffix != ".csv":
        raise UsageError(f"--output {output}: expected a name that ends in .csv")
    if not output.parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {output.parent}")
    if output.is_dir():
        raise UsageError(f"--output {output}: that is a folder")


def _beside(output: Path, ending: str) -> Path:
    return output.with_name(f"{output.name}.{ending}")


def _options(choice: Choice) -> dict[str, Any]:
    """The options that decide which tweets are in a collection, as JSON has them; the limit only ends it earlier."""
    return {
        "retweets": choice.retweets,
        "replies": choice.replies,
        "since": choice.since.isoformat() if choice.since else None,
        "until": choice.until.isoformat() if choice.until else None,
    }


def _heading(
    name: str, choice: Choice, user_id: str, since_id: str | None, tweets: int | None = None
) -> dict[str, Any]:
    return {"account": name, "user_id": user_id, "tweets": tweets, "since_id": since_id, **_options(choice)}


def _heading_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in _heading("", Choice(), "", None)}


def _entry(one: Found) -> dict[str, Any]:
    number, time, text = one.tweet
    return {
        "id": number,
        "created_at": time.isoformat() if time else None,
        "text": text,
        "is_retweet": one.is_retweet,
        "is_reply": one.is_reply,
        "versions": one.versions,
    }


def _page_of(entry: Mapping[str, Any]) -> Page:
    found = [
        Found(
            Tweet(one["id"], _time(one["created_at"]), one["text"]),
            one["is_retweet"],
            one["is_reply"],
            tuple(one["versions"]),
        )
        for one in entry["tweets"]
    ]
    return Page(found, entry["next_token"])


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _shown(value: object) -> str:
    return "not given" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _read_csv(path: Path) -> list[Tweet]:
    """The tweets of a file that write_tweets wrote, perhaps opened and saved since.

    Raises:
        DataError: it is another one now.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        if (names := next(reader, [])) != list(COLUMNS):
            raise DataError(
                f"expected the columns {', '.join(COLUMNS)} that a collection has, got {', '.join(names) or 'none'}; "
                "newer tweets are added to no other file",
                path,
            )
        tweets = []
        for row in reader:
            try:
                number, time, text = row
                tweets.append(Tweet(number, _time(time), text))
            except ValueError as error:
                raise DataError(
                    f"expected id, created_at and text of a tweet: {error}", path, reader.line_num
                ) from None
    return tweets


def _without(old: Sequence[Tweet], found: Iterable[Found]) -> list[Tweet]:
    """The tweets that are found and not among the old ones."""
    known = {tweet.id for tweet in old}
    return [one.tweet for one in found if one.tweet.id not in known]


def _is_wanted(tweet: Tweet, choice: Choice) -> bool:
    time = tweet.created_at
    return not (
        (not choice.retweets and is_retweet(tweet.text))
        or (not choice.replies and is_reply(tweet.text))
        or (choice.since is not None and time is not None and time < choice.since)
        or (choice.until is not None and time is not None and time > choice.until)
    )
