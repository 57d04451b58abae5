"""Reads the tweets of a file, whatever kind of file it is.

=====================  ===============================================================================================
``*.csv *.tsv``        a header line; commas, semicolons, tabs or bars; the usual names of columns are known
X archive              the .zip one downloads from X, its folder, or ``tweets.js``, ``tweet.js``, ``tweets-part1.js``;
                       long posts in ``note-tweet.js`` beside it; until 2018 ``data/js/tweets/2016_11.js``
``*.jsonl *.ndjson``   one object a line: of the X API v1.1 or v2, a page of it (``{"data": [...]}``), or plain
``*.json``             a list of such objects, one object, or lines of them
``*.txt``              one text a line
=====================  ===============================================================================================

Compressions and encodings: ``lightning_suite.text_files``. A file of another name is recognised by how it begins. Every
tweet of a file is read, in its order and as it stands: empty texts too, and HTML entities (``&amp;``) as X wrote them.
Only blank lines between rows are no rows. Half a pair of surrogates in JSON, what is left of an emoji cut in two,
becomes U+FFFD. Where a long post or a retweet is cut and the whole text stands elsewhere, that is read
(``whole_texts``).
"""

from pathlib import Path

from lightning_suite.errors import DataError
from lightning_suite.text_files import (
    encoding_name,
    find_name,
    numbered_lines,
    read_jsonl,
    read_table,
    read_text,
    suffix_of,
    within_memory,
)
from suite_tweets.sources.columns import Columns
from suite_tweets.sources.files import SourceFile, source_files
from suite_tweets.sources.identifiers import refuse_rounded
from suite_tweets.sources.objects import (
    is_archive,
    is_json_lines,
    read_archive,
    read_json,
    read_notes,
    tweets_of_lines,
)
from suite_tweets.sources.tables import tweets_of_table
from suite_tweets.sources.whole_texts import Note, Notes
from suite_tweets.tweets import Tweet


def read(
    path: Path,
    *,
    text_column: str | None = None,
    time_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
) -> list[Tweet]:
    """Return every tweet of a file, in its order.

    Args:
        path: a file of the kinds named above, or the folder of an X archive.
        text_column: column or key that holds the text; None stands for the usual names, ``columns.TEXT_COLUMNS``.
        time_column: column or key of the time; None for the usual names, an empty name for none.
        id_column: column or key of the identifier; None for the usual names, an empty name for none.
        encoding: of a file that is not Unicode, ``cp1251`` for instance.

    Raises:
        DataError: the file cannot be read as what it should be, holds no text, or its identifiers are rounded; with
            the line, where there is one.
        UsageError: there is no such encoding.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "tweets.csv"
        ...     _ = path.write_text("id;text\\n7;Lift-off!\\n")
        ...     read(path)
        [Tweet(id='7', created_at=None, text='Lift-off!')]
    """
    if encoding is not None:
        encoding_name(encoding)  # refused before anything is read
    columns = Columns(text_column, time_column, id_column)
    with within_memory(path):
        notes: list[Note] = []
        tweets: list[Tweet] = []
        for file in source_files(path):
            if file.notes:
                notes += read_notes(read_text(file.path, encoding=encoding, content=file.content), file.path)
            else:
                tweets += _read_file(file, columns, encoding, Notes(notes))
    if not tweets:
        raise DataError("holds no tweet", path)
    refuse_rounded([tweet.id for tweet in tweets], path)
    return tweets


def _read_file(file: SourceFile, columns: Columns, encoding: str | None, notes: Notes) -> list[Tweet]:
    path, content = file.path, file.content
    suffix = suffix_of(path)
    if suffix in (".csv", ".tsv", ".tab"):
        return tweets_of_table(read_table(path, encoding=encoding, content=content), columns)
    if suffix in (".jsonl", ".ndjson"):
        return tweets_of_lines(read_jsonl(path, encoding=encoding, content=content), columns, path)
    if suffix == ".txt":
        lines = [Tweet("", None, line) for _, line in numbered_lines(path, encoding=encoding, content=content)]
        return lines if any(line.text.strip() for line in lines) else []
    text = read_text(path, encoding=encoding, content=content)
    if is_archive(text):
        return read_archive(text, columns, path, notes)
    if suffix == ".json" or (suffix != ".js" and text.lstrip()[:1] in ("[", "{")):
        if is_json_lines(text):
            return tweets_of_lines(read_jsonl(path, encoding=encoding, content=content), columns, path)
        return read_json(text, columns, path)
    if suffix != ".js":
        table = read_table(path, encoding=encoding, content=content)
        if len(table.header) == 1:  # commas are likely to be text
            table = read_table(path, encoding=encoding, content=content, delimiter="\t")
        if find_name(table.header, columns.texts) is not None:
            return tweets_of_table(table, columns)
    kinds = ".csv, .tsv, .json, .jsonl, .txt (one text a line), or an archive of X (.zip, tweets.js)"
    raise DataError(f"cannot tell what kind of file this is; expected {kinds}: name it accordingly", path)
