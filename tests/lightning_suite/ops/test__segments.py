"""The four ops over sequences equal their formula column by column, in plain torch and compiled, on any batch."""

from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import gradcheck, gradgradcheck
from torch.library import opcheck

from lightning_suite import ragged

OFFSETS = torch.tensor([0, 4, 5, 5, 11])
HALF = {torch.bfloat16: 2**-8, torch.float16: 2**-11}
"""Unit roundoff of the dtypes that are computed in float32."""

Function = Callable[..., Tensor]


@pytest.fixture(scope="module", params=["segment_sum", "segment_max", "segment_softmax", "weighted_sum"])
def op(request: pytest.FixtureRequest) -> ModuleType:
    """The file of each op."""
    return import_module(f"lightning_suite.ops.{request.param}")


@pytest.fixture(scope="module")
def name(op: ModuleType) -> str:
    """The name of the op."""
    return op.__name__.rpartition(".")[2]


@pytest.fixture(scope="module")
def function(op: ModuleType, name: str) -> Function:
    """The public function."""
    found: Function = getattr(op, name)
    return found


@pytest.fixture(scope="module")
def arguments(name: str) -> Callable[..., list[Tensor]]:
    """The function that draws the arguments before the offsets."""

    def draw(
        values: int, heads: int = 3, dim: int = 5, seed: int = 0, dtype: torch.dtype = torch.float64
    ) -> list[Tensor]:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(values, heads, dim, dtype=torch.float64, generator=generator).to(dtype)
        weights = torch.randn(values, heads, dtype=torch.float64, generator=generator).to(dtype)
        return {"weighted_sum": [x, weights], "segment_softmax": [weights]}.get(name, [x.flatten(1)])

    return draw


def by_the_letter(name: str, inputs: list[Tensor], offsets: Tensor) -> Tensor:
    """One sequence and column after another, number by number."""
    first, *others = (tensor.reshape(len(tensor), -1) for tensor in inputs)
    results = []
    for begin, end in pairwise(offsets.tolist()):
        columns = []
        for column in range(first.shape[1]):
            numbers = first[begin:end, column].tolist()
            if name == "weighted_sum":
                weights = others[0][begin:end, column // inputs[0].shape[2]].tolist()
                numbers = [weight * number for weight, number in zip(weights, numbers, strict=True)]
            if name == "segment_softmax":
                exponentials = torch.tensor(numbers, dtype=torch.float64).exp()
                columns.append(exponentials / exponentials.sum())
            elif name == "segment_max":
                columns.append(torch.tensor([max(numbers, default=0.0)], dtype=torch.float64))
            else:
                columns.append(torch.tensor([sum(numbers)], dtype=torch.float64))
        results.append(torch.stack(columns, 1))
    together = torch.cat(results)
    return together.reshape(len(together), *inputs[0].shape[1:])


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(("heads", "dim"), [(3, 5), (1, 1), (2, 40), (40, 1)])
def test_it_equals_the_formula_number_by_number(
    name: str, function: Function, arguments: Callable[..., list[Tensor]], heads: int, dim: int
) -> None:
    inputs = arguments(11, heads, dim)
    torch.testing.assert_close(function(*inputs, OFFSETS), by_the_letter(name, inputs, OFFSETS), rtol=0, atol=1e-12)


def test_first_derivatives_are_right_and_the_compiled_form_has_second_ones(
    form: str, function: Function, arguments: Callable[..., list[Tensor]]
) -> None:
    inputs = [each.requires_grad_() for each in arguments(11, 2, 3)]
    assert gradcheck(lambda *x: function(*x, OFFSETS), inputs)
    if form == "compiled":
        assert gradgradcheck(lambda *x: function(*x, OFFSETS), inputs)


batches = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.integers(0, 70), max_size=6),
        "heads": st.integers(1, 20),
        "dim": st.integers(1, 40),
        "seed": st.integers(0, 2**31),
    }
)


@pytest.mark.usefixtures("compiled")
@given(batch=batches)
@settings(max_examples=60, deadline=None)
def test_the_compiled_form_equals_the_reference_on_any_batch(
    device: str, op: ModuleType, name: str, arguments: Callable[..., list[Tensor]], batch: dict[str, int]
) -> None:
    offsets = ragged.offsets_of(torch.tensor(batch["sizes"]).long())
    here = [x.requires_grad_() for x in arguments(int(offsets[-1]), batch["heads"], batch["dim"], batch["seed"])]
    there = [x.detach().to(device).requires_grad_() for x in here]
    expected, actual = op.reference(*here, offsets), getattr(op, name)(*there, offsets.to(device))
    torch.testing.assert_close(actual.cpu(), expected, rtol=0, atol=1e-11)
    share = torch.randn(expected.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(batch["seed"]))
    slopes = torch.autograd.grad(expected, here, share)
    for slope, gradient in zip(slopes, torch.autograd.grad(actual, there, share.to(device)), strict=True):
        torch.testing.assert_close(gradient.cpu(), slope, rtol=0, atol=1e-11)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_lower_precision_errs_by_its_roundoff(
    op: ModuleType, function: Function, arguments: Callable[..., list[Tensor]], dtype: torch.dtype
) -> None:
    offsets = ragged.offsets_of(torch.arange(60))
    lower = [each.requires_grad_() for each in arguments(int(offsets[-1]), 3, 33, dtype=dtype)]
    exact = [each.detach().double().requires_grad_() for each in lower]
    expected, actual = op.reference(*exact, offsets), function(*lower, offsets)
    roundoff = HALF.get(dtype, 0.0)
    assert actual.dtype == dtype
    assert (actual.double() - expected).abs().max() <= (4e-6 + roundoff) * max(
        1.0, float(expected.detach().abs().max())
    )
    share = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    slopes = torch.autograd.grad(expected, exact, share.double())
    for slope, gradient in zip(slopes, torch.autograd.grad(actual, lower, share), strict=True):
        assert (gradient.double() - slope).abs().max() <= (1e-5 + 4 * roundoff) * max(1.0, float(slope.abs().max()))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("offsets", [[0], [0, 0, 0]])
def test_no_values_give_nothing_and_an_empty_gradient(
    name: str, function: Function, arguments: Callable[..., list[Tensor]], offsets: list[int]
) -> None:
    inputs = [each.requires_grad_() for each in arguments(0)]
    out = function(*inputs, torch.tensor(offsets))
    assert len(out) == (0 if name == "segment_softmax" else len(offsets) - 1)
    assert not out.any()
    for each, slope in zip(inputs, torch.autograd.grad(out.sum(), inputs), strict=True):
        assert each.shape == slope.shape


@pytest.mark.usefixtures("form")
def test_values_of_no_columns_give_none(function: Function, arguments: Callable[..., list[Tensor]]) -> None:
    inputs = [each.requires_grad_() for each in arguments(11, 0, 0)]
    out = function(*inputs, OFFSETS)
    assert out.numel() == 0
    assert all(slope.numel() == 0 for slope in torch.autograd.grad(out.sum(), inputs))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_no_number_harms_its_own_sequence_and_column_alone(
    name: str, function: Function, arguments: Callable[..., list[Tensor]], bad: float
) -> None:
    inputs = arguments(11, 3, 1)
    clean = function(*inputs, OFFSETS).reshape(-1, 3)
    inputs[0].reshape(11, 3)[7, 1] = bad
    out = function(*inputs, OFFSETS).reshape(-1, 3)
    place = slice(5, 11) if name == "segment_softmax" else slice(3, 4)
    assert not out[place, 1].isfinite().any()
    assert out[place, 1].isnan().all() or (bad == torch.inf and name != "segment_softmax")
    out[place, 1] = clean[place, 1]
    assert torch.equal(clean, out)


@pytest.mark.usefixtures("form")
def test_values_need_not_be_contiguous_and_offsets_may_be_int32(
    function: Function, arguments: Callable[..., list[Tensor]]
) -> None:
    every_other = [torch.stack([each, each + 1], -1)[..., 0] for each in arguments(11)]
    expected = function(*(each.contiguous() for each in every_other), OFFSETS)
    torch.testing.assert_close(expected, function(*every_other, OFFSETS.int()), rtol=0, atol=0)


@pytest.mark.usefixtures("form")
def test_autocast_leaves_the_dtype_as_it_is(function: Function, arguments: Callable[..., list[Tensor]]) -> None:
    inputs = arguments(11, dtype=torch.float32)
    expected = function(*inputs, OFFSETS)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(expected, function(*inputs, OFFSETS))


@pytest.mark.usefixtures("compiled")
def test_the_number_of_threads_changes_no_bit(
    function: Function,
    arguments: Callable[..., list[Tensor]],
    same_for_any_number_of_threads: Callable[[Callable[[], Sequence[Tensor]]], None],
) -> None:
    offsets = ragged.offsets_of(torch.tensor([3, 0, 4000, 1, 1, 900, 25, 0]))
    inputs = [each.requires_grad_() for each in arguments(int(offsets[-1]), 8, 40, dtype=torch.float32)]

    def of_all() -> list[Tensor]:
        out = function(*inputs, offsets)
        return [out.detach(), *torch.autograd.grad(out.pow(2).sum(), inputs)]

    same_for_any_number_of_threads(of_all)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_torch_finds_nothing_wrong_with_the_op(
    name: str, arguments: Callable[..., list[Tensor]], dtype: torch.dtype
) -> None:
    ops = torch.ops.lightning_suite
    inputs = arguments(11, dtype=dtype)
    leaves = [each.clone().requires_grad_() for each in inputs]
    rest = {"segment_max": (OFFSETS, True)}.get(name, (OFFSETS,))
    out = getattr(ops, name)(*inputs, *rest)
    backward = {
        "segment_sum": (out, OFFSETS, 11),
        "segment_max": (out[0], out[1], OFFSETS, 11),
        "segment_softmax": (out, out, OFFSETS),
        "weighted_sum": (out, *inputs, OFFSETS),
    }
    opcheck(getattr(ops, name), (*leaves, *rest))
    opcheck(getattr(ops, f"{name}_backward"), backward[name])


@pytest.mark.usefixtures("compiled")
def test_one_compilation_serves_batches_of_all_shapes(
    function: Function, arguments: Callable[..., list[Tensor]]
) -> None:
    counter = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    once = torch.compile(function, backend=counter, fullgraph=True, dynamic=True)
    for lengths in ([4, 1, 0, 6], [7, 23], [50, 2, 2, 2, 2, 9]):
        offsets = ragged.offsets_of(torch.tensor(lengths))
        # No two axes are equal, which torch would take for a rule.
        inputs = [x.requires_grad_() for x in arguments(int(offsets[-1]), 3, 70, dtype=torch.float32)]
        expected = torch.autograd.grad(function(*inputs, offsets).pow(2).sum(), inputs)
        actual = torch.autograd.grad(once(*inputs, offsets).pow(2).sum(), inputs)
        torch.testing.assert_close(expected, actual)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("compiled")
def test_there_are_shapes_on_the_meta_device_and_gradients(
    function: Function, arguments: Callable[..., list[Tensor]]
) -> None:
    inputs = [each.to("meta").requires_grad_() for each in arguments(11)]
    out = function(*inputs, OFFSETS.to("meta"))
    assert out.shape == function(*arguments(11), OFFSETS).shape
    assert [slope.shape for slope in torch.autograd.grad(out.sum(), inputs)] == [each.shape for each in inputs]


@pytest.mark.usefixtures("compiled")
def test_derivatives_that_are_not_there_are_refused(
    name: str, function: Function, arguments: Callable[..., list[Tensor]]
) -> None:
    first, *others = arguments(11)
    with pytest.raises(NotImplementedError, match=f"{name}: forward-mode derivatives"):
        torch.func.jvp(lambda x: function(x, *others, OFFSETS), (first,), (first,))
    with pytest.raises(NotImplementedError, match=f"{name}: torch.func cannot"):
        torch.func.grad(lambda x: function(x, *others, OFFSETS).sum())(first)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        (OFFSETS.float(), "offsets must be int64 or int32"),
        (OFFSETS + 1, "offsets must begin with 0, got 1"),
        (torch.tensor([0, 5, 4, 5, 11]), "offset 2 is 4 after 5"),
        (OFFSETS[:-1], "number of values, 11, got 5"),
    ],
)
def test_bad_offsets_are_refused(
    name: str, function: Function, arguments: Callable[..., list[Tensor]], offsets: Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=f"{name}: .*{message}"):
        function(*arguments(11), offsets)


@pytest.mark.usefixtures("form")
def test_other_arguments_are_refused(name: str, function: Function, arguments: Callable[..., list[Tensor]]) -> None:
    first, *others = arguments(11)
    with pytest.raises(ValueError, match=f"{name}: .* must be of shape .value, "):
        function(first[..., None], *others, OFFSETS)
    with pytest.raises(ValueError, match=f"{name}: .* one of float32, float64, bfloat16, float16, got int64 of shape"):
        function(first.long(), *others, OFFSETS)
    with pytest.raises(ValueError, match=f"{name}: .* must be a dense tensor, got a sparse_coo one"):
        function(first.to_sparse(), *others, OFFSETS)
    with pytest.raises(TypeError, match=f"{name}: .* must be a tensor, got list"):
        function(first.tolist(), *others, OFFSETS)


@pytest.mark.usefixtures("compiled")
def test_random_offsets_are_refused_or_right(
    name: str, op: ModuleType, arguments: Callable[..., list[Tensor]], many: int
) -> None:
    inputs = arguments(6, 1, 2)
    rest = (False,) if name == "segment_max" else ()
    refused = 0
    for offsets in torch.randint(-1, 8, (many // 5, 4)).unbind():
        try:
            out = getattr(torch.ops.lightning_suite, name)(*inputs, offsets, *rest)
        except RuntimeError:
            refused += 1
        else:
            ragged.check(offsets, 6, "expected")
            out = out[0] if isinstance(out, tuple) else out
            torch.testing.assert_close(out, op.reference(*inputs, offsets))
    assert refused > 0.9 * (many // 5)
