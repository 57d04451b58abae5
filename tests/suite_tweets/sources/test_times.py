"""Times in every way in which sources write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from suite_tweets.sources.times import parse_time

LAUNCH = datetime(2016, 11, 22, 22, 36, 51, tzinfo=UTC)
TWITTER_LAUNCH = "Tue Nov 22 22:36:51 +0000 2016"


@pytest.mark.parametrize(
    "value",
    [
        "2016-11-22 22:36:51",
        "2016-11-22T22:36:51Z",
        "2016-11-22T22:36:51.000Z",
        "2016-11-22 22:36:51 UTC",
        "2016-11-22T22:36:51GMT",
        "2016-11-22 17:36:51 EST",
        "2016-11-22 23:36:51 CET",
        "2016-11-23 01:36:51 MSK",
        "2016-11-23 09:36:51 AEDT",
        "2016-11-23 04:06:51 India Standard Time",
        "2016-11-22 23:36:51 W. Europe Standard Time",
        "2016-11-22 19:06:51 NST",
        "2016-11-23 01:36:51 +0300",
        "2016-11-23T01:36:51+03:00",
        TWITTER_LAUNCH,
        "Wed Nov 23 01:36:51 +0300 2016",
        "1479854211",
        "1479854211000",
        1479854211,
        1479854211.0,
        " 2016-11-22 22:36:51 ",
    ],
)
def test_every_usual_way_to_write_a_time_is_read(value: object) -> None:
    assert parse_time(value) == LAUNCH


def test_a_time_keeps_its_zone_and_has_utc_without_one() -> None:
    zoned, plain = parse_time("2016-11-22T22:36:51+03:00"), parse_time("2016-11-22")

    assert zoned is not None and zoned.tzinfo == timezone(timedelta(hours=3))
    assert plain == datetime(2016, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "clock", "zone"),
    [
        ("2016-11-23 04:06:51 IST", None, "+0530"),
        ("2016-11-23 00:36:51 IST", None, "+0200"),
        ("2016-11-22 23:36:51 Mitteleuropäische Zeit", "23:36:51", "+0100"),
        ("2016-11-22", "17:36:51", "EST"),
        ("2016-11-22", "22:36:51", None),
        ("2016-11-22 22:36:51", "01:01:01", "+0900"),  # a time without a zone is in UTC, whatever its reader's is
        ("2016-11-22 17:36:51 EST", None, "+0900"),
    ],
)
def test_the_time_of_day_and_the_zone_may_stand_apart(value: str, clock: str | None, zone: str | None) -> None:
    assert parse_time(value, (clock, zone)) == LAUNCH


@pytest.mark.parametrize("value", [None, "", " ", "NaN", "NaT", "None", "null"])
def test_an_empty_time_is_none(value: object) -> None:
    assert parse_time(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2016-11-22 22:36:51 IST",
        "2016-11-22 22:36:51 XYZ",
        "11/22/2016",
        "2016-13-01",
        "Tue Foo 22 22:36:51 +0000 2016",
        True,
        12,
        "2016-11-22" + " " * 1_000_000 + "22:36:51",  # in no time
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        parse_time(value)
