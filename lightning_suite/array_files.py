"""Files of numpy, .npy and .npz: nothing is unpickled, and whatever is wrong with one is a DataError."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.text_files import bomb, most_bytes


def read_npy(path: str | Path, *, content: bytes | None = None, mapped: bool = False) -> NDArray[Any]:
    """Return the array of an .npy file.

    Args:
        path: the file.
        content: of the file, where it is at hand.
        mapped: whether the numbers stay in the file, which the array then maps into memory, read-only.

    Raises:
        DataError: the file cannot be read, or holds no single array of numbers or text.

    Example:
        >>> numpy.save(file := io.BytesIO(), [1, 2])
        >>> read_npy("a.npy", content=file.getvalue()).tolist()
        [1, 2]
        >>> read_npy("a.npy", content=file.getvalue()[:40])
        Traceback (most recent call last):
        lightning_suite.errors.DataError: a.npy: cannot be read as an array: EOF: reading array header, expected 118 \
bytes got 30
    """
    try:
        file = Path(path) if content is None else io.BytesIO(content)
        array = numpy.load(file, mmap_mode="r" if mapped and content is None else None, allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python, so that damage to it raises whatever Python does
        raise DataError(f"cannot be read as an array: {_reason(error)}", path) from error
    if not isinstance(array, numpy.ndarray):
        array.close()
        raise DataError("holds several arrays; give it the suffix .npz", path)
    return array


def read_npz(path: str | Path, *, content: bytes | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by their names; the arguments are those of `read_npy`.

    Raises:
        DataError: the file cannot be read, or holds anything but arrays of numbers or text.

    Example:
        >>> numpy.savez(file := io.BytesIO(), X=[[1, 2]], y=[0])
        >>> sorted(read_npz("a.npz", content=file.getvalue()))
        ['X', 'y']
    """
    try:
        with numpy.load(Path(path) if content is None else io.BytesIO(content), allow_pickle=False) as file:
            _refuse_bombs(file.zip, path)
            arrays = {name: file[name] for name in file.files}
    except DataError:
        raise
    except Exception as error:  # also what zipfile and zlib raise, and a single array, which knows no `with`
        raise DataError(f"cannot be read as arrays: {_reason(error)}", path) from error
    strange = next((name for name, array in arrays.items() if not isinstance(array, numpy.ndarray)), None)
    if strange is not None:  # numpy gives what is no array as bytes
        raise DataError(f"cannot be read as arrays: {strange!r} in it is none", path)
    return arrays


def _refuse_bombs(archive: zipfile.ZipFile, path: str | Path) -> None:
    members = archive.infolist()
    most = most_bytes(sum(member.compress_size for member in members))
    if sum(member.file_size for member in members) > most:
        raise bomb(most, path)


def _reason(error: Exception) -> str:
    """Return what went wrong, but without numpy's advice to load a pickle unsafely."""
    if isinstance(error, MemoryError):
        return f"it says that it holds more than fits into memory: {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if "pickle" in str(error) or isinstance(error, AttributeError):
        return "it is no such file of numpy, or one of Python objects, which are never read; save numbers or text"
    return str(error) or type(error).__name__
