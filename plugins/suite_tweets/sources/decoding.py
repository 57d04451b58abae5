"""Text out of bytes: Unicode, or an encoding that is named; anything else is an error, never a guess."""

import codecs

from lightning_suite.errors import DataError, UsageError
from suite_tweets.sources.files import SourceFile

_MARKS = (  # UTF-32's mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMPRESSED = ((b"PK\x03\x04", ".zip"), (b"\x1f\x8b", ".gz"), (b"\xfd7zXZ\0", ".xz"))
_ENOUGH = 3  # characters beyond ASCII that are UTF-8 by chance in a line of another encoding: not so many


def encoding_name(encoding: str) -> str:
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        hint = "Known are utf-8, utf-16, cp1251, cp1252, koi8-r and the others of Python"
        raise UsageError(f"there is no encoding of text {encoding!r}. {hint}") from None
    return codecs.lookup(encoding).name


def decode(source: SourceFile, encoding: str | None) -> str:
    content = source.content
    if not content:
        raise DataError("the file is empty", source.path)
    for beginning, suffix in _COMPRESSED:
        if content.startswith(beginning):
            hint = f"give it a name that ends in {suffix}, or save a spreadsheet as CSV"
            raise DataError(f"is not text but, by its first bytes, a {suffix} file: {hint}", source.path)
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    unicode = encoding is None or encoding.startswith("utf")
    if not unicode and marked is not None:
        hint = f"leave the encoding {encoding!r} away"
        raise DataError(
            f"begins with the byte-order mark of {marked.removesuffix('-sig').upper()}; {hint}", source.path
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
        raise DataError(f"holds NUL signs: {hint}", source.path, text.count("\n", 0, text.index("\0")) + 1)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError("holds no tweet, only blank lines", source.path)
    return text


def _undecodable(source: SourceFile, encoding: str, error: UnicodeDecodeError) -> DataError:
    content = source.content
    start = error.start + len(content) - len(error.object)  # a byte-order mark is not among what was decoded
    wrong = f"byte 0x{content[start]:02x} is not {encoding.removesuffix('-sig').upper()}"
    line = content.count(b"\n", 0, start) + 1
    wide = encoding.startswith(("utf-16", "utf-32"))
    if not encoding.startswith("utf-8"):
        return DataError(f"{wrong}: {error.reason}. Is the encoding right?", source.path, None if wide else line)
    good = next((number for number, raw in enumerate(content.split(b"\n"), start=1) if _is_utf8(raw)), None)
    if good is not None:
        return DataError(
            f"mixed encodings: {wrong} here, but line {good} is UTF-8. "
            "Save the whole file as UTF-8, or keep lines of different encodings in files of their own",
            source.path,
            line,
        )
    raw = content.split(b"\n")[line - 1]
    shown = " or ".join(f"{name}: {_shown(raw, name)!r}" for name in ("cp1251", "cp1252"))
    hint = "Save the file as UTF-8, or name its encoding (--data.encoding or --encoding)"
    return DataError(f"{wrong}. {hint}; this line would read as {shown}", source.path, line)


def _shown(raw: bytes, encoding: str) -> str:
    at = next((place for place, byte in enumerate(raw) if byte > 127), 0)
    return raw[max(0, at - 10) : at + 30].decode(encoding, errors="replace").strip()


def _check_not_utf8(source: SourceFile, encoding: str) -> None:
    """UTF-8 read as cp1251 is no error to Python, but garbage: ``РџСѓСЃРє``."""
    for number, raw in enumerate(source.content.split(b"\n"), start=1):
        if _is_utf8(raw):
            hint = "Leave the encoding away if the whole file is; if it is mixed, save all of it as UTF-8"
            raise DataError(f"is UTF-8 here, not {encoding}. {hint}", source.path, number)


def _is_utf8(raw: bytes) -> bool:
    """Whether a line holds signs beyond ASCII, in UTF-8, more than by chance."""
    if raw.isascii():
        return False
    try:
        return sum(not sign.isascii() for sign in raw.decode()) >= _ENOUGH
    except UnicodeDecodeError:
        return False
