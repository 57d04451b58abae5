"""Weighted sums of sequences; what they share with the other ops over sequences is tested in test__segments.py."""

import pytest
import torch
from torch.library import opcheck

from lightning_suite import ragged
from lightning_suite.ops.weighted_sum import weighted_sum

OFFSETS = torch.tensor([0, 3, 3, 4, 9])


@pytest.mark.usefixtures("form")
def test_it_equals_the_sums_of_products_and_a_weight_s_gradient_is_a_product_of_rows() -> None:
    x = torch.randn(9, 3, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(9, 3, dtype=torch.float64, requires_grad=True)
    out = weighted_sum(x, weights, OFFSETS)
    torch.testing.assert_close(
        out, torch.stack([part.sum(0) for part in ragged.split(x * weights[..., None], OFFSETS)])
    )
    share = torch.randn(out.shape, dtype=torch.float64)
    slopes = torch.autograd.grad(out, (x, weights), share)
    of_value = share[[0, 0, 0, 2, 3, 3, 3, 3, 3]]
    torch.testing.assert_close(slopes, (of_value * weights[..., None], (of_value * x).sum(-1)))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("learns", ["values", "weights"])
def test_one_of_the_two_may_need_no_gradient(learns: str) -> None:
    x, weights = torch.randn(9, 3, 2), torch.randn(9, 3)
    leaf = (x if learns == "values" else weights).requires_grad_()
    (slope,) = torch.autograd.grad(weighted_sum(x, weights, OFFSETS).sum(), leaf)
    expected = weights[..., None].expand(9, 3, 2) if learns == "values" else x.sum(-1)
    torch.testing.assert_close(slope, expected)


@pytest.mark.usefixtures("form")
def test_of_two_dtypes_it_has_the_wider() -> None:
    x, weights = torch.randn(9, 3, 2), torch.rand(9, 3)
    for pair in ((x.bfloat16(), weights), (x, weights.bfloat16()), (x.double(), weights)):
        out = weighted_sum(*pair, OFFSETS)
        assert out.dtype == torch.promote_types(pair[0].dtype, pair[1].dtype)
        torch.testing.assert_close(
            out.double(), weighted_sum(x.double(), weights.double(), OFFSETS), rtol=0.05, atol=0.05
        )


@pytest.mark.usefixtures("form")
def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights must be of shape .value, head., here .9, 3., got .9, 2."):
        weighted_sum(torch.ones(9, 3, 2), torch.ones(9, 2), OFFSETS)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("for_values", "for_weights"), [(True, False), (False, True), (True, True)])
def test_the_compiled_form_computes_the_gradients_that_are_wanted_and_no_others(
    for_values: bool, for_weights: bool
) -> None:
    x, weights, grad = torch.randn(9, 3, 2), torch.randn(9, 3), torch.randn(4, 3, 2)
    backward = torch.ops.lightning_suite.weighted_sum_backward
    every = backward(grad, x, weights, OFFSETS)
    some = backward(grad, x, weights, OFFSETS, for_values, for_weights)
    for wanted, expected, actual in zip((for_values, for_weights), every, some, strict=True):
        assert torch.equal(actual, expected if wanted else expected[:0])
    opcheck(backward.default, (grad, x, weights, OFFSETS, for_values, for_weights))
