"""In which encoding a file is, and what is wrong with one that is not in it."""

import codecs
import io
import re
from encodings.aliases import aliases
from pathlib import Path
from typing import NamedTuple

from lightning_suite.errors import DataError, UsageError
from lightning_suite.spelling import did_you_mean
from lightning_suite.text_files.compression import compression_of, open_bytes

_MARKS = (  # UTF-32's mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OF_NO_FILES = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")
_BEYOND_CHANCE = 3  # so many characters beyond ASCII in a line are not valid UTF-8 by chance


class Codec(NamedTuple):
    """How a file is decoded.

    Attributes:
        name: of Python's codec, one that knows no byte-order mark.
        mark: how many bytes the byte-order mark at the beginning has.
    """

    name: str
    mark: int


def encoding_name(encoding: str) -> str:
    """Return Python's name of an encoding of text.

    Raises:
        UsageError: there is none of that name; with the nearest names.

    Example:
        >>> encoding_name("windows-1251")
        'cp1251'
        >>> encoding_name("cp12511")
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: there is no encoding 'cp12511'; known are utf-8, utf-16, cp1251, cp1252, \
koi8-r and the others of Python. Did you mean 'cp1251'?
    """
    try:
        "a".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):  # a name with a NUL is a ValueError
        name = ""
    if not name or name.replace("_", "-") in _OF_NO_FILES:
        names = {name.replace("_", "-") for name in (*aliases, *aliases.values())}
        # Python has the names of codecs that are for no text too, such as rot13: no use to offer it again.
        near = "" if encoding.replace("_", "-") in names else did_you_mean(encoding, sorted(names))
        known = "utf-8, utf-16, cp1251, cp1252, koi8-r and the others of Python"
        raise UsageError(f"there is no encoding {encoding!r}; known are {known}. {near}".rstrip())
    return name


def codec_of(file: io.BufferedReader, path: str | Path, encoding: str | None, content: bytes | None) -> Codec:
    """Return how a file that was just opened is to be decoded; none of it is read yet.

    Raises:
        DataError: it is not text, or not in the encoding that was named.
        UsageError: there is no such encoding.
    """
    head = file.peek(1)
    archive = ".zip" if head.startswith(b"PK\x03\x04") else compression_of(head)
    if archive is not None:
        hint = "unpack it, or save a spreadsheet as CSV" if archive == ".zip" else "it was compressed twice"
        raise DataError(f"is not text but, by its first bytes, a {archive} file: {hint}", path)
    named = encoding_name(encoding) if encoding is not None else None
    unicode = named is None or named.startswith("utf")
    for mark, name in _MARKS:
        if head.startswith(mark):
            if not unicode:
                marked = name.upper().removesuffix("-LE").removesuffix("-BE")
                raise DataError(
                    f"begins with the byte-order mark of {marked}; leave the encoding {encoding!r} away", path
                )
            return Codec(name, len(mark))
    if named is not None and not unicode:
        _refuse_utf8(path, content, named)
    if named in (None, "utf-16", "utf-32"):  # the latter two say nothing of the order of bytes
        return Codec(_unmarked(head, "utf-8" if named is None else f"{named}-le"), 0)
    return Codec(str(named).removesuffix("-sig"), 0)


def fault_of(path: str | Path, content: bytes | None, codec: Codec) -> DataError:
    """Return the error for the first byte of a file that cannot be decoded, or the first NUL character."""
    decoder = codecs.getincrementaldecoder(codec.name)()
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    line = 1
    with open_bytes(path, content=content) as file:
        fed = len(file.read(codec.mark))
        while True:
            decoded = fed - len(decoder.getstate()[0])  # the beginning of a character waits for its end
            chunk = file.read(1 << 20)
            fed += len(chunk)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(codec.name)
                line += newlines.decode(before, final=True).count("\n")
                offset = fed - len(error.object) + error.start
                return _undecodable(path, content, codec, error, line, offset)
            if "\0" in text:
                before = text[: text.index("\0")]
                line += newlines.decode(before, final=True).count("\n")
                offset = decoded + len(before.encode(codec.name))
                hint = "Is this a binary file? Text is saved as UTF-8"
                return DataError(f"holds NUL characters, the first at offset {offset}. {hint}", path, line)
            line += newlines.decode(text).count("\n")
            if not chunk:
                raise AssertionError(f"{path} can be decoded as {codec.name}")


def _unmarked(head: bytes, otherwise: str) -> str:
    """Return the encoding of a file without byte-order mark, by where its bytes of zero stand."""
    zeros = head.count(b"\0")
    if not zeros or (4 * zeros < len(head) and _as_text(head.replace(b"\0", b""), "utf-8")):
        return otherwise
    for name in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        text = _as_text(head, name)
        if not text:
            continue
        # Random bytes are UTF-16 now and then, hardly UTF-32; but a byte that ends lines then stands anywhere.
        end = "\n" if b"\n" in head else "\r"
        ends = head.count(end.encode())
        narrow = sum(character < "\u0100" for character in text)
        if "32" in name or (2 * text.count(end) >= ends if ends else 4 * narrow >= 3 * len(text)):
            return name
    return otherwise


def _as_text(head: bytes, encoding: str) -> str:
    """Return what a file's first bytes say in an encoding; nothing where that is no text."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return ""
    return "" if re.search(r"[\0-\x08\x0e-\x1f]", text) else text


def _undecodable(
    path: str | Path, content: bytes | None, codec: Codec, error: UnicodeDecodeError, line: int, offset: int
) -> DataError:
    wrong = f"byte 0x{error.object[error.start]:02x} is not {codec.name.upper()}"
    if codec.name != "utf-8":
        return DataError(f"{wrong}, at offset {offset}: {error.reason}. Is the encoding right?", path, line)
    utf8 = _line_in_utf8(path, content)
    if utf8 is not None:
        return DataError(
            f"mixed encodings: {wrong} here, at offset {offset}, but line {utf8} is UTF-8. "
            "Save the whole file as UTF-8, or keep lines of different encodings in files of their own",
            path,
            line,
        )
    nearby = error.object[max(0, error.start - 10) : error.start + 30]
    at = min(10, error.start)
    begin = max(nearby.rfind(b"\n", 0, at), nearby.rfind(b"\r", 0, at)) + 1
    raw = re.split(rb"[\r\n]", nearby[begin:])[0]
    shown = " or ".join(f"{name}: {raw.decode(name, errors='replace').strip()!r}" for name in ("cp1251", "cp1252"))
    hint = "Save the file as UTF-8, or name its encoding, where that is an option (--data.encoding)"
    return DataError(f"{wrong}, at offset {offset}. {hint}; this line would read as {shown}", path, line)


def _refuse_utf8(path: str | Path, content: bytes | None, encoding: str) -> None:
    """Raise an error for UTF-8 that would be read as cp1251, which is none to Python, but garbage: ``РџСѓСЃРє``."""
    line = _line_in_utf8(path, content)
    if line is not None:
        hint = "Leave the encoding away if the whole file is; if it is mixed, save all of it as UTF-8"
        raise DataError(f"is UTF-8 here, not {encoding}. {hint}", path, line)


def _line_in_utf8(path: str | Path, content: bytes | None) -> int | None:
    """Return the number of the first line that is UTF-8, and more than by chance."""
    with open_bytes(path, content=content) as file:
        for number, line in enumerate(io.TextIOWrapper(file, "latin-1", newline=""), start=1):
            if line.isascii():
                continue
            try:
                text = line.encode("latin-1").decode()
            except UnicodeDecodeError:
                continue
            if sum(not character.isascii() for character in text) >= _BEYOND_CHANCE:
                return number
    return None
