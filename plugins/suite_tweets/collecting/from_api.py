"""Collects the tweets of an account from the X API, page by page.

Pages go to OUTPUT.partial.jsonl (``pages``). A complete collection becomes OUTPUT, newest tweet first as the API gives
them, and OUTPUT.collected.json remembers of which account it is and which tweet was the newest (``record``). The next
call asks for the newer ones alone and puts them before the others.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lightning_suite.errors import Interrupted, OutputError, UsageError
from lightning_suite.progress import Task, progress, say
from suite_tweets.collecting.choice import Choice
from suite_tweets.collecting.output import beside, check_output, read_output
from suite_tweets.collecting.pages import CollectedPages, heading
from suite_tweets.collecting.record import CollectionRecord
from suite_tweets.tweets import Tweet, write_tweets
from suite_tweets.x_api.answers import Page, Timeline, TimelineTweet
from suite_tweets.x_api.client import MOST, XApi, connect
from suite_tweets.x_api.failures import ApiError


def collect_from_api(name: str, output: Path, choice: Choice) -> list[Tweet]:
    """Collect an account's tweets into a CSV file, going on with what is there, or adding what is newer.

    Args:
        name: of the account.
        output: the CSV file.
        choice: which tweets; in a file that is there, other ones than before are refused.

    Returns:
        All tweets of the file, newest first.

    Raises:
        UsageError: there is no token, or files of another account or of other options are in the way.
        ApiError: the account's tweets cannot be fetched. What was collected is kept.
        DataError: a file of an earlier call is not as it was left.
        OutputError: a file cannot be written. What was collected is kept.
        Interrupted: Ctrl-C was pressed. What was collected is kept.
    """
    check_output(output)
    limit = choice.limit or MOST
    if limit > MOST:
        raise UsageError(
            f"--limit {limit}: expected at most {MOST}, the newest tweets that the X API gives of an account"
        )
    pages = CollectedPages.read(_pages_path(output))
    record = CollectionRecord.read(output, name, choice, unfinished=pages is not None)
    if pages is not None:
        pages.check(name, choice)
        if pages.heading["since_id"] and not output.exists():
            raise UsageError(
                f"{pages.path} has tweets to be added to {output}, which is gone: "
                "put it back, or delete the first of the two to start over"
            )
    elif record is not None:
        pages = CollectedPages(_pages_path(output), heading(name, choice, record.user_id, record.newest_id))
    old = read_output(output) if output.exists() else []
    with progress(f"@{name}", unit="tweets", done=len(pages.tweets) if pages else 0) as task:
        pages = _collect_pages(name, pages, output, choice, task)
    collected = pages.tweets[:limit]
    new = _without(old, collected)
    if old:
        say(f"@{name}: {len(new):,} newer tweets" if new else f"@{name}: no newer tweets")
        say(f"tweets older than those in {output} were not requested; to collect them, give another --output")
    if old and pages.next_token:
        say(f"the limit of {limit:,} was reached before the tweets in {output}: some in between may be missing")
    if not collected and not old:
        pages.path.unlink(missing_ok=True)
        left = "" if choice == Choice(limit=choice.limit) else " that these options leave"
        raise ApiError(f"@{name} has no tweets{left}: nothing was written")
    replaced = {version for entry in collected for version in entry.versions}
    tweets = new + [tweet for tweet in old if tweet.id not in replaced]
    if new:
        write_tweets(output, tweets)
    newest = pages.newest_id or (record.newest_id if record else None)
    CollectionRecord(name, pages.heading["user_id"], choice.retweets, choice.replies, newest).write(output)
    pages.path.unlink(missing_ok=True)
    return tweets


def _pages_path(output: Path) -> Path:
    return beside(output, "partial.jsonl")


def _collect_pages(name: str, pages: CollectedPages | None, output: Path, choice: Choice, task: Task) -> CollectedPages:
    """Ask for all pages that are wanted and not there yet, and return them with those that are.

    Raises:
        ApiError: some cannot be fetched.
        OutputError: one cannot be written.
        Interrupted: by the user.
    """
    limit = choice.limit or MOST
    with _saying_what_is_kept(lambda: pages):  # as it is when the block ends
        api = connect(task.stage)
        if pages is None:
            user = api.user(name)
            pages = CollectedPages(_pages_path(output), heading(name, choice, user.id, None, user.tweets))
        if not pages.count:
            pages.begin()
        written = pages.heading["tweets"]
        task.update(total=None if written is None else min(limit, written))
        timeline = Timeline(
            user_id=pages.heading["user_id"],
            retweets=choice.retweets,
            since=choice.since,
            until=choice.until,
            since_id=pages.heading["since_id"],
        )
        is_new = True
        while is_new and len(pages.tweets) < limit and (pages.next_token or not pages.count):
            page = _next_page(api, timeline, pages, limit - len(pages.tweets))
            # Asked for more than it has, the API may begin again with the newest; then all has been seen.
            is_new = pages.write(page, choice) or not page.tweets
            task.update(done=min(limit, len(pages.tweets)))
        if written is not None and written > limit and len(pages.tweets) >= MOST:
            say(f"@{name} has written {written:,} tweets; the X API gives the newest {MOST:,}")
    return pages


def _next_page(api: XApi, timeline: Timeline, pages: CollectedPages, count: int) -> Page:
    """Return the page after the last; where the API no longer knows its token, the tweets before the oldest one."""
    try:
        return api.page(timeline, count=count, token=pages.next_token, until_id=pages.until_id)
    except ApiError as error:
        if error.status != 400 or pages.next_token is None or pages.oldest_id is None:
            raise
    pages.until_id = pages.oldest_id
    return api.page(timeline, count=count, until_id=pages.until_id)


@contextmanager
def _saying_what_is_kept(pages: Callable[[], CollectedPages | None]) -> Iterator[None]:
    """Add to the message of whatever ends the block what is kept."""

    def addition() -> str:
        now = pages()
        if now is None or not now.count:
            return ""
        return f"\n{len(now.tweets):,} tweets are kept in {now.path}; the same command goes on from there"

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted{addition()}") from None
    except ApiError as error:
        raise ApiError(f"{error}{addition()}", error.status) from None
    except OutputError as error:
        raise OutputError(f"{error}{addition()}") from error


def _without(old: Sequence[Tweet], collected: Sequence[TimelineTweet]) -> list[Tweet]:
    """Return the collected tweets that are not among the old ones."""
    known = {tweet.id for tweet in old}
    return [entry.tweet for entry in collected if entry.tweet.id not in known]
