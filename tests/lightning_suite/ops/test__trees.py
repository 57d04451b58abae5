"""Both ops over trees equal their recursion written node by node, in plain torch and compiled, on any forest."""

import json
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.autograd import gradcheck

from lightning_suite import forest, ragged

HALF = {torch.bfloat16: 2**-8, torch.float16: 2**-11}
"""Unit roundoff of the dtypes that are computed in float32."""

Draw = Callable[..., list[Tensor]]
Embed = Callable[..., Tensor]


@pytest.fixture(scope="module", params=["tree_embedding", "gated_tree_embedding"])
def op(request: pytest.FixtureRequest) -> ModuleType:
    """The file of each op."""
    return import_module(f"lightning_suite.ops.{request.param}")


@pytest.fixture(scope="module")
def name(op: ModuleType) -> str:
    """The name of the op."""
    return op.__name__.rpartition(".")[2]


@pytest.fixture(scope="module")
def embed(op: ModuleType, name: str) -> Embed:
    """The public function."""
    function: Embed = getattr(op, name)
    return function


@pytest.fixture(scope="module")
def kernel(name: str) -> Callable[..., Tensor]:
    """The compiled op, which returns the embeddings: of x, or with gates of u."""
    overload = getattr(torch.ops.lightning_suite, name).default
    return overload if name == "tree_embedding" else lambda *inputs: overload(*inputs, True)[0]


@pytest.fixture(scope="module")
def kernel_arguments(name: str, arguments: Draw) -> Draw:
    """The function that draws the arguments of the compiled op; the first has a row for each node."""

    def draw(sizes: list[int], hidden: int, dtype: torch.dtype) -> list[Tensor]:
        x, children, offsets, w_u, b_u, *weights = arguments(sizes, hidden, 7, dtype=dtype)
        if name == "tree_embedding":
            return [x, children, offsets, w_u, b_u, *weights]
        return [(x @ w_u.T + b_u).relu(), children, offsets, *weights]

    return draw


def plain_cell(a: Tensor, w_h: Tensor, b_h: Tensor) -> Tensor:
    return (w_h @ a + b_h).relu()


def gated_cell(a: Tensor, w_r: Tensor, b_r: Tensor, w_h: Tensor, b_h: Tensor, w_z: Tensor, b_z: Tensor) -> Tensor:
    r = 1 / (1 + (-(w_r @ a + b_r)).exp())
    inputs = torch.cat([(w_h @ (r * a) + b_h).relu(), a])
    powers = (w_z @ inputs + b_z).exp().chunk(4)
    parts = [power / sum(powers) * block for power, block in zip(powers, inputs.chunk(4), strict=True)]
    return parts[0] + parts[1] + parts[2] + parts[3]


def node_by_node(
    name: str, x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, *weights: Tensor
) -> Tensor:
    """Return the embeddings by the recursion as it is written."""
    cell: Callable[..., Tensor] = plain_cell if name == "tree_embedding" else gated_cell
    h: list[Tensor] = []
    for features, (left, right) in zip(x, children.tolist(), strict=True):
        u = (w_u @ features + b_u).relu()
        h.append(u if left < 0 else cell(torch.cat([h[left], h[right], u]), *weights))
    return torch.stack(h) if h else x.new_zeros(0, len(b_u))


def with_gradients(inputs: Iterable[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the arguments with gradients, and those that have one."""
    ready = [tensor.detach().requires_grad_(tensor.is_floating_point()) for tensor in inputs]
    return ready, [tensor for tensor in ready if tensor.requires_grad]


def in_double(inputs: list[Tensor]) -> list[Tensor]:
    return [tensor.double() if tensor.is_floating_point() else tensor for tensor in inputs]


def largest(x: Tensor) -> float:
    return x.abs().max().item() if x.numel() else 0.0


FORESTS = {"of all kinds": ([4, 1, 0, 2, 9], False), "a chain": ([30], True), "many": ([3] * 70, False)}


# Values and gradients


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize("hidden", [1, 5, 16, 70])
def test_it_equals_the_recursion_node_by_node(name: str, embed: Embed, arguments: Draw, kind: str, hidden: int) -> None:
    sizes, chain = FORESTS[kind]
    inputs = arguments(sizes, hidden, chain=chain)
    torch.testing.assert_close(node_by_node(name, *inputs), embed(*inputs), rtol=0, atol=1e-13)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize(("hidden", "features"), [(1, 1), (17, 20), (70, 7)])
def test_gradients_equal_those_of_the_recursion(
    name: str, embed: Embed, arguments: Draw, kind: str, hidden: int, features: int
) -> None:
    sizes, chain = FORESTS[kind]
    inputs, parts = with_gradients(arguments(sizes, hidden, features, chain=chain))
    expected = node_by_node(name, *inputs)
    share = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(expected, parts, share),
        torch.autograd.grad(embed(*inputs), parts, share),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12 * max(1.0, largest(one)))


@pytest.mark.usefixtures("form")
def test_roots_are_those_of_the_authors_program(name: str, embed: Embed) -> None:
    golden = json.loads((Path(__file__).parent / "golden_recnn.json").read_text(encoding="utf-8"))
    weights = {}
    for position, (array_name, array) in enumerate(golden["arrays"].items()):
        count = torch.Size(array["shape"]).numel()
        numbers = (12.9898 * torch.arange(1, count + 1, dtype=torch.float64) + position).sin() * array["scale"]
        twice = 2 if array_name in {"w_r", "b_r"} else 1  # their sigmoid of t is the logistic function of 2 t
        weights[array_name] = twice * numbers.reshape(array["shape"])
    if name == "tree_embedding":
        weights = {key: weights[key] for key in ("x", "w_u", "b_u", "w_h", "b_h")}
    offsets = torch.tensor(golden["offsets"])
    h = embed(children=torch.tensor(golden["children"]), offsets=offsets, **weights)
    expected = torch.tensor(golden["simple" if name == "tree_embedding" else "gated"], dtype=torch.float64)
    torch.testing.assert_close(h[offsets[1:] - 1], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("form")
def test_gradients_are_right(embed: Embed, arguments: Draw) -> None:
    assert gradcheck(embed, with_gradients(arguments([4, 1, 6], hidden=2))[0])


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("frozen", [(0,), (3, 4), (5,), (0, 3, 4, 5, 6)])
def test_what_asks_for_no_gradient_gets_none_and_changes_no_other(
    embed: Embed, arguments: Draw, frozen: tuple[int, ...]
) -> None:
    inputs, _ = with_gradients(arguments([4, 1, 6], 17))
    embed(*inputs).sin().sum().backward()
    ready = [tensor.detach().requires_grad_(tensor.requires_grad) for tensor in inputs]
    for position in frozen:
        ready[position].requires_grad_(False)
    h = embed(*ready)
    assert h.requires_grad == any(tensor.requires_grad for tensor in ready)
    if h.requires_grad:
        h.sin().sum().backward()
    for one, other in zip(inputs, ready, strict=True):
        if other.requires_grad:
            assert one.grad is not None
            assert other.grad is not None
            assert torch.equal(one.grad, other.grad)
        else:
            assert other.grad is None


@pytest.mark.usefixtures("compiled")
@given(
    sizes=st.lists(st.integers(0, 20), max_size=40),
    hidden=st.integers(1, 40),
    features=st.integers(1, 20),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=100)
def test_the_compiled_form_equals_the_reference_on_any_forest(
    op: ModuleType,
    embed: Embed,
    arguments: Draw,
    device: str,
    sizes: list[int],
    hidden: int,
    features: int,
    seed: int,
) -> None:
    inputs, parts = with_gradients(arguments(sizes, hidden, features, seed=seed))
    there, parts_there = with_gradients(tensor.to(device) for tensor in inputs)
    expected, actual = op.reference(*inputs), embed(*there)
    torch.testing.assert_close(actual.cpu(), expected, rtol=0, atol=1e-11)
    share = torch.randn(expected.shape, dtype=expected.dtype, generator=torch.Generator().manual_seed(seed))
    slopes = torch.autograd.grad(expected, parts, share, allow_unused=True)
    gradients = torch.autograd.grad(actual, parts_there, share.to(device), allow_unused=True)
    for one, other in zip(slopes, gradients, strict=True):
        one = torch.zeros_like(other.cpu()) if one is None else one  # the reference has no use for what no node meets
        torch.testing.assert_close(other.cpu(), one, rtol=1e-9, atol=1e-10 * max(1.0, largest(one)))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_lower_precision_errs_by_its_roundoff(
    op: ModuleType, embed: Embed, arguments: Draw, device: str, dtype: torch.dtype
) -> None:
    inputs = arguments([60, 30, 1, 5], 70, 7, dtype=dtype)
    exact = op.reference(*in_double(inputs))
    actual = embed(*(tensor.to(device) for tensor in inputs))
    assert actual.dtype == dtype
    assert largest(actual.cpu().double() - exact) <= (2e-6 + 4 * HALF.get(dtype, 0.0)) * largest(exact)


@pytest.mark.usefixtures("compiled")
def test_gradients_in_single_precision_err_by_its_roundoff(
    op: ModuleType, embed: Embed, arguments: Draw, device: str
) -> None:
    inputs = arguments([60, 30, 1, 5] * 40, 70, 7, dtype=torch.float32)
    exact, exact_parts = with_gradients(in_double(inputs))
    there, parts_there = with_gradients(tensor.to(device) for tensor in inputs)
    slopes = torch.autograd.grad(op.reference(*exact).sum(), exact_parts)
    for one, other in zip(slopes, torch.autograd.grad(embed(*there).sum(), parts_there), strict=True):
        assert largest(other.cpu().double() - one) <= 2e-5 * largest(one)


# Kinds of forests


@pytest.mark.usefixtures("form")
def test_a_tree_of_one_node_is_its_own_root(embed: Embed, arguments: Draw) -> None:
    inputs = arguments([1, 1])
    x, _, _, w_u, b_u, *_ = inputs
    torch.testing.assert_close((x @ w_u.T + b_u).relu(), embed(*inputs))


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0]])
def test_no_nodes_give_nothing_and_gradients_of_zero(embed: Embed, arguments: Draw, sizes: list[int]) -> None:
    inputs, parts = with_gradients(arguments(sizes))
    h = embed(*inputs)
    assert h.shape == (0, 5)
    slopes = torch.autograd.grad(h.sum(), parts, allow_unused=True)
    assert all(slope is None or not slope.any() for slope in slopes)


@pytest.mark.usefixtures("form")
def test_nodes_need_not_be_contiguous(embed: Embed, arguments: Draw) -> None:
    x, children, *rest = arguments([4, 7])
    expected = embed(x, children, *rest)
    strided = torch.stack([x, x], 1).flatten(0, 1)[::2], torch.stack([children] * 2, 1).flatten(0, 1)[::2]
    torch.testing.assert_close(expected, embed(*strided, *rest), rtol=0, atol=0)


@pytest.mark.usefixtures("form")
def test_what_is_no_number_harms_the_nodes_above_it_alone(embed: Embed, arguments: Draw) -> None:
    x, *rest = arguments([3, 3])
    clean = embed(x, *rest)
    x[-1] = torch.nan  # the root of the second tree
    h = embed(x, *rest)
    assert h[-1].isnan().all()
    assert torch.equal(clean[:-1], h[:-1])


# The same forest in another order, on other threads


def embeddings_and_gradients(kernel: Callable[..., Tensor], inputs: Iterable[Tensor]) -> list[Tensor]:
    """Return what the compiled op computes: embeddings, and gradients to all inputs, to the rows of nodes first."""
    ready, parts = with_gradients(inputs)
    h = kernel(*ready)
    return [h.detach(), *torch.autograd.grad(h, parts, torch.ones_like(h) * 0.5)]


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_order_of_the_trees_changes_no_bit_of_a_node(
    kernel: Callable[..., Tensor], kernel_arguments: Draw, device: str, dtype: torch.dtype
) -> None:
    sizes, order = [5, 1, 31, 17, 2, 64, *[3] * 60], [3, 0, 5, 2, 1, 4, *range(6, 66)]
    nodes, children, offsets, *weights = (tensor.to(device) for tensor in kernel_arguments(sizes, 70, dtype))
    rows = torch.cat([torch.arange(int(offsets[at]), int(offsets[at + 1])) for at in order]).to(device)
    position = torch.empty_like(rows)
    position[rows] = torch.arange(len(rows), device=device)
    moved = torch.where(children[rows] >= 0, position[children[rows].clamp(min=0)], -1)
    moved_offsets = ragged.offsets_of(ragged.lengths(offsets)[order])
    h, gradient, *_ = embeddings_and_gradients(kernel, (nodes, children, offsets, *weights))
    h2, gradient2, *_ = embeddings_and_gradients(kernel, (nodes[rows], moved, moved_offsets, *weights))
    assert torch.equal(h[rows], h2)
    assert torch.equal(gradient[rows], gradient2)


@pytest.mark.usefixtures("compiled")
def test_the_number_of_threads_changes_no_bit(
    kernel: Callable[..., Tensor],
    kernel_arguments: Draw,
    same_for_any_number_of_threads: Callable[[Callable[[], Sequence[Tensor]]], None],
) -> None:
    inputs = kernel_arguments([7] * 100, 70, torch.float32)
    same_for_any_number_of_threads(lambda: embeddings_and_gradients(kernel, inputs))


# As torch knows it


@pytest.mark.usefixtures("compiled")
def test_one_compilation_serves_forests_of_all_shapes(embed: Embed, arguments: Draw) -> None:
    counter = CompileCounterWithBackend("aot_eager")
    torch._dynamo.reset()
    function = torch.compile(embed, backend=counter, fullgraph=True, dynamic=True)
    for sizes in ([4, 1, 6], [7, 23], [50, 2, 2, 2, 9]):
        inputs, parts = with_gradients(arguments(sizes))
        (expected,) = torch.autograd.grad(embed(*inputs).pow(2).sum(), parts[3])
        (actual,) = torch.autograd.grad(function(*inputs).pow(2).sum(), parts[3])
        torch.testing.assert_close(expected, actual)
    assert counter.frame_count == 1


@pytest.mark.usefixtures("compiled")
def test_an_exported_program_serves_forests_of_all_shapes(embed: Embed, arguments: Draw) -> None:
    class Embedding(nn.Module):
        def forward(self, *inputs: Tensor) -> Tensor:
            return embed(*inputs)

    example, inputs = arguments([4, 1, 6]), arguments([9, 2])
    node, tree = torch.export.Dim("node", min=2), torch.export.Dim("tree", min=3)
    shapes = {"inputs": ({0: node}, {0: node}, {0: tree}, *({} for _ in example[3:]))}
    program = torch.export.export(Embedding(), tuple(example), dynamic_shapes=shapes)
    assert torch.equal(embed(*inputs), program.module()(*inputs))


@pytest.mark.usefixtures("compiled")
def test_derivatives_that_are_not_there_are_refused(name: str, embed: Embed, arguments: Draw) -> None:
    inputs, parts = with_gradients(arguments([4]))
    (slope,) = torch.autograd.grad(embed(*inputs).pow(2).sum(), parts[3], create_graph=True)
    with pytest.raises(NotImplementedError, match=f"^{name}: second derivatives"):
        slope.sum().backward()
    x, *rest = arguments([4])
    with pytest.raises(NotImplementedError, match=f"^{name}: forward-mode"):
        torch.func.jvp(lambda x: embed(x, *rest), (x,), (x,))


@pytest.mark.usefixtures("compiled")
def test_torch_func_is_told_to_take_the_reference(name: str, embed: Embed, arguments: Draw) -> None:
    x, *rest = arguments([4])
    with pytest.raises(NotImplementedError, match=rf"^{name}: torch\.func .* reference"):
        torch.func.grad(lambda x: embed(x, *rest).sum())(x)


@pytest.mark.usefixtures("form")
def test_rows_may_be_int32(embed: Embed, arguments: Draw) -> None:
    x, children, offsets, *weights = arguments([4, 1])
    assert torch.equal(embed(x, children, offsets, *weights), embed(x, children.int(), offsets.int(), *weights))


@pytest.mark.usefixtures("compiled")
def test_there_are_shapes_on_the_meta_device_and_gradients(embed: Embed, arguments: Draw) -> None:
    inputs, parts = with_gradients([each.to("meta") for each in arguments([4, 1])])
    h = embed(*inputs)
    assert (h.device.type, h.shape) == ("meta", (8, 5))
    assert [slope.shape for slope in torch.autograd.grad(h.sum(), parts)] == [part.shape for part in parts]


# Bad arguments


def with_child(node: int, left: int, right: int) -> Tensor:
    children = torch.tensor([[-1, -1], [-1, -1], [0, 1], [-1, -1], [-1, -1], [3, 4]])
    children[node] = torch.tensor([left, right])
    return children


BAD = {
    "x of one axis": (0, torch.ones(6), "x must have two axes"),
    "x of whole numbers": (0, torch.ones(6, 3, dtype=torch.int64), "x must be float32 .* got int64"),
    "children of another length": (1, with_child(0, -1, -1)[1:], r"here \(6, 2\), got int64 .* \(5, 2\)"),
    "children of another dtype": (1, with_child(0, -1, -1).short(), "children must be int64 or int32 .* got int16"),
    "a later child": (1, with_child(2, 0, 3), "node 2, .* got 0 and 3"),
    "a child of another tree": (1, with_child(5, 3, 1), "node 5, whose tree begins at 3, .* got 3 and 1"),
    "a child far outside": (1, with_child(5, 3, 2**40), "node 5, .* got 3 and 1099511627776"),
    "half a leaf": (1, with_child(2, 0, -1), "node 2, .* got 0 and -1"),
    "a child of two": (1, with_child(5, 3, 3), "node 3 must be the child of one node"),
    "offsets of another dtype": (2, torch.tensor([0, 3, 6]).short(), "offsets must be int64 or int32 .* got int16"),
    "offsets that fall": (2, torch.tensor([0, 4, 3, 6]), "offset 2 is 3 after 4"),
    "offsets that end early": (2, torch.tensor([0, 3, 5]), "number of values, 6, got 5"),
    "a weight of another shape": (-2, torch.ones(5, 10), r"w_. must be .* here \(\d+, \d+\), got .* \(5, 10\)"),
    "a bias of another shape": (-1, torch.ones(4), r"b_. must be .* here \(\d+,\), got .* \(4,\)"),
    "a weight of another dtype": (-1, torch.ones(5).double(), "b_. must be float32 .* got float64"),
}


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("kind", BAD)
def test_bad_arguments_are_refused(name: str, embed: Embed, arguments: Draw, kind: str) -> None:
    position, bad, message = BAD[kind]
    weights = arguments([3], dtype=torch.float32)[3:]
    inputs = [torch.ones(6, 3), with_child(0, -1, -1), torch.tensor([0, 3, 6]), *weights]
    assert embed(*inputs).shape == (6, 5)
    inputs[position] = bad
    with pytest.raises(ValueError, match=f"^{name}: .*{message}"):
        embed(*inputs)


@pytest.mark.usefixtures("compiled")
def test_the_kernel_itself_refuses_what_it_would_read_beyond(
    name: str, kernel: Callable[..., Tensor], kernel_arguments: Draw
) -> None:
    inputs = kernel_arguments([3], 5, torch.float32)
    for position, whole in enumerate(inputs):
        short = [*inputs[:position], whole[1:], *inputs[position + 1 :]]
        with pytest.raises(RuntimeError, match=f"{name}: "):
            kernel(*short)


@pytest.mark.usefixtures("compiled")
def test_random_forests_are_refused_or_right(kernel: Callable[..., Tensor], kernel_arguments: Draw, many: int) -> None:
    weights = kernel_arguments([1], 2, torch.float32)[3:]
    nodes, offsets = torch.rand(6, weights[0].shape[1] if len(weights) == 4 else 2), torch.tensor([0, 3, 6])
    refused = 0
    for scale in (3, 2**62):
        for children in torch.randint(-(scale // 3), scale, (many, 6, 2)).unbind():
            try:
                h = kernel(nodes, children, offsets, *weights)
            except RuntimeError:
                refused += 1
            else:
                forest.check(children, offsets, 6, "expected")
                assert h.isfinite().all()
    assert refused > 1.9 * many
