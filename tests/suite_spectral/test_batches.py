"""Batches are put together again, whatever processes they come from."""

import numpy as np
import pytest
import scipy.sparse
import torch

from suite_spectral.batches import (
    Batch,
    Examples,
    GraphRows,
    Rows,
    Scaling,
    fingerprint,
    join,
    scaling_of,
    scaling_of_large,
    select,
)

W = torch.tensor([[0.0, 2.0, 0.0], [2.0, 1.0, 3.0], [0.0, 3.0, 0.0]], dtype=torch.float64)


POINTS = np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])


def rows_of(places: list[int]) -> Rows:
    """Rows of W."""
    found = [W[place].nonzero()[:, 0] for place in places]
    lengths = torch.tensor([0, *map(len, found)])
    values = [W[place][columns] for place, columns in zip(places, found, strict=True)]
    return Rows(torch.cat(found), torch.cat(values), lengths.cumsum(0))


def dense(rows: Rows) -> torch.Tensor:
    found = torch.zeros(len(rows.offsets) - 1, 3, dtype=torch.float64)
    found[torch.arange(len(found)).repeat_interleave(rows.offsets.diff()), rows.columns] = rows.values
    return found


def points(places: list[int]) -> Batch:
    index = torch.tensor(places)
    return Batch(index, index[:, None] * torch.tensor([1.0, 10.0]), index % 2)


def test_points_come_in_the_order_of_their_places() -> None:
    joined = join([points([1, 4]), points([0, 7])])
    assert joined.index.tolist() == [0, 1, 4, 7]
    assert joined.content.tolist() == [[0, 0], [1, 10], [4, 40], [7, 70]]  # type: ignore[union-attr]


def test_a_point_that_two_processes_have_comes_once() -> None:
    assert join([points([0, 2]), points([1, 0])]).index.tolist() == [0, 1, 2]


def test_labels_follow_their_points() -> None:
    joined = join([points([3, 2]), points([1, 3])])
    assert joined.labels is not None
    assert joined.labels.tolist() == [1, 0, 1]


def test_without_labels_there_are_none() -> None:
    assert join([points([0])._replace(labels=None)]).labels is None


def test_texts_come_in_order_too() -> None:
    first = Batch(torch.tensor([2, 0]), ["c", "a"], None)
    assert join([first, Batch(torch.tensor([1, 2]), ["b", "c"], None)]).content == ["a", "b", "c"]


def test_rows_of_a_graph_make_the_whole_graph() -> None:
    batches = [Batch(torch.tensor(places), rows_of(places), None) for places in ([2, 0], [1, 2])]
    content = join(batches).content
    assert isinstance(content, Rows)
    assert torch.equal(dense(content), W)


def test_selected_rows_may_be_empty() -> None:
    rows = Rows(torch.tensor([1, 0]), torch.tensor([5.0, 6.0]), torch.tensor([0, 1, 1, 2]))
    chosen = select(rows, torch.tensor([1, 2, 1]))
    assert (chosen.columns.tolist(), chosen.values.tolist(), chosen.offsets.tolist()) == ([0], [6.0], [0, 0, 1, 1])


def test_no_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one batch, got none"):
        join([])


def test_scaling_gives_back_the_type_of_the_points() -> None:
    scaling = Scaling(torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([2.0, 1.0], dtype=torch.float64))
    scaled = scaling.apply(torch.tensor([[5.0, 7.0]]))
    assert scaled.dtype == torch.float32
    assert scaled.tolist() == [[2.0, 7.0]]


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


def test_examples_are_chosen_by_their_places_in_the_file() -> None:
    batch = examples(np.arange(6.0)[:, None], torch.tensor([7, 8, 9])).among(np.array([1, 5]))
    assert batch.labels is not None
    assert (batch.index.tolist(), batch.labels.tolist()) == ([1, 5], [7, 9])
    assert isinstance(batch.content, torch.Tensor)
    assert batch.content.tolist() == [[1], [5]]
    assert examples(list("abcdef")).among(np.array([4])).content == ["e"]


@pytest.mark.parametrize("writable", [True, False])
def test_all_points_of_a_file_are_copied_only_where_they_cannot_be_written(writable: bool) -> None:
    points = np.arange(6.0)[:, None]
    points.flags.writeable = writable  # as those of a mapped file, of which torch warns
    batch = Examples(points, np.arange(6), None).among(np.arange(6))
    assert isinstance(batch.content, torch.Tensor)
    assert batch.content.tolist() == points.tolist()
    assert (batch.content.data_ptr() == points.ctypes.data) == writable


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


def test_the_scaling_of_points_in_their_file_is_that_of_the_points() -> None:
    points = np.random.default_rng(0).random((900, 3)) * [1, 100, 0]
    chosen = np.arange(0, 900, 2)
    (expected, constant), (actual, also) = scaling_of(points[chosen]), scaling_of_large(points, chosen)
    torch.testing.assert_close(actual, expected)
    assert constant.tolist() == also.tolist() == [2]
