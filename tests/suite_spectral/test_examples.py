"""Examples: batches are cut from all that is in memory, whatever it is."""

import numpy as np
import pytest
import scipy.sparse
import torch

from suite_spectral.batches import Rows
from suite_spectral.examples import Examples, GraphRows, fingerprint, scaling_of

POINTS = np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])


def examples(content: object, labels: torch.Tensor | None = None) -> Examples:
    return Examples(content, np.array([1, 4, 5]), labels)


def test_a_batch_has_the_places_in_the_file() -> None:
    batch = examples(np.arange(6.0)[:, None], torch.tensor([7, 8, 9])).__getitems__([2, 0])
    assert batch.labels is not None
    assert (batch.index.tolist(), batch.labels.tolist()) == ([5, 1], [9, 7])
    assert isinstance(batch.content, torch.Tensor)
    assert batch.content.tolist() == [[5], [1]]


def test_one_example_is_a_batch_of_one() -> None:
    assert examples(list("abcdef"))[1].content == ["e"]


def test_sparse_points_become_dense_a_batch_at_a_time() -> None:
    batch = examples(scipy.sparse.csr_array(np.diag(np.arange(6.0)))).__getitems__([1])
    assert isinstance(batch.content, torch.Tensor)
    assert batch.content.tolist() == [[0, 0, 0, 0, 4, 0]]


def test_rows_of_a_graph_are_those_of_its_nodes() -> None:
    weights = scipy.sparse.csr_array(np.array([[0, 2.0, 0], [2, 1, 3], [0, 3, 0]]))
    rows = examples(GraphRows(weights)).__getitems__([2, 1]).content
    assert isinstance(rows, Rows)
    assert (rows.columns.tolist(), rows.values.tolist(), rows.offsets.tolist()) == (
        [1, 0, 1, 2],
        [3, 2, 1, 3],
        [0, 1, 4],
    )


@pytest.mark.parametrize("points", [POINTS, POINTS.astype(np.float32), scipy.sparse.csr_array(POINTS)])
def test_scaled_columns_have_mean_0_and_deviation_1(points: object) -> None:
    scaling, constant = scaling_of(points)
    scaled = scaling.apply(torch.from_numpy(POINTS))
    assert constant.tolist() == [1]
    torch.testing.assert_close(scaled.mean(dim=0)[0].item(), 0.0)
    torch.testing.assert_close(scaled.std(dim=0, correction=0)[0].item(), 1.0)


def test_a_constant_column_is_left_as_it_is() -> None:
    assert scaling_of(POINTS)[0].apply(torch.from_numpy(POINTS))[:, 1].tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("content", "other"),
    [
        (POINTS, POINTS + 1e-9),
        (["a", "b", "c"], ["a", "bc", ""]),
        (scipy.sparse.csr_array(POINTS), scipy.sparse.csr_array(POINTS * 2)),
        (GraphRows(scipy.sparse.csr_array(np.eye(3))), GraphRows(scipy.sparse.csr_array(np.ones((3, 3))))),
    ],
)
def test_the_fingerprint_is_that_of_the_content(content: object, other: object) -> None:
    chosen = np.arange(3)
    assert fingerprint(content, chosen, None) == fingerprint(content, chosen, None)
    assert fingerprint(content, chosen, None) != fingerprint(other, chosen, None)


def test_the_fingerprint_is_that_of_the_labels_too() -> None:
    chosen = np.arange(3)
    prints = {fingerprint(POINTS, chosen, torch.tensor(labels)) for labels in ([0, 0, 1], [0, 1, 1])}
    assert len(prints) == 2
