"""Tweets, or any short texts, from the files in which people have them.

=====================  ===============================================================================================
``*.csv *.tsv``        a header line; commas, semicolons or tabs; the usual names of columns are known
X archive              the .zip one downloads from X, its folder, or ``tweets.js``, ``tweet.js``, ``tweets-part1.js``
``*.jsonl *.ndjson``   one object a line: of the X API v1.1 or v2, a page of it (``{"data": [...]}``), or plain
``*.json``             a list of such objects, one object, or lines of them
``*.txt``              one text a line
=====================  ===============================================================================================

Each also as ``.xz``, ``.gz`` or ``.bz2``. A file of another name is told by how it begins. Every tweet of a file is
given, in its order and as it stands: empty texts too, and HTML entities (``&amp;``) as X wrote them. Only blank lines
between rows are no rows. Half a pair of surrogates in JSON, what is left of an emoji cut in two, becomes U+FFFD.

Text is UTF-8, with or without a byte-order mark, or UTF-16 or UTF-32 with one. Anything else is an error, never a
guess, until ``encoding`` names it.
"""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import did_you_mean
from suite_tweets.tweets import Tweet

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

ID_COLUMNS = ("id_str", "id", "tweet_id", "tweetid", "status_id")
"""Names of the column of identifiers."""

_Quoting = Literal[0, 3]  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE

_DECOMPRESS = {".xz": lzma.decompress, ".gz": gzip.decompress, ".bz2": bz2.decompress}
_DAMAGED = (lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)
_MARKS = (  # UTF-32's mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMPRESSED = ((b"PK\x03\x04", ".zip"), (b"\x1f\x8b", ".gz"), (b"\xfd7zXZ\0", ".xz"))
_ENOUGH = 3  # signs beyond ASCII that are UTF-8 by chance in a line of another encoding: not so many

_ARCHIVE = re.compile(r"\s*window\.YTD\.\w+\.part\d+\s*=\s*")
_ARCHIVE_FILE = re.compile(r"tweets?(?:-part(?P<part>\d+))?\.js", re.IGNORECASE)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWITTER_TIME = re.compile(r"\w{3} (\w{3}) (\d{1,2}) (\d\d):(\d\d):(\d\d) ([+-]\d{4}) (\d{4})")
_EPOCH = re.compile(r"-?\d{9,13}(?:\.\d*)?")
_FIRST_MILLISECOND = 10**11  # seconds up to the year 5138, milliseconds from 1973
_NO_TIME = ("", "none", "null", "nan", "nat", "<na>")
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


class _Columns(NamedTuple):
    text: str | None
    time: str | None
    id: str | None


class _Source(NamedTuple):
    """A file's content, and how it is called in a message."""

    place: str
    name: str
    content: bytes


def read(
    path: Path,
    *,
    text_column: str | None = None,
    time_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
) -> list[Tweet]:
    """Every tweet of a file, in its order.

    Args:
        path: a file of the kinds named above, or the folder of an X archive.
        text_column: column or key that holds the text; None stands for the usual names, ``TEXT_COLUMNS``.
        time_column: column or key of the time; None for the usual names, an empty name for none.
        id_column: column or key of the identifier; None for the usual names, an empty name for none.
        encoding: of a file that is not Unicode, ``cp1251`` for instance.

    Raises:
        DataError: the file cannot be read as what it should be, or holds no text; with the line, where there is one.
        UsageError: there is no such encoding.
    """
    if encoding is not None:
        encoding = _encoding_name(encoding)
    columns = _Columns(text_column, time_column, id_column)
    tweets = [tweet for source in _sources(path) for tweet in _read_source(source, columns, encoding)]
    if not tweets:
        raise DataError("holds no tweet", path)
    return tweets


def parse_time(value: object) -> datetime | None:
    """A time as the sources write it: ISO 8601, ``Wed Oct 10 20:19:24 +0000 2018``, seconds or milliseconds since 1970.

    Returns:
        The time with its zone, UTC where none is named; None for an empty value.

    Raises:
        ValueError: it is no such time.
    """
    text = "" if value is None else str(value).strip()
    if text.casefold() in _NO_TIME:
        return None
    if _EPOCH.fullmatch(text):
        since = float(text)
        return _EPOCH_START + timedelta(seconds=since if abs(since) < _FIRST_MILLISECOND else since / 1000)
    if found := _TWITTER_TIME.fullmatch(text):
        month, day, hour, minute, second, zone, year = found.groups()
        text = f"{year}-{_MONTHS.index(month) + 1:02d}-{int(day):02d} {hour}:{minute}:{second}{zone}"
    text = re.sub(r"\s+(?=[+-]\d\d)", "", re.sub(r"\s*(?:UTC|GMT|Z)$", "+00:00", text))
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


# Files and archives


def _sources(path: Path) -> Iterator[_Source]:
    if path.is_dir():
        yield from _folder_sources(path)
        return
    try:
        if path.suffix.lower() == ".zip":
            yield from _zip_sources(path)
            return
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path) from error
    suffix = path.suffix.lower()
    if suffix in _DECOMPRESS:
        try:
            content = _DECOMPRESS[suffix](content)
        except _DAMAGED as error:
            raise DataError(f"damaged, or not a {suffix} file: {error}. Fetch or compress it again", path) from error
    yield _Source(str(path), path.stem if suffix in _DECOMPRESS else path.name, content)


def _folder_sources(folder: Path) -> Iterator[_Source]:
    data = folder / "data" if (folder / "data").is_dir() else folder
    try:
        names = _archive_files(file.name for file in data.iterdir() if file.is_file())
        if not names:
            hint = "name one file, or the folder of an X archive, in which data/tweets.js stands"
            raise DataError(f"a folder without tweets.js; {hint}", folder)
        for name in names:
            yield _Source(str(data / name), name, (data / name).read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", folder) from error


def _zip_sources(path: Path) -> Iterator[_Source]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {PurePosixPath(name): name for name in archive.namelist() if not name.endswith("/")}
            members = [member for member in inside if "__MACOSX" not in member.parts]
            tweets = {member.name: member for member in members if member.parent.name in ("data", "")}
            names = _archive_files(tweets)
            if not names and len(members) == 1:
                names, tweets = [members[0].name], {members[0].name: members[0]}
            if not names:
                hint = "expected an archive of X, in which data/tweets.js stands, or one file"
                raise DataError(f"holds {len(members)} files and no tweets.js; {hint}", path)
            for name in names:
                yield _Source(f"{path}/{tweets[name]}", name, archive.read(inside[tweets[name]]))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataError(f"damaged, encrypted, or not a .zip file: {error}", path) from error


def _archive_files(names: Iterable[str]) -> list[str]:
    """The files of tweets among those of an archive, in their order."""
    found = [(int(match["part"] or 0), name) for name in names if (match := _ARCHIVE_FILE.fullmatch(name))]
    return [name for _, name in sorted(found)]


# Text


def _encoding_name(encoding: str) -> str:
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        hint = "Known are utf-8, utf-16, cp1251, cp1252, koi8-r and the others of Python"
        raise UsageError(f"there is no encoding of text {encoding!r}. {hint}") from None
    return codecs.lookup(encoding).name


def _decode(source: _Source, encoding: str | None) -> str:
    content = source.content
    if not content:
        raise DataError("the file is empty", source.place)
    for beginning, suffix in _COMPRESSED:
        if content.startswith(beginning):
            hint = f"give it a name that ends in {suffix}, or save a spreadsheet as CSV"
            raise DataError(f"is not text but, by its first bytes, a {suffix} file: {hint}", source.place)
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    unicode = encoding is None or encoding.startswith("utf")
    if not unicode and marked is not None:
        hint = f"leave the encoding {encoding!r} away"
        raise DataError(
            f"begins with the byte-order mark of {marked.removesuffix('-sig').upper()}; {hint}", source.place
        )
    chosen = marked or encoding or "utf-8"
    if not unicode:
        _check_not_utf8(source, chosen)
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as error:
        raise _undecodable(source, chosen, error) from None
    if "\0" in text:
        hint = "is this a binary file, or UTF-16 without a byte-order mark? Save it as UTF-8 (or name the encoding)"
        raise DataError(f"holds NUL signs: {hint}", source.place, _line_of(text, text.index("\0")))
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError("holds no tweet, only blank lines", source.place)
    return text


def _undecodable(source: _Source, encoding: str, error: UnicodeDecodeError) -> DataError:
    content = source.content
    start = error.start + len(content) - len(error.object)  # a byte-order mark is not among what was decoded
    wrong = f"byte 0x{content[start]:02x} is not {encoding.removesuffix('-sig').upper()}"
    line = content.count(b"\n", 0, start) + 1
    wide = encoding.startswith(("utf-16", "utf-32"))
    if not encoding.startswith("utf-8"):
        return DataError(f"{wrong}: {error.reason}. Is the encoding right?", source.place, None if wide else line)
    good = next((number for number, raw in enumerate(content.split(b"\n"), start=1) if _is_utf8(raw)), None)
    if good is not None:
        return DataError(
            f"mixed encodings: {wrong} here, but line {good} is UTF-8. "
            "Save the whole file as UTF-8, or keep lines of different encodings in files of their own",
            source.place,
            line,
        )
    raw = content.split(b"\n")[line - 1]
    shown = " or ".join(f"{name}: {_shown(raw, name)!r}" for name in ("cp1251", "cp1252"))
    hint = "Save the file as UTF-8, or name its encoding (--data.encoding or --encoding)"
    return DataError(f"{wrong}. {hint}; this line would read as {shown}", source.place, line)


def _shown(raw: bytes, encoding: str) -> str:
    at = next((place for place, byte in enumerate(raw) if byte > 127), 0)
    return raw[max(0, at - 10) : at + 30].decode(encoding, errors="replace").strip()


def _check_not_utf8(source: _Source, encoding: str) -> None:
    """UTF-8 read as cp1251 is no error to Python, but garbage: ``РџСѓСЃРє``."""
    for number, raw in enumerate(source.content.split(b"\n"), start=1):
        if _is_utf8(raw):
            hint = "Leave the encoding away if the whole file is; if it is mixed, save all of it as UTF-8"
            raise DataError(f"is UTF-8 here, not {encoding}. {hint}", source.place, number)


def _is_utf8(raw: bytes) -> bool:
    """Whether a line holds signs beyond ASCII, in UTF-8, more than by chance."""
    if raw.isascii():
        return False
    try:
        return sum(not sign.isascii() for sign in raw.decode()) >= _ENOUGH
    except UnicodeDecodeError:
        return False


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


# Formats


def _read_source(source: _Source, columns: _Columns, encoding: str | None) -> list[Tweet]:
    text = _decode(source, encoding)
    suffix = PurePosixPath(source.name).suffix.lower()
    if suffix in (".csv", ".tsv", ".tab"):
        return _read_table(text, columns, source.place, ",;\t" if suffix == ".csv" else "\t,;")
    if suffix in (".jsonl", ".ndjson"):
        return _read_json_lines(text, columns, source.place)
    if suffix == ".json":
        return _read_json(text, columns, source.place)
    if suffix == ".txt":
        return [Tweet("", None, line.removesuffix("\r")) for line in text.removesuffix("\n").split("\n")]
    if _ARCHIVE.match(text):
        return _read_archive(text, columns, source.place)
    if suffix != ".js" and text.lstrip()[:1] in ("[", "{"):
        return _read_json(text, columns, source.place)
    if suffix != ".js" and _delimiter(text, columns, "\t,;") is not None:
        return _read_table(text, columns, source.place, "\t,;")
    kinds = ".csv, .tsv, .json, .jsonl, .txt (one text a line), or an archive of X (.zip, tweets.js)"
    raise DataError(f"cannot tell what kind of file this is; expected {kinds}: name it accordingly", source.place)


def _read_archive(text: str, columns: _Columns, place: str) -> list[Tweet]:
    start = _ARCHIVE.match(text)
    assert start is not None
    items = _parse_json(text, start.end(), place)
    if not isinstance(items, list):
        raise DataError("expected a list of tweets after `window.YTD...part0 =`", place)
    return [_tweet_of_object(item, columns, place, None, number) for number, item in enumerate(items, start=1)]


def _read_json(text: str, columns: _Columns, place: str) -> list[Tweet]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        if text.lstrip()[:1] == "{" and len(text.strip().split("\n")) > 1 and _is_json_line(text):
            return _read_json_lines(text, columns, place)
        whole = _parse_json(text, 0, place)
    items = whole if isinstance(whole, list) else _page(whole, columns)
    return [_tweet_of_object(item, columns, place, None, number) for number, item in enumerate(items, start=1)]


def _is_json_line(text: str) -> bool:
    try:
        return isinstance(json.loads(text.lstrip().split("\n", 1)[0]), dict)
    except (ValueError, RecursionError):
        return False


def _read_json_lines(text: str, columns: _Columns, place: str) -> list[Tweet]:
    tweets = []
    for number, line in enumerate(text.split("\n"), start=1):  # splitlines would split at U+2028, which JSON may hold
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"not a JSON object: {error}", place, number) from None
        tweets += [_tweet_of_object(item, columns, place, number, None) for item in _page(value, columns)]
    return tweets


def _parse_json(text: str, start: int, place: str) -> Any:
    before = _line_of(text, start) - 1
    try:
        return json.loads(text[start:].rstrip().removesuffix(";") if start else text)
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg}", place, before + error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", place) from None


def _page(value: Any, columns: _Columns) -> list[Any]:
    """The tweets of a page of the API, ``{"data": [...]}`` or ``{"statuses": [...]}``, or the one tweet."""
    if not isinstance(value, dict) or _find(list(value), _wanted_texts(columns)) is not None:
        return [value]
    for key in ("data", "statuses"):
        inside = value.get(key)
        if isinstance(inside, list | dict):
            return inside if isinstance(inside, list) else [inside]
    meta = value.get("meta")
    return [] if isinstance(meta, dict) and meta.get("result_count") == 0 else [value]


def _tweet_of_object(value: Any, columns: _Columns, place: str, line: int | None, number: int | None) -> Tweet:
    which = f"item {number}: " if number is not None else ""
    if isinstance(value, dict) and isinstance(value.get("tweet"), dict):
        value = value["tweet"]
    if not isinstance(value, dict):
        raise DataError(f"{which}expected an object with a text, got {json.dumps(value)[:60]}", place, line)
    names = _names(list(value), columns, f"{which}the object has the keys", place, line)
    text = _full_text(value) if columns.text is None else None
    text = value[names.text or ""] if text is None else text
    if not isinstance(text, str):
        raise DataError(f"{which}the text {names.text!r} is not a text: {json.dumps(text)[:60]}", place, line)
    time = value[names.time] if names.time else None
    identifier = value[names.id] if names.id else None
    return Tweet(
        "" if identifier is None else str(identifier),
        _time(time, names.time, which, place, line),
        re.sub("[\ud800-\udfff]", "\ufffd", text),
    )


def _full_text(value: dict[str, Any]) -> str | None:
    """The whole text where an object of the API holds it apart from a shortened one."""
    for outer, inner in (("note_tweet", "text"), ("extended_tweet", "full_text")):
        inside = value.get(outer)
        if isinstance(inside, dict) and isinstance(inside.get(inner), str):
            return str(inside[inner])
    return None


def _time(value: object, name: str | None, which: str, place: str, line: int | None) -> datetime | None:
    try:
        return parse_time(value)
    except (ValueError, OverflowError):
        forms = "2018-10-10 20:19:24, Wed Oct 10 20:19:24 +0000 2018, or seconds since 1970"
        hint = "Name another column (--data.time_column, --time_column), or an empty one to read without times"
        raise DataError(
            f"{which}{name} {str(value)[:60]!r} is no time; expected {forms}. {hint}", place, line
        ) from None


# Tables


@contextmanager
def _fields_of_any_length() -> Iterator[None]:
    """The csv module's limit of 131,072 signs a field lifted; it holds for the whole process, so it is put back."""
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_table(text: str, columns: _Columns, place: str, delimiters: str) -> list[Tweet]:
    delimiter = _delimiter(text, columns, delimiters)
    if delimiter is None:
        delimiter = max(delimiters, key=lambda sign: len(_header(text, sign)))
    header = _header(text, delimiter)
    if not header:
        raise DataError("holds blank lines only; expected a header line with the names of the columns", place)
    names = _names(header, columns, "the header line names the columns", place, None)
    for name in names:
        if name and header.count(name) > 1:
            raise DataError(f"the header names the column {name!r} more than once", place, 1)
    text_at, time_at, id_at = (header.index(name) if name else None for name in names)
    assert text_at is not None
    tweets = []
    for line, row in _rows(text, delimiter, len(header), place):
        time = row[time_at] if time_at is not None else None
        identifier = row[id_at].strip() if id_at is not None else ""
        tweets.append(Tweet(identifier, _time(time, names.time, "", place, line), row[text_at]))
    return tweets


def _header(text: str, delimiter: str) -> list[str]:
    """The fields of the first line that is not blank, without the spaces around them."""
    with _fields_of_any_length():
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [name.strip() for name in next((row for row in rows if any(field.strip() for field in row)), [])]


def _delimiter(text: str, columns: _Columns, delimiters: str) -> str | None:
    """The sign that makes the header name a column of texts; of several, the first that makes most columns."""
    headers = {sign: _header(text, sign) for sign in delimiters}
    fitting = [sign for sign, header in headers.items() if _find(header, _wanted_texts(columns)) is not None]
    return max(fitting, key=lambda sign: len(headers[sign]), default=None)


def _rows(text: str, delimiter: str, width: int, place: str) -> list[tuple[int, list[str]]]:
    """The rows after the header, each with the number of the line on which it begins.

    With tabs between fields quotation marks are often no more than text: where they do not make rows of the right
    width, a line is a row and every sign stands for itself.
    """
    try:
        return _parsed_rows(text, delimiter, width, place, csv.QUOTE_MINIMAL)
    except DataError:
        if delimiter != "\t" or '"' not in text:
            raise
        try:
            return _parsed_rows(text, delimiter, width, place, csv.QUOTE_NONE)
        except DataError:
            pass
        raise


def _parsed_rows(text: str, delimiter: str, width: int, place: str, quoting: _Quoting) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    header_read = False
    line = 1
    with _fields_of_any_length():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
        try:
            for row in reader:
                blank = not row or (len(row) == 1 < width and not row[0].strip())
                if not header_read:
                    header_read = any(field.strip() for field in row)
                elif len(row) == width:
                    found.append((line, row))
                elif not blank:
                    hint = "A text with the delimiter or a line break in it stands in quotation marks"
                    raise DataError(f"has {len(row)} fields, but the header has {width}. {hint}", place, line)
                line = reader.line_num + 1
        except csv.Error as error:
            hint = 'A quotation mark within quotation marks is written twice (""), and each field ends with its own'
            raise DataError(f"the row that begins here is not CSV: {error}. {hint}", place, line) from None
    return found


def _wanted_texts(columns: _Columns) -> tuple[str, ...]:
    return TEXT_COLUMNS if columns.text is None else (columns.text,)


def _names(found: Sequence[str], columns: _Columns, said: str, place: str, line: int | None) -> _Columns:
    """Which of the columns or keys hold text, time and identifier."""
    shown = ", ".join(repr(name if len(name) <= 40 else name[:40] + "…") for name in found[:20]) or "none"
    text = _find(found, _wanted_texts(columns))
    if text is None and columns.text is None:
        if any(key in found for key in ("note_tweet", "extended_tweet")):
            text = next(key for key in ("note_tweet", "extended_tweet") if key in found)
        else:
            hint = "Name the one that holds the text: --data.text_column or --text_column"
            raise DataError(f"{said} {shown}, none of them known to hold the text. {hint}", place, line)
    for option, wanted in (("text", columns.text), ("time", columns.time), ("id", columns.id)):
        if wanted is not None and (wanted or option == "text") and _find(found, (wanted,)) is None:
            message = f"{said} {shown}, not the {option} column {wanted!r}. {did_you_mean(wanted, found)}"
            raise DataError(message.rstrip(), place, line)
    return _Columns(
        text,
        _find(found, TIME_COLUMNS if columns.time is None else (columns.time,)),
        _find(found, ID_COLUMNS if columns.id is None else (columns.id,)),
    )


def _find(found: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first wanted name that is there: as it is written, or but for capitals, spaces, hyphens and full stops."""
    alike = {_alike(name): name for name in reversed(found)}
    for name in wanted:
        if name and name in found:
            return name
        if name and _alike(name) in alike:
            return alike[_alike(name)]
    return None


@cache
def _alike(name: str) -> str:
    return re.sub(r"[\s.-]+", "_", name.strip().casefold())
