"""Embeds binary trees from the leaves to the root, as `tree_embedding`, with gates that choose what is passed on.

With x_i the features of node i and u_i = relu(W_u x_i + b_u), a leaf has h_i = u_i, and a node with the children l
and r

    a = [h_l, h_r, u_i]
    r = sigmoid(W_r a + b_r)                       what of a the candidate sees
    g = relu(W_h (r * a) + b_h)                    the candidate
    z = softmax of W_z [g, a] + b_z                four weights for each coordinate, over the four blocks
    h_i = z_0 g + z_1 h_l + z_2 h_r + z_3 u_i

Louppe, Cho, Becot and Cranmer (2017), arXiv:1702.00748, the gated network; the embedding of a jet is that of its
tree's root, the last node. The authors' program has (tanh t + 1) / 2 = sigmoid(2 t) for its sigmoid: weights that it
has learnt serve here with W_r and b_r doubled. docs/derivations/gated_tree_embedding.md has the backward pass, and
what is kept for it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lightning_suite import forest, ragged
from lightning_suite.ops import _arguments, _compiled, tree_embedding
from lightning_suite.ops._arguments import Expected

COMPILED = _compiled.find("gated_tree_embedding")
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


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
    """The embedding of every node (arXiv:1702.00748, with gates).

    A tree's nodes lie together and its children before their parents, so that its root is the last. Half precision is
    computed in float32. The compiled form has a first derivative, in backward mode.

    Args:
        x: (node, feature) of all trees, end to end.
        children: (node, 2) int64, the rows of the left and the right child; -1 and -1 of a leaf.
        offsets: (tree + 1,) int64, where each tree begins; its last is the number of nodes.
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
        ValueError: a shape, a dtype or a device is not the one above, the offsets do not cut the nodes into trees, or
            a child is not an earlier node of its tree, or has two parents. Offsets and children are looked at while
            the kernel runs: in a compiled graph (torch.compile) wrong ones are a RuntimeError, and on a GPU they stop
            the kernel, but for a second parent, which it does not always see.
    """
    _check(x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z)
    if x.device.type not in COMPILED.devices:
        _compiled.tell_of_fallback(COMPILED, x.device)
        forest.check(children, offsets, len(x), "gated_tree_embedding")
        return reference(x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z)
    _compiled.refuse_forward_mode("gated_tree_embedding", x)
    wide = torch.promote_types(x.dtype, torch.float32)
    u = functional.linear(x, w_u, b_u).relu().to(wide)
    weights = [each.to(wide) for each in (w_r, b_r, w_h, b_h, w_z, b_z)]
    keep = torch.is_grad_enabled() and any(each.requires_grad for each in (u, *weights))
    try:
        h: Tensor = torch.ops.lightning_suite.gated_tree_embedding(u, children, offsets, *weights, keep)[0]
    except RuntimeError:
        forest.check(children, offsets, len(x), "gated_tree_embedding")  # the same message in both forms
        raise
    return h.to(x.dtype)


def reference(
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
    """The same in plain torch, level by level; arguments are those of `gated_tree_embedding`, and are not checked."""
    wide = torch.promote_types(x.dtype, torch.float32)
    u = functional.linear(x, w_u, b_u).relu().to(wide)
    w_r, b_r, w_h, b_h, w_z, b_z = (each.to(wide) for each in (w_r, b_r, w_h, b_h, w_z, b_z))
    h = u
    for level in forest.levels(children):
        left, right = children[level].unbind(1)
        a = torch.cat([h[left], h[right], u[level]], dim=1)  # node, 3 * hidden
        r = functional.linear(a, w_r, b_r).sigmoid()
        g = functional.linear(r * a, w_h, b_h).relu()
        inputs = torch.cat([g, a], dim=1)  # node, 4 * hidden
        blocks = len(level), 4, len(b_u)
        z = functional.linear(inputs, w_z, b_z).view(blocks).softmax(1)
        h = h.index_copy(0, level, (z * inputs.view(blocks)).sum(1))
    return h.to(x.dtype)


def example(device: torch.device) -> tuple[Tensor, ...]:
    """Arguments of a usual size, on which ``suite doctor`` compares both forms: 32 random trees of 60 leaves."""
    x, children, offsets, w_u, b_u, w_h, b_h = tree_embedding.example(device)
    hidden = len(b_h)
    generator = torch.Generator().manual_seed(1)
    shapes = [(3 * hidden, 3 * hidden), (3 * hidden,), (4 * hidden, 4 * hidden), (4 * hidden,)]
    w_r, b_r, w_z, b_z = (0.1 * torch.randn(shape, generator=generator).to(device) for shape in shapes)
    return x, children, offsets, w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z


def _check(
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
) -> None:
    """Refuses what can be seen without looking at values."""
    for name, tensor in {"x": x, "w_u": w_u}.items():
        if tensor.dim() != 2:
            raise ValueError(f"gated_tree_embedding: {name} must have two axes, got the shape {tuple(tensor.shape)}")
    hidden = w_u.shape[0]
    three, four = 3 * hidden, 4 * hidden
    expected = {
        "x": Expected(x, DTYPES, (x.shape[0], w_u.shape[-1]), "(node, feature)"),
        "children": Expected(children, (torch.int64,), (x.shape[0], 2), "(node, 2)"),
        "w_u": Expected(w_u, (x.dtype,), (hidden, x.shape[-1]), "(hidden, feature)"),
        "b_u": Expected(b_u, (x.dtype,), (hidden,), "(hidden,)"),
        "w_r": Expected(w_r, (x.dtype,), (three, three), "(3 * hidden, 3 * hidden)"),
        "b_r": Expected(b_r, (x.dtype,), (three,), "(3 * hidden,)"),
        "w_h": Expected(w_h, (x.dtype,), (hidden, three), "(hidden, 3 * hidden)"),
        "b_h": Expected(b_h, (x.dtype,), (hidden,), "(hidden,)"),
        "w_z": Expected(w_z, (x.dtype,), (four, four), "(4 * hidden, 4 * hidden)"),
        "b_z": Expected(b_z, (x.dtype,), (four,), "(4 * hidden,)"),
    }
    _arguments.check("gated_tree_embedding", expected, x.device)
    ragged.check_kind(offsets, x.device, "gated_tree_embedding", "tree")


# The compiled form, as torch must know it: it begins with u. The shapes of its outputs, and its derivative.


def _fake_forward(u: Tensor, children: Tensor, offsets: Tensor, *weights_and_keep: Any) -> tuple[Tensor, Tensor]:
    *_, keep = weights_and_keep
    like_u = torch.empty_like(u, memory_format=torch.contiguous_format)
    return like_u, u.new_empty(u.shape[0] if keep else 0, 8 * u.shape[1])


def _fake_backward(
    grad_h: Tensor, u: Tensor, children: Tensor, offsets: Tensor, *rest: Tensor
) -> tuple[Tensor, Tensor]:
    hidden = u.shape[1]
    like_u = torch.empty_like(u, memory_format=torch.contiguous_format)
    return like_u, u.new_empty(28 * hidden**2 + 8 * hidden)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
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


def _no_second_derivative(ctx: Any, *grads: Tensor) -> Tensor:
    raise NotImplementedError("gated_tree_embedding: second derivatives are not implemented")


if COMPILED.devices:
    torch.library.register_fake("lightning_suite::gated_tree_embedding", _fake_forward)
    torch.library.register_fake("lightning_suite::gated_tree_embedding_backward", _fake_backward)
    torch.library.register_autograd("lightning_suite::gated_tree_embedding", _backward, setup_context=_keep)
    torch.library.register_autograd("lightning_suite::gated_tree_embedding_backward", _no_second_derivative)
