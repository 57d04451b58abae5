"""Identifiers of tweets, which are whole numbers that no floating-point number can hold."""

import re
from collections.abc import Sequence
from pathlib import Path

from lightning_suite.errors import DataError

_EXACT = 2**53  # from here on a float no longer holds every whole number
_FLOAT = re.compile(r"\d+(?:\.\d*(?P<exponent>e\+?\d+)?|(?P<spreadsheet>e\+\d+))", re.IGNORECASE)

_LONG, _ROUNDED, _FEW = 10**17, 1000, 3
"""A spreadsheet keeps 15 digits and writes zeros for the rest; three such identifiers, and no other, are no chance."""

_HINT = "Export it as text, or give an empty name to read without it (--data.id_column, --id_column)"


def identifier_of_column(value: object, column: str | None, intro: str, path: str, line: int | None) -> str:
    """Return an identifier as text, empty where there is none.

    Raises:
        DataError: it was rounded on its way through a floating-point number, so that several tweets share it.

    Example:
        >>> identifier_of_column(1539202764123456789, "id", "", "tweets.csv", 2)
        '1539202764123456789'
    """
    text = "" if value is None else str(value).strip()
    match = _FLOAT.fullmatch(text)
    if match and (match["exponent"] or match["spreadsheet"] or float(text) >= _EXACT):
        raise DataError(
            f"{intro}{column} {text!r} is a rounded number, which several tweets may share. {_HINT}",
            path,
            line,
        )
    return text


def refuse_rounded(identifiers: Sequence[str], path: Path) -> None:
    """Refuse the identifiers of a file when all long ones end in zeros, so that several tweets may share one.

    Raises:
        DataError: they do.

    Example:
        >>> refuse_rounded(["1539202764123450000", "1539202764123456789", "1539202764123460000"], Path("tweets.csv"))
    """
    long = [int(text) for text in identifiers if text.isdecimal() and int(text) >= _LONG]
    if len(long) >= _FEW and not any(number % _ROUNDED for number in long):
        raise DataError(
            f"all identifiers end in zeros, {long[0]} for instance: a spreadsheet has rounded them to 15 digits, and "
            f"several tweets may share one. {_HINT}",
            path,
        )
