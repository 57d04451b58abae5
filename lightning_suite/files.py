"""A file appears whole or not at all: it is written under a temporary name beside its path and renamed at the end.

The temporary name is unique, so that processes do not collide. The content is on the disk before the rename, and the
unfinished file is removed after an exception, Ctrl-C too. A process that is killed leaves it behind; its name begins
with a dot and contains ``.partial``.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lightning_suite.errors import OutputError


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a name beside ``path``, with its suffix, for functions that write to a path; rename it at the end.

    An empty file of that name is there already. When the block ends without an exception, it replaces ``path``.

    Raises:
        OutputError: the file cannot be written; other exceptions of the block pass through.

    Example:
        >>> import numpy, tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_path(folder / "vectors.npz") as unfinished:
        ...     numpy.savez(unfinished, vectors=numpy.eye(2))
        >>> [path.name for path in folder.iterdir()]
        ['vectors.npz']
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.stem[:40]}-{os.urandom(6).hex()}.partial{path.suffix}")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # less the umask
        yield unfinished
        with unfinished.open("r+b") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        if isinstance(error, OSError) and _is_about(error, path, unfinished):
            missing = not path.parent.is_dir()
            reason = f"there is no folder {path.parent}" if missing else _reason(error)
            raise OutputError(f"{path} cannot be written: {reason}") from error
        raise
    _keep_rename(path.parent)


@contextlib.contextmanager
def atomic_write(
    path: str | Path,
    mode: str = "w",
    *,
    encoding: str = "utf-8",
    errors: str | None = None,
    newline: str | None = None,
) -> Iterator[IO[Any]]:
    r"""Yield a file, open for writing ("w" or "wb"), that becomes ``path`` when the block ends.

    Raises:
        OutputError: the file cannot be written; other exceptions of the block pass through.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "words.txt")
        >>> with atomic_write(path) as file:
        ...     _ = file.write("all of it\n")
        ...     path.exists()
        False
        >>> path.read_text()
        'all of it\n'
    """
    text = {} if "b" in mode else {"encoding": encoding, "errors": errors, "newline": newline}
    with atomic_path(path) as unfinished, unfinished.open(mode, **text) as file:  # type: ignore[call-overload]
        yield file


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, in UTF-8, with the line ends of the text.

    Raises:
        OutputError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "answer.txt")
        >>> write_text(path, "42")
        >>> path.read_text()
        '42'
    """
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> None:
    r"""Write a file of bytes.

    Raises:
        OutputError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "two.bin")
        >>> write_bytes(path, bytes(2))
        >>> path.read_bytes()
        b'\x00\x00'
    """
    with atomic_write(path, "wb") as file:
        file.write(content)


@contextlib.contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Name the file in an error of the system's within the block, which writes to it by other means than these.

    Raises:
        OutputError: the file cannot be written; other exceptions of the block pass through.

    Example:
        >>> with naming("pages.jsonl"):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        lightning_suite.errors.OutputError: pages.jsonl cannot be written: No space left on device
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {_reason(error)}") from error


def free_path(path: str | Path) -> Path:
    """Return a path, or where something is there, the first of name-2, name-3 and so on that is free.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "predictions.csv")
        >>> path.touch()
        >>> free_path(path).name
        'predictions-2.csv'
    """
    path = free = Path(path)
    count = 1
    while free.exists():
        count += 1
        free = path.with_stem(f"{path.stem}-{count}")
    return free


def remove_unfinished(folder: str | Path) -> None:
    """Remove the unfinished files of killed processes from a folder; no other process may be writing there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / ".words-1f.partial.txt").touch()
        >>> remove_unfinished(folder)
        >>> list(folder.iterdir())
        []
    """
    for path in Path(folder).glob(".*-*.partial*"):
        with contextlib.suppress(OSError):
            path.unlink()


def _is_about(error: OSError, *own: Path) -> bool:
    """Return whether an error comes from writing our file, not from other work of the block."""
    if error.filename is not None:
        return str(error.filename) in map(str, own)
    return type(error) is OSError  # a full disk; a connection that breaks has a class of its own


def _reason(error: OSError) -> str:
    """Return the system's words for the cause; pyarrow's errors have the number, and words of their own."""
    return os.strerror(error.errno) if error.errno else f"{error}"


def _keep_rename(folder: Path) -> None:
    """Write the folder's new entry to the disk, where the system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
