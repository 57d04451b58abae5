"""Arrays and matrices, as points or graphs."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from lightning_suite.errors import DataError
from suite_spectral.sources.arrays import of_array, of_arrays, of_matrix
from suite_spectral.sources.contents import Choice, Source

PLACE = Path("points.npz")
POINTS = np.arange(12.0).reshape(6, 2)


def array(values: Any, labelled: bool = True, **choice: Any) -> Source:
    return of_array(np.asarray(values), Choice(**choice), PLACE, labelled)


def arrays(choice: Choice | None = None, labelled: bool = True, **values: Any) -> Source:
    return of_arrays({name: np.asarray(value) for name, value in values.items()}, choice or Choice(), PLACE, labelled)


def matrix(values: Any, **choice: Any) -> Source:
    return of_matrix(scipy.sparse.csr_array(np.array(values, dtype=float)), Choice(**choice), PLACE)


def test_one_axis_is_points_of_one_dim() -> None:
    assert array(np.arange(3)).content.tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("u1", "f4"), ("f2", "f4"), ("f4", "f4"), ("?", "f4"), ("i4", "f8"), ("f8", "f8"), (">f4", "f4"), ("g", "f8")],
)
def test_points_are_single_precision_where_that_loses_nothing(dtype: str, kept: str) -> None:
    assert array(POINTS.astype(dtype)).content.dtype == np.dtype(kept)


def test_a_column_may_be_the_label() -> None:
    found = array(POINTS, label_column=1)
    assert found.labels is not None
    assert (found.content.tolist(), found.labels.tolist()) == (POINTS[:, :1].tolist(), POINTS[:, 1].tolist())


def test_columns_are_chosen_by_number() -> None:
    assert array(POINTS, columns=[1]).content.tolist() == POINTS[:, 1:].tolist()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3, 4)), r"expected numbers of shape \(point, dim\), got float64 of shape \(2, 3, 4\); reshape"),
        (np.array(["a", "b"]), "expected numbers"),
        (POINTS + 1j, "got complex128"),
        (POINTS[:0], r"an array of shape \(0, 2\)"),
        (np.array([None, 1], dtype=object), "expected numbers of shape .* got object"),
    ],
)
def test_what_is_no_points_is_refused(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        array(values)


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match=r"no column '2'; an array's columns are numbered 0 .. 1"):
        array(POINTS, columns=[2])


def test_a_symmetric_array_may_be_a_graph() -> None:
    assert array(np.ones((3, 3)), read_as="graph").kind == "graph"


def test_arrays_x_and_y_are_points_and_labels() -> None:
    found = arrays(X=POINTS, y=np.arange(6))
    assert found.labels is not None
    assert (found.kind, found.content.tolist(), found.labels.tolist()) == ("points", POINTS.tolist(), [*range(6)])


def test_points_of_another_name_are_read_with_their_labels() -> None:
    found = arrays(Choice(key="ring_X"), ring_X=POINTS, ring_y=np.ones(6), y=np.zeros(6))
    assert found.labels is not None
    assert found.labels.tolist() == [1] * 6


def test_labels_of_another_name_are_read() -> None:
    found = arrays(Choice(label_column="kind"), X=POINTS, y=np.zeros(6), kind=np.array(list("aabbcc")))
    assert found.labels is not None
    assert found.labels.tolist() == list("aabbcc")


def test_labels_that_are_not_asked_for_need_not_be_there() -> None:
    assert arrays(Choice(label_column="kind"), labelled=False, X=POINTS).labels is None


def test_edges_are_a_graph_of_as_many_nodes_as_labels() -> None:
    found = arrays(edges=np.array([[0, 1]]), weights=np.array([0.5]), y=np.arange(3))
    assert (found.kind, found.content.toarray()[0].tolist()) == ("graph", [0, 0.5, 0])


def test_points_come_before_edges_where_both_are_there() -> None:
    assert arrays(X=POINTS, edges=np.array([[0, 1]])).kind == "points"


@pytest.mark.parametrize(
    ("values", "choice", "message"),
    [
        ({"Z": POINTS}, Choice(), "there is no array 'X', but Z. --data.key names"),
        ({"X": POINTS, "t": np.ones(6)}, Choice(label_column="tt"), "no array 'tt', but X, t. Did you mean 't'?"),
        ({"X": POINTS, "y": np.ones(5)}, Choice(), "expected one label per point, 6, got 5"),
        ({"X": POINTS, "y": np.ones((6, 2))}, Choice(), r"y: expected one label per point, got float64 of shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(values: dict[str, Any], choice: Choice, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrays(choice, **values)


def saved(matrix: Any) -> dict[str, Any]:
    file = io.BytesIO()
    scipy.sparse.save_npz(file, matrix)
    file.seek(0)
    with np.load(file) as parts:
        return {name: parts[name] for name in parts.files}


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr"])
def test_a_saved_sparse_matrix_is_read(form: str) -> None:
    found = arrays(**saved(scipy.sparse.coo_array(POINTS).asformat(form)))
    assert found.content.toarray().tolist() == POINTS.tolist()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("indices", np.full(12, 2**31 - 1, dtype=np.int32)),
        ("indices", np.full(12, -5, dtype=np.int32)),
        ("indptr", np.array([0, 9, 3, 2, 1, 0, 12], dtype=np.int32)),
        ("indptr", np.full(7, 2**30, dtype=np.int32)),
        ("shape", np.array([6, 1])),
        ("shape", np.array([10**9, 2])),
        ("shape", np.array([6.5, 2.5])),
        ("data", np.ones(1)),
        ("data", np.array(["one"] * 12)),
        ("format", np.array(b"xyz")),
        ("format", np.array(7)),
    ],
)
def test_a_sparse_matrix_that_contradicts_itself_is_refused(part: str, value: Any) -> None:
    with pytest.raises(DataError, match="cannot be read as a sparse matrix"):
        arrays(**saved(scipy.sparse.csr_array(POINTS)) | {part: value})


def test_a_symmetric_matrix_is_a_graph() -> None:
    assert matrix([[0, 2], [2, 0]]).kind == "graph"


def test_a_matrix_of_another_shape_is_points() -> None:
    found = matrix(POINTS)
    assert (found.kind, found.content.toarray().tolist()) == ("points", POINTS.tolist())


def test_a_square_matrix_that_is_not_symmetric_is_points_and_said_so() -> None:
    found = matrix([[0, 1], [0, 0]])
    assert found.kind == "points"
    assert "square but not symmetric" in found.remarks[0]


def test_edges_of_one_direction_make_a_graph_that_is_asked_for_and_said_so() -> None:
    found = matrix([[0, 1], [0, 0]], read_as="graph")
    assert found.content.toarray().tolist() == [[0, 0.5], [0.5, 0]]
    assert found.remarks == ["edges of one direction alone have half of their weight in both"]
