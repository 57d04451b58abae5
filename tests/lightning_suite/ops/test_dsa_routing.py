"""Dynamic self-attention equals Algorithm 1 written word by word, in plain torch and compiled, on any batch."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import gradcheck
from torch.library import opcheck

from lightning_suite import ragged
from lightning_suite.ops.dsa_routing import dsa_routing, dsa_routing_attention, reference

OFFSETS = torch.tensor([0, 4, 5, 5, 11])
HALF = {torch.bfloat16: 2**-8, torch.float16: 2**-11}
"""Unit roundoff of the dtypes that are computed in float32."""


def algorithm_1(words: Tensor, iterations: int) -> tuple[Tensor, Tensor, Tensor]:
    """One sentence, (word, head, head_dim), by the letter: outputs, last weights, last but one outputs."""
    count, heads, _ = words.shape
    q = torch.zeros(count, heads, dtype=words.dtype)
    z = torch.zeros(words.shape[1:], dtype=words.dtype)
    before, a = z, q
    for _ in range(iterations):
        before, a = z, torch.stack([q[:, j].softmax(0) for j in range(heads)], 1)
        z = torch.stack([sum((a[i, j] * words[i, j] for i in range(count)), 0 * z[0]) for j in range(heads)]).tanh()
        q = q + torch.stack([torch.stack([words[i, j] @ z[j] for j in range(heads)]) for i in range(count)])
    return z, a, before


def words(heads: int = 2, dim: int = 3, count: int = 11, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, heads, dim, dtype=dtype, generator=torch.Generator().manual_seed(heads))


def raw(x: Tensor, offsets: Tensor, iterations: int) -> tuple[Tensor, Tensor, Tensor]:
    """The compiled form as torch knows it."""
    z, weights, vectors = torch.ops.lightning_suite.dsa_routing(x, offsets, iterations)
    return z, weights, vectors


def largest(x: Tensor) -> float:
    return x.abs().max().item() if x.numel() else 0.0


# Values and gradients


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("heads", [1, 2, 5])
@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_it_equals_the_algorithm_word_by_word(heads: int, iterations: int) -> None:
    x = words(heads)
    z = dsa_routing(x, OFFSETS, iterations)
    weights, vector = dsa_routing_attention(x, OFFSETS, iterations)
    for sentence, (begin, end) in enumerate(pairwise(OFFSETS.tolist())):
        if begin == end:
            continue
        expected = algorithm_1(x[begin:end], iterations)
        torch.testing.assert_close(expected, (z[sentence], weights[begin:end], vector[sentence]), rtol=0, atol=1e-13)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 5])
def test_gradients_are_right(iterations: int) -> None:
    x = words().requires_grad_()
    assert gradcheck(lambda x: dsa_routing(x, OFFSETS, iterations), (x,))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("iterations", [2, 3, 5])
def test_gradients_flow_through_weights_and_vector(iterations: int) -> None:
    x = words().requires_grad_()
    assert gradcheck(lambda x: dsa_routing_attention(x, OFFSETS, iterations), (x,))
    assert gradcheck(lambda x: dsa_routing_attention(x, OFFSETS, iterations)[0], (x,))
    assert gradcheck(lambda x: (dsa_routing(x, OFFSETS), dsa_routing_attention(x, OFFSETS, iterations)[1]), (x,))


@pytest.mark.usefixtures("form")
def test_gradients_equal_those_of_the_algorithm() -> None:
    x = words(heads=1)[:4].requires_grad_()
    (expected,) = torch.autograd.grad(algorithm_1(x, 2)[0].pow(2).sum(), x)
    (actual,) = torch.autograd.grad(dsa_routing(x, torch.tensor([0, 4]), 2).pow(2).sum(), x)
    torch.testing.assert_close(expected, actual)


batches = st.fixed_dictionaries(
    {
        "lengths": st.lists(st.integers(0, 40), max_size=9),
        "heads": st.integers(1, 5),
        "head_dim": st.integers(1, 70),
        "iterations": st.integers(1, 5),
        "negative_slope": st.sampled_from([1.0, 0.01]),
        "seed": st.integers(0, 2**31),
    }
)


@pytest.mark.usefixtures("compiled")
@given(batch=batches)
@settings(max_examples=150)
def test_the_compiled_form_equals_the_reference_on_any_batch(device: str, batch: dict[str, object]) -> None:
    offsets = ragged.offsets_of(torch.tensor(batch["lengths"], dtype=torch.int64))
    generator = torch.Generator().manual_seed(batch["seed"])
    x = torch.randn(int(offsets[-1]), batch["heads"], batch["head_dim"], dtype=torch.float64, generator=generator)
    x.requires_grad_()
    r, negative_slope = batch["iterations"], batch["negative_slope"]
    expected = reference(x, offsets, r, negative_slope)
    there = x.detach().to(device).requires_grad_()
    inputs = there, offsets.to(device), r, negative_slope
    actual = (dsa_routing(*inputs), *dsa_routing_attention(*inputs))
    for one, other in zip(expected, actual, strict=True):
        torch.testing.assert_close(other.cpu(), one, rtol=0, atol=1e-11)
    learnt = 3 if r > 1 else 1  # the weights of one iteration are the same for any words
    shares = [torch.randn(out.shape, dtype=out.dtype, generator=generator) for out in expected[:learnt]]
    (slope,) = torch.autograd.grad(expected[:learnt], x, shares)
    (gradient,) = torch.autograd.grad(actual[:learnt], there, [share.to(device) for share in shares])
    torch.testing.assert_close(gradient.cpu(), slope, rtol=0, atol=1e-11 * max(1.0, largest(slope)))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
@pytest.mark.parametrize(("heads", "head_dim"), [(1, 600), (8, 300), (3, 33)])
def test_lower_precision_errs_by_its_roundoff(device: str, dtype: torch.dtype, heads: int, head_dim: int) -> None:
    """Half precision is rounded where it is stored, on the way in and out; in between nothing is."""
    lengths = torch.arange(60)
    offsets = ragged.offsets_of(lengths)
    x = (torch.randn(int(offsets[-1]), heads, head_dim) * 0.1).to(dtype)
    exact = x.double().requires_grad_()
    x = x.to(device).requires_grad_()
    z, expected = dsa_routing(x, offsets.to(device)), reference(exact, offsets)[0]
    roundoff = HALF.get(dtype, 0.0)
    assert largest(z.cpu().double() - expected) <= 2e-6 + roundoff * largest(expected)
    share = torch.randn(expected.shape).to(dtype)
    (slope,) = torch.autograd.grad(expected, exact, share.double())
    (gradient,) = torch.autograd.grad(z, x, share.to(device))
    # The backward pass sees z as it was stored.
    assert largest(gradient.cpu().double() - slope) <= (2e-6 + 4 * roundoff) * largest(slope)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
@pytest.mark.parametrize(("heads", "head_dim"), [(2, 3), (3, 70)])
@pytest.mark.parametrize("negative_slope", [0.0, 0.01, 0.5])
def test_leaky_relu_may_be_left_to_the_op(
    device: str, negative_slope: float, heads: int, head_dim: int, dtype: torch.dtype
) -> None:
    wide = torch.promote_types(dtype, torch.float32)
    x = (0.1 * words(heads, head_dim)).to(dtype)
    x[0, 0, 0] = 0.0
    x.requires_grad_()
    active = nn.functional.leaky_relu(x.to(wide), negative_slope)  # of half precision, not rounded in between
    expected = (reference(active, OFFSETS, 3)[0], *reference(active, OFFSETS, 3)[1:])
    there = x.detach().to(device).requires_grad_()
    inputs = there, OFFSETS.to(device), 3, negative_slope
    actual = (dsa_routing(*inputs), *dsa_routing_attention(*inputs))
    (slope,) = torch.autograd.grad(sum(each.pow(2).sum() for each in expected), x)
    (gradient,) = torch.autograd.grad(sum(each.to(wide).pow(2).sum() for each in actual), there)
    tolerance = {"rtol": 0, "atol": 8 * torch.finfo(dtype).eps}
    for one, other in zip((*expected, slope), (*actual, gradient), strict=True):
        scale = max(1.0, largest(one.to(wide)))
        torch.testing.assert_close(other.cpu().to(wide) / scale, one.to(wide) / scale, **tolerance)


@pytest.mark.usefixtures("form")
def test_gradients_through_leaky_relu_are_right() -> None:
    x = words().requires_grad_()
    assert gradcheck(lambda x: dsa_routing(x, OFFSETS, 2, 0.1), (x,))


@pytest.mark.usefixtures("form")
def test_two_iterations_are_the_default() -> None:
    x = words()
    assert torch.equal(dsa_routing(x, OFFSETS, 2), dsa_routing(x, OFFSETS))


# Kinds of batches


@pytest.mark.usefixtures("form")
def test_a_sentence_of_no_words_is_zero() -> None:
    assert torch.equal(torch.zeros(2, 3, dtype=torch.float64), dsa_routing(words(), OFFSETS)[2])


@pytest.mark.usefixtures("form")
def test_a_sentence_of_one_word_is_that_word() -> None:
    x = words()
    torch.testing.assert_close(x[4].tanh(), dsa_routing(x, OFFSETS, 3)[1])


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("iterations", [1, 2, 3])
@pytest.mark.parametrize(("offsets", "sentences"), [([0], 0), ([0, 0], 1), ([0, 0, 0], 2)])
def test_no_words_give_zeros_and_an_empty_gradient(offsets: list[int], sentences: int, iterations: int) -> None:
    x = words(count=0).requires_grad_()
    z = dsa_routing(x, torch.tensor(offsets), iterations)
    assert torch.equal(torch.zeros(sentences, 2, 3, dtype=torch.float64), z)
    z.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 2, 3)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("shape", [(11, 0, 3), (11, 2, 0)])
def test_no_heads_and_no_dimensions_give_nothing(shape: tuple[int, int, int]) -> None:
    x = torch.ones(shape).requires_grad_()
    z = dsa_routing(x, OFFSETS)
    assert z.shape == (4, *shape[1:])
    z.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == shape


@pytest.mark.usefixtures("form")
def test_weights_of_a_sentence_add_up_to_one() -> None:
    weights, _ = dsa_routing_attention(words(), OFFSETS, 3)
    torch.testing.assert_close(torch.ones(2, dtype=torch.float64), weights[5:].sum(0))


@pytest.mark.usefixtures("form")
def test_one_iteration_weighs_all_words_alike_with_no_vector() -> None:
    weights, vector = dsa_routing_attention(words(), OFFSETS, 1)
    assert torch.equal(torch.full((4, 2), 0.25, dtype=torch.float64), weights[:4])
    assert not vector.any()


@pytest.mark.usefixtures("form")
def test_a_sentence_longer_than_half_precision_can_count_is_weighed() -> None:
    x = torch.ones(70_000, 1, 1, dtype=torch.float16)
    weights, _ = dsa_routing_attention(x, torch.tensor([0, 70_000]), 1)
    assert torch.equal(torch.full((70_000, 1), 1 / 70_000, dtype=torch.float16), weights)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_a_long_sentence_is_summed_in_single_precision_at_least(dtype: torch.dtype) -> None:
    x = torch.full((50_000, 1, 4), 0.25, dtype=dtype)
    expected = torch.full((1, 1, 4), 0.25).tanh()
    actual = dsa_routing(x, torch.tensor([0, 50_000]))
    assert largest(actual.float() - expected) <= 5e-4 + HALF.get(dtype, 0.0) * 0.25


@pytest.mark.usefixtures("form")
def test_great_scores_do_not_overflow() -> None:
    x = torch.full((3, 1, 4), 1e4).requires_grad_()
    z = dsa_routing(x, torch.tensor([0, 3]), 4)
    z.sum().backward()
    assert z.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
def test_what_is_no_number_harms_its_own_sentence_and_head_alone(bad: float, dtype: torch.dtype) -> None:
    x = words(dim=20, dtype=torch.float64).to(dtype)
    clean = dsa_routing(x, OFFSETS)
    x[7, 1, 2] = bad
    z = dsa_routing(x, OFFSETS)
    assert z[3, 1].isnan().any()
    z[3, 1] = clean[3, 1]
    assert torch.equal(clean, z)


@pytest.mark.usefixtures("form")
def test_words_need_not_be_contiguous() -> None:
    x = words(heads=3)
    expected = dsa_routing(x[:, ::2].contiguous(), OFFSETS)
    torch.testing.assert_close(expected, dsa_routing(x[:, ::2], OFFSETS), rtol=0, atol=0)


@pytest.mark.usefixtures("form")
def test_the_gradient_that_arrives_need_not_be_contiguous() -> None:
    x = words().requires_grad_()
    (expected,) = torch.autograd.grad(dsa_routing(x, OFFSETS), x, torch.ones(4, 2, 3, dtype=torch.float64))
    (actual,) = torch.autograd.grad(dsa_routing(x, OFFSETS).sum(), x)  # expanded from one number
    torch.testing.assert_close(expected, actual)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
def test_all_results_have_the_dtype_of_the_words(dtype: torch.dtype) -> None:
    x = words().to(dtype)
    assert {dsa_routing(x, OFFSETS).dtype, *(each.dtype for each in dsa_routing_attention(x, OFFSETS))} == {dtype}


# The same batch in another order, on other threads


def of_all(x: Tensor, offsets: Tensor, iterations: int = 3) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Everything that the compiled form computes: the three results and the gradient."""
    x = x.detach().requires_grad_()
    results = raw(x, offsets, iterations)
    shares = [torch.ones_like(each) * 0.5 for each in results]
    return (*(each.detach() for each in results), torch.autograd.grad(results, x, shares)[0])


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
def test_the_order_of_the_sentences_changes_no_bit(device: str, dtype: torch.dtype) -> None:
    sentences = [torch.randn(length, 3, 37, device=device).to(dtype) for length in (5, 1, 0, 31, 17, 2, 64)]
    order = [3, 6, 0, 2, 5, 1, 4]
    x, offsets = ragged.pack(sentences)
    shuffled, shuffled_offsets = ragged.pack([sentences[at] for at in order])
    z, weights, vectors, slope = of_all(x, offsets)
    z2, weights2, vectors2, slope2 = of_all(shuffled, shuffled_offsets)
    rows = torch.cat([torch.arange(int(offsets[at]), int(offsets[at + 1])) for at in order])
    assert torch.equal(z[order], z2)
    assert torch.equal(weights[:, rows], weights2)
    assert torch.equal(vectors[:, order], vectors2)
    assert torch.equal(slope[rows], slope2)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("heads", [1, 8])
@pytest.mark.parametrize("lengths", [[700], [3, 0, 400, 1, 1, 90, 25], list(range(60))])
def test_the_number_of_threads_changes_no_bit(
    heads: int, lengths: list[int], same_for_any_number_of_threads: Callable[[Callable[[], Sequence[Tensor]]], None]
) -> None:
    offsets = ragged.offsets_of(torch.tensor(lengths))
    x = torch.randn(int(offsets[-1]), heads, 130)
    same_for_any_number_of_threads(lambda: of_all(x, offsets))


# As torch knows it


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("iterations", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALF])
def test_torch_finds_nothing_wrong_with_the_op(dtype: torch.dtype, iterations: int) -> None:
    x = words(dim=20).to(dtype)
    results = raw(x, OFFSETS, iterations)
    opcheck(torch.ops.lightning_suite.dsa_routing, (x.clone().requires_grad_(), OFFSETS, iterations))
    opcheck(torch.ops.lightning_suite.dsa_routing, (x.clone().requires_grad_(), OFFSETS, iterations, 0.1))
    opcheck(torch.ops.lightning_suite.dsa_routing_backward, (*results, x, OFFSETS, *results))
    opcheck(torch.ops.lightning_suite.dsa_routing_backward, (results[0], None, None, x, OFFSETS, *results))


@pytest.mark.usefixtures("compiled")
def test_one_compilation_serves_batches_of_all_shapes() -> None:
    counter = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    function = torch.compile(
        lambda x, offsets: dsa_routing(x, offsets) * 2, backend=counter, fullgraph=True, dynamic=True
    )
    for lengths in ([4, 1, 0, 6], [7, 23], [50, 2, 2, 2, 2, 9]):
        offsets = ragged.offsets_of(torch.tensor(lengths))
        x = torch.randn(int(offsets[-1]), 2, 3, requires_grad=True)
        (expected,) = torch.autograd.grad((dsa_routing(x, offsets) * 2).pow(2).sum(), x)
        (actual,) = torch.autograd.grad(function(x, offsets).pow(2).sum(), x)
        torch.testing.assert_close(expected, actual)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("compiled")
def test_an_exported_program_serves_batches_of_all_shapes() -> None:
    class Encoder(nn.Module):
        def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
            return dsa_routing(x, offsets, 3)

    shapes = {"x": {0: torch.export.Dim("word")}, "offsets": {0: torch.export.Dim("sentence", min=3)}}
    program = torch.export.export(Encoder(), (words(), OFFSETS), dynamic_shapes=shapes)
    assert "lightning_suite.dsa_routing.default" in program.graph_module.code
    x, offsets = words(count=30), torch.tensor([0, 7, 30])
    assert torch.equal(dsa_routing(x, offsets, 3), program.module()(x, offsets))


@pytest.mark.usefixtures("form")
def test_under_autocast_it_takes_what_the_layer_before_gives() -> None:
    layer, input = nn.Linear(6, 6), torch.randn(11, 6)
    with torch.autocast("cpu", torch.bfloat16):
        x = layer(input).view(11, 2, 3)
        z = dsa_routing(x, OFFSETS)
        loss = z.float().pow(2).sum()
    loss.backward()
    assert (x.dtype, z.dtype) == (torch.bfloat16, torch.bfloat16)
    torch.testing.assert_close(reference(x.float(), OFFSETS)[0], z.float(), rtol=2**-8, atol=0)
    assert layer.weight.grad is not None
    assert largest(layer.weight.grad) > 0


@pytest.mark.usefixtures("compiled")
def test_a_second_derivative_is_refused() -> None:
    x = words().requires_grad_()
    (slope,) = torch.autograd.grad(dsa_routing(x, OFFSETS).sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="dsa_routing: second derivatives"):
        slope.sum().backward()


@pytest.mark.usefixtures("compiled")
def test_a_forward_mode_derivative_is_refused_and_not_taken_to_be_zero() -> None:
    with pytest.raises(NotImplementedError, match="dsa_routing: forward-mode derivatives"):
        torch.func.jvp(lambda x: dsa_routing(x, OFFSETS), (words(),), (words(),))


def test_the_reference_can_be_transformed() -> None:
    x = words().requires_grad_()
    (expected,) = torch.autograd.grad(dsa_routing(x, OFFSETS).pow(2).sum(), x)
    actual = torch.func.grad(lambda x: reference(x, OFFSETS)[0].pow(2).sum())(x.detach())
    torch.testing.assert_close(expected, actual)


@pytest.mark.usefixtures("compiled")
def test_torch_func_is_told_to_take_the_reference() -> None:
    with pytest.raises(NotImplementedError, match=r"dsa_routing: torch\.func .* reference"):
        torch.func.grad(lambda x: dsa_routing(x, OFFSETS).sum())(words())


@pytest.mark.usefixtures("form")
def test_offsets_may_be_int32_as_flash_attention_has_them() -> None:
    x = words().requires_grad_()
    z, weights = dsa_routing(x, OFFSETS.int()), dsa_routing_attention(x, OFFSETS.int())[0]
    assert torch.equal(dsa_routing(x, OFFSETS), z)
    assert torch.equal(dsa_routing_attention(x, OFFSETS)[0], weights)
    z.sum().backward()


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("iterations", [1, 3])
def test_there_are_shapes_on_the_meta_device_and_a_gradient(iterations: int) -> None:
    x, offsets = words().to("meta").requires_grad_(), OFFSETS.to("meta")
    z, (weights, vector) = dsa_routing(x, offsets, iterations), dsa_routing_attention(x, offsets, iterations)
    assert [each.shape for each in (z, weights, vector)] == [(4, 2, 3), (11, 2), (4, 2, 3)]
    (slope,) = torch.autograd.grad(z.sum(), x)
    assert (slope.device.type, slope.shape) == ("meta", x.shape)


# Bad arguments


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize(
    ("x", "offsets", "iterations", "message"),
    [
        (torch.ones(3, 2), torch.tensor([0, 3]), 2, r"\(word, head, head_dim\) .* got float32 of shape \(3, 2\)"),
        (torch.ones(3, 2, 1, dtype=torch.int64), torch.tensor([0, 3]), 2, "float32, float64, .* got int64"),
        (torch.ones(3, 2, 1), torch.tensor([0, 3], dtype=torch.int16), 2, "int64 or int32 .* got int16"),
        (torch.ones(3, 2, 1), torch.tensor([[0, 3]]), 2, r"\(sentence \+ 1,\), got int64 of shape \(1, 2\)"),
        (torch.ones(3, 2, 1), torch.tensor([], dtype=torch.int64), 2, r"got int64 of shape \(0,\)"),
        (torch.ones(3, 2, 1), torch.tensor([0, 3], device="meta"), 2, "on the device of x, cpu, got meta"),
        (torch.ones(3, 2, 1), torch.tensor([1, 3]), 2, "must begin with 0, got 1"),
        (torch.ones(3, 2, 1), torch.tensor([0, 2, 1, 3]), 2, "offset 2 is 1 after 2"),
        (torch.ones(3, 2, 1), torch.tensor([0, 4]), 2, "number of values, 3, got 4"),
        (torch.ones(3, 2, 1), torch.tensor([0, 3]), 0, "at least 1, got 0"),
        (torch.ones(3, 2, 1), torch.tensor([0, 3]), 2.0, r"whole number .* got 2\.0"),
        (torch.ones(3, 2, 1), torch.tensor([0]), 2, "number of values, 3, got 0"),
    ],
)
def test_bad_arguments_are_refused(x: Tensor, offsets: Tensor, iterations: int, message: str) -> None:
    with pytest.raises(ValueError, match="dsa_routing: .*" + message):
        dsa_routing(x, offsets, iterations)
    with pytest.raises(ValueError, match="dsa_routing: .*" + message):
        dsa_routing_attention(x, offsets, iterations)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("negative_slope", [-0.1, 1.5, float("nan")])
def test_a_slope_that_keeps_no_order_is_refused(negative_slope: float) -> None:
    with pytest.raises(ValueError, match=r"negative_slope must be in \[0, 1\], got"):
        dsa_routing(words(), OFFSETS, 2, negative_slope)
    with pytest.raises(RuntimeError, match=r"negative_slope must be in \[0, 1\], got"):
        torch.ops.lightning_suite.dsa_routing(words(), OFFSETS, 2, negative_slope)


@pytest.mark.usefixtures("compiled")
def test_a_compiled_graph_refuses_bad_offsets_too() -> None:
    function = torch.compile(dsa_routing, backend="aot_eager", fullgraph=True)
    with pytest.raises(RuntimeError, match="dsa_routing: offsets must never fall, but offset 2 is 1 after 2"):
        function(torch.ones(3, 2, 1), torch.tensor([0, 2, 1, 3]))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        ("x", torch.ones(11, 6), "x must be of shape"),
        ("x", torch.ones(11, 2, 3, dtype=torch.int64), "z must be Long, got Float"),
        ("offsets", OFFSETS.int(), "offsets must be Long, got Int"),
        ("offsets", torch.tensor([0, 4, 5, 5, 12]), "the last offset .* values, 11, got 12"),
        ("z", torch.ones(4, 2, 2), r"z must have the shape \(4, 2, 3\), got \(4, 2, 2\)"),
        ("z", torch.ones(4, 2, 3, dtype=torch.float64), "z must be Float, got Double"),
        ("weights", torch.ones(1, 10, 2), r"weights must have the shape \(1, 11, 2\), got \(1, 10, 2\)"),
        ("vectors", torch.ones(1, 4, 2), r"vectors must have the shape \(1, 4, 2, 3\), got \(1, 4, 2\)"),
        ("grad_z", torch.ones(3, 2, 3), "grad_z must have the shape"),
        ("grad_weights", torch.ones(2, 11, 2), "grad_weights must have the shape"),
        ("grad_vectors", torch.ones(1, 4, 2, 3).half(), "grad_vectors must be Float, got Half"),
    ],
)
def test_the_backward_pass_reads_no_array_of_another_shape(name: str, bad: Tensor, message: str) -> None:
    x = words(dtype=torch.float32)
    z, weights, vectors = raw(x, OFFSETS, 2)
    inputs = {"grad_z": z, "grad_weights": weights, "grad_vectors": vectors}
    inputs |= {"x": x, "offsets": OFFSETS, "z": z, "weights": weights, "vectors": vectors}
    with pytest.raises(RuntimeError, match="dsa_routing_backward: " + message):
        torch.ops.lightning_suite.dsa_routing_backward(**(inputs | {name: bad}))


@pytest.mark.usefixtures("compiled")
def test_bad_offsets_are_refused_and_read_nothing_outside(many: int) -> None:
    """Random offsets, near and far from the words; those that happen to be right must give right results."""
    x = torch.randn(6, 1, 2)
    op: Callable[..., tuple[Tensor, ...]] = torch.ops.lightning_suite.dsa_routing.default
    back: Callable[..., Tensor] = torch.ops.lightning_suite.dsa_routing_backward.default
    kept = op(x, torch.tensor([0, 2, 2, 6]), 2)
    refused = 0
    for scale in (8, 2**62):
        for count, offsets in enumerate(torch.randint(-(scale // 8), scale, (many, 4)).unbind()):
            try:
                result = op(x, offsets, 2)[0] if count % 10 else back(kept[0], None, None, x, offsets, *kept)
            except RuntimeError:
                refused += 1
            else:
                ragged.check(offsets, 6, "expected")
                assert result.isfinite().all()
    assert refused > 1.98 * many
