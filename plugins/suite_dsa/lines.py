"""Lines of text files, plain or compressed (.xz, .gz), as UTF-8, with their numbers.

A line ends with a line feed, alone or after a carriage return, and with nothing else: the other signs that Unicode
counts as line ends occur inside sentences and words.
"""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from lightning_suite.errors import DataError

COMPRESSIONS = ("", ".xz", ".gz")
"""What may stand behind a file's name."""


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content, decompressed."""
    if path.suffix == ".xz":
        return lzma.open(path)
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path))
    return path.open("rb")


def bare_name(path: Path) -> str:
    """The file's name without the suffix of a compression."""
    return path.stem if path.suffix in COMPRESSIONS[1:] else path.name


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of each line, without its end; a byte-order mark is taken off.

    Raises:
        DataError: the file cannot be read, is damaged, is not UTF-8, or holds NUL bytes.
    """
    try:
        with open_bytes(path) as file:
            for number, raw in enumerate(file, start=1):
                if b"\0" in raw:
                    hint = "text holds no NUL bytes; is this a binary file, or UTF-16? Convert it to UTF-8"
                    raise DataError(hint, path, number)
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    start = error.start + len(raw) - len(error.object)  # a byte-order mark is not among the decoded
                    where = f"byte {start + 1} of the line, 0x{raw[start]:02x}"
                    raise DataError(
                        f"not UTF-8: {where}, {error.reason}. Convert the file to UTF-8", path, number
                    ) from None
                yield number, line.removesuffix("\n").removesuffix("\r")
    except (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"damaged or not a {path.suffix} file: {error}", path) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path) from error
