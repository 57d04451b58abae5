"""Dynamic self-attention equals Algorithm 1 written word by word, on every kind of batch."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from lightning_suite.ops.dsa_routing import dsa_routing, dsa_routing_attention

OFFSETS = torch.tensor([0, 4, 5, 5, 11])


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


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_gradients_are_right(iterations: int) -> None:
    x = words().requires_grad_()
    assert gradcheck(lambda x: dsa_routing(x, OFFSETS, iterations), (x,))


def test_gradients_equal_those_of_the_algorithm() -> None:
    x = words(heads=1)[:4].requires_grad_()
    (expected,) = torch.autograd.grad(algorithm_1(x, 2)[0].pow(2).sum(), x)
    (actual,) = torch.autograd.grad(dsa_routing(x, torch.tensor([0, 4]), 2).pow(2).sum(), x)
    torch.testing.assert_close(expected, actual)


def test_two_iterations_are_the_default() -> None:
    x = words()
    assert torch.equal(dsa_routing(x, OFFSETS, 2), dsa_routing(x, OFFSETS))


def test_a_sentence_of_no_words_is_zero() -> None:
    assert torch.equal(torch.zeros(2, 3, dtype=torch.float64), dsa_routing(words(), OFFSETS)[2])


def test_a_sentence_of_one_word_is_that_word() -> None:
    x = words()
    torch.testing.assert_close(x[4].tanh(), dsa_routing(x, OFFSETS, 3)[1])


@pytest.mark.parametrize(("offsets", "sentences"), [([0], 0), ([0, 0], 1), ([0, 0, 0], 2)])
def test_no_words_give_zeros_and_an_empty_gradient(offsets: list[int], sentences: int) -> None:
    x = words(count=0).requires_grad_()
    z = dsa_routing(x, torch.tensor(offsets))
    assert torch.equal(torch.zeros(sentences, 2, 3, dtype=torch.float64), z)
    z.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 2, 3)


def test_weights_of_a_sentence_add_up_to_one() -> None:
    weights, _ = dsa_routing_attention(words(), OFFSETS, 3)
    torch.testing.assert_close(torch.ones(2, dtype=torch.float64), weights[5:].sum(0))


def test_one_iteration_weighs_all_words_alike_with_no_vector() -> None:
    weights, vector = dsa_routing_attention(words(), OFFSETS, 1)
    assert torch.equal(torch.full((4, 2), 0.25, dtype=torch.float64), weights[:4])
    assert not vector.any()


def test_a_sentence_longer_than_half_precision_can_count_is_weighed() -> None:
    x = torch.ones(70_000, 1, 1, dtype=torch.float16)
    weights, _ = dsa_routing_attention(x, torch.tensor([0, 70_000]), 1)
    assert torch.equal(torch.full((70_000, 1), 1 / 70_000, dtype=torch.float16), weights)


def test_great_scores_do_not_overflow() -> None:
    x = torch.full((3, 1, 4), 1e4).requires_grad_()
    z = dsa_routing(x, torch.tensor([0, 3]), 4)
    z.sum().backward()
    assert z.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_words_need_not_be_contiguous() -> None:
    x = words(heads=3)
    torch.testing.assert_close(
        dsa_routing(x[:, ::2].contiguous(), OFFSETS), dsa_routing(x[:, ::2], OFFSETS), rtol=0, atol=0
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_result_has_the_dtype_of_the_words(dtype: torch.dtype) -> None:
    assert dsa_routing(words(dtype=dtype), OFFSETS).dtype == dtype


@pytest.mark.parametrize(
    ("x", "offsets", "iterations", "message"),
    [
        (torch.ones(3, 2), torch.tensor([0, 3]), 2, r"\(word, head, head_dim\), got float32 of shape \(3, 2\)"),
        (torch.ones(3, 2, 1, dtype=torch.int64), torch.tensor([0, 3]), 2, "floating point .* got int64"),
        (torch.ones(3, 2, 1), torch.tensor([0, 3], dtype=torch.int32), 2, "int64 .* got int32"),
        (torch.ones(3, 2, 1), torch.tensor([0, 2, 1, 3]), 2, "offset 2 is 1 after 2"),
        (torch.ones(3, 2, 1), torch.tensor([0, 4]), 2, "number of values, 3, got 4"),
        (torch.ones(3, 2, 1), torch.tensor([0, 3]), 0, "at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(x: Tensor, offsets: Tensor, iterations: int, message: str) -> None:
    with pytest.raises(ValueError, match="dsa_routing: .*" + message):
        dsa_routing(x, offsets, iterations)
    with pytest.raises(ValueError, match="dsa_routing: .*" + message):
        dsa_routing_attention(x, offsets, iterations)
