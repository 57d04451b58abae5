"""Tweets as rows of a table whose header line names the columns."""

from lightning_suite.text_files import Table, column_of
from suite_tweets.sources.columns import Columns, find_columns
from suite_tweets.sources.identifiers import identifier_of_column
from suite_tweets.sources.times import time_of_column
from suite_tweets.tweets import Tweet


def tweets_of_table(table: Table, columns: Columns) -> list[Tweet]:
    """Return the tweets of a table, a row each; a blank line is no row.

    Args:
        table: that is being read.
        columns: as asked for.

    Raises:
        DataError: it has no column of texts, or a row is no tweet; with the line, where there is one.
    """
    path = str(table.path)
    names = find_columns(table.header, columns, "the header line names the columns", path, None)
    text_at, time_at, id_at, clock_at, zone_at = (column_of(table, [name]) if name else None for name in names)
    assert text_at is not None

    def cell(row: list[str], at: int | None) -> str | None:
        return None if at is None else row[at]

    return [
        Tweet(
            identifier_of_column(cell(row, id_at), names.id, "", path, line),
            time_of_column(cell(row, time_at), names.time, "", path, line, (cell(row, clock_at), cell(row, zone_at))),
            row[text_at],
        )
        for line, row in table.rows
        if row
    ]
