"""The bytes of a file, decompressed: gzip, bzip2, xz and Zstandard, told by how the content begins."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import IO, Any, final

from lightning_suite.errors import DataError
from lightning_suite.needs import needs

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
"""What may stand behind a file's name."""

_BEGINNINGS = {
    ".gz": re.compile(rb"\x1f\x8b"),
    ".bz2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    ".xz": re.compile(rb"\xfd7zXZ\0"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
_DAMAGED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
_BUFFER = 1 << 16

_MOST_EXPANSION = 200
_ALWAYS_ALLOWED = 1 << 28


def suffix_of(path: str | Path) -> str:
    """Return the suffix that says what a file holds, in lower case and without that of a compression.

    Example:
        >>> suffix_of("tweets.CSV.gz"), suffix_of("points.npy")
        ('.csv', '.npy')
    """
    return PurePath(bare_name(path)).suffix.lower()


def bare_name(path: str | Path) -> str:
    """Return the file's name without the suffix of a compression.

    Example:
        >>> bare_name("data/trees.train.txt.xz")
        'trees.train.txt'
    """
    name = PurePath(path)
    return name.stem if name.suffix.lower() in COMPRESSIONS else name.name


def compression_of(head: bytes) -> str | None:
    """Return the suffix of the compression that begins so; None for anything else."""
    return next((suffix for suffix, beginning in _BEGINNINGS.items() if beginning.match(head)), None)


def most_bytes(size: int) -> int:
    """Return to how many bytes a compressed file of a size may expand.

    What expands more is a bomb: text shrinks to a tenth, a table of zeros to a fiftieth.

    Example:
        >>> most_bytes(10) >> 20, most_bytes(10**9)
        (256, 200000000000)
    """
    return max(_ALWAYS_ALLOWED, _MOST_EXPANSION * size)


def open_bytes(path: str | Path, *, content: bytes | None = None) -> io.BufferedReader:
    r"""Open a file for reading, decompressed.

    Raises:
        DataError: at once: the file cannot be opened, or its name promises a compression that it does not have; while
            it is read: it is damaged, or expands beyond reason.
        UsageError: it is a .zst file, and pyarrow is not installed.

    Example:
        >>> import gzip, tempfile
        >>> path = Path(tempfile.mkdtemp(), "words.txt.gz")
        >>> _ = path.write_bytes(gzip.compress(b"one\ntwo\n"))
        >>> with open_bytes(path) as file:
        ...     file.readlines()
        [b'one\n', b'two\n']
    """
    try:
        source: Any = Path(path).open("rb", buffering=0) if content is None else io.BytesIO(content)  # noqa: SIM115
        file = io.BufferedReader(source, _BUFFER)
        head = file.peek(16)
        size = os.fstat(file.fileno()).st_size if content is None else len(content)
    except OSError as error:
        raise _unreadable(error, path) from error
    compression, promised = compression_of(head), PurePath(path).suffix.lower()
    if head and compression is None and promised in COMPRESSIONS:
        file.close()
        hint = f"Fetch or compress it again, or take {promised} off its name"
        raise DataError(f"damaged, or not a {promised} file: it does not begin as one. {hint}", path)
    return io.BufferedReader(_Decompressed(file, compression, size, path), _BUFFER)


def read_bytes(path: str | Path, *, content: bytes | None = None) -> bytes:
    """Return all of a file, decompressed.

    Raises:
        DataError: as ``open_bytes``; and the file is empty, or larger than the memory.

    Example:
        >>> import gzip
        >>> read_bytes("words.txt", content=gzip.compress(b"one"))
        b'one'
    """
    with within_memory(path), open_bytes(path, content=content) as file:
        decompressed = file.read()
    if not decompressed:
        raise empty(path)
    return decompressed


def empty(path: str | Path) -> DataError:
    """Return the error for a file that holds nothing."""
    return DataError("the file is empty", path)


def bomb(most: int, path: str | Path) -> DataError:
    """Return the error for a compressed file that expands beyond ``most_bytes``.

    Example:
        >>> raise bomb(most_bytes(10), "zeros.csv.xz")
        Traceback (most recent call last):
        lightning_suite.errors.DataError: zeros.csv.xz: expands to more than 256 MiB, 200 times its size: it ...
    """
    return DataError(
        f"expands to more than {most >> 20:,} MiB, {_MOST_EXPANSION} times its size: it was made to fill the memory. "
        "Decompress it yourself if you trust it",
        path,
    )


@contextlib.contextmanager
def within_memory(path: str | Path) -> Iterator[None]:
    """Turn running out of memory while a file is read into an error that names it.

    Raises:
        DataError: the memory did not suffice.

    Example:
        >>> with within_memory("words.txt"):
        ...     raise MemoryError
        Traceback (most recent call last):
        lightning_suite.errors.DataError: words.txt: holds more than fits into memory. Cut it into smaller files
    """
    try:
        yield
    except MemoryError:
        raise DataError("holds more than fits into memory. Cut it into smaller files", path) from None


def _unreadable(error: OSError, path: str | Path) -> DataError:
    return DataError(f"cannot be read: {error.strerror or error}", path)


def _decompressor(file: io.BufferedReader, compression: str | None) -> IO[bytes]:
    stream: Any = file
    match compression:
        case ".gz":
            stream = gzip.GzipFile(fileobj=file)
        case ".bz2":
            stream = bz2.BZ2File(file)
        case ".xz":
            stream = lzma.LZMAFile(file)  # noqa: SIM115
        case ".zst":
            with needs("reading .zst files", "pyarrow", instead="compress them as .gz or .xz"):
                import pyarrow
            stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(file, "r"), "zstd")
    opened: IO[bytes] = stream
    return opened


@final
class _Decompressed(io.RawIOBase):
    """A file as its decompressor gives it, with a DataError for each way in which that goes wrong."""

    def __init__(self, file: io.BufferedReader, compression: str | None, size: int, path: str | Path) -> None:
        self._file = file
        self._stream = _decompressor(file, compression)
        self._compression = compression
        self._most = most_bytes(size)
        self._path = path
        self._count = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        try:
            with within_memory(self._path):
                piece = self._stream.read(len(buffer))
        except _DAMAGED as error:
            if self._compression is None:
                assert isinstance(error, OSError)
                raise _unreadable(error, self._path) from error
            raise DataError(
                f"damaged, or not a {self._compression} file: {error or type(error).__name__}, after {self._count:,} "
                "decompressed bytes. Fetch or compress it again",
                self._path,
            ) from error
        self._count += len(piece)
        if self._compression is not None and self._count > self._most:
            raise bomb(self._most, self._path)
        buffer[: len(piece)] = piece
        return len(piece)
