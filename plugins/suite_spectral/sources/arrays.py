"""Arrays of numpy and sparse matrices, as points or graphs."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from lightning_suite.errors import DataError
from lightning_suite.spelling import did_you_mean
from suite_spectral.data_settings import Column
from suite_spectral.graphs.symmetry import is_symmetric
from suite_spectral.sources import edges
from suite_spectral.sources.contents import Choice, Source


def of_arrays(arrays: dict[str, NDArray[Any]], choice: Choice, path: Path, labelled: bool) -> Source:
    """Return points or a graph from the arrays of an .npz file, by their names.

    Raises:
        DataError: an array is missing, or is not what it should be.
    """
    if {"format", "shape", "data"} <= set(arrays) and choice.key is None:
        return of_matrix(_of_parts(arrays, path), choice, path)
    is_graph = choice.read_as == "graph" or (choice.read_as is None and choice.key is None and "X" not in arrays)
    key = choice.key or ("edges" if is_graph and "edges" in arrays else "X")
    if key not in arrays:
        raise DataError(
            f"there is no array {key!r}, but {', '.join(sorted(arrays)) or 'nothing'}. --data.key names the array of "
            f"points. {did_you_mean(key, arrays)}".rstrip(),
            path,
        )
    labels = _array_labels(arrays, key, choice, path) if labelled else None
    if key == "edges" and choice.read_as != "points":
        network = edges.array_edges(arrays["edges"], arrays.get("weights"), _count(labels), path)
        return Source("graph", network.weights, labels)
    if choice.read_as == "graph":
        return of_matrix(_sparse(as_points(arrays[key], path)), choice, path)._replace(labels=labels)
    points = as_points(arrays[key], path)
    if choice.columns is not None:
        points = points[:, [_array_column(column, points.shape[1], path) for column in choice.columns]]
    if labels is not None and len(labels) != len(points):
        raise DataError(f"expected one label per point, {len(points)}, got {len(labels)}", path)
    return Source("points", points, labels)


def _array_labels(arrays: dict[str, NDArray[Any]], key: str, choice: Choice, path: Path) -> NDArray[Any] | None:
    """The labels that belong to an array: those that are named, else y, or spiral_y for spiral_X."""
    beside = "y" if not key.endswith("_X") else f"{key[:-1]}y"
    name = str(choice.label_column) if choice.label_column is not None else beside
    if name not in arrays:
        if choice.label_column is None:
            return None
        raise DataError(
            f"--data.label_column: there is no array {name!r}, but {', '.join(sorted(arrays))}. "
            f"{did_you_mean(name, arrays)}".rstrip(),
            path,
        )
    labels = arrays[name]
    if labels.ndim == 2 and 1 in labels.shape:
        labels = labels.ravel()
    if labels.ndim != 1 or labels.dtype.kind not in "biufUS":
        raise DataError(f"{name}: expected one label per point, got {labels.dtype} of shape {labels.shape}", path)
    return labels.astype(str) if labels.dtype.kind == "S" else labels


def of_array(array: NDArray[Any], choice: Choice, path: Path, labelled: bool) -> Source:
    """Return the points of one array, of which a column may be the label."""
    if choice.read_as == "graph":
        return of_matrix(_sparse(as_points(array, path)), choice, path)
    points = as_points(array, path)
    width = points.shape[1]
    label = None if choice.label_column is None else _array_column(choice.label_column, width, path)
    wanted = (
        range(width) if choice.columns is None else [_array_column(column, width, path) for column in choice.columns]
    )
    chosen = [column for column in wanted if column != label]
    if not chosen:
        raise DataError("there is no column but the label's", path)
    labels = points[:, label] if label is not None and labelled else None
    return Source("points", points if chosen == list(range(width)) else points[:, chosen], labels)


def _array_column(column: Column, width: int, path: Path) -> int:
    name = str(column)
    if not (name.isdecimal() and int(name) < width):
        raise DataError(f"there is no column {name!r}; an array's columns are numbered 0 .. {width - 1}", path)
    return int(name)


def as_points(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return an array as points (point, dim): float32 where that holds every value, else float64.

    Raises:
        DataError: it has another shape, or no numbers.
    """
    if array.ndim == 1 and array.dtype.names is None:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        hint = f"; reshape it to ({array.shape[0]}, -1)" if array.ndim > 2 else ""
        raise DataError(f"expected numbers of shape (point, dim), got {array.dtype} of shape {array.shape}{hint}", path)
    if 0 in array.shape:
        raise DataError(f"expected points, got an array of shape {array.shape}", path)
    small = array.dtype.itemsize <= 2 or (array.dtype.kind, array.dtype.itemsize) == ("f", 4)
    return array.astype(np.float32 if small else np.float64, copy=False)


def _of_parts(arrays: dict[str, NDArray[Any]], path: Path) -> scipy.sparse.csr_array:
    """Return the sparse matrix that scipy has saved as these arrays."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    file.seek(0)
    try:
        matrix = scipy.sparse.load_npz(file)
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)  # else compiled code would follow an index out of range
        return _sparse(matrix)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(f"cannot be read as a sparse matrix: {error}", path) from error


def _count(labels: NDArray[Any] | None) -> int | None:
    return None if labels is None else len(labels)


def _sparse(matrix: Any) -> scipy.sparse.csr_array:
    summed = scipy.sparse.csr_array(matrix, dtype=np.float64)
    summed.sum_duplicates()
    return summed


def of_matrix(matrix: scipy.sparse.csr_array, choice: Choice, path: Path) -> Source:
    """Return a graph where the matrix is symmetric or a graph is asked for, and else points."""
    if 0 in matrix.shape:
        raise DataError(f"expected a matrix with entries, got one of shape {matrix.shape}", path)
    symmetric = is_symmetric(matrix)
    if choice.read_as == "graph" or (choice.read_as is None and symmetric):
        remarks = [] if symmetric else ["edges of one direction alone have half of their weight in both"]
        return Source("graph", edges.matrix_network(matrix, path).weights, remarks=remarks)
    square = choice.read_as is None and matrix.shape[0] == matrix.shape[1]
    remarks = ["the matrix is square but not symmetric: its rows are read as points"] if square else []
    return Source("points", matrix, remarks=remarks)
