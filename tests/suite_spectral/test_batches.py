"""Batches are put together again, whatever processes they come from."""

import pytest
import torch

from suite_spectral.batches import Batch, Rows, Scaling, join, select

W = torch.tensor([[0.0, 2.0, 0.0], [2.0, 1.0, 3.0], [0.0, 3.0, 0.0]], dtype=torch.float64)


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
