"""Matrices in MatrixMarket's text format: a header, comments, sizes, and an entry per line.

    %%MatrixMarket matrix coordinate real symmetric
    % comments
    3 3 2
    2 1 0.5
    3 3 1.0

Everything is checked here, in Python, before a matrix is made of it: scipy's compiled reader trusts the sizes in the
header, and ends the process where they are not those of the entries.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from lightning_suite.errors import DataError

KINDS = {
    "format": ("coordinate", "array"),
    "field": ("real", "double", "integer", "pattern", "unsigned-integer"),
    "symmetry": ("general", "symmetric", "skew-symmetric"),
}
MOST = 10**8
"""Rows, columns and entries that a file may say it has."""


def read_matrix(text: str, path: Path) -> scipy.sparse.csr_array:
    """Return the matrix in a text, float64, both halves of a symmetric one; entries listed twice are added.

    Args:
        text: of the file.
        path: for messages.

    Raises:
        DataError: it is no matrix of real numbers, or not what its header says.

    Example:
        >>> text = "%%MatrixMarket matrix coordinate real symmetric\\n2 2 1\\n2 1 0.5\\n"
        >>> read_matrix(text, Path("graph.mtx")).toarray().tolist()
        [[0.0, 0.5], [0.5, 0.0]]
    """
    first, _, rest = text.partition("\n")
    words = first.lower().split()
    if len(words) != 5 or words[:2] != ["%%matrixmarket", "matrix"]:
        raise _wrong("a header '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'", first, path, 1)
    form, field, symmetry = words[2:]
    for (name, known), word in zip(KINDS.items(), words[2:], strict=True):
        if word not in known:
            raise _wrong(f"as {name} one of {', '.join(known)}", word, path, 1)
    line = 2
    while rest.startswith(("%", "\n")):
        rest = rest.partition("\n")[2]
        line += 1
    size, _, body = rest.partition("\n")
    sizes = _sizes(size, 3 if form == "coordinate" else 2, path, line)
    shape = (sizes[0], sizes[1])
    if symmetry != "general" and shape[0] != shape[1]:
        raise _wrong(f"as many rows as columns in a {symmetry} matrix", size, path, line)
    if form == "array":
        matrix = _of_columns(_numbers(body, 1, path, line), shape, symmetry, path)
    else:
        width = 2 if field == "pattern" else 3
        entries = _numbers(body, width, path, line)
        if len(entries) != sizes[2]:
            raise _wrong(f"{sizes[2]:,} entries, as line {line} says", f"{len(entries):,}", path, None)
        places = entries[:, :2]
        outside = ~((places >= 1) & (places <= shape) & (places == np.floor(places))).all(axis=1)
        if outside.any():
            entry = int(outside.argmax())
            row, column = (f"{number:g}" for number in places[entry])
            raise _wrong(
                f"a row from 1 to {shape[0]:,} and a column from 1 to {shape[1]:,}",
                f"{row} {column}",
                path,
                _line_of(body, entry, line),
            )
        values = entries[:, 2] if width == 3 else np.ones(len(entries))
        rows, columns = places.astype(np.int64).T - 1
        matrix = scipy.sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()
    if symmetry != "general":
        below = scipy.sparse.tril(matrix, -1) + scipy.sparse.triu(matrix, 1)
        matrix = matrix + (below.T if symmetry == "symmetric" else -below.T)
    whole = scipy.sparse.csr_array(matrix)
    whole.sum_duplicates()
    return whole


def _sizes(text: str, count: int, path: Path, line: int) -> list[int]:
    words = text.split()
    if len(words) != count or not all(
        word.isascii() and word.isdecimal() and len(word) <= len(str(MOST)) and int(word) <= MOST for word in words
    ):
        what = "rows, columns and entries" if count == 3 else "rows and columns"
        raise _wrong(f"the numbers of {what}, each at most {MOST:,}", text, path, line)
    return [int(word) for word in words]


def _numbers(body: str, width: int, path: Path, line: int) -> NDArray[np.float64]:
    """The numbers of all lines but blank ones and comments, (line, width)."""
    if not body.strip():
        return np.empty((0, width))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns where no number is left
            numbers: NDArray[Any] = np.loadtxt(body.split("\n"), comments="%", ndmin=2)
        if numbers.shape[1] == width:
            return numbers
    except (ValueError, OverflowError, Warning):
        pass
    for number, text in enumerate(body.split("\n"), start=line + 1):  # to say where
        words = text.partition("%")[0].split()
        if words and (len(words) != width or not all(map(_is_number, words))):
            raise _wrong(f"{width} number{'s' * (width > 1)}", text, path, number)
    raise _wrong("entries", "none", path, None)


def _of_columns(numbers: NDArray[np.float64], shape: tuple[int, int], symmetry: str, path: Path) -> Any:
    """A matrix of which each entry is listed, column by column; of a symmetric one those below the diagonal alone."""
    if symmetry == "general":
        rows, columns = np.divmod(np.arange(shape[0] * shape[1] if len(numbers) else 0), max(shape[0], 1))[::-1]
        count = shape[0] * shape[1]
    else:
        count = shape[0] * (shape[0] + (1 if symmetry == "symmetric" else -1)) // 2
        columns, rows = np.triu_indices(shape[0] if len(numbers) == count else 0, 0 if symmetry == "symmetric" else 1)
    if len(numbers) != count:
        raise _wrong(
            f"{count:,} entries of a {symmetry} matrix of {shape[0]:,} x {shape[1]:,}", f"{len(numbers):,}", path, None
        )
    return scipy.sparse.csr_array((numbers[:, 0], (rows, columns)), shape=shape)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _line_of(body: str, entry: int, line: int) -> int:
    filled = (number for number, text in enumerate(body.split("\n"), start=line + 1) if text.partition("%")[0].strip())
    return next(number for at, number in enumerate(filled) if at == entry)


def _wrong(expected: str, came: str, path: Path, line: int | None) -> DataError:
    shown = came if len(came) <= 60 else f"{came[:57]}..."
    return DataError(f"cannot be read as MatrixMarket: expected {expected}, got {shown!r}", path, line)
