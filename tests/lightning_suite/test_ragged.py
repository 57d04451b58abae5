"""Packed sequences: what goes in comes out, and no sequence sees another."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from lightning_suite import ragged

OFFSETS = torch.tensor([0, 3, 3, 4, 9])


def values(*shape: int, requires_grad: bool = False) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(
        requires_grad
    )


def test_split_undoes_pack() -> None:
    sequences = [torch.randn(length, 2) for length in (3, 0, 1, 5)]
    packed, offsets = ragged.pack(sequences)
    assert torch.equal(OFFSETS, offsets)
    for expected, actual in zip(sequences, ragged.split(packed, offsets), strict=True):
        assert torch.equal(expected, actual)


def test_packing_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sequence"):
        ragged.pack([])


def test_offsets_and_lengths_are_each_other_s_inverse() -> None:
    assert ragged.lengths(OFFSETS).tolist() == [3, 0, 1, 5]
    assert torch.equal(OFFSETS, ragged.offsets_of(ragged.lengths(OFFSETS)))


def test_each_value_knows_its_sequence() -> None:
    assert ragged.segments(OFFSETS, 9).tolist() == [0, 0, 0, 2, 3, 3, 3, 3, 3]


def test_no_sequences_have_no_segments() -> None:
    assert ragged.segments(torch.tensor([0]), 0).tolist() == []


def test_segment_sum_adds_each_sequence_up() -> None:
    x = values(9, 2)
    expected = torch.stack([part.sum(0) for part in ragged.split(x, OFFSETS)])
    torch.testing.assert_close(expected, ragged.segment_sum(x, OFFSETS))


def test_segment_max_is_the_greatest_of_each_sequence_and_its_gradient_goes_there() -> None:
    x = values(9, 2, requires_grad=True)
    expected = torch.stack([part.amax(0) if len(part) else part.sum(0) for part in ragged.split(x, OFFSETS)])
    torch.testing.assert_close(expected, ragged.segment_max(x, OFFSETS))
    assert gradcheck(lambda x: ragged.segment_max(x, OFFSETS), (x,))


def test_weighted_sum_adds_each_sequence_up_head_by_head() -> None:
    x, weights = values(9, 3, 2), values(9, 3)
    products = x * weights[..., None]
    expected = torch.stack([part.sum(0) for part in ragged.split(products, OFFSETS)])
    torch.testing.assert_close(expected, ragged.weighted_sum(x, weights, OFFSETS))


def test_weighted_sum_of_two_dtypes_has_the_wider() -> None:
    x, weights = values(9, 3, 2), values(9, 3)
    for narrow_x, narrow_weights in ((x.float(), weights), (x, weights.float())):
        total = ragged.weighted_sum(narrow_x, narrow_weights, OFFSETS)
        assert total.dtype == torch.float64
        torch.testing.assert_close(total, ragged.weighted_sum(x, weights, OFFSETS), rtol=1e-6, atol=1e-6)


def test_softmax_is_the_softmax_of_each_sequence() -> None:
    scores = values(9, 2)
    expected = torch.cat([part.softmax(0) for part in ragged.split(scores, OFFSETS)])
    torch.testing.assert_close(expected, ragged.softmax(scores, OFFSETS))


def test_softmax_does_not_overflow() -> None:
    weights = ragged.softmax(torch.tensor([[1e4], [1e4], [-1e4]]), torch.tensor([0, 2, 3]))
    assert weights.flatten().tolist() == [0.5, 0.5, 1.0]


def test_gradients_of_the_sums_and_the_softmax_are_right() -> None:
    x, weights = values(9, 2, 2, requires_grad=True), values(9, 2, requires_grad=True)
    assert gradcheck(lambda x, weights: ragged.weighted_sum(x, weights, OFFSETS), (x, weights))
    assert gradcheck(lambda weights: ragged.segment_sum(weights, OFFSETS), (weights,))
    assert gradcheck(lambda weights: ragged.softmax(weights, OFFSETS), (weights,))


@pytest.mark.parametrize("offsets", [[0], [0, 0, 0]])
def test_empty_batches_have_empty_sums_and_gradients(offsets: list[int]) -> None:
    x, weights = values(0, 2, 3, requires_grad=True), values(0, 2, requires_grad=True)
    total = ragged.weighted_sum(x, weights, torch.tensor(offsets))
    assert torch.equal(torch.zeros(len(offsets) - 1, 2, 3, dtype=torch.float64), total)
    (total.sum() + ragged.segment_sum(weights, torch.tensor(offsets)).sum()).backward()
    assert torch.equal(torch.zeros(len(offsets) - 1, 2), ragged.segment_max(weights, torch.tensor(offsets)).float())
    assert ragged.softmax(weights, torch.tensor(offsets)).shape == (0, 2)


@pytest.mark.parametrize("width", [1, 3, 4, 5])
def test_a_window_holds_the_neighbours_in_the_same_sequence(width: int) -> None:
    windows = ragged.windows(OFFSETS, 9, width)
    segment = ragged.segments(OFFSETS, 9).tolist()
    reach = (width - 1) // 2
    for value in range(9):
        expected = [
            (value + j - reach) * width + j
            for j in range(width)
            if 0 <= value + j - reach < 9 and segment[value + j - reach] == segment[value]
        ]
        assert expected == windows.rows[windows.offsets[value] : windows.offsets[value + 1]].tolist()


@pytest.mark.parametrize("width", [1, 3, 4, 5])
def test_owners_lead_from_a_place_back_to_its_window(width: int) -> None:
    windows = ragged.windows(OFFSETS, 9, width)
    expected = [9] * (9 * width)
    for owner in range(9):
        for row in windows.rows[windows.offsets[owner] : windows.offsets[owner + 1]].tolist():
            expected[row] = owner
    assert expected == windows.owners.tolist()


def test_windows_of_no_width_are_refused() -> None:
    with pytest.raises(ValueError, match="positive, got 0"):
        ragged.windows(OFFSETS, 9, 0)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        (torch.tensor([0, 3], dtype=torch.int16), "int64 or int32 .* got int16"),
        (torch.tensor([[0, 3]]), r"got int64 of shape \(1, 2\)"),
        (torch.tensor([], dtype=torch.int64), r"of shape \(0,\)"),
        (torch.tensor([1, 3]), "begin with 0, got 1"),
        (torch.tensor([0, 2, 1, 3]), "never fall, but offset 2 is 1 after 2"),
        (torch.tensor([0, 2]), "number of values, 3, got 2"),
    ],
)
def test_offsets_that_do_not_cut_the_values_are_refused(offsets: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match="anything: .*" + message):
        ragged.check(offsets, 3, "anything")
