"""The quick matrix product gives what torch's own gives, for any number of rows and any layout."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from suite_dsa import onednn_linear


def gradients(of: Tensor, sources: list[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(of.square().sum(), sources)


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 500])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_equal_those_of_linear(rows: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    sources = [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in ((rows, 30), (20, 30), (20,))]
    expected, actual = functional.linear(*sources), onednn_linear.onednn_linear(*sources)
    torch.testing.assert_close(expected, actual, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients(expected, sources), gradients(actual, sources), rtol=1e-4, atol=1e-3)


def test_rows_need_not_be_contiguous() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(70, 60, requires_grad=True), torch.randn(60, 20, requires_grad=True)
    expected, actual = x[:, ::2] @ weight[::2], onednn_linear.onednn_linear(x[:, ::2], weight[::2].T)
    torch.testing.assert_close(expected, actual, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients(expected, [x, weight]), gradients(actual, [x, weight]), rtol=1e-4, atol=1e-3)


def test_only_the_gradients_that_are_needed_are_computed() -> None:
    x, weight = torch.randn(70, 30), torch.randn(20, 30, requires_grad=True)
    onednn_linear.onednn_linear(x, weight).sum().backward()
    assert x.grad is None
    torch.testing.assert_close(x.sum(0).expand(20, 30), weight.grad, rtol=1e-4, atol=1e-4)


def test_rounding_up_adds_at_most_an_eighth_and_leaves_few_numbers() -> None:
    rounded = {rows: onednn_linear.round_up(rows) for rows in range(512, 8192)}
    assert all(rows <= up <= rows * 9 / 8 for rows, up in rounded.items())
    assert len(set(rounded.values())) <= 40


def test_no_row_is_padding_where_no_kernel_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert onednn_linear.padding_rows(torch.ones(1001, 2, dtype=torch.float64)) == 0
    monkeypatch.setattr(onednn_linear, "ONEDNN", False)
    assert onednn_linear.padding_rows(torch.ones(1001, 2)) == 0


@pytest.mark.parametrize("rows", [1, 31, 32])
def test_few_rows_are_not_padded_outside_training(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn_linear, "ONEDNN", hasattr(torch.ops.mkldnn, "_linear_pointwise"))
    x, weight = torch.randn(rows, 30), torch.randn(20, 30)
    assert onednn_linear.padding_rows(x) == 64 - rows
    with torch.no_grad():
        assert onednn_linear.padding_rows(x) == (32 if rows == 32 else 0)
        torch.testing.assert_close(onednn_linear.onednn_linear(x, weight), x @ weight.T, rtol=1e-4, atol=1e-5)


def test_the_product_without_onednn_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight = torch.randn(70, 30), torch.randn(20, 30)
    with_it = onednn_linear.onednn_linear(x, weight)
    monkeypatch.setattr(onednn_linear, "ONEDNN", False)
    torch.testing.assert_close(onednn_linear.onednn_linear(x, weight), with_it, rtol=1e-4, atol=1e-5)


def test_mixed_precision_is_honoured_and_so_are_its_gradients() -> None:
    torch.manual_seed(0)
    sources = [torch.randn(shape, requires_grad=True) for shape in ((500, 30), (20, 30), (20,))]
    expected = functional.linear(*sources)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = onednn_linear.onednn_linear(*sources)
    assert actual.dtype == torch.bfloat16
    assert actual.shape == expected.shape
    torch.testing.assert_close(actual.float(), expected, rtol=0.02, atol=0.1)
    for of_expected, of_actual in zip(gradients(expected, sources), gradients(actual.float(), sources), strict=True):
        assert of_actual.dtype == torch.float32
        torch.testing.assert_close(of_actual, of_expected, rtol=0.05, atol=0.01 * float(of_expected.abs().max()))
