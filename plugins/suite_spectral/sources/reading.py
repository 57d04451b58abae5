"""What there is to cluster, from the files in which people have it.

======================  ==============================================================================================
``.npy``                points: an array (point, dim); one of one axis is points of one dim
``.npz``                points: ``X``, or the array that ``key`` names, perhaps with labels ``y``; a graph: ``edges``
                        (edge, 2 or 3), perhaps with ``weights`` (edge,) and labels ``y``; a scipy sparse matrix
``.csv .tsv .parquet``  points: the columns that are numbers, or those that ``columns`` names; texts: ``text_column``
``.jsonl``              the same, one object per line; texts too where a key is called text, sentence or the like
``.mtx``                MatrixMarket: a graph where the matrix is symmetric, else points
``.edges .edgelist``    a graph: two nodes per line and perhaps a weight
``.txt``                a graph where every line is two whole numbers and perhaps a third number, points where all
                        lines are as many numbers, else texts, one a line
``.png .jpg .jpeg``     an image: its pixels
======================  ==============================================================================================

All may be compressed, and text may be in any encoding, as ``lightning_suite.text_files`` says. Nothing is
unpickled. The points of large .npy and .parquet files that are not compressed stay in the file, and are read where they
are asked for: so several processes hold only their shares.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import scipy.sparse

from lightning_suite.array_files import read_npy, read_npz
from lightning_suite.errors import DataError, UsageError
from lightning_suite.text_files import (
    COMPRESSIONS,
    find_name,
    open_bytes,
    read_bytes,
    read_text,
    suffix_of,
    within_memory,
)
from suite_spectral.data_settings import ReadAs
from suite_spectral.sources import edges, table_files
from suite_spectral.sources.arrays import of_array, of_arrays, of_matrix
from suite_spectral.sources.contents import Choice, Source
from suite_spectral.sources.images import IMAGES, read_image
from suite_spectral.sources.matrix_market import read_matrix
from suite_spectral.sources.row_groups import of_row_groups
from suite_spectral.sources.tables import Table, is_number, no_line

DELIMITED = (".csv", ".tsv", ".tab")
OBJECTS = (".jsonl", ".ndjson")
TABLES = (*DELIMITED, *OBJECTS, ".parquet")
LISTS = (".edges", ".edgelist")
LARGE = 2**26
"""Bytes of a file from which on its points stay in it; smaller ones are read at once."""

ROWS = 2**16
"""Points that are looked at at a time."""

SUFFIXES = (".npy", ".npz", *TABLES, ".mtx", *LISTS, ".txt", *IMAGES)

TEXT_NAMES = ("text", "sentence", "full_text", "content", "tweet", "message", "phrase", "review")
LABEL_NAMES = ("gold_label", "label", "labels", "class", "target", "sentiment", "y", "cluster")
"""Usual names of the column of texts, and of labels, the first that is there."""

NETWORKX = {
    suffix: f". networkx makes a list of edges of it: graph = networkx.read_{kind}(FILE), then "
    "networkx.write_edgelist(graph, 'graph.edges', data=['weight'], delimiter='\\t')"
    for suffix, kind in {".gml": "gml", ".graphml": "graphml", ".gexf": "gexf", ".net": "pajek"}.items()
}
"""What to do with the usual files of graphs that are not read."""

_POSSIBLE: dict[str, Sequence[ReadAs]] = {
    **dict.fromkeys((".npy", ".npz", ".mtx"), ("points", "graph")),
    **dict.fromkeys((".parquet", *OBJECTS), ("points", "texts")),
    **dict.fromkeys(LISTS, ("graph",)),
    **dict.fromkeys(IMAGES, ()),
}
"""What a file can hold whose suffix says it; another text file can hold anything."""


def read(path: Path, choice: Choice | None = None, *, labelled: bool = True) -> Source:
    """Return everything of a file, in its order.

    Args:
        path: a file of the kinds above.
        choice: what of it is meant.
        labelled: False: the labels need not be there, and are not read.

    Raises:
        DataError: the file cannot be read as what it should be.
        UsageError: an option does not go with the file, or a library is not installed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "points.csv")
        >>> _ = path.write_text("x;y;kind\\n1;2;a\\n3;4;b\\n")
        >>> source = read(path, Choice(label_column="kind"))
        >>> source.kind, source.content.tolist(), source.labels.tolist()
        ('points', [[1.0, 2.0], [3.0, 4.0]], ['a', 'b'])
    """
    choice = choice or Choice()
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        open_bytes(path).close()  # a file that is not there is the first thing to say
        raise DataError(
            f"cannot tell from the suffix {suffix!r} what it holds; expected one of {', '.join(SUFFIXES)}, perhaps "
            f"with {', '.join(COMPRESSIONS)} behind{NETWORKX.get(suffix, '')}",
            path,
        )
    for option in _unused(suffix, choice):
        value = getattr(choice, option)
        raise UsageError(f"--data.{option} {value}: {path.name} cannot be read so; {suffix} files have no such thing")
    with within_memory(path):
        source = _read(path, suffix, choice, labelled)
    if source.kind == "points":
        _refuse_infinite(source, path)
    return source


def _read(path: Path, suffix: str, choice: Choice, labelled: bool) -> Source:
    if suffix in IMAGES:
        points, shape, remarks = read_image(path, read_bytes(path))
        return Source("image", points, image_shape=shape, remarks=remarks)
    if suffix == ".npy":
        array = read_npy(path, mapped=True) if is_large(path) else read_npy(path, content=read_bytes(path))
        return of_array(array, choice, path, labelled)
    if suffix == ".npz":
        return of_arrays(read_npz(path, content=read_bytes(path)), choice, path, labelled)
    if suffix == ".mtx":
        return of_matrix(read_matrix(read_text(path, encoding=choice.encoding), path), choice, path)
    if suffix in LISTS or (suffix in DELIMITED and choice.read_as == "graph"):
        network = edges.read_edges(path, read_text(path, encoding=choice.encoding))
        return Source("graph", network.weights, names=network.names)
    if suffix == ".txt":
        return _of_lines(read_text(path, encoding=choice.encoding), choice, path, labelled)
    if suffix == ".parquet" and is_large(path) and choice.text_column is None and choice.read_as != "texts":
        source = of_row_groups(path, choice, labelled)
        if source is not None:
            return source
    return _of_table(*_table(path, suffix, choice, labelled), labelled)


def is_large(path: Path) -> bool:
    """Return whether points stay in a file until they are asked for: where it is large and not compressed."""
    return path.suffix in (".npy", ".parquet") and path.is_file() and path.stat().st_size >= LARGE


def without_unused(choice: Choice, path: Path) -> Choice:
    """Return the choice that was made for one file, for another that is perhaps of another kind."""
    suffix = suffix_of(path)
    if choice.text_column is not None and suffix == ".txt":
        return Choice(read_as="texts", encoding=choice.encoding)
    kept = choice._replace(**dict.fromkeys(_unused(suffix, choice)))
    named = [column for column in choice.columns or () if not str(column).isdecimal()]
    return kept._replace(columns=None) if suffix in (".npy", ".npz") and named else kept


def _unused(suffix: str, choice: Choice) -> list[str]:
    """The options that are given and mean nothing for such a file."""
    columns = suffix in (*TABLES, ".txt", ".npy", ".npz")
    uses = {
        "columns": columns,
        "label_column": columns,
        "text_column": suffix in TABLES,
        "key": suffix == ".npz",
        "header": suffix in DELIMITED,
        "encoding": suffix in (*DELIMITED, *OBJECTS, *LISTS, ".mtx", ".txt"),
        "read_as": choice.read_as in _POSSIBLE.get(suffix, get_args(ReadAs)),
    }
    return [name for name, used in uses.items() if not used and getattr(choice, name) is not None]


# Lines and tables


def _of_lines(content: str, choice: Choice, path: Path, labelled: bool) -> Source:
    """A .txt file; which of the three it is said, for it is a guess."""
    numbered = [(number, line.strip()) for number, line in enumerate(content.split("\n"), start=1)]
    lines = [(number, line) for number, line in numbered if line]
    if not lines:
        raise DataError("the file is empty", path)
    kind, remarks = choice.read_as, []
    if kind is None:
        kind = _guessed(content, [line for _, line in lines], choice)
        if kind != "texts":
            remarks = [f"every line is made of numbers: read as {kind}; --data.read_as says otherwise"]
    if kind == "graph":
        network = edges.read_edges(path, content)
        return Source("graph", network.weights, names=network.names, remarks=remarks)
    if kind == "texts":
        blank = [number for number, line in numbered[: lines[-1][0]] if not line]
        remarks = [f"left out, empty: line {blank[0]}{_more(len(blank) - 1)}"] if blank else []
        return Source("texts", [line for _, line in lines], remarks=remarks)
    table = table_files.read_spaced(path, [(n, line) for n, line in lines if not line.startswith(edges.COMMENTS)])
    source = _of_table(table, choice, labelled)
    return source._replace(remarks=[*remarks, *source.remarks])


def _guessed(content: str, lines: Sequence[str], choice: Choice) -> ReadAs:
    """What the lines of a .txt file are."""
    if choice.columns is not None or choice.label_column is not None:
        return "points"
    if edges.looks_like_edges(content):
        return "graph"
    filled = [line for line in lines if not line.startswith(edges.COMMENTS)]
    cells = (cell for line in filled for cell in line.replace(",", " ").split())
    return "points" if filled and all(map(is_number, cells)) else "texts"


def _more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def _table(path: Path, suffix: str, choice: Choice, labelled: bool) -> tuple[Table, Choice]:
    """A table, and the choice of its columns: in JSON lines texts and labels have usual names."""
    if suffix == ".parquet":
        return table_files.read_parquet(path, read_bytes(path)), choice
    if suffix not in OBJECTS:
        wanted = table_files.Wanted(choice.columns, choice.text_column or (), choice.label_column if labelled else None)
        return table_files.read_csv(path, wanted, header=choice.header, encoding=choice.encoding), choice
    table = table_files.read_json_table(path, encoding=choice.encoding)
    text = find_name(table.names, TEXT_NAMES)
    if text is None or choice.columns is not None or choice.text_column is not None or choice.read_as == "points":
        return table, choice
    label = find_name(table.names, LABEL_NAMES) if choice.label_column is None and labelled else choice.label_column
    return table, choice._replace(text_column=[text], label_column=label)


def _of_table(table: Table, choice: Choice, labelled: bool) -> Source:
    """Points, or texts where a column of texts is named."""
    label = choice.label_column
    labels = np.array(table.texts(label)) if label is not None and labelled else None
    if choice.text_column is not None:
        parts = [table.texts(column) for column in choice.text_column]
        return Source("texts", [" ".join(filter(None, row)) for row in zip(*parts, strict=True)], labels)
    if choice.read_as == "texts":
        raise UsageError(f"{table.path.name}: --data.text_column NAME says which column holds the texts")
    without = [label] if label is not None and (labelled or table.find(label) is not None) else []
    numbers = table.numbers(choice.columns, without)
    remarks = []
    if numbers.left_out:
        named = numbers.left_out[:5]
        remarks.append(f"left out, no numbers: {', '.join(named)}{_more(len(numbers.left_out) - len(named))}")
    if label is None and choice.columns is None:
        if (len(numbers.left_out), len(numbers.names)) == (2, 1) and suffix_of(table.path) in DELIMITED:
            remarks.append(
                f"only {numbers.names[0]!r} is a number beside two columns of names; --data.read_as graph reads them "
                "as edges with weights"
            )
        remarks += [
            f"column {name!r} is read as one of the points' dims; --data.label_column {name} makes it the label"
            for name in numbers.names
            if name.lower() in LABEL_NAMES
        ]
    source = Source("points", numbers.values, labels, numbers.names, remarks=remarks)
    _refuse_infinite(source, table.path, table.line)
    return source


def _refuse_infinite(source: Source, path: Path, line: Callable[[int], int | None] = no_line) -> None:
    """Count what is no finite number, and say where the first is."""
    content = source.content
    if scipy.sparse.issparse(content):
        entries = content.tocoo()
        at = np.flatnonzero(~np.isfinite(entries.data))
        wrong = np.column_stack([entries.row[at], entries.col[at]])
        count = len(wrong)
    else:
        count, wrong = 0, np.empty((0, 2), dtype=np.int64)
        for begin in range(0, len(content), ROWS):  # a part at a time: they may be more than fit into memory
            places = np.argwhere(~np.isfinite(content[begin : begin + ROWS]))
            wrong = wrong if count else places[:1] + np.array([begin, 0])
            count += len(places)
    if not count:
        return
    row, column = map(int, wrong[0])
    name = repr(source.names[column]) if source.names else str(column)
    raise DataError(
        f"expected finite numbers, got {count:,} that are missing, NaN or infinite; the first in row {row}, column "
        f"{name}, counted from 0. Leave the points or the columns out, or fill them in",
        path,
        line(row),
    )
