"""Which columns of a table, or keys of an object, hold the text, the time and the identifier of a tweet."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files import find_name

TEXT_COLUMNS = (
    "full_text",
    "text",
    "tweet",
    "tweet_text",
    "content",
    "tweet_content",
    "rawcontent",
    "message",
    "post",
    "sentence",
    "lemmas",
    "текст",
    "твит",
    "сообщение",
)
"""Names of the column of texts, the first that is there; capitals, spaces and hyphens in them do not matter."""

TIME_COLUMNS = ("created_at", "date", "datetime", "timestamp", "time", "created", "tweet_created_at", "дата", "время")
"""Names of the column of times."""

CLOCK_COLUMNS, ZONE_COLUMNS = ("time",), ("timezone", "time_zone")
"""Names of columns beside that of times: the time of day where that is a date, and the zone, as twint writes them."""

ID_COLUMNS = ("id_str", "id", "tweet_id", "tweetid", "status_id")
"""Names of the column of identifiers."""

_HOLDING_TEXT = ("note_tweet", "extended_tweet")  # keys of an object whose value holds the whole text


class Columns(NamedTuple):
    """Names of columns or keys: as asked for, None standing for the usual names; or as a file has them."""

    text: str | None
    time: str | None
    id: str | None
    clock: str | None = None
    zone: str | None = None

    def rest_of(self, value: Mapping[str, Any]) -> tuple[object, object]:
        """Return the time of day and the zone that an object, or a row by its columns, has apart from its time."""
        return value.get(self.clock or ""), value.get(self.zone or "")

    @property
    def texts(self) -> tuple[str, ...]:
        """The names that the column of texts may have."""
        return TEXT_COLUMNS if self.text is None else (self.text,)


def find_columns(names: Sequence[str], columns: Columns, intro: str, path: str, line: int | None) -> Columns:
    """Return which of the names of a file hold text, time and identifier.

    Args:
        names: of all columns or keys.
        columns: as asked for.
        intro: of a message: what the names are.
        path: of the file, for a message.
        line: of the names, for a message.

    Raises:
        DataError: none holds the text, or a column that was asked for is not there.
    """
    shown = ", ".join(repr(name if len(name) <= 40 else name[:40] + "…") for name in names[:20]) or "none"
    text = find_name(names, columns.texts)
    if text is None and columns.text is None:
        text = next((key for key in _HOLDING_TEXT if key in names), None)
        if text is None:
            hint = "Name the one that holds the text: --data.text_column or --text_column"
            raise DataError(f"{intro} {shown}, none of them known to hold the text. {hint}", path, line)
    for option, wanted in (("text", columns.text), ("time", columns.time), ("id", columns.id)):
        if wanted is not None and (wanted or option == "text") and find_name(names, (wanted,)) is None:
            message = f"{intro} {shown}, not the {option} column {wanted!r}. {did_you_mean(wanted, names)}"
            raise DataError(message.rstrip(), path, line)
    time = find_name(names, TIME_COLUMNS if columns.time is None else (columns.time,))
    return Columns(
        text,
        time,
        find_name(names, ID_COLUMNS if columns.id is None else (columns.id,)),
        find_name([name for name in names if name != time], CLOCK_COLUMNS),
        find_name(names, ZONE_COLUMNS),
    )
