"""Embeds binary trees from the leaves to the root, as `tree_embedding`, with gates that choose what is passed on.

With x_i the features of node i and u_i = relu(W_u x_i + b_u), a leaf has h_i = u_i, and a node with the children l
and r

    a = [h_l, h_r, u_i]
    r = sigmoid(W_r a + b_r)                       the reset gate of the candidate
    g = relu(W_h (r * a) + b_h)                    the candidate
    z = softmax of W_z [g, a] + b_z                four weights for each coordinate, over the four blocks
    h_i = z_0 g + z_1 h_l + z_2 h_r + z_3 u_i

Louppe, Cho, Becot and Cranmer (2017), arXiv:1702.00748, the gated network; the embedding of a jet is that of its
tree's root, the last node. The authors' program uses (tanh t + 1) / 2 = sigmoid(2 t): for weights that it has learnt,
double W_r and b_r here. docs/derivations/gated_tree_embedding.md derives the backward pass and
says what is saved for it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite.ops import _compiled, _trees

COMPILED = _compiled.find("gated_tree_embedding")


def gated_tree_embedding(
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
    """Return the embedding of every node (arXiv:1702.00748, with gates).

    A tree's nodes lie together and its children before their parents, so that its root is the last. Half precision is
    computed in float32. The compiled form has a first derivative, in backward mode.

    Args:
        x: (node, feature) of all trees, end to end.
        children: (node, 2) int64 or int32, the rows of the left and the right child; -1 and -1 of a leaf.
        offsets: (tree + 1,) int64 or int32, where each tree begins; its last is the number of nodes.
        w_u: (hidden, feature).
        b_u: (hidden,).
        w_r: (3 * hidden, 3 * hidden), of left child, right child and u, and for them.
        b_r: (3 * hidden,).
        w_h: (hidden, 3 * hidden), of left child, right child and u.
        b_h: (hidden,).
        w_z: (4 * hidden, 4 * hidden), of candidate, left child, right child and u, and for them.
        b_z: (4 * hidden,).

    Returns:
        (node, hidden) of x's dtype.

    Raises:
        ValueError: a shape, a dtype or a device is not as above, the offsets do not divide the nodes into trees,
            or a child is not an earlier node of its tree, or has two parents. Offsets and children are checked
            while the kernel runs: in a compiled graph (torch.compile) wrong ones are a RuntimeError, and on a GPU
            they stop the kernel, except for a second parent, which it does not always detect.

    Example:
        >>> x, children = torch.randn(3, 7), torch.tensor([[-1, -1], [-1, -1], [0, 1]])  # a root over two leaves
        >>> shapes = [(2, 7), (2,), (6, 6), (6,), (2, 6), (2,), (8, 8), (8,)]
        >>> gated_tree_embedding(x, children, torch.tensor([0, 3]), *map(torch.randn, shapes)).shape
        torch.Size([3, 2])
    """
    weights = {
        "w_r": (w_r, (3, 3)),
        "b_r": (b_r, (3,)),
        "w_h": (w_h, (1, 3)),
        "b_h": (b_h, (1,)),
        "w_z": (w_z, (4, 4)),
        "b_z": (b_z, (4,)),
    }
    children, offsets = _trees.check("gated_tree_embedding", x, children, offsets, w_u, b_u, weights)
    gates = w_r, b_r, w_h, b_h, w_z, b_z

    def compiled() -> Tensor:
        u, *converted = _widened(x, w_u, b_u, *gates)
        keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (u, *converted))
        h: Tensor = torch.ops.lightning_suite.gated_tree_embedding(u, children, offsets, *converted, keep)[0]
        return h.to(x.dtype)

    def in_plain_torch() -> Tensor:
        return reference(x, children, offsets, w_u, b_u, *gates)

    return _trees.compute("gated_tree_embedding", COMPILED, x, children, offsets, in_plain_torch, compiled)


def reference(x: Tensor, children: Tensor, offsets: Tensor, w_u: Tensor, b_u: Tensor, *gates: Tensor) -> Tensor:
    """Return the embeddings computed in plain torch; the arguments of `gated_tree_embedding` are not checked."""
    u, *widened = _widened(x, w_u, b_u, *gates)
    return _trees.embed(u, children, lambda inputs: step(inputs, *widened)).to(x.dtype)


def step(inputs: Tensor, w_r: Tensor, b_r: Tensor, w_h: Tensor, b_h: Tensor, w_z: Tensor, b_z: Tensor) -> Tensor:
    """Return one step of the recursion in plain torch: a = [h_l, h_r, u_i] of inner nodes to their h_i.

    Args:
        inputs: a, (node, 3 * hidden).
        w_r: this and the other weights are those of `gated_tree_embedding`.

    Returns:
        (node, hidden).
    """
    r = functional.linear(inputs, w_r, b_r).sigmoid()  # node, 3 * hidden
    g = functional.linear(r * inputs, w_h, b_h).relu()
    s = torch.cat([g, inputs], dim=1)  # node, 4 * hidden
    blocks = len(s), 4, len(b_h)
    z = functional.linear(s, w_z, b_z).view(blocks).softmax(1)
    return (z * s.view(blocks)).sum(1)


def example(device: torch.device) -> tuple[Tensor, ...]:
    """Return arguments of a typical size, on which ``suite doctor`` compares both forms."""
    return _trees.example(device, (3, 3), (3,), (1, 3), (1,), (4, 4), (4,))


def _widened(x: Tensor, w_u: Tensor, b_u: Tensor, *weights: Tensor) -> list[Tensor]:
    """Return u and the other weights in the dtype of the computation, float32 at least."""
    wide = torch.promote_types(x.dtype, torch.float32)
    return [tensor.to(wide) for tensor in (functional.linear(x, w_u, b_u).relu(), *weights)]


# What torch must know of the compiled form, which begins with u: the shapes of its outputs, and its derivative.


def _fake_forward(u: Tensor, children: Tensor, offsets: Tensor, *weights_and_keep: Any) -> tuple[Tensor, Tensor]:
    *_, keep = weights_and_keep
    nodes, hidden = u.shape
    like_u = torch.empty_like(u, memory_format=torch.contiguous_format)
    return like_u, u.new_empty(nodes if keep else 0, 8 * hidden)


def _fake_backward(
    grad_h: Tensor, u: Tensor, children: Tensor, offsets: Tensor, *rest: Tensor
) -> tuple[Tensor, Tensor]:
    _, hidden = u.shape
    like_u = torch.empty_like(u, memory_format=torch.contiguous_format)
    return like_u, u.new_empty(28 * hidden**2 + 8 * hidden)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    u, children, offsets, w_r, _, w_h, _, w_z, *_ = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(u, children, offsets, w_r, w_h, w_z, *output)


def _backward(ctx: Any, grad_h: Tensor | None, grad_kept: Tensor | None) -> tuple[Tensor | None, ...]:
    if grad_kept is not None:
        raise NotImplementedError("gated_tree_embedding: what is kept for the backward pass has no derivative")
    if grad_h is None:
        return (None,) * 10
    grad_u, grad_weights = torch.ops.lightning_suite.gated_tree_embedding_backward(grad_h, *ctx.saved_tensors)
    hidden = grad_u.shape[1]
    shapes = [(3 * hidden, 3 * hidden), (3 * hidden,), (hidden, 3 * hidden), (hidden,)]
    shapes += [(4 * hidden, 4 * hidden), (4 * hidden,)]
    pieces = grad_weights.split([torch.Size(shape).numel() for shape in shapes])
    return grad_u, None, None, *(piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)), None


_compiled.register(
    COMPILED,
    "gated_tree_embedding",
    fake_forward=_fake_forward,
    fake_backward=_fake_backward,
    save=_save,
    backward=_backward,
)
