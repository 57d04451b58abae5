"""Attention within packed sequences equals softmax(QK')V of each sequence alone, in plain torch and compiled."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import gradcheck
from torch.library import opcheck
from torch.nn import functional

from lightning_suite import ragged
from lightning_suite.ops.ragged_attention import ragged_attention, reference

OFFSETS = torch.tensor([0, 4, 5, 5, 11])
QUERIES = torch.tensor([0, 2, 5, 6, 9])
HALF = {torch.bfloat16: 2**-8, torch.float16: 2**-11}


def rows(count: int, heads: int = 2, dim: int = 3, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, heads, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


def inputs(dim: int = 3, value_dim: int = 5, heads: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    return rows(9, heads, dim), rows(11, heads, dim, 1), rows(11, heads, value_dim, 2)


def by_the_letter(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """One sequence and head, number by number."""
    result = torch.zeros(len(q), v.shape[1], dtype=q.dtype)
    for i in range(len(q)):
        seen = len(k) - (len(q) - 1 - i) if causal else len(k)
        if seen <= 0:
            continue
        weights = torch.stack([(q[i] * k[j]).sum() / q.shape[1] ** 0.5 for j in range(seen)]).exp()
        result[i] = sum((weights[j] / weights.sum() * v[j] for j in range(seen)), result[i])
    return result


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("dim", "value_dim", "heads"), [(3, 5, 2), (1, 1, 1), (16, 40, 3)])
def test_it_equals_the_formula_number_by_number(dim: int, value_dim: int, heads: int, causal: bool) -> None:
    query, key, value = inputs(dim, value_dim, heads)
    out = ragged_attention(query, key, value, OFFSETS, query_offsets=QUERIES, causal=causal)
    for (begin, end), (first, last) in zip(pairwise(QUERIES), pairwise(OFFSETS), strict=True):
        for head in range(heads):
            q, k, v = query[begin:end, head], key[first:last, head], value[first:last, head]
            torch.testing.assert_close(out[begin:end, head], by_the_letter(q, k, v, causal), rtol=0, atol=1e-12)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("causal", [False, True])
def test_it_equals_torch_s_own_attention(causal: bool) -> None:
    q, k, v = (rows(100, 3, 24, seed, torch.float32) for seed in range(3))
    expected = functional.scaled_dot_product_attention(*(x.transpose(0, 1) for x in (q, k, v)), is_causal=causal)
    torch.testing.assert_close(
        ragged_attention(q, k, v, torch.tensor([0, 100]), causal=causal), expected.transpose(0, 1)
    )


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("causal", [False, True])
def test_gradients_are_right(causal: bool) -> None:
    three = [each.requires_grad_() for each in inputs()]
    assert gradcheck(lambda *x: ragged_attention(*x, OFFSETS, query_offsets=QUERIES, causal=causal, scale=0.7), three)


batches = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=5),
        "heads": st.integers(1, 3),
        "dim": st.integers(1, 40),
        "value_dim": st.integers(1, 40),
        "causal": st.booleans(),
        "seed": st.integers(0, 2**31),
    }
)


@pytest.mark.usefixtures("compiled")
@given(batch=batches)
@settings(max_examples=60, deadline=None)
def test_the_compiled_form_equals_the_reference_on_any_batch(device: str, batch: dict[str, int]) -> None:
    generator = torch.Generator().manual_seed(batch["seed"])
    query_offsets, offsets = (
        ragged.offsets_of(torch.tensor([pair[i] for pair in batch["sizes"]]).long()) for i in (0, 1)
    )
    shapes = [(query_offsets, "dim"), (offsets, "dim"), (offsets, "value_dim")]
    here = [
        torch.randn(
            int(ends[-1]), batch["heads"], batch[dim], dtype=torch.float64, generator=generator
        ).requires_grad_()
        for ends, dim in shapes
    ]
    there = [each.detach().to(device).requires_grad_() for each in here]
    expected = reference(*here, offsets, query_offsets=query_offsets, causal=batch["causal"])
    actual = ragged_attention(
        *there, offsets.to(device), query_offsets=query_offsets.to(device), causal=batch["causal"]
    )
    torch.testing.assert_close(actual.cpu(), expected, rtol=0, atol=1e-11)
    share = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    slopes = torch.autograd.grad(expected, here, share)
    for slope, gradient in zip(slopes, torch.autograd.grad(actual, there, share.to(device)), strict=True):
        torch.testing.assert_close(gradient.cpu(), slope, rtol=0, atol=1e-11)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_lower_precision_errs_by_its_roundoff(dtype: torch.dtype) -> None:
    lengths = torch.arange(60)
    offsets = ragged.offsets_of(lengths)
    exact = [rows(int(offsets[-1]), 3, 33, seed).to(dtype).double().requires_grad_() for seed in range(3)]
    lower = [each.detach().to(dtype).requires_grad_() for each in exact]
    expected, actual = reference(*exact, offsets), ragged_attention(*lower, offsets)
    roundoff = HALF.get(dtype, 0.0)
    assert (actual.double() - expected).abs().max() <= (4e-6 + roundoff) * expected.abs().max()
    for slope, gradient in zip(
        torch.autograd.grad(expected.sum(), exact), torch.autograd.grad(actual.sum(), lower), strict=True
    ):
        assert (gradient.double() - slope).abs().max() <= (1e-5 + 4 * roundoff) * max(1.0, float(slope.abs().max()))


@pytest.mark.usefixtures("form")
def test_a_query_that_sees_nothing_gives_zero_and_its_neighbours_are_right() -> None:
    query, key, value = (each.requires_grad_() for each in inputs())
    out = ragged_attention(query, key, value, OFFSETS, query_offsets=QUERIES, causal=True)
    assert not out[2:4].any()  # three queries on one key: the last sees it
    assert torch.equal(out[4], value[4])
    assert not out[5].any()  # there is no key
    out.sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in (query, key, value))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("offsets", [[0], [0, 0, 0]])
def test_no_rows_give_nothing_and_an_empty_gradient(offsets: list[int]) -> None:
    three = [rows(0, 2, dim).requires_grad_() for dim in (3, 3, 4)]
    out = ragged_attention(*three, torch.tensor(offsets))
    assert out.shape == (0, 2, 4)
    out.sum().backward()
    assert all(each.grad is not None and each.grad.shape == each.shape for each in three)


@pytest.mark.usefixtures("form")
def test_great_scores_do_not_overflow() -> None:
    x = (1e4 * rows(11, dtype=torch.float32)).requires_grad_()
    out = ragged_attention(x, x, x, OFFSETS)
    out.sum().backward()
    assert out.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.usefixtures("form")
def test_what_is_no_number_harms_its_own_sequence_and_head_alone() -> None:
    query, key, value = inputs()
    clean = ragged_attention(query, key, value, OFFSETS, query_offsets=QUERIES)
    key[7, 1, 2] = torch.nan
    out = ragged_attention(query, key, value, OFFSETS, query_offsets=QUERIES)
    assert out[6:, 1].isnan().all()
    out[6:, 1] = clean[6:, 1]
    assert torch.equal(clean, out)


@pytest.mark.usefixtures("form")
def test_rows_need_not_be_contiguous_and_offsets_may_be_int32() -> None:
    x = rows(11, 4, 6)[:, ::2, ::2]
    expected = ragged_attention(x.contiguous(), x.contiguous(), x.contiguous(), OFFSETS)
    torch.testing.assert_close(expected, ragged_attention(x, x, x, OFFSETS.int()), rtol=0, atol=0)


@pytest.mark.usefixtures("compiled")
def test_the_number_of_threads_changes_no_bit(
    same_for_any_number_of_threads: Callable[[Callable[[], Sequence[Tensor]]], None],
) -> None:
    offsets = ragged.offsets_of(torch.tensor([3, 0, 400, 1, 1, 90, 25]))
    x = rows(int(offsets[-1]), 8, 40, dtype=torch.float32).requires_grad_()

    def of_all() -> tuple[Tensor, Tensor]:
        out = ragged_attention(x, x, x, offsets, causal=True)
        return out.detach(), torch.autograd.grad(out.pow(2).sum(), x)[0]

    same_for_any_number_of_threads(of_all)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_finds_nothing_wrong_with_the_op(dtype: torch.dtype) -> None:
    three = [each.to(dtype) for each in inputs()]
    out, norms = torch.ops.lightning_suite.ragged_attention(*three, QUERIES, OFFSETS, 0.5, True)
    leaves = [each.clone().requires_grad_() for each in three]
    # Of the second result there is no derivative, so that torch cannot try one.
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    opcheck(torch.ops.lightning_suite.ragged_attention, (*leaves, QUERIES, OFFSETS, 0.5, True), test_utils=tests)
    opcheck(torch.ops.lightning_suite.ragged_attention_backward, (out, *three, QUERIES, OFFSETS, out, norms, 0.5, True))


@pytest.mark.usefixtures("compiled")
def test_one_compilation_serves_batches_of_all_shapes() -> None:
    counter = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    function = torch.compile(ragged_attention, backend=counter, fullgraph=True, dynamic=True)
    for lengths in ([4, 1, 0, 6], [7, 23], [50, 2, 2, 2, 2, 9]):
        offsets = ragged.offsets_of(torch.tensor(lengths))
        x = torch.randn(int(offsets[-1]), 2, 3, requires_grad=True)
        (expected,) = torch.autograd.grad(ragged_attention(x, x, x, offsets).pow(2).sum(), x)
        (actual,) = torch.autograd.grad(function(x, x, x, offsets).pow(2).sum(), x)
        torch.testing.assert_close(expected, actual)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("compiled")
def test_there_are_shapes_on_the_meta_device_and_gradients() -> None:
    three = [each.to("meta").requires_grad_() for each in inputs()]
    out = ragged_attention(*three, OFFSETS.to("meta"), query_offsets=QUERIES.to("meta"))
    assert out.shape == (9, 2, 5)
    assert [slope.shape for slope in torch.autograd.grad(out.sum(), three)] == [each.shape for each in three]


@pytest.mark.usefixtures("compiled")
def test_derivatives_that_are_not_there_are_refused() -> None:
    x = rows(11).requires_grad_()
    (slope,) = torch.autograd.grad(ragged_attention(x, x, x, OFFSETS).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="ragged_attention: second derivatives"):
        slope.sum().backward()
    with pytest.raises(NotImplementedError, match="ragged_attention: forward-mode derivatives"):
        torch.func.jvp(lambda x: ragged_attention(x, x, x, OFFSETS), (rows(11),), (rows(11),))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": torch.ones(9, 6)}, "query must have three axes"),
        ({"query": torch.ones(9, 2, 3).long()}, "query must be float32 or .* got int64"),
        ({"key": rows(11, 2, 4)}, r"key must be float64 of shape \(value, head, dim\), here \(11, 2, 3\), got"),
        ({"value": rows(10, 2, 5)}, "value must be"),
        ({"offsets": OFFSETS.float()}, "offsets must be int64 or int32"),
        ({"offsets": OFFSETS[:-1]}, "query_offsets must have the shape of offsets"),
        ({"offsets": OFFSETS + 1}, "offsets must begin with 0, got 1"),
        ({"offsets": torch.tensor([0, 5, 4, 5, 11])}, "offset 2 is 4 after 5"),
        ({"query_offsets": OFFSETS}, "number of values, 9, got 11"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, Tensor], message: str) -> None:
    query, key, value = inputs()
    arguments = {"query": query, "key": key, "value": value, "offsets": OFFSETS, "query_offsets": QUERIES} | change
    with pytest.raises(ValueError, match="ragged_attention: .*" + message):
        ragged_attention(**arguments)


@pytest.mark.usefixtures("compiled")
def test_random_offsets_are_refused_or_right(many: int) -> None:
    x = torch.randn(6, 1, 2)
    refused = 0
    for offsets in torch.randint(-1, 8, (many // 5, 4)).unbind():
        try:
            out = torch.ops.lightning_suite.ragged_attention(x, x, x, offsets, offsets, 1.0, False)[0]
        except RuntimeError:
            refused += 1
        else:
            ragged.check(offsets, 6, "expected")
            assert out.isfinite().all()
    assert refused > 0.9 * (many // 5)
