"""Reads the tweets of a file, whatever kind of file it is.

=====================  ===============================================================================================
``*.csv *.tsv``        a header line; commas, semicolons or tabs; the usual names of columns are known
X archive              the .zip one downloads from X, its folder, or ``tweets.js``, ``tweet.js``, ``tweets-part1.js``
``*.jsonl *.ndjson``   one object a line: of the X API v1.1 or v2, a page of it (``{"data": [...]}``), or plain
``*.json``             a list of such objects, one object, or lines of them
``*.txt``              one text a line
=====================  ===============================================================================================

Each also as ``.xz``, ``.gz`` or ``.bz2``. A file of another name is told by how it begins. Every tweet of a file is
read, in its order and as it stands: empty texts too, and HTML entities (``&amp;``) as X wrote them. Only blank lines
between rows are no rows. Half a pair of surrogates in JSON, what is left of an emoji cut in two, becomes U+FFFD.

Text is UTF-8, with or without a byte-order mark, or UTF-16 or UTF-32 with one. Anything else is an error, never a
guess, until ``encoding`` names it.
"""

from pathlib import Path, PurePosixPath

from lightning_suite.errors import DataError
from suite_tweets.sources.columns import Columns
from suite_tweets.sources.decoding import decode, encoding_name
from suite_tweets.sources.files import SourceFile, source_files
from suite_tweets.sources.objects import is_archive, read_archive, read_json, read_json_lines
from suite_tweets.sources.tables import find_delimiter, read_table
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
        DataError: the file cannot be read as what it should be, or holds no text; with the line, where there is one.
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
        encoding = encoding_name(encoding)
    columns = Columns(text_column, time_column, id_column)
    tweets = [tweet for file in source_files(path) for tweet in _read_file(file, columns, encoding)]
    if not tweets:
        raise DataError("holds no tweet", path)
    return tweets


def _read_file(file: SourceFile, columns: Columns, encoding: str | None) -> list[Tweet]:
    text = decode(file, encoding)
    suffix = PurePosixPath(file.name).suffix.lower()
    if suffix in (".csv", ".tsv", ".tab"):
        return read_table(text, columns, file.path, ",;\t" if suffix == ".csv" else "\t,;")
    if suffix in (".jsonl", ".ndjson"):
        return read_json_lines(text, columns, file.path)
    if suffix == ".json":
        return read_json(text, columns, file.path)
    if suffix == ".txt":
        return [Tweet("", None, line.removesuffix("\r")) for line in text.removesuffix("\n").split("\n")]
    if is_archive(text):
        return read_archive(text, columns, file.path)
    if suffix != ".js" and text.lstrip()[:1] in ("[", "{"):
        return read_json(text, columns, file.path)
    if suffix != ".js" and find_delimiter(text, columns, "\t,;") is not None:
        return read_table(text, columns, file.path, "\t,;")
    kinds = ".csv, .tsv, .json, .jsonl, .txt (one text a line), or an archive of X (.zip, tweets.js)"
    raise DataError(f"cannot tell what kind of file this is; expected {kinds}: name it accordingly", file.path)
