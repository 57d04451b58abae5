"""Which tweets of an account are wanted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lightning_suite.constraints import Interval, check
from lightning_suite.errors import UsageError
from suite_tweets.tweets import Tweet, is_reply, is_retweet


def parse_moment(text: str | None, option: str) -> datetime | None:
    """Return the date or the time of an option, in UTC where it names no zone.

    Raises:
        UsageError: it is neither.

    Example:
        >>> parse_moment("2024-05-31T18:00+03:00", "--since").isoformat()
        '2024-05-31T18:00:00+03:00'
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r}: expected a date or a time, such as 2024-05-31 or 2024-05-31T18:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_typed(value: object) -> str:
    """Return a value of an option as one types it, for a message."""
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


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

    Example:
        >>> Choice(replies=False).holds(Tweet("7", None, "@rocket thanks"))
        False
    """

    limit: int | None = None
    retweets: bool = True
    replies: bool = True
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        check({"limit": [Interval(int, 1), None]}, vars(self), where="--")
        if self.since and self.until and self.since >= self.until:
            raise UsageError(f"--since {self.since.isoformat()} is not before --until {self.until.isoformat()}")

    def holds(self, tweet: Tweet) -> bool:
        """Return whether a tweet of a file is wanted; the limit does not matter."""
        time = tweet.created_at
        return not (
            (not self.retweets and is_retweet(tweet.text))
            or (not self.replies and is_reply(tweet.text))
            or (self.since is not None and time is not None and time < self.since)
            or (self.until is not None and time is not None and time > self.until)
        )

    def options(self) -> dict[str, Any]:
        """Return what decides which tweets a collection has, as JSON has it; the limit only ends it earlier."""
        return {
            "retweets": self.retweets,
            "replies": self.replies,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }
