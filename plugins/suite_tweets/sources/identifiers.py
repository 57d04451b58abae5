"""Identifiers of tweets, which are whole numbers that no floating-point number can hold."""

import re

from lightning_suite.errors import DataError

_EXACT = 2**53  # from here on a float no longer holds every whole number
_FLOAT = re.compile(r"\d+(?:\.\d*(?P<exponent>e\+?\d+)?|(?P<spreadsheet>e\+\d+))", re.IGNORECASE)


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
        hint = "Export it as text, or give an empty name to read without it (--data.id_column, --id_column)"
        raise DataError(
            f"{intro}{column} {text!r} is a rounded number, which several tweets may share. {hint}",
            path,
            line,
        )
    return text
