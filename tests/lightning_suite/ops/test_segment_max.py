"""The greatest of each sequence; what it shares with the other ops over sequences is tested in test__segments.py."""

import pytest
import torch

from lightning_suite.ops.segment_max import segment_max


@pytest.mark.usefixtures("form")
def test_of_equal_values_the_first_has_the_gradient() -> None:
    x = torch.tensor([[1.0, 3.0], [2.0, 3.0], [2.0, 3.0], [2.0, 5.0], [2.0, 5.0]], requires_grad=True)
    out = segment_max(x, torch.tensor([0, 3, 3, 5]))
    assert out.tolist() == [[2.0, 3.0], [0.0, 0.0], [2.0, 5.0]]
    (slope,) = torch.autograd.grad(out, x, torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert slope.tolist() == [[0.0, 2.0], [1.0, 0.0], [0.0, 0.0], [5.0, 6.0], [0.0, 0.0]]


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("learns", [False, True])
def test_the_first_that_is_no_number_is_the_greatest_wherever_it_is(learns: bool) -> None:
    x = torch.tensor([[1.0], [torch.nan], [2.0], [torch.nan], [-torch.inf], [-torch.inf]]).requires_grad_(learns)
    out = segment_max(x, torch.tensor([0, 4, 6]))
    assert out[0].isnan()
    assert out[1] == -torch.inf
    if learns:
        assert torch.autograd.grad(out.sum(), x)[0].flatten().tolist() == [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]


@pytest.mark.usefixtures("form")
def test_it_equals_the_greatest_of_many_long_sequences() -> None:
    x = torch.randint(-9, 9, (700, 33), generator=torch.Generator().manual_seed(0)).float().requires_grad_()
    offsets = torch.tensor([0, 1, 6, 106, 700])
    out = segment_max(x, offsets)
    parts = x.split(offsets.diff().tolist())
    assert torch.equal(out, torch.stack([part.amax(0) for part in parts]))
    (slope,) = torch.autograd.grad(out.sum(), x)
    first = torch.cat(
        [torch.nn.functional.one_hot((part == part.amax(0)).int().argmax(0), len(part)).T for part in parts]
    )
    assert torch.equal(slope, first.float())
