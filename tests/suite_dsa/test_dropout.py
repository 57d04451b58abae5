"""Dropout: how much is dropped, that each number is decided for by itself, and the gradients."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from suite_dsa.dropout import Dropout, DropoutLeakyReLU, dropout_mask


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_drops_at_its_probability_and_scales_the_rest(dtype: torch.dtype) -> None:
    dropped = Dropout(0.4)(torch.ones(700, 301, dtype=dtype))
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.6, dtype=dtype).item()}
    assert (dropped == 0).double().mean().item() == pytest.approx(0.4, abs=0.01)


def test_dropout_decides_for_each_number_by_itself() -> None:
    """Four decisions share one random number; neighbours must not know of each other."""
    mask = dropout_mask((100_000, 4), 0.3, torch.device("cpu")).double()
    covariance = torch.cov(mask.T)
    torch.testing.assert_close(torch.eye(4, dtype=torch.float64) * 0.21, covariance, atol=0.01, rtol=0)


@pytest.mark.parametrize(("dropout", "kept"), [(1e-9, 1.0), (1 - 1e-9, 0.0)])
def test_dropout_may_be_nearly_nothing_or_nearly_all(dropout: float, kept: float) -> None:
    mask = dropout_mask((1000, 1000), dropout, torch.device("cpu"))
    assert set(mask.unique().tolist()) == {0, 1}
    assert mask.double().mean().item() == pytest.approx(kept, abs=1e-4)


@pytest.mark.parametrize("module", [Dropout(0.5), DropoutLeakyReLU(0.5)])
def test_dropout_is_off_in_evaluation(module: nn.Module) -> None:
    x = torch.rand(50, 50)
    assert torch.equal(x, module.eval()(x))


def test_dropout_is_the_same_for_the_same_seed() -> None:
    x, drop = torch.randn(30, 30), DropoutLeakyReLU(0.2)
    torch.manual_seed(5)
    first = drop(x)
    torch.manual_seed(5)
    assert torch.equal(first, drop(x))
    assert not torch.equal(first, drop(x))


def test_dropped_numbers_have_no_gradient_and_the_rest_leaky_relu_s() -> None:
    x = torch.randn(40, 40, dtype=torch.float64, requires_grad=True)
    y = DropoutLeakyReLU(0.2)(x)
    (grad,) = torch.autograd.grad(y.sum(), x)
    expected = torch.where(y == 0, 0.0, torch.where(x > 0, 1.0, 0.01) / 0.8).double()
    torch.testing.assert_close(expected, grad)
