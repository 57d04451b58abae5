"""Embeds binary trees from the leaves to the root, all nodes of all trees: a recursive network over a packed forest.

With x_i the features of node i and u_i = relu(W_u x_i + b_u), a leaf has h_i = u_i, and a node with the children l
and r

    h_i = relu(W_h [h_l, h_r, u_i] + b_h)

Louppe, Cho, Becot and Cranmer (2017), arXiv:1702.00748, the network without gates; the embedding of a jet is that of
its tree's root, the last node. docs/derivations/tree_embedding.md has the backward pass, and what is kept for it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite import forest, ragged
from lightning_suite.ops import _arguments, _compiled
from lightning_suite.ops._arguments import Expected

COMPILED = _compiled.find("tree_embedding")
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def tree_embedding(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    """The embedding of every node (arXiv:1702.00748).

    A tree's nodes lie together and its children before their parents, so that its root is the last. Half precision is
    computed in float32, from x to h. The compiled form has a first derivative, in backward mode; that of x is computed
    only where x asks for it.

    Args:
        x: (node, feature) of all trees, end to end.
        children: (node, 2) int64, the rows of the left and the right child; -1 and -1 of a leaf.
        offsets: (tree + 1,) int64, where each tree begins; its last is the number of nodes.
        w_u: (hidden, feature).
        b_u: (hidden,).
        w_h: (hidden, 3 * hidden), of left child, right child and u.
        b_h: (hidden,).

    Returns:
        (node, hidden) of x's dtype.

    Raises:
        ValueError: a shape, a dtype or a device is not the one above, the offsets do not cut the nodes into trees, or
            a child is not an earlier node of its tree, or has two parents. Offsets and children are looked at while
            the kernel runs: in a compiled graph (torch.compile) wrong ones are a RuntimeError, and on a GPU they stop
            the kernel, but for a second parent, which it does not always see.
    """
    _check(x, children, offsets, w_u, b_u, w_h, b_h)
    if x.device.type not in COMPILED.devices:
        _compiled.tell_of_fallback(COMPILED, x.device)
        forest.check(children, offsets, len(x), "tree_embedding")
        return reference(x, children, offsets, w_u, b_u, w_h, b_h)
    _compiled.refuse_forward_mode("tree_embedding", x)
    wide = torch.promote_types(x.dtype, torch.float32)
    weights = (each.to(wide) for each in (w_u, b_u, w_h, b_h))
    try:
        h: Tensor = torch.ops.lightning_suite.tree_embedding(x.to(wide), children, offsets, *weights)
    except RuntimeError:
        forest.check(children, offsets, len(x), "tree_embedding")  # the same message with and without the compiled form
        raise
    return h.to(x.dtype)


def reference(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    """The same in plain torch, level by level; arguments are those of `tree_embedding`, and are not checked."""
    given, wide = x.dtype, torch.promote_types(x.dtype, torch.float32)
    x, w_u, b_u, w_h, b_h = (each.to(wide) for each in (x, w_u, b_u, w_h, b_h))
    u = functional.linear(x, w_u, b_u).relu()
    h = u
    for level in forest.levels(children):
        left, right = children[level].unbind(1)
        inputs = torch.cat([h[left], h[right], u[level]], dim=1)  # node, 3 * hidden
        h = h.index_copy(0, level, functional.linear(inputs, w_h, b_h).relu())
    return h.to(given)


def example(device: torch.device) -> tuple[Tensor, ...]:
    """Arguments of a usual size, on which ``suite doctor`` compares both forms: 32 random trees of 60 leaves."""
    generator = torch.Generator().manual_seed(0)
    leaves, trees, hidden = 60, 32, 70
    size = 2 * leaves - 1
    children = torch.full((trees * size, 2), -1)
    for tree in range(trees):
        roots = list(range(tree * size, tree * size + leaves))
        for node in range(tree * size + leaves, (tree + 1) * size):
            at = int(torch.randint(len(roots) - 1, (), generator=generator))
            children[node] = torch.tensor([roots.pop(at), roots.pop(at)])
            roots.append(node)
    shapes = [(trees * size, 7), (hidden, 7), (hidden,), (hidden, 3 * hidden), (hidden,)]
    x, *weights = (0.1 * torch.randn(shape, generator=generator) for shape in shapes)
    offsets = torch.arange(trees + 1) * size
    return tuple(each.to(device) for each in (x, children, offsets, *weights))


def _check(x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor) -> None:
    """Refuses what can be seen without looking at values."""
    for name, tensor in {"x": x, "w_u": w_u}.items():
        if tensor.dim() != 2:
            raise ValueError(f"tree_embedding: {name} must have two axes, got the shape {tuple(tensor.shape)}")
    hidden = w_u.shape[0]
    expected = {
        "x": Expected(x, DTYPES, (x.shape[0], w_u.shape[-1]), "(node, feature)"),
        "children": Expected(children, (torch.int64,), (x.shape[0], 2), "(node, 2)"),
        "w_u": Expected(w_u, (x.dtype,), (hidden, x.shape[-1]), "(hidden, feature)"),
        "b_u": Expected(b_u, (x.dtype,), (hidden,), "(hidden,)"),
        "w_h": Expected(w_h, (x.dtype,), (hidden, 3 * hidden), "(hidden, 3 * hidden)"),
        "b_h": Expected(b_h, (x.dtype,), (hidden,), "(hidden,)"),
    }
    _arguments.check("tree_embedding", expected, x.device)
    ragged.check_kind(offsets, x.device, "tree_embedding", "tree")


# The compiled form, as torch must know it: the shapes of its outputs, and its derivative.


def _fake_forward(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    return x.new_empty(x.shape[0], w_u.shape[0])


def _fake_backward(
    grad_h: Tensor,
    x: Tensor,
    children: Tensor,
    offsets: Tensor,
    w_u: Tensor,
    b_u: Tensor,
    w_h: Tensor,
    h: Tensor,
    for_x: bool,
) -> tuple[Tensor, ...]:
    grad_x = x.new_empty(x.shape[0] if for_x else 0, x.shape[1])
    return grad_x, *(x.new_empty(each.shape) for each in (w_u, b_u, w_h, b_u))


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:6], output)


def _backward(ctx: Any, grad_h: Tensor) -> tuple[Tensor | None, ...]:
    for_x = ctx.needs_input_grad[0]
    grad_x, *grads = torch.ops.lightning_suite.tree_embedding_backward(grad_h, *ctx.saved_tensors, for_x)
    return grad_x if for_x else None, None, None, *grads


def _no_second_derivative(ctx: Any, *grads: Tensor) -> Tensor:
    raise NotImplementedError("tree_embedding: second derivatives are not implemented")


if COMPILED.devices:
    torch.library.register_fake("lightning_suite::tree_embedding", _fake_forward)
    torch.library.register_fake("lightning_suite::tree_embedding_backward", _fake_backward)
    torch.library.register_autograd("lightning_suite::tree_embedding", _backward, setup_context=_keep)
    torch.library.register_autograd("lightning_suite::tree_embedding_backward", _no_second_derivative)
