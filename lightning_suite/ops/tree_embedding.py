"""Embeds binary trees from the leaves to the root, all nodes of all trees: a recursive network over a packed forest.

With x_i the features of node i and u_i = relu(W_u x_i + b_u), a leaf has h_i = u_i, and a node with the children l and
r

    h_i = relu(W_h [h_l, h_r, u_i] + b_h)

Louppe, Cho, Becot and Cranmer (2017), arXiv:1702.00748, the network without gates; the embedding of a jet is that of
its tree's root, the last node. docs/derivations/tree_embedding.md derives the backward pass and says what is saved for
it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite.ops import _compiled, _trees

COMPILED = _compiled.find("tree_embedding")


def tree_embedding(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    """Return the embedding of every node (arXiv:1702.00748).

    A tree's nodes lie together and its children before their parents, so that its root is the last. Half precision is
    computed in float32, from x to h. The compiled form has a first derivative, in backward mode; that of x is computed
    only where x asks for it.

    Args:
        x: (node, feature) of all trees, end to end.
        children: (node, 2) int64 or int32, the rows of the left and the right child; -1 and -1 of a leaf.
        offsets: (tree + 1,) int64 or int32, where each tree begins; its last is the number of nodes.
        w_u: (hidden, feature).
        b_u: (hidden,).
        w_h: (hidden, 3 * hidden), of left child, right child and u.
        b_h: (hidden,).

    Returns:
        (node, hidden) of x's dtype.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, the offsets do not divide the nodes into trees,
            or a child is not an earlier node of its tree, or has two parents. Offsets and children are checked
            while the kernel runs: in a compiled graph (torch.compile) wrong ones are a RuntimeError, and on a GPU
            they stop the kernel, except for a second parent, which it does not always detect.

    Example:
        >>> x, children = torch.randn(3, 7), torch.tensor([[-1, -1], [-1, -1], [0, 1]])  # a root over two leaves
        >>> weights = torch.randn(5, 7), torch.randn(5), torch.randn(5, 15), torch.randn(5)
        >>> tree_embedding(x, children, torch.tensor([0, 3]), *weights).shape
        torch.Size([3, 5])
    """
    weights = {"w_h": (w_h, (1, 3)), "b_h": (b_h, (1,))}
    children, offsets = _trees.check("tree_embedding", x, children, offsets, w_u, b_u, weights)

    def compiled() -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        converted = [tensor.to(wide) for tensor in (w_u, b_u, w_h, b_h)]
        h: Tensor = torch.ops.lightning_suite.tree_embedding(x.to(wide), children, offsets, *converted)
        return h.to(x.dtype)

    def in_plain_torch() -> Tensor:
        return reference(x, children, offsets, w_u, b_u, w_h, b_h)

    return _trees.compute("tree_embedding", COMPILED, x, children, offsets, in_plain_torch, compiled)


def reference(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    """Return the embeddings computed in plain torch; the arguments of `tree_embedding` are not checked."""
    dtype, wide = x.dtype, torch.promote_types(x.dtype, torch.float32)
    x, w_u, b_u, w_h, b_h = (tensor.to(wide) for tensor in (x, w_u, b_u, w_h, b_h))
    u = functional.linear(x, w_u, b_u).relu()
    return _trees.embed(u, children, lambda inputs: step(inputs, w_h, b_h)).to(dtype)


def step(inputs: Tensor, w_h: Tensor, b_h: Tensor) -> Tensor:
    """Return one step of the recursion in plain torch: [h_l, h_r, u_i] of inner nodes to their h_i.

    Args:
        inputs: (node, 3 * hidden).
        w_h: (hidden, 3 * hidden).
        b_h: (hidden,).

    Returns:
        (node, hidden).
    """
    return functional.linear(inputs, w_h, b_h).relu()


def example(device: torch.device) -> tuple[Tensor, ...]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    return _trees.example(device, (1, 3), (1,))


# What torch must know of the compiled form: the shapes of its outputs, and its derivative.


def _fake_forward(
    x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor
) -> Tensor:
    (nodes, _), (hidden, _) = x.shape, w_u.shape
    return x.new_empty(nodes, hidden)


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


def _save(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:6], output)


def _backward(ctx: Any, grad_h: Tensor) -> tuple[Tensor | None, ...]:
    for_x = ctx.needs_input_grad[0]
    grad_x, *grads = torch.ops.lightning_suite.tree_embedding_backward(grad_h, *ctx.saved_tensors, for_x)
    return grad_x if for_x else None, None, None, *grads


_compiled.register(
    COMPILED, "tree_embedding", fake_forward=_fake_forward, fake_backward=_fake_backward, save=_save, backward=_backward
)
