"""Which tweets are wanted."""

from datetime import UTC, datetime

import pytest

from lightning_suite.errors import UsageError
from suite_tweets.collecting.choice import Choice, parse_moment


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert parse_moment("2024-05-31", "--since") == datetime(2024, 5, 31, tzinfo=UTC)
    assert parse_moment("2024-05-31T18:00+03:00", "--since") == datetime(2024, 5, 31, 15, tzinfo=UTC)


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(UsageError, match="--since 'yesterday': expected a date"):
        parse_moment("yesterday", "--since")


def test_an_empty_stretch_of_time_is_refused() -> None:
    with pytest.raises(UsageError, match="is not before --until"):
        Choice(since=datetime(2024, 2, 1, tzinfo=UTC), until=datetime(2024, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(UsageError, match=f"--limit: expected a whole number of 1 or more.* got {limit}"):
        Choice(limit=limit)
