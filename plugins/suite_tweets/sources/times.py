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
_ZONES = {  # hours east of Greenwich; names that several countries use (IST) or that are not here are refused
    **{"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2},
    **{"EET": 2, "EEST": 3, "MSK": 3, "IDT": 3, "WAT": 1, "CAT": 2, "SAST": 2, "EAT": 3, "PKT": 5, "PKST": 6},
    **{"WIB": 7, "WITA": 8, "WIT": 9, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "AWST": 8, "ACST": 9.5, "ACDT": 10.5},
    **{"AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "HST": -10, "AKST": -9, "AKDT": -8, "AST": -4, "ADT": -3},
    **{"NST": -3.5, "NDT": -2.5},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},  # as in RFC 822
    **{  # as Windows names them in English, and twint with it
        f"{name} {kind} Time": hours + (kind == "Daylight")
        for kind in ("Standard", "Daylight")
        for name, hours in {
            **{"GMT": 0, "W. Europe": 1, "Central Europe": 1, "Central European": 1, "Romance": 1, "E. Europe": 2},
            **{"GTB": 2, "FLE": 2, "Egypt": 2, "South Africa": 2, "Israel": 2, "Arab": 3, "Russian": 3, "Turkey": 3},
            **{"Pakistan": 5, "India": 5.5, "SE Asia": 7, "China": 8, "Singapore": 8, "Tokyo": 9, "Korea": 9},
            **{"AUS Eastern": 10, "New Zealand": 12, "Atlantic": -4, "Eastern": -5, "Central": -6, "Mountain": -7},
            **{"Pacific": -8, "SA Pacific": -5, "E. South America": -3, "Argentina": -3},
        }.items()
    },
}
_NAME = re.compile(r"(?<=\d)\s*([^\W\d_](?:[\w.() +-]*[\w)])?)$")  # of a zone, at the end of a time
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_DATE, _CLOCK = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d\d:\d\d(?::\d\d)?")


def parse_time(value: object, rest: tuple[object, object] = (None, None)) -> datetime | None:
    """Return a time: ISO 8601, also with a zone's name; ``Wed Oct 10 20:19:24 +0000 2018``; seconds since 1970.

    Args:
        value: what is written.
        rest: what is written apart from it, the time of day after a date, and the zone, ``+0530`` or a name. The zone
            counts where that of the time has a name that says nothing, or the time of day is from there.

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
    clock, apart = ("" if part is None else str(part).strip() for part in rest)
    if _DATE.fullmatch(text) and _CLOCK.fullmatch(clock):
        text = f"{text} {clock} {apart}" if _OFFSET.fullmatch(apart) or apart in _ZONES else f"{text} {clock}"
    if name := _NAME.search(text):
        known = name[1] if name[1] in _ZONES else apart
        if known in _ZONES or _OFFSET.fullmatch(known):
            text = text[: name.start()] + (_offset(_ZONES[known]) if known in _ZONES else known)
    text = re.sub(r"\s+(?=[+-]\d\d)", "", text)
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _offset(hours: float) -> str:
    minutes = round(60 * abs(hours))
    return f"{'-' if hours < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def time_of_column(
    value: object,
    column: str | None,
    intro: str,
    path: str,
    line: int | None,
    rest: tuple[object, object] = (None, None),
) -> datetime | None:
    """Return ``parse_time`` of a value of a column or key.

    Raises:
        DataError: it is no time; the message names the column, the file and the line.
    """
    try:
        return parse_time(value, rest)
    except (ValueError, OverflowError):
        forms = "2018-10-10 20:19:24, Wed Oct 10 20:19:24 +0000 2018, or seconds since 1970"
        hint = "Name another column (--data.time_column, --time_column), or an empty one to read without times"
        raise DataError(
            f"{intro}{column} {str(value)[:60]!r} is no time; expected {forms}. {hint}", path, line
        ) from None
