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

_TWEETS_JS = re.compile(r"tweets?(?:-part(?P<part>\d+))?\.js", re.IGNORECASE)


class SourceFile(NamedTuple):
    """A file of tweets.

    Attributes:
        path: what a message calls it; its suffix says what kind of file it is.
        content: its bytes, where they are no file of their own; None: they are to be read from the path.
    """

    path: str
    content: bytes | None


def source_files(path: Path) -> Iterator[SourceFile]:
    """Yield the file at a path, or each file of tweets in a folder or a .zip file, in the order of their parts.

    Raises:
        DataError: the folder or the .zip file cannot be read, or holds no file of tweets.
    """
    try:
        if path.is_dir():
            yield from _files_of_folder(path)
        elif path.suffix.lower() == ".zip":
            yield from _files_of_zip(path)
        else:
            yield SourceFile(str(path), None)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path) from error


def _files_of_folder(folder: Path) -> Iterator[SourceFile]:
    data = folder / "data" if (folder / "data").is_dir() else folder
    names = _tweets_js(file.name for file in data.iterdir() if file.is_file())
    if not names:
        hint = "name one file, or the folder of an X archive, in which data/tweets.js stands"
        raise DataError(f"a folder without tweets.js; {hint}", folder)
    for name in names:
        yield SourceFile(str(data / name), None)


def _files_of_zip(path: Path) -> Iterator[SourceFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {PurePosixPath(name): name for name in archive.namelist() if not name.endswith("/")}
            members = [member for member in inside if "__MACOSX" not in member.parts]
            tweets = {member.name: member for member in members if member.parent.name in ("data", "")}
            names = _tweets_js(tweets)
            if not names and len(members) == 1:
                names, tweets = [members[0].name], {members[0].name: members[0]}
            if not names:
                hint = "expected an archive of X, in which data/tweets.js stands, or one file"
                raise DataError(f"holds {len(members)} files and no tweets.js; {hint}", path)
            for name in names:
                yield SourceFile(f"{path}/{tweets[name]}", _member(archive, inside[tweets[name]], path))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError) as error:
        raise DataError(f"damaged, encrypted, or not a .zip file: {error}", path) from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    member = archive.getinfo(name)
    most = most_bytes(member.compress_size)
    if member.file_size > most:
        raise bomb(most, f"{path}/{name}")
    return archive.read(member)


def _tweets_js(names: Iterable[str]) -> list[str]:
    """Return the names among those of an archive that are files of tweets, in the order of their parts."""
    matches = [(int(match["part"] or 0), name) for name in names if (match := _TWEETS_JS.fullmatch(name))]
    return [name for _, name in sorted(matches)]
