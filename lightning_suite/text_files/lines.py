"""The text of a file, whole or line by line."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_suite.text_files.compression import empty, open_bytes, within_memory
from lightning_suite.text_files.encodings import codec_of, fault_of


class _NulCharacter(UnicodeError):
    """Text has none, though every encoding could say it."""


def read_text(path: str | Path, *, encoding: str | None = None, content: bytes | None = None) -> str:
    r"""Return all of a text file; every line of it ends with ``\n``.

    Args:
        path: the file.
        encoding: of a file that is not Unicode, ``cp1251`` for instance.
        content: of the file, where it is at hand.

    Raises:
        DataError: the file cannot be read, is empty, or is not text in that encoding.
        UsageError: there is no such encoding, or the library for .zst files is not installed.

    Example:
        >>> read_text("greeting.txt", content="Привет,\r\nмир".encode("utf-16"))
        'Привет,\nмир'
    """
    with _opened(path, encoding, content, newline=None) as file:
        text = file.read()
        if "\0" in text:
            raise _NulCharacter
    if not text:
        raise empty(path)
    return text


def numbered_lines(
    path: str | Path, *, encoding: str | None = None, content: bytes | None = None
) -> Iterator[tuple[int, str]]:
    r"""Yield number, from 1, and text of each line, without its end.

    The file is not read at once, and may be larger than the memory. Arguments and errors are those of `read_text`.

    Example:
        >>> list(numbered_lines("words.txt", content=b"one\r\n\r\nthree"))
        [(1, 'one'), (2, ''), (3, 'three')]
    """
    for number, line in enumerate(lines_as_they_stand(path, encoding, content), start=1):
        yield number, line.rstrip("\r\n")


def is_blank(text: str) -> bool:
    r"""Return whether a line or a cell holds nothing but spaces and tabs; any other white space is text.

    Example:
        >>> is_blank(" \t\r\n"), is_blank("\u2028")
        (True, False)
    """
    return not text.strip(" \t\r\n")


def lines_as_they_stand(path: str | Path, encoding: str | None, content: bytes | None) -> Iterator[str]:
    """Yield each line with its end."""
    line = None
    with _opened(path, encoding, content, newline="") as file:
        for line in file:
            if "\0" in line:
                raise _NulCharacter
            yield line
    if line is None:
        raise empty(path)


@contextmanager
def _opened(
    path: str | Path, encoding: str | None, content: bytes | None, newline: str | None
) -> Iterator[io.TextIOWrapper]:
    """Yield the file, to be read as text; a UnicodeError in the block becomes the error that says where and why."""
    with within_memory(path), open_bytes(path, content=content) as file:
        codec = codec_of(file, path, encoding, content)
        file.read(codec.mark)
        try:
            yield io.TextIOWrapper(file, codec.name, newline=newline)
        except UnicodeError:
            raise fault_of(path, content, codec) from None
