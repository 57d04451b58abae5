"""The sum of each sequence; what it shares with the other ops over sequences is tested in test__segments.py."""

import pytest
import torch

from lightning_suite import ragged
from lightning_suite.ops.segment_sum import segment_sum


@pytest.mark.usefixtures("form")
def test_it_equals_the_sums_of_the_sequences_and_their_gradient_is_that_of_each_value() -> None:
    x = torch.randn(9, 2, dtype=torch.float64, requires_grad=True)
    offsets = torch.tensor([0, 3, 3, 4, 9])
    out = segment_sum(x, offsets)
    torch.testing.assert_close(out, torch.stack([part.sum(0) for part in ragged.split(x, offsets)]))
    share = torch.randn(4, 2, dtype=torch.float64)
    (slope,) = torch.autograd.grad(out, x, share)
    assert torch.equal(slope, share[[0, 0, 0, 2, 3, 3, 3, 3, 3]])


@pytest.mark.usefixtures("form")
def test_half_precision_is_added_up_in_float32() -> None:
    x = torch.ones(3000, 1, dtype=torch.bfloat16)  # 256 + 1 is 256 there
    assert segment_sum(x, torch.tensor([0, 3000])).item() == 3008  # 3000 rounded


def test_it_is_the_one_of_ragged() -> None:
    assert ragged.segment_sum is segment_sum
