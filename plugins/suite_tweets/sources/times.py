"""Times as the sources of tweets write them."""

import re
from datetime import UTC, datetime, timedelta

from lightning_suite.errors import DataError

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWITTER_TIME = re.compile(r"\w{3} (\w{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) ([+-]\d{4}) (\d{4})")
_EPOCH = re.compile(r"-?\d{9,13}(?:\.\d*)?")
_FIRST_MILLISECOND = 10**11  # seconds up to the year 5138, milliseconds from 1973
_LONGEST = 64  # of what may be a time; the search for a zone takes the square of the length
_NO_TIME = ("", "none", "null", "nan", "nat", "<na>")
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
_ZONES = {  # hours east of Greenwich; names that several countries use (IST, BST) or that are not here are refused
    **{"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},  # as in RFC 822
}
_ZONE = re.compile(rf"(?<=\d)\s*({'|'.join(_ZONES)})$")


def parse_time(value: object) -> datetime | None:
    """Return a time: ISO 8601, also with a zone's name; ``Wed Oct 10 20:19:24 +0000 2018``; seconds since 1970.

    Returns:
        The time with its zone, UTC where none is named; None for an empty value.

    Raises:
        ValueError: it is no such time.

    Example:
        >>> parse_time("Wed Oct 10 20:19:24 +0000 2018").isoformat()
        '2018-10-10T20:19:24+00:00'
        >>> parse_time("2018-10-10 22:19:24 CEST").isoformat()
        '2018-10-10T22:19:24+02:00'
        >>> parse_time("1539202764") == parse_time("2018-10-10 23:19:24 +03:00")
        True
    """
    text = "" if value is None else str(value).strip()
    if text.casefold() in _NO_TIME:
        return None
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} characters are no time")
    if _EPOCH.fullmatch(text):
        since = float(text)
        return _EPOCH_START + timedelta(seconds=since if abs(since) < _FIRST_MILLISECOND else since / 1000)
    if match := _TWITTER_TIME.fullmatch(text):
        month, day, hour, minute, second, zone, year = match.groups()
        text = f"{year}-{_MONTHS.index(month) + 1:02d}-{int(day):02d} {hour}:{minute}:{second}{zone}"
    text = _ZONE.sub(lambda match: f"{_ZONES[match[1]]:+03d}:00", text)
    text = re.sub(r"\s+(?=[+-]\d\d)", "", text)
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def time_of_column(value: object, column: str | None, intro: str, path: str, line: int | None) -> datetime | None:
    """Return ``parse_time`` of a value of a column or key.

    Raises:
        DataError: it is no time; the message names the column, the file and the line.
    """
    try:
        return parse_time(value)
    except (ValueError, OverflowError):
        forms = "2018-10-10 20:19:24, Wed Oct 10 20:19:24 +0000 2018, or seconds since 1970"
        hint = "Name another column (--data.time_column, --time_column), or an empty one to read without times"
        raise DataError(
            f"{intro}{column} {str(value)[:60]!r} is no time; expected {forms}. {hint}", path, line
        ) from None
