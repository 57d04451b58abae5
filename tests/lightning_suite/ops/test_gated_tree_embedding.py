"""The gated embedding equals the recursion written node by node, in plain torch and compiled, on any forest."""

import json
import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import gradcheck
from torch.library import opcheck

from lightning_suite import forest as forests
from lightning_suite import ragged
from lightning_suite.ops.gated_tree_embedding import gated_tree_embedding, reference

HALF = {torch.bfloat16: 2**-8, torch.float16: 2**-11}
"""Unit roundoff of the dtypes that are computed in float32."""

Arguments = tuple[Tensor, ...]
WEIGHTS = ("w_u", "b_u", "w_r", "b_r", "w_h", "b_h", "w_z", "b_z")


def forest(sizes: list[int], chain: bool = False, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return children and offsets of random trees of so many leaves, children before their parent in any order."""
    choose = random.Random(seed)
    rows: list[tuple[int, int]] = []
    ends = [0]
    for leaves in sizes:
        roots: list[int] = []
        while leaves or len(roots) > 1:
            if len(roots) > 1 and (chain or not leaves or choose.random() < 0.5):
                left, right = choose.sample(roots, 2)
                roots = [root for root in roots if root not in {left, right}]
                rows.append((left, right))
            else:
                rows.append((-1, -1))
                leaves -= 1
            roots.append(len(rows) - 1)
        ends.append(len(rows))
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 2), torch.tensor(ends)


def arguments(
    sizes: list[int], hidden: int = 5, features: int = 3, chain: bool = False, dtype: torch.dtype = torch.float64
) -> Arguments:
    children, offsets = forest(sizes, chain)
    generator = torch.Generator().manual_seed(hidden)

    def drawn(*shape: int) -> Tensor:
        scale = shape[-1] ** -0.5 if len(shape) == 2 else 0.1
        return (scale * torch.randn(shape, dtype=torch.float64, generator=generator)).to(dtype)

    x = drawn(len(children), features) * features**0.5
    weights = [drawn(hidden, features), drawn(hidden)]
    for rows, columns in ((3, 3), (1, 3), (4, 4)):
        weights += [drawn(rows * hidden, columns * hidden), drawn(rows * hidden)]
    return x, children, offsets, *weights


def node_by_node(
    x: Tensor,
    children: Tensor,
    offsets: Tensor,
    w_u: Tensor,
    b_u: Tensor,
    w_r: Tensor,
    b_r: Tensor,
    w_h: Tensor,
    b_h: Tensor,
    w_z: Tensor,
    b_z: Tensor,
) -> Tensor:
    """Return the embeddings by the recursion as it is written."""
    h: list[Tensor] = []
    for features, (left, right) in zip(x, children.tolist(), strict=True):
        u = (w_u @ features + b_u).relu()
        if left < 0:
            h.append(u)
            continue
        a = torch.cat([h[left], h[right], u])
        r = 1 / (1 + (-(w_r @ a + b_r)).exp())
        g = (w_h @ (r * a) + b_h).relu()
        powers = (w_z @ torch.cat([g, a]) + b_z).exp().chunk(4)
        parts = [power / sum(powers) * each for power, each in zip(powers, (g, h[left], h[right], u), strict=True)]
        h.append(parts[0] + parts[1] + parts[2] + parts[3])
    return torch.stack(h) if h else x.new_zeros(0, len(b_u))


def with_gradients(inputs: Arguments) -> tuple[Arguments, list[Tensor]]:
    """Return the arguments with gradients, and those that have one."""
    ready = tuple(each.detach().requires_grad_() if each.is_floating_point() else each for each in inputs)
    return ready, [each for each in ready if each.requires_grad]


def largest(x: Tensor) -> float:
    return x.abs().max().item() if x.numel() else 0.0


FORESTS = {"of all kinds": ([4, 1, 0, 2, 9], False), "a chain": ([30], True), "many": ([3] * 70, False)}


# Values and gradients


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize("hidden", [1, 5, 16, 70])
def test_it_equals_the_recursion_node_by_node(kind: str, hidden: int) -> None:
    inputs = arguments(FORESTS[kind][0], hidden, chain=FORESTS[kind][1])
    torch.testing.assert_close(node_by_node(*inputs), gated_tree_embedding(*inputs), rtol=0, atol=1e-13)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize("hidden", [1, 17, 70])
def test_gradients_equal_those_of_the_recursion(kind: str, hidden: int) -> None:
    inputs, parts = with_gradients(arguments(FORESTS[kind][0], hidden, chain=FORESTS[kind][1]))
    expected = node_by_node(*inputs)
    share = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(expected, parts, share),
        torch.autograd.grad(gated_tree_embedding(*inputs), parts, share),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12 * max(1.0, largest(one)))


@pytest.mark.usefixtures("form")
def test_roots_are_those_of_the_authors_program() -> None:
    golden = json.loads((Path(__file__).parent / "golden_recnn.json").read_text(encoding="utf-8"))
    inputs = {"children": torch.tensor(golden["children"]), "offsets": torch.tensor(golden["offsets"])}
    for position, (name, array) in enumerate(golden["arrays"].items()):
        count = torch.Size(array["shape"]).numel()
        numbers = (12.9898 * torch.arange(1, count + 1, dtype=torch.float64) + position).sin() * array["scale"]
        twice = 2 if name in {"w_r", "b_r"} else 1  # their sigmoid of t is the logistic function of 2 t
        inputs[name] = twice * numbers.reshape(array["shape"])
    h = gated_tree_embedding(*(inputs[name] for name in ("x", "children", "offsets", *WEIGHTS)))
    expected = torch.tensor(golden["gated"], dtype=torch.float64)
    torch.testing.assert_close(h[inputs["offsets"][1:] - 1], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("form")
def test_gradients_are_right() -> None:
    inputs, _ = with_gradients(arguments([4, 1, 3], hidden=2))
    assert gradcheck(gated_tree_embedding, inputs)


@pytest.mark.usefixtures("form")
def test_gates_of_zero_halve_what_the_candidate_sees_and_weigh_all_four_alike() -> None:
    x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z = arguments([2])
    left, right, u = (x @ w_u.T + b_u).relu()[torch.tensor([*children[2], 2])]
    g = (w_h @ (0.5 * torch.cat([left, right, u])) + b_h).relu()
    shut = (0 * w_r, 0 * b_r, w_h, b_h, 0 * w_z, 0 * b_z)
    h = gated_tree_embedding(x, children, offsets, w_u, b_u, *shut)
    torch.testing.assert_close(h[2], (g + left + right + u) / 4)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("block", range(4))
def test_a_wide_open_gate_passes_its_block_alone(block: int) -> None:
    x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z = arguments([2])
    left, right, u = (x @ w_u.T + b_u).relu()[torch.tensor([*children[2], 2])]
    g = (w_h @ torch.cat([left, right, u]) + b_h).relu()
    b_z = torch.where(torch.arange(20) // 5 == block, 1000.0, 0.0).double()
    open_ = (0 * w_r, 0 * b_r + 1000, w_h, b_h, w_z, b_z)
    h = gated_tree_embedding(x, children, offsets, w_u, b_u, *open_)
    torch.testing.assert_close(h[2], (g, left, right, u)[block])


sizes_of_any_forest = st.lists(st.integers(0, 20), max_size=40)


@pytest.mark.usefixtures("compiled")
@given(sizes=sizes_of_any_forest, hidden=st.integers(1, 40), seed=st.integers(0, 2**31))
@settings(max_examples=60)
def test_the_compiled_form_equals_the_reference_on_any_forest(
    device: str, sizes: list[int], hidden: int, seed: int
) -> None:
    children, offsets = forest(sizes, seed=seed)
    x, _, _, *weights = arguments([2], hidden)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(children), x.shape[1], dtype=x.dtype, generator=generator)
    inputs, parts = with_gradients((x, children, offsets, *weights))
    there, parts_there = with_gradients(tuple(each.to(device) for each in inputs))
    expected, actual = reference(*inputs), gated_tree_embedding(*there)
    torch.testing.assert_close(actual.cpu(), expected, rtol=0, atol=1e-11)
    share = torch.randn(expected.shape, dtype=expected.dtype, generator=generator)
    slopes = torch.autograd.grad(expected, parts, share, allow_unused=True)
    gradients = torch.autograd.grad(actual, parts_there, share.to(device), allow_unused=True)
    for one, other in zip(slopes, gradients, strict=True):
        one = torch.zeros_like(other.cpu()) if one is None else one  # the reference has no use for what no node meets
        torch.testing.assert_close(other.cpu(), one, rtol=1e-9, atol=1e-10 * max(1.0, largest(one)))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_lower_precision_errs_by_its_roundoff(device: str, dtype: torch.dtype) -> None:
    inputs = arguments([60, 30, 1, 5], 70, 7, dtype=dtype)
    exact = reference(*(each.double() if each.is_floating_point() else each for each in inputs))
    actual = gated_tree_embedding(*(each.to(device) for each in inputs))
    assert actual.dtype == dtype
    assert largest(actual.cpu().double() - exact) <= (2e-6 + 4 * HALF.get(dtype, 0.0)) * largest(exact)


@pytest.mark.usefixtures("compiled")
def test_gradients_in_single_precision_err_by_its_roundoff(device: str) -> None:
    inputs = arguments([60, 30, 1, 5] * 40, 70, 7, dtype=torch.float32)
    exact, exact_parts = with_gradients(tuple(each.double() if each.is_floating_point() else each for each in inputs))
    there, parts_there = with_gradients(tuple(each.to(device) for each in inputs))
    slopes = torch.autograd.grad(reference(*exact).sum(), exact_parts)
    for one, other in zip(slopes, torch.autograd.grad(gated_tree_embedding(*there).sum(), parts_there), strict=True):
        assert largest(other.cpu().double() - one) <= 2e-5 * largest(one)


# Kinds of forests


@pytest.mark.usefixtures("form")
def test_a_tree_of_one_node_is_its_own_root() -> None:
    inputs = arguments([1, 1])
    x, _, _, w_u, b_u, *_ = inputs
    torch.testing.assert_close((x @ w_u.T + b_u).relu(), gated_tree_embedding(*inputs))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0]])
def test_no_nodes_give_nothing_and_gradients_of_zero(sizes: list[int]) -> None:
    inputs, parts = with_gradients(arguments(sizes))
    h = gated_tree_embedding(*inputs)
    assert h.shape == (0, 5)
    slopes = torch.autograd.grad(h.sum(), parts, allow_unused=True)
    assert all(slope is None or not slope.any() for slope in slopes)


@pytest.mark.usefixtures("form")
def test_nodes_need_not_be_contiguous() -> None:
    x, children, *rest = arguments([4, 7])
    expected = gated_tree_embedding(x, children, *rest)
    strided = torch.stack([x, x], 1).flatten(0, 1)[::2], torch.stack([children] * 2, 1).flatten(0, 1)[::2]
    torch.testing.assert_close(expected, gated_tree_embedding(*strided, *rest), rtol=0, atol=0)


@pytest.mark.usefixtures("form")
def test_what_is_no_number_harms_the_nodes_above_it_alone() -> None:
    x, *rest = arguments([3, 3])
    clean = gated_tree_embedding(x, *rest)
    x[-1] = torch.nan  # the root of the second tree
    h = gated_tree_embedding(x, *rest)
    assert h[-1].isnan().all()
    assert torch.equal(clean[:-1], h[:-1])


@pytest.mark.usefixtures("compiled")
def test_nothing_is_kept_where_no_gradient_is_wanted_and_the_bits_are_the_same() -> None:
    x, children, offsets, w_u, b_u, *weights = arguments([60, 1], 70)
    u = (x @ w_u.T + b_u).relu()
    op = torch.ops.lightning_suite.gated_tree_embedding
    (with_, kept), (without, nothing) = (op(u, children, offsets, *weights, keep) for keep in (True, False))
    assert torch.equal(with_, without)
    assert (len(kept), len(nothing)) == (len(u), 0)


# The same forest in another order, on other threads


def of_all(u: Tensor, children: Tensor, offsets: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """What the compiled form computes of u, which torch's own product gives: embeddings, and gradients to all."""
    ready = [each.detach().requires_grad_() for each in (u, *weights)]
    h, _ = torch.ops.lightning_suite.gated_tree_embedding(ready[0], children, offsets, *ready[1:], True)
    return [h.detach(), *torch.autograd.grad(h, ready, torch.ones_like(h) * 0.5)]


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_order_of_the_trees_changes_no_bit_of_a_node(device: str, dtype: torch.dtype) -> None:
    sizes, order = [5, 1, 31, 17, 2, 64, *[3] * 60], [3, 0, 5, 2, 1, 4, *range(6, 66)]
    children, offsets = (each.to(device) for each in forest(sizes))
    weights = [each.to(device, dtype) for each in arguments([1], 70)[5:]]
    u = torch.randn(len(children), 70).to(device, dtype)
    rows = torch.cat([torch.arange(int(offsets[at]), int(offsets[at + 1])) for at in order]).to(device)
    position = torch.empty_like(rows)
    position[rows] = torch.arange(len(rows), device=device)
    moved = torch.where(children[rows] >= 0, position[children[rows].clamp(min=0)], -1)
    h, grad_u, *_ = of_all(u, children, offsets, weights)
    h2, grad_u2, *_ = of_all(u[rows], moved, ragged.offsets_of(ragged.lengths(offsets)[order]), weights)
    assert torch.equal(h[rows], h2)
    assert torch.equal(grad_u[rows], grad_u2)


@pytest.mark.usefixtures("compiled")
def test_the_number_of_threads_changes_no_bit() -> None:
    children, offsets = forest([7] * 100)
    u, weights = torch.randn(len(children), 70), [each.float() for each in arguments([1], 70)[5:]]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = of_all(u, children, offsets, weights)
        for threads in (2, 3, 8):
            torch.set_num_threads(threads)
            actual = of_all(u, children, offsets, weights)
            assert all(torch.equal(one, other) for one, other in zip(expected, actual, strict=True))
    finally:
        torch.set_num_threads(before)


# As torch knows it


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [[4, 1, 6], [1]])
def test_torch_finds_nothing_wrong_with_the_op(dtype: torch.dtype, sizes: list[int]) -> None:
    x, children, offsets, w_u, b_u, *weights = arguments(sizes, dtype=dtype)
    u = (x @ w_u.T + b_u).relu()
    ready = [each.clone().requires_grad_() for each in (u, *weights)]
    differentiable = ("test_schema", "test_autograd_registration", "test_faketensor")
    op = torch.ops.lightning_suite
    opcheck(op.gated_tree_embedding, (ready[0], children, offsets, *ready[1:], True), test_utils=differentiable)
    h, kept = op.gated_tree_embedding(u, children, offsets, *weights, True)
    opcheck(op.gated_tree_embedding_backward, (h, u, children, offsets, *weights[::2], h, kept))


@pytest.mark.usefixtures("compiled")
def test_one_compilation_serves_forests_of_all_shapes() -> None:
    counter = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    function = torch.compile(gated_tree_embedding, backend=counter, fullgraph=True, dynamic=True)
    for sizes in ([4, 1, 6], [7, 23], [50, 2, 2, 2, 9]):
        inputs, parts = with_gradients(arguments(sizes))
        (expected,) = torch.autograd.grad(gated_tree_embedding(*inputs).pow(2).sum(), parts[3])
        (actual,) = torch.autograd.grad(function(*inputs).pow(2).sum(), parts[3])
        torch.testing.assert_close(expected, actual)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("compiled")
def test_an_exported_program_serves_forests_of_all_shapes() -> None:
    class Embedding(nn.Module):
        def forward(self, *inputs: Tensor) -> Tensor:
            return gated_tree_embedding(*inputs)

    node, tree = torch.export.Dim("node", min=2), torch.export.Dim("tree", min=3)
    shapes = {"inputs": ({0: node}, {0: node}, {0: tree}, *({} for _ in WEIGHTS))}
    program = torch.export.export(Embedding(), arguments([4, 1, 6]), dynamic_shapes=shapes)
    inputs = arguments([9, 2])
    assert torch.equal(gated_tree_embedding(*inputs), program.module()(*inputs))


@pytest.mark.usefixtures("compiled")
def test_derivatives_that_are_not_there_are_refused() -> None:
    inputs, parts = with_gradients(arguments([4]))
    (slope,) = torch.autograd.grad(gated_tree_embedding(*inputs).pow(2).sum(), parts[3], create_graph=True)
    with pytest.raises(NotImplementedError, match="gated_tree_embedding: second derivatives"):
        slope.sum().backward()
    x, children, offsets, w_u, _, *weights = inputs
    _, kept = torch.ops.lightning_suite.gated_tree_embedding(x @ w_u.T, children, offsets, *weights, True)
    with pytest.raises(NotImplementedError, match="gated_tree_embedding: what is kept"):
        kept.sum().backward()
    x, *rest = arguments([4])
    with pytest.raises(NotImplementedError, match="gated_tree_embedding: forward-mode"):
        torch.func.jvp(lambda x: gated_tree_embedding(x, *rest), (x,), (x,))


# Bad arguments


def with_child(node: int, left: int, right: int) -> Tensor:
    children = torch.tensor([[-1, -1], [-1, -1], [0, 1], [-1, -1], [-1, -1], [3, 4]])
    children[node] = torch.tensor([left, right])
    return children


BAD = {
    "x of one axis": ("x", torch.ones(6), "x must have two axes"),
    "x of whole numbers": ("x", torch.ones(6, 3, dtype=torch.int64), "x must be float32 .* got int64"),
    "children of another dtype": ("children", with_child(0, -1, -1).int(), "children must be int64 .* got int32"),
    "a weight of another shape": ("w_z", torch.ones(5, 20), r"w_z must be .* here \(20, 20\), got .* \(5, 20\)"),
    "a bias of another shape": ("b_r", torch.ones(5), r"b_r must be .* here \(15,\), got .* \(5,\)"),
    "a weight of another dtype": ("b_h", torch.ones(5).double(), "b_h must be float32 .* got float64"),
    "offsets of another dtype": ("offsets", torch.tensor([0, 3, 6]).int(), "offsets must be int64 .* got int32"),
    "offsets that fall": ("offsets", torch.tensor([0, 4, 3, 6]), "offset 2 is 3 after 4"),
    "offsets that end early": ("offsets", torch.tensor([0, 3, 5]), "number of values, 6, got 5"),
    "a later child": ("children", with_child(2, 0, 3), "node 2, .* got 0 and 3"),
    "a child of another tree": ("children", with_child(5, 3, 1), "node 5, whose tree begins at 3, .* got 3 and 1"),
    "half a leaf": ("children", with_child(2, 0, -1), "node 2, .* got 0 and -1"),
    "a child of two": ("children", with_child(5, 3, 3), "node 3 must be the child of one node"),
}


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", BAD)
def test_bad_arguments_are_refused(kind: str) -> None:
    name, bad, message = BAD[kind]
    inputs = {"x": torch.ones(6, 3), "children": with_child(0, -1, -1), "offsets": torch.tensor([0, 3, 6])}
    inputs |= dict(zip(WEIGHTS, arguments([3], dtype=torch.float32)[3:], strict=True))
    assert gated_tree_embedding(**inputs).shape == (6, 5)
    with pytest.raises(ValueError, match="gated_tree_embedding: .*" + message):
        gated_tree_embedding(**(inputs | {name: bad}))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("position", range(9))
def test_the_kernel_itself_refuses_what_it_would_read_beyond(position: int) -> None:
    x, children, offsets, w_u, b_u, *weights = arguments([3])
    inputs = [(x @ w_u.T + b_u).relu(), children, offsets, *weights]
    inputs[position] = inputs[position][1:]
    with pytest.raises(RuntimeError, match="gated_tree_embedding: "):
        torch.ops.lightning_suite.gated_tree_embedding(*inputs, False)


@pytest.mark.usefixtures("compiled")
def test_random_forests_by_the_thousand_are_refused_or_right() -> None:
    u, weights = torch.rand(6, 2), [each.float() for each in arguments([1], 2)[5:]]
    op = torch.ops.lightning_suite.gated_tree_embedding.default
    refused = 0
    for scale in (3, 2**62):
        for children in torch.randint(-(scale // 3), scale, (20_000, 6, 2)).unbind():
            try:
                h, _ = op(u, children, torch.tensor([0, 3, 6]), *weights, False)
            except RuntimeError:
                refused += 1
            else:
                forests.check(children, torch.tensor([0, 3, 6]), 6, "expected")
                assert h.isfinite().all()
    assert refused > 38_000
