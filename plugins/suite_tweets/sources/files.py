"""The files that hold tweets: one file, or those of an archive of X, in a folder or a .zip."""

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lightning_suite.errors import DataError
from lightning_suite.text_files import bomb, most_bytes

_TWEETS_JS = re.compile(r"(?:tweets?(?:-part(?P<part>\d+))?|(?P<month>\d{4}_\d\d))\.js", re.IGNORECASE)
_NOTES_JS = re.compile(r"note-tweets?(?:-part(?P<part>\d+))?\.js", re.IGNORECASE)
_FOLDERS = (PurePosixPath("data/js/tweets"), PurePosixPath("data"), PurePosixPath())  # in an archive; the first is old


class SourceFile(NamedTuple):
    """A file of tweets.

    Attributes:
        path: what a message calls it; its suffix says what kind of file it is.
        content: its bytes, where they are no file of their own; None: they are to be read from the path.
        notes: whether it holds no tweets, but the whole texts of long ones.
    """

    path: str
    content: bytes | None
    notes: bool = False


def source_files(path: Path) -> Iterator[SourceFile]:
    """Yield the file at a path, or each file of tweets in a folder or a .zip file, in the order of their parts.

    Those with the whole texts of long posts come first; so they do for an archive's file that is named by itself.

    Raises:
        DataError: the folder or the .zip file cannot be read, or holds no file of tweets.
    """
    try:
        if path.is_dir():
            yield from _files_of_folder(path)
        elif path.suffix.lower() == ".zip":
            yield from _files_of_zip(path)
        else:
            if _TWEETS_JS.fullmatch(path.name):
                notes = _in_order(_NOTES_JS, (file.name for file in path.parent.iterdir() if file.is_file()))
                yield from (SourceFile(str(path.parent / name), None, notes=True) for name in notes)
            yield SourceFile(str(path), None)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path) from error


def _files_of_folder(folder: Path) -> Iterator[SourceFile]:
    for inside in _FOLDERS:
        names = (
            [file.name for file in (folder / inside).iterdir() if file.is_file()] if (folder / inside).is_dir() else []
        )
        if found := _files_of_archive(names):
            yield from (SourceFile(str(folder / inside / name), None, notes) for name, notes in found)
            return
    hint = "name one file, or the folder of an X archive, in which data/tweets.js stands"
    raise DataError(f"a folder without tweets.js; {hint}", folder)


def _files_of_zip(path: Path) -> Iterator[SourceFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {PurePosixPath(name): name for name in archive.namelist() if not name.endswith("/")}
            members = [member for member in inside if "__MACOSX" not in member.parts]
            folders = ("data", "", "tweets")  # of the new archives, of a folder that was packed, of the old archives
            tweets = {member.name: member for member in members if member.parent.name in folders}
            found = _files_of_archive(tweets)
            if not found and len(members) == 1:
                found, tweets = [(members[0].name, False)], {members[0].name: members[0]}
            if not found:
                hint = "expected an archive of X, in which data/tweets.js stands, or one file"
                raise DataError(f"holds {len(members)} files and no tweets.js; {hint}", path)
            for name, notes in found:
                yield SourceFile(f"{path}/{tweets[name]}", _member(archive, inside[tweets[name]], path), notes)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as error:
        raise DataError(f"damaged, encrypted, or not a .zip file: {error}", path) from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    member = archive.getinfo(name)
    most = most_bytes(member.compress_size)
    if member.file_size > most:
        raise bomb(most, f"{path}/{name}")
    return archive.read(member)


def _files_of_archive(names: Iterable[str]) -> list[tuple[str, bool]]:
    """Return the names that are files of long posts, True, and then of tweets, False; none where no tweets are."""
    names = list(names)
    tweets = _in_order(_TWEETS_JS, names)
    return [(name, True) for name in _in_order(_NOTES_JS, names) if tweets] + [(name, False) for name in tweets]


def _in_order(kind: re.Pattern[str], names: Iterable[str]) -> list[str]:
    """Return the names of a kind in the order of their parts; of months, the newest first, as tweets are in them."""
    matches = [(match.groupdict(), name) for name in names if (match := kind.fullmatch(name))]
    by_month = sorted(((groups.get("month") or "", name) for groups, name in matches), reverse=True)
    if any(month for month, _ in by_month):
        return [name for month, name in by_month if month]
    return [name for _, name in sorted((int(groups["part"] or 0), name) for groups, name in matches)]
