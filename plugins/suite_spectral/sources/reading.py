"""What there is to cluster, from the files in which people have it.

======================  ==============================================================================================
``.npy``                points: an array (point, dim); one of one axis is points of one dim
``.npz``                points: ``X``, or the array that ``key`` names, perhaps with labels ``y``; a graph: ``edges``
                        (edge, 2 or 3), perhaps with ``weights`` (edge,) and labels ``y``; a scipy sparse matrix
``.csv .tsv .parquet``  points: the columns that are numbers, or those that ``columns`` names; texts: ``text_column``
``.mtx``                MatrixMarket: a graph where the matrix is symmetric, else points
``.edges .edgelist``    a graph: two nodes a line and perhaps a weight
``.txt``                a graph where every line is two whole numbers and perhaps a third number, points where all
                        lines are as many numbers, else texts, one a line
``.png .jpg .jpeg``     an image: its pixels
======================  ==============================================================================================

All that are text, also as ``.gz``, ``.xz`` or ``.bz2``; text is UTF-8, or UTF-16 with its mark. Nothing is unpickled.
"""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import get_args

import numpy as np
import scipy.sparse

from lightning_suite.errors import DataError, UsageError
from suite_spectral.sources import edges, tables
from suite_spectral.sources.arrays import load_array, load_matrix, of_array, of_arrays, of_matrix
from suite_spectral.sources.contents import Choice, ReadAs, Source
from suite_spectral.sources.images import IMAGES, read_image
from suite_spectral.sources.tables import Column, Wanted

TABLES = (".csv", ".tsv", ".parquet")
LISTS = (".edges", ".edgelist")
SUFFIXES = (".npy", ".npz", *TABLES, ".mtx", *LISTS, ".txt", *IMAGES)

_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
}
_DAMAGED = (lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)
_POSSIBLE: dict[str, Sequence[ReadAs]] = {
    **dict.fromkeys((".npy", ".npz", ".mtx"), ("points", "graph")),
    ".parquet": ("points", "texts"),
    **dict.fromkeys(LISTS, ("graph",)),
    **dict.fromkeys(IMAGES, ()),
}
"""What a file can hold whose suffix says it; a text file can hold anything."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LABEL_NAMES = ("label", "labels", "class", "target", "y", "cluster")


def read(path: Path, choice: Choice | None = None, *, labelled: bool = True) -> Source:
    """Everything of a file, in its order.

    Args:
        path: a file of the kinds above.
        choice: what of it is meant.
        labelled: False: the labels need not be there, and are not read.

    Raises:
        DataError: the file cannot be read as what it should be.
        UsageError: an option does not go with the file, or a library is not there.
    """
    choice = choice or Choice()
    content, suffix = _content(path)
    if suffix not in SUFFIXES:
        raise DataError(
            f"cannot tell from the suffix {suffix!r} what it holds; expected one of {', '.join(SUFFIXES)}, the text "
            f"files also with {', '.join(_DECOMPRESS)} behind",
            path,
        )
    for option in _unused(suffix, choice):
        value = getattr(choice, option)
        raise UsageError(f"--data.{option} {value}: {path.name} cannot be read so; {suffix} files have no such thing")
    found: Source
    if suffix in IMAGES:
        points, shape, remarks = read_image(path, content)
        found = Source("image", points, image_shape=shape, remarks=remarks)
    elif suffix == ".npy":
        found = of_array(load_array(content, path), choice, path, labelled)
    elif suffix == ".npz":
        found = of_arrays(content, choice, path, labelled)
    elif suffix == ".mtx":
        found = of_matrix(load_matrix(content, path), choice, path)
    elif suffix in LISTS or (suffix != ".parquet" and choice.read_as == "graph"):
        network = edges.read_edges(path, _decoded(content, path))
        found = Source("graph", network.weights, names=network.names)
    elif suffix == ".txt":
        found = _of_lines(_decoded(content, path), choice, path, labelled)
    else:
        found = _of_table(_table(path, content, suffix, choice, labelled), choice, labelled)
    if found.kind == "points":
        _refuse_infinite(found, path)
    return found


def suffix_of(path: Path) -> str:
    """The suffix that says what a file holds, before that of how it is compressed."""
    return (PurePath(path.stem) if path.suffix.lower() in _DECOMPRESS else path).suffix.lower()


# Files


def _content(path: Path) -> tuple[bytes, str]:
    """What is in a file, decompressed, and the suffix that says what it is."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", path) from error
    packed = path.suffix.lower()
    if packed in _DECOMPRESS:
        try:
            content = _DECOMPRESS[packed](content)
        except _DAMAGED as error:
            raise DataError(f"damaged, or not a {packed} file: {error}. Fetch or compress it again", path) from error
    if not content:
        raise DataError("the file is empty", path)
    return content, suffix_of(path)


def _decoded(content: bytes, path: Path) -> str:
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"expected UTF-8: {error.reason}. Save the file as UTF-8", path, line) from error


def without_unused(choice: Choice, path: Path) -> Choice:
    """The choice that was made for one file, for another that is perhaps of another kind."""
    suffix = suffix_of(path)
    if choice.text_column is not None and suffix == ".txt":
        return Choice(read_as="texts")
    found = choice._replace(**dict.fromkeys(_unused(suffix, choice)))
    named = [column for column in choice.columns or () if not str(column).isdecimal()]
    return found._replace(columns=None) if suffix in (".npy", ".npz") and named else found


def _unused(suffix: str, choice: Choice) -> list[str]:
    """The options that are given and mean nothing for such a file."""
    columns = suffix in (*TABLES, ".txt", ".npy", ".npz")
    uses = {
        "columns": columns,
        "label_column": columns,
        "text_column": suffix in TABLES,
        "key": suffix == ".npz",
        "header": suffix in (".csv", ".tsv"),
        "read_as": choice.read_as in _POSSIBLE.get(suffix, get_args(ReadAs)),
    }
    return [name for name, used in uses.items() if not used and getattr(choice, name) is not None]


# Lines and tables


def _of_lines(content: str, choice: Choice, path: Path, labelled: bool) -> Source:
    """A .txt file; which of the three it is said, for it is a guess."""
    lines = [line.strip() for line in io.StringIO(content) if line.strip()]
    if not lines:
        raise DataError("the file is empty", path)
    kind: ReadAs = choice.read_as or "texts"
    remarks: list[str] = []
    asked = choice.columns is not None or choice.label_column is not None
    if choice.read_as is None:
        if not asked and edges.looks_like_edges(content):
            kind = "graph"
        elif asked or _are_points(lines):
            kind = "points"
        if kind != "texts":
            remarks = [f"every line is made of numbers: read as {kind}; --data.read_as says otherwise"]
    if kind == "graph":
        network = edges.read_edges(path, content)
        return Source("graph", network.weights, names=network.names, remarks=remarks)
    if kind == "texts":
        empty = [place for place, line in enumerate(content.splitlines(), start=1) if not line.strip()]
        remarks = [f"left out, empty: line {empty[0]}{_more(len(empty) - 1)}"] if empty else []
        return Source("texts", lines, remarks=remarks)
    spaced = "\n".join(" ".join(line.replace(",", " ").split()) for line in io.StringIO(content))
    rows = "\n".join("" if line.startswith(edges.COMMENTS) else line for line in spaced.splitlines())
    table = tables.read_csv(path, rows, Wanted(), delimiter=" ", header=False)
    found = _of_table(table, choice, labelled)
    return found._replace(remarks=[*remarks, *found.remarks])


def _more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def _are_points(lines: Sequence[str]) -> bool:
    """Whether all lines are numbers, with spaces or commas between."""
    filled = [line for line in lines if not line.startswith(edges.COMMENTS)]
    return bool(filled) and all(tables.is_number(cell) for line in filled for cell in line.replace(",", " ").split())


def _table(path: Path, content: bytes, suffix: str, choice: Choice, labelled: bool) -> tables.Table:
    if suffix == ".parquet":
        return tables.read_parquet(path, content)
    wanted = Wanted(choice.columns, choice.text_column or (), choice.label_column if labelled else None)
    delimiter = "\t" if suffix == ".tsv" else None
    return tables.read_csv(path, _decoded(content, path), wanted, delimiter=delimiter, header=choice.header)


def _of_table(table: tables.Table, choice: Choice, labelled: bool) -> Source:
    """Points, or texts where a column of texts is named."""
    label = choice.label_column
    labels = None
    if label is not None and labelled:
        labels = np.array(table.texts(label))
    if choice.text_column is not None:
        parts = [table.texts(column) for column in choice.text_column]
        return Source("texts", [" ".join(filter(None, row)) for row in zip(*parts, strict=True)], labels)
    if choice.read_as == "texts":
        raise UsageError(f"{table.path.name}: --data.text_column NAME says which column holds the texts")
    without = [label] if label is not None and (labelled or _has(table, label)) else []
    found = table.numbers(choice.columns, without)
    remarks = []
    if found.left_out:
        named = found.left_out[:5]
        remarks.append(f"left out, no numbers: {', '.join(named)}{_more(len(found.left_out) - len(named))}")
    if label is None and choice.columns is None:
        remarks += [
            f"column {name!r} is read as one of the points' dims; --data.label_column {name} makes it the label"
            for name in found.names
            if name.lower() in _LABEL_NAMES
        ]
    source = Source("points", found.values, labels, found.names, remarks=remarks)
    _refuse_infinite(source, table.path, table.line)
    return source


def _has(table: tables.Table, column: Column) -> bool:
    name = str(column)
    return name in table.names or (name.isdecimal() and int(name) < len(table.names))


def _no_line(row: int) -> int | None:
    return None


def _refuse_infinite(source: Source, path: Path, line: Callable[[int], int | None] = _no_line) -> None:
    """Counts what is no finite number, and says where the first is."""
    content = source.content
    values = content.data if scipy.sparse.issparse(content) else content
    wrong = ~np.isfinite(values)
    count = int(np.count_nonzero(wrong))
    if not count:
        return
    if scipy.sparse.issparse(content):
        entries = content.tocoo()
        at = int(np.flatnonzero(wrong)[0])
        row, column = int(entries.row[at]), int(entries.col[at])
    else:
        row, column = (int(each) for each in np.argwhere(wrong)[0])
    name = repr(source.names[column]) if source.names else str(column)
    raise DataError(
        f"expected finite numbers, got {count:,} that are missing, NaN or infinite; the first in row {row}, column "
        f"{name}, counted from 0. Leave the points or the columns out, or fill them in",
        path,
        line(row),
    )
