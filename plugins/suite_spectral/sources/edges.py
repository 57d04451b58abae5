"""Graphs as people have them: lists of edges, and matrices of weights.

A graph is undirected: an edge may be listed once, in both directions or several times, always with one weight, and
counts once. An edge from a node to itself stays, once on the diagonal of W. Nothing is summed or averaged in silence: a
list in which an edge has two weights is refused.
"""

import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from suite_spectral.graphs.symmetry import is_symmetric, lacks_directions

COMMENTS = ("#", "%")
HEADERS = ({"source", "target"}, {"from", "to"}, {"src", "dst"}, {"node1", "node2"}, {"u", "v"}, {"i", "j"})
"""The first two cells of a line that names the columns of a list of edges."""

_LONGEST_NUMBER = 1000  # digits of a node's number; one of more is a name


class Network(NamedTuple):
    """A graph, as it is read.

    Attributes:
        weights: W, symmetric, float64, csr, (node, node).
        names: (node,) as the file calls them; None where it numbers them from 0.
    """

    weights: scipy.sparse.csr_array
    names: list[str] | None


class Edges(NamedTuple):
    """A list of edges.

    Attributes:
        ends: (edge, 2) int64.
        values: (edge,) float64.
        lines: (edge,) of the file, or None where it has none and the row is the place.
    """

    ends: NDArray[np.int64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64] | None


def read_edges(path: Path, content: str) -> Network:
    """Return the graph of a list of edges, one a line: two nodes, by name or number, and perhaps a weight.

    Between them stand tabs, else commas, else spaces; a line that begins with # or % is a comment. Nodes come in the
    order of their numbers where all are numbers, else as they first appear.

    Raises:
        DataError: a line has another number of fields, a weight is no number or is below 0, an edge has two weights.

    Example:
        >>> network = read_edges(Path("friends.edges"), "Ann Bob\\nBob Cleo\\n")
        >>> network.names, network.weights.toarray().tolist()
        (['Ann', 'Bob', 'Cleo'], [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    """
    edges = _numbered(content)
    if edges is not None:
        nodes, numbers = np.unique(edges.ends, return_inverse=True)
        try:
            weights = symmetric(edges._replace(ends=numbers.reshape(-1, 2)), len(nodes), path)
        except DataError:
            pass  # once more, line by line, to say in which
        else:
            return Network(weights, [str(node) for node in nodes])
    return _read_lines(path, content)


def looks_like_edges(content: str) -> bool:
    """Return whether every line is two whole numbers and perhaps a third number; a text or a table of points is not."""
    edges = _numbered(content)
    if edges is not None:
        return bool((edges.ends >= 0).all())
    width = 0
    for _, fields in _fields(content):
        width = width or len(fields)
        if len(fields) != width or width not in (2, 3):
            return False
        if not all(field.isdecimal() for field in fields[:2]):
            return False
        try:
            float(fields[-1])
        except ValueError:
            return False
    return width > 0


def array_edges(edges: NDArray[Any], weights: NDArray[Any] | None, n_nodes: int | None, path: Path) -> Network:
    """Return the graph of numbered nodes.

    Args:
        edges: (edge, 2) node numbers from 0, or (edge, 3) with the weight as the third.
        weights: (edge,), or None: those of the third column, else 1.
        n_nodes: how many nodes there are; None: up to the highest number.
        path: for messages.

    Raises:
        DataError: the shape is wrong, or a node or a weight is not what it should be.
    """
    if edges.ndim != 2 or edges.shape[1] not in (2, 3) or edges.dtype.kind not in "iuf":
        raise DataError(
            f"edges: expected numbers of shape (edge, 2) or (edge, 3), got {edges.dtype} of shape {edges.shape}", path
        )
    if len(edges) == 0:
        raise DataError("there is no edge in it", path)
    if weights is None:
        weights = edges[:, 2] if edges.shape[1] == 3 else np.ones(len(edges))
    if weights.shape != (len(edges),) or weights.dtype.kind not in "biuf":
        raise DataError(
            f"weights: expected {len(edges)} numbers, one an edge, got {weights.dtype} of shape {weights.shape}", path
        )
    ends = edges[:, :2]
    wrong = ~(np.isfinite(ends) & (ends >= 0) & (ends == np.floor(ends))).all(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(f"edges, row {row}: expected two nodes numbered from 0, got {ends[row].tolist()}", path)
    ends = ends.astype(np.int64)
    highest = int(ends.max())
    if n_nodes is None:
        if highest > 100 * len(edges) + 10_000:
            raise DataError(
                f"edges: node {highest} in a list of {len(edges)} edges; nodes are numbered from 0 without gaps", path
            )
        n_nodes = highest + 1
    elif highest >= n_nodes:
        row = int(np.flatnonzero((ends >= n_nodes).any(axis=1))[0])
        hint = "; they are numbered from 0, not from 1" if highest == n_nodes and ends.min() > 0 else ""
        raise DataError(
            f"edges, row {row}: node {int(ends[row].max())}, but y has labels for {n_nodes} nodes{hint}", path
        )
    return Network(symmetric(Edges(ends, weights.astype(np.float64), None), n_nodes, path), None)


def symmetric(edges: Edges, n_nodes: int, path: Path) -> scipy.sparse.csr_array:
    """Return W of a list of edges, each counted once whatever the directions and the times it is listed in.

    Raises:
        DataError: a weight is below 0 or not finite, or an edge has two.
    """
    wrong = ~(np.isfinite(edges.values) & (edges.values >= 0))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{_row(edges, at)}expected a finite weight of 0 or more, got {edges.values[at]:g}", path, _line(edges, at)
        )
    low, high = edges.ends.min(axis=1), edges.ends.max(axis=1)
    order = np.lexsort((high, low))
    same = (np.diff(low[order]) == 0) & (np.diff(high[order]) == 0)
    other = same & (np.diff(edges.values[order]) != 0)
    if other.any():
        before, after = (int(order[np.flatnonzero(other)[0] + i]) for i in (0, 1))
        raise DataError(
            f"{_row(edges, after)}this edge has weight {edges.values[after]:g} here and {edges.values[before]:g} in "
            f"{'line' if edges.lines is not None else 'row'} {_line(edges, before) or before}; expected one "
            "weight, the same in both directions",
            path,
            _line(edges, after),
        )
    once = order[np.concatenate([[True], ~same])]
    once = once[edges.values[once] > 0]
    low, high, values = low[once], high[once], edges.values[once]
    apart = low != high
    rows, columns = np.concatenate([low, high[apart]]), np.concatenate([high, low[apart]])
    both = np.concatenate([values, values[apart]])
    weights = scipy.sparse.csr_array((both, (rows, columns)), shape=(n_nodes, n_nodes))
    weights.sort_indices()
    return weights


def matrix_network(matrix: scipy.sparse.csr_array, path: Path) -> Network:
    """Return a matrix as a graph; an edge that has one direction alone gets half of its weight in both.

    Raises:
        DataError: an edge has two weights, or a weight is below 0 or not finite.
    """
    if matrix.shape[0] != matrix.shape[1]:
        raise DataError(
            f"expected a square matrix as a graph, got {matrix.shape[0]} rows and {matrix.shape[1]} columns", path
        )
    matrix = scipy.sparse.csr_array(matrix, dtype=np.float64)
    matrix.sum_duplicates()
    wrong = ~(np.isfinite(matrix.data) & (matrix.data >= 0))
    if wrong.any():
        entries = matrix.tocoo()
        at = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"row {int(entries.row[at])}, column {int(entries.col[at])}, counted from 0: expected a finite weight of 0 "
            f"or more, got {entries.data[at]:g}; {int(wrong.sum())} such entries in all",
            path,
        )
    if not is_symmetric(matrix) and not lacks_directions(matrix):
        twice = matrix.multiply(matrix.T != 0)
        entries = abs(twice - twice.T).tocoo()
        at = int(entries.data.argmax())
        row, column = int(entries.row[at]), int(entries.col[at])
        raise DataError(
            f"expected a symmetric matrix as a graph; entry ({row}, {column}), counted from 0, is "
            f"{matrix[row, column]:g}, and ({column}, {row}) is {matrix[column, row]:g}",
            path,
        )
    halves = scipy.sparse.csr_array((matrix + matrix.T) / 2)
    halves.eliminate_zeros()
    return Network(halves, None)


def _numbered(content: str) -> Edges | None:
    """The edges where all nodes are whole numbers with spaces or tabs between, at ten times the speed; else None."""
    for fields in ([("a", np.int64), ("b", np.int64)], [("a", np.int64), ("b", np.int64), ("weight", np.float64)]):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a number with a point, no edge at all
                table = np.loadtxt(io.StringIO(content), dtype=np.dtype(fields), comments=COMMENTS, ndmin=1)
        except (ValueError, OverflowError, Warning):
            continue
        ends = np.stack([table["a"], table["b"]], axis=1)
        return Edges(ends, table["weight"] if len(fields) == 3 else np.ones(len(table)), None)
    return None


def _read_lines(path: Path, content: str) -> Network:
    first: Sequence[str] = ()
    ends: list[str] = []
    weights: list[float] = []
    lines: list[int] = []
    for line, fields in _fields(content):
        if not first:
            first = fields
            if {field.lower() for field in fields[:2]} in HEADERS:
                continue
        if len(fields) != len(first) or len(fields) not in (2, 3):
            expected = "2 or 3" if len(first) not in (2, 3) else str(len(first))
            raise DataError(f"expected {expected} fields (node, node, weight), got {len(fields)}", path, line)
        if not (fields[0] and fields[1]):
            raise DataError(f"expected two nodes, got {fields[0]!r} and {fields[1]!r}", path, line)
        ends += fields[:2]
        lines.append(line)
        if len(fields) == 3:
            try:
                weights.append(float(fields[2]))
            except ValueError:
                raise DataError(f"expected a number as weight, got {fields[2]!r}", path, line) from None
    if not lines:
        raise DataError("there is no edge in it", path)
    places = {name: i for i, name in enumerate(dict.fromkeys(ends))}
    names = list(places)
    if all(name.removeprefix("-").isdecimal() and len(name) < _LONGEST_NUMBER for name in names):
        numbers = sorted(set(map(int, names)))
        rank = {number: i for i, number in enumerate(numbers)}
        places, names = {name: rank[int(name)] for name in names}, [str(number) for number in numbers]
    pairs = np.fromiter((places[name] for name in ends), np.int64, len(ends)).reshape(-1, 2)
    values = np.array(weights) if weights else np.ones(len(lines))
    return Network(symmetric(Edges(pairs, values, np.array(lines)), len(names), path), names)


def _fields(content: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The fields of each line that is neither blank nor a comment, with its number."""
    for line, text in enumerate(io.StringIO(content), start=1):
        if not text.strip() or text.lstrip().startswith(COMMENTS):
            continue
        if "\t" in text.strip():
            yield line, [field.strip() for field in text.strip().split("\t")]
        elif "," in text or ";" in text:
            delimiter = "," if "," in text else ";"
            yield line, [field.strip() for field in _cells(text, delimiter)]
        else:
            yield line, text.split()


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter))
    except csv.Error:  # a field of more than 131,072 characters
        return text.split(delimiter)


def _line(edges: Edges, at: int) -> int | None:
    return int(edges.lines[at]) if edges.lines is not None else None


def _row(edges: Edges, at: int) -> str:
    return "" if edges.lines is not None else f"edges, row {at}: "
