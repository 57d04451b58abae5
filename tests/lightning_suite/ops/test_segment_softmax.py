"""Softmax within sequences; what it shares with the other ops over sequences is tested in test__segments.py."""

import pytest
import torch

from lightning_suite import ragged
from lightning_suite.ops.segment_softmax import segment_softmax


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("heads", [1, 2, 3, 8, 16, 17])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_equals_torch_s_softmax_of_each_sequence(heads: int, dtype: torch.dtype) -> None:
    offsets = ragged.offsets_of(torch.tensor([0, 1, 2, 3, 15, 16, 17, 200]))
    scores = torch.randn(254, heads, dtype=dtype, generator=torch.Generator().manual_seed(0)).requires_grad_()
    expected = torch.cat([part.softmax(0) for part in ragged.split(scores, offsets)])
    out = segment_softmax(scores, offsets)
    torch.testing.assert_close(out, expected)
    share = torch.randn(out.shape, dtype=dtype)
    torch.testing.assert_close(*(torch.autograd.grad(each, scores, share) for each in (out, expected)))


@pytest.mark.usefixtures("form")
def test_great_scores_do_not_overflow_and_small_ones_have_no_share() -> None:
    scores = torch.tensor([[1e4], [1e4], [-1e4], [-torch.inf], [3.0]])
    assert segment_softmax(scores, torch.tensor([0, 2, 3, 5])).flatten().tolist() == [0.5, 0.5, 1.0, 0.0, 1.0]
    assert segment_softmax(torch.tensor([[0.0], [-200.0]]), torch.tensor([0, 2])).flatten().tolist() == [1.0, 0.0]


@pytest.mark.usefixtures("form")
def test_a_sequence_of_no_finite_score_has_no_shares() -> None:
    scores = torch.tensor([[-torch.inf], [-torch.inf], [torch.inf], [0.0], [1.0]])
    out = segment_softmax(scores, torch.tensor([0, 2, 4, 5])).flatten()
    assert out[:4].isnan().all()
    assert out[4] == 1
