"""The recursive embedding equals the recursion written node by node, in plain torch and compiled, on any forest."""

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
from lightning_suite.ops.tree_embedding import reference, tree_embedding

HALF = {torch.bfloat16: 2**-8, torch.float16: 2**-11}
"""Unit roundoff of the dtypes that are computed in float32."""

Arguments = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def tree(leaves: int, chain: bool, choose: random.Random) -> list[tuple[int, int]]:
    """Return the children of the nodes of a tree, in any order in which children come before their parent."""
    if leaves == 0:
        return []
    nodes, roots = [(-1, -1)], [0]
    left = leaves - 1  # leaves still to come
    while left or len(roots) > 1:
        if len(roots) > 1 and (chain or not left or choose.random() < 0.5):
            two = choose.sample(range(len(roots)), 2)
            pair = roots[two[0]], roots[two[1]]
            roots = [root for at, root in enumerate(roots) if at not in two]
            nodes.append(pair)
        else:
            nodes.append((-1, -1))
            left -= 1
        roots.append(len(nodes) - 1)
    return nodes


def forest(sizes: list[int], chain: bool = False, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return children and offsets of trees of so many leaves."""
    choose = random.Random(seed)
    trees = [tree(leaves, chain, choose) for leaves in sizes]
    offsets = ragged.offsets_of(torch.tensor([len(nodes) for nodes in trees], dtype=torch.int64))
    rows = [
        [child + int(begin) if child >= 0 else -1 for child in pair]
        for nodes, begin in zip(trees, offsets[:-1], strict=True)
        for pair in nodes
    ]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 2), offsets


def arguments(
    sizes: list[int], hidden: int = 5, features: int = 3, chain: bool = False, dtype: torch.dtype = torch.float64
) -> Arguments:
    children, offsets = forest(sizes, chain)
    generator = torch.Generator().manual_seed(hidden)
    shapes = [(len(children), features), (hidden, features), (hidden,), (hidden, 3 * hidden), (hidden,)]
    scales = [1.0, features**-0.5, 0.1, (3 * hidden) ** -0.5, 0.1]
    drawn = [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]
    x, w_u, b_u, w_h, b_h = ((each * scale).to(dtype) for each, scale in zip(drawn, scales, strict=True))
    return x, children, offsets, w_u, b_u, w_h, b_h


def node_by_node(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    """Return the embeddings by the recursion as it is written."""
    h: list[Tensor] = []
    for features, (left, right) in zip(x, children.tolist(), strict=True):
        u = (w_u @ features + b_u).relu()
        h.append(u if left < 0 else (w_h @ torch.cat([h[left], h[right], u]) + b_h).relu())
    return torch.stack(h) if h else x.new_zeros(0, len(b_u))


def with_gradients(inputs: Arguments) -> tuple[Arguments, list[Tensor]]:
    """Return the arguments with gradients, and those that have one."""
    ready = tuple(each.detach().requires_grad_() if each.is_floating_point() else each for each in inputs)
    return ready, [each for each in ready if each.requires_grad]  # type: ignore[return-value]


def largest(x: Tensor) -> float:
    return x.abs().max().item() if x.numel() else 0.0


FORESTS = {"of all kinds": ([4, 1, 0, 2, 9], False), "a chain": ([30], True), "many": ([3] * 70, False)}


# Values and gradients


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize("hidden", [1, 5, 16, 70])
def test_it_equals_the_recursion_node_by_node(kind: str, hidden: int) -> None:
    inputs = arguments(FORESTS[kind][0], hidden, chain=FORESTS[kind][1])
    torch.testing.assert_close(node_by_node(*inputs), tree_embedding(*inputs), rtol=0, atol=1e-13)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize(("hidden", "features"), [(1, 1), (17, 20), (70, 7)])
def test_gradients_equal_those_of_the_recursion(kind: str, hidden: int, features: int) -> None:
    inputs, parts = with_gradients(arguments(FORESTS[kind][0], hidden, features, FORESTS[kind][1]))
    expected = node_by_node(*inputs)
    share = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(expected, parts, share),
        torch.autograd.grad(tree_embedding(*inputs), parts, share),
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
        inputs[name] = numbers.reshape(array["shape"])
    h = tree_embedding(*(inputs[name] for name in ("x", "children", "offsets", "w_u", "b_u", "w_h", "b_h")))
    expected = torch.tensor(golden["simple"], dtype=torch.float64)
    torch.testing.assert_close(h[inputs["offsets"][1:] - 1], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("form")
def test_gradients_are_right() -> None:
    inputs, _ = with_gradients(arguments([4, 1, 6]))
    assert gradcheck(tree_embedding, inputs)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("frozen", [(0,), (3, 4), (5,), (0, 3, 4, 5, 6)])
def test_what_asks_for_no_gradient_gets_none_and_changes_no_other(frozen: tuple[int, ...]) -> None:
    inputs, _ = with_gradients(arguments([4, 1, 6], 17))
    tree_embedding(*inputs).sin().sum().backward()
    some = [each.detach() for each in inputs]
    ready = [each.requires_grad_(inputs[at].requires_grad and at not in frozen) for at, each in enumerate(some)]
    h = tree_embedding(*ready)  # type: ignore[arg-type]
    assert h.requires_grad == any(each.requires_grad for each in ready)
    if h.requires_grad:
        h.sin().sum().backward()
    for one, other in zip(inputs, ready, strict=True):
        assert other.grad is None if not other.requires_grad else torch.equal(one.grad, other.grad)  # type: ignore[arg-type]


sizes_of_any_forest = st.lists(st.integers(0, 20), max_size=40)


@pytest.mark.usefixtures("compiled")
@given(sizes=sizes_of_any_forest, hidden=st.integers(1, 40), features=st.integers(1, 20), seed=st.integers(0, 2**31))
@settings(max_examples=100)
def test_the_compiled_form_equals_the_reference_on_any_forest(
    device: str, sizes: list[int], hidden: int, features: int, seed: int
) -> None:
    children, offsets = forest(sizes, seed=seed)
    x, _, _, *weights = arguments([2], hidden, features)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(children), x.shape[1], dtype=x.dtype, generator=generator)
    inputs, parts = with_gradients((x, children, offsets, *weights))  # type: ignore[arg-type]
    there, parts_there = with_gradients(tuple(each.to(device) for each in inputs))  # type: ignore[arg-type]
    expected, actual = reference(*inputs), tree_embedding(*there)
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
    actual = tree_embedding(*(each.to(device) for each in inputs))  # type: ignore[arg-type]
    assert actual.dtype == dtype
    assert largest(actual.cpu().double() - exact) <= (2e-6 + 4 * HALF.get(dtype, 0.0)) * largest(exact)


# Kinds of forests


@pytest.mark.usefixtures("form")
def test_a_tree_of_one_node_is_its_own_root() -> None:
    x, children, offsets, w_u, b_u, w_h, b_h = arguments([1, 1])
    torch.testing.assert_close((x @ w_u.T + b_u).relu(), tree_embedding(x, children, offsets, w_u, b_u, w_h, b_h))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0]])
def test_no_nodes_give_nothing_and_gradients_of_zero(sizes: list[int]) -> None:
    inputs, parts = with_gradients(arguments(sizes))
    h = tree_embedding(*inputs)
    assert h.shape == (0, 5)
    slopes = torch.autograd.grad(h.sum(), parts, allow_unused=True)
    assert all(slope is None or not slope.any() for slope in slopes)


@pytest.mark.usefixtures("form")
def test_nodes_need_not_be_contiguous() -> None:
    x, children, *rest = arguments([4, 7])
    expected = tree_embedding(x, children, *rest)  # type: ignore[call-arg]
    strided = torch.stack([x, x], 1).flatten(0, 1)[::2], torch.stack([children] * 2, 1).flatten(0, 1)[::2]
    torch.testing.assert_close(expected, tree_embedding(*strided, *rest), rtol=0, atol=0)  # type: ignore[call-arg]


@pytest.mark.usefixtures("form")
def test_what_is_no_number_harms_the_nodes_above_it_alone() -> None:
    x, children, offsets, *weights = arguments([3, 3])
    clean = tree_embedding(x, children, offsets, *weights)  # type: ignore[arg-type]
    x[-1] = torch.nan  # the root of the second tree
    h = tree_embedding(x, children, offsets, *weights)  # type: ignore[arg-type]
    assert h[-1].isnan().all()
    assert torch.equal(clean[:-1], h[:-1])


# The same forest in another order, on other threads


def of_all(*inputs: Tensor) -> list[Tensor]:
    """Embeddings, and gradients to all, beginning with x."""
    ready, parts = with_gradients(inputs)  # type: ignore[arg-type]
    h = tree_embedding(*ready)
    return [h.detach(), *torch.autograd.grad(h, parts, torch.ones_like(h) * 0.5)]


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_order_of_the_trees_changes_no_bit_of_a_node(device: str, dtype: torch.dtype) -> None:
    sizes, order = [5, 1, 31, 17, 2, 64, *[3] * 60], [3, 0, 5, 2, 1, 4, *range(6, 66)]
    x, children, offsets, *weights = (each.to(device) for each in arguments(sizes, 70, 7, dtype=dtype))
    rows = torch.cat([torch.arange(int(offsets[at]), int(offsets[at + 1])) for at in order]).to(device)
    position = torch.empty_like(rows)
    position[rows] = torch.arange(len(rows), device=device)
    moved = torch.where(children[rows] >= 0, position[children[rows].clamp(min=0)], -1)
    h, grad_x, *_ = of_all(x, children, offsets, *weights)
    h2, grad_x2, *_ = of_all(x[rows], moved, ragged.offsets_of(ragged.lengths(offsets)[order]), *weights)
    assert torch.equal(h[rows], h2)
    assert torch.equal(grad_x[rows], grad_x2)


@pytest.mark.usefixtures("compiled")
def test_the_number_of_threads_changes_no_bit() -> None:
    inputs = arguments([7] * 100, 70, 7, dtype=torch.float32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = of_all(*inputs)
        for threads in (2, 3, 8):
            torch.set_num_threads(threads)
            actual = of_all(*inputs)
            assert all(torch.equal(one, other) for one, other in zip(expected, actual, strict=True))
    finally:
        torch.set_num_threads(before)


# As torch knows it


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [[4, 1, 6], [1]])
def test_torch_finds_nothing_wrong_with_the_op(dtype: torch.dtype, sizes: list[int]) -> None:
    inputs = arguments(sizes, dtype=dtype)
    ready, _ = with_gradients(inputs)
    opcheck(torch.ops.lightning_suite.tree_embedding, ready)
    opcheck(torch.ops.lightning_suite.tree_embedding, (inputs[0], *ready[1:]))
    h = torch.ops.lightning_suite.tree_embedding(*inputs)
    for for_x in (True, False):
        opcheck(torch.ops.lightning_suite.tree_embedding_backward, (h, *inputs[:6], h, for_x))


@pytest.mark.usefixtures("compiled")
def test_one_compilation_serves_forests_of_all_shapes() -> None:
    counter = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    function = torch.compile(tree_embedding, backend=counter, fullgraph=True, dynamic=True)
    for sizes in ([4, 1, 6], [7, 23], [50, 2, 2, 2, 9]):
        inputs, parts = with_gradients(arguments(sizes))
        (expected,) = torch.autograd.grad(tree_embedding(*inputs).pow(2).sum(), parts[3])
        (actual,) = torch.autograd.grad(function(*inputs).pow(2).sum(), parts[3])
        torch.testing.assert_close(expected, actual)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("compiled")
def test_an_exported_program_serves_forests_of_all_shapes() -> None:
    class Embedding(nn.Module):
        def forward(self, *inputs: Tensor) -> Tensor:
            return tree_embedding(*inputs)  # type: ignore[arg-type]

    node, tree_ = torch.export.Dim("node", min=2), torch.export.Dim("tree", min=3)
    shapes = {"inputs": ({0: node}, {0: node}, {0: tree_}, {}, {}, {}, {})}
    program = torch.export.export(Embedding(), arguments([4, 1, 6]), dynamic_shapes=shapes)
    inputs = arguments([9, 2])
    assert torch.equal(tree_embedding(*inputs), program.module()(*inputs))


@pytest.mark.usefixtures("compiled")
def test_derivatives_that_are_not_there_are_refused() -> None:
    inputs, parts = with_gradients(arguments([4]))
    (slope,) = torch.autograd.grad(tree_embedding(*inputs).pow(2).sum(), parts[3], create_graph=True)
    with pytest.raises(NotImplementedError, match="tree_embedding: second derivatives"):
        slope.sum().backward()
    x, *rest = arguments([4])
    with pytest.raises(NotImplementedError, match="tree_embedding: forward-mode"):
        torch.func.jvp(lambda x: tree_embedding(x, *rest), (x,), (x,))  # type: ignore[call-arg]


# Bad arguments


def with_child(node: int, left: int, right: int) -> Tensor:
    children = torch.tensor([[-1, -1], [-1, -1], [0, 1], [-1, -1], [-1, -1], [3, 4]])
    children[node] = torch.tensor([left, right])
    return children


BAD = {
    "x of one axis": ("x", torch.ones(6), "x must have two axes"),
    "x of whole numbers": ("x", torch.ones(6, 3, dtype=torch.int64), "x must be float32 .* got int64"),
    "children of another length": (
        "children",
        torch.ones(5, 2, dtype=torch.int64),
        r"here \(6, 2\), got int64 .* \(5, 2\)",
    ),
    "children of another dtype": ("children", with_child(0, -1, -1).int(), "children must be int64 .* got int32"),
    "a weight of another shape": ("w_h", torch.ones(5, 10), r"w_h must be .* here \(5, 15\), got .* \(5, 10\)"),
    "a weight of another dtype": ("b_h", torch.ones(5).double(), "b_h must be float32 .* got float64"),
    "offsets of another dtype": ("offsets", torch.tensor([0, 3, 6]).int(), "offsets must be int64 .* got int32"),
    "offsets that fall": ("offsets", torch.tensor([0, 4, 3, 6]), "offset 2 is 3 after 4"),
    "offsets that end early": ("offsets", torch.tensor([0, 3, 5]), "number of values, 6, got 5"),
    "a later child": ("children", with_child(2, 0, 3), "node 2, .* got 0 and 3"),
    "a child of another tree": ("children", with_child(5, 3, 1), "node 5, whose tree begins at 3, .* got 3 and 1"),
    "a child far outside": ("children", with_child(5, 3, 2**40), "node 5, .* got 3 and 1099511627776"),
    "half a leaf": ("children", with_child(2, 0, -1), "node 2, .* got 0 and -1"),
    "a child of two": ("children", with_child(5, 3, 3), "node 3 must be the child of one node"),
}


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", BAD)
def test_bad_arguments_are_refused(kind: str) -> None:
    name, bad, message = BAD[kind]
    _, _, _, w_u, b_u, w_h, b_h = arguments([3], dtype=torch.float32)
    inputs = {"x": torch.ones(6, 3), "children": with_child(0, -1, -1), "offsets": torch.tensor([0, 3, 6])}
    inputs |= {"w_u": w_u, "b_u": b_u, "w_h": w_h, "b_h": b_h}
    assert tree_embedding(**inputs).shape == (6, 5)
    with pytest.raises(ValueError, match="tree_embedding: .*" + message):
        tree_embedding(**(inputs | {name: bad}))


@pytest.mark.usefixtures("compiled")
def test_a_hundred_thousand_random_forests_are_refused_or_right() -> None:
    x, weights = torch.rand(6, 3), (torch.rand(2, 3), torch.rand(2), torch.rand(2, 6), torch.rand(2))
    op = torch.ops.lightning_suite.tree_embedding.default
    refused = 0
    for scale in (3, 2**62):
        for children in torch.randint(-(scale // 3), scale, (50_000, 6, 2)).unbind():
            try:
                h = op(x, children, torch.tensor([0, 3, 6]), *weights)
            except RuntimeError:
                refused += 1
            else:
                forests.check(children, torch.tensor([0, 3, 6]), 6, "expected")
                assert h.isfinite().all()
    assert refused > 95_000
