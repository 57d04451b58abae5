"""What the gates do, and what is saved for them; test__trees.py has all that is true of both embeddings of trees."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.library import opcheck

from lightning_suite.ops.gated_tree_embedding import gated_tree_embedding

Draw = Callable[..., list[Tensor]]


@pytest.mark.usefixtures("form")
def test_gates_of_zero_halve_what_the_candidate_sees_and_weigh_all_four_alike(arguments: Draw) -> None:
    x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z = arguments([2])
    left, right, u = (x @ w_u.T + b_u).relu()[torch.tensor([*children[2], 2])]
    g = (w_h @ (0.5 * torch.cat([left, right, u])) + b_h).relu()
    shut = (0 * w_r, 0 * b_r, w_h, b_h, 0 * w_z, 0 * b_z)
    h = gated_tree_embedding(x, children, offsets, w_u, b_u, *shut)
    torch.testing.assert_close(h[2], (g + left + right + u) / 4)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("block", range(4))
def test_a_wide_open_gate_passes_its_block_alone(arguments: Draw, block: int) -> None:
    x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z = arguments([2])
    left, right, u = (x @ w_u.T + b_u).relu()[torch.tensor([*children[2], 2])]
    g = (w_h @ torch.cat([left, right, u]) + b_h).relu()
    b_z = torch.where(torch.arange(20) // 5 == block, 1000.0, 0.0).double()
    open_ = (0 * w_r, 0 * b_r + 1000, w_h, b_h, w_z, b_z)
    h = gated_tree_embedding(x, children, offsets, w_u, b_u, *open_)
    torch.testing.assert_close(h[2], (g, left, right, u)[block])


@pytest.mark.usefixtures("compiled")
def test_nothing_is_kept_where_no_gradient_is_wanted_and_the_bits_are_the_same(arguments: Draw) -> None:
    x, children, offsets, w_u, b_u, *weights = arguments([60, 1], 70)
    u = (x @ w_u.T + b_u).relu()
    op = torch.ops.lightning_suite.gated_tree_embedding
    (with_, kept), (without, nothing) = (op(u, children, offsets, *weights, keep) for keep in (True, False))
    assert torch.equal(with_, without)
    assert (len(kept), len(nothing)) == (len(u), 0)


@pytest.mark.usefixtures("compiled")
def test_what_is_kept_has_no_derivative(arguments: Draw) -> None:
    x, children, offsets, w_u, _, *weights = arguments([4])
    _, kept = torch.ops.lightning_suite.gated_tree_embedding(
        (x @ w_u.T).requires_grad_(), children, offsets, *weights, True
    )
    with pytest.raises(NotImplementedError, match="gated_tree_embedding: what is kept"):
        kept.sum().backward()


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [[4, 1, 6], [1]])
def test_torch_finds_nothing_wrong_with_the_op(arguments: Draw, dtype: torch.dtype, sizes: list[int]) -> None:
    x, children, offsets, w_u, b_u, *weights = arguments(sizes, dtype=dtype)
    u = (x @ w_u.T + b_u).relu()
    ready = [tensor.clone().requires_grad_() for tensor in (u, *weights)]
    differentiable = ("test_schema", "test_autograd_registration", "test_faketensor")
    op = torch.ops.lightning_suite
    opcheck(op.gated_tree_embedding, (ready[0], children, offsets, *ready[1:], True), test_utils=differentiable)
    h, kept = op.gated_tree_embedding(u, children, offsets, *weights, True)
    opcheck(op.gated_tree_embedding_backward, (h, u, children, offsets, *weights[::2], h, kept))
