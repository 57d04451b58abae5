"""What ops over binary trees share: checks, the choice of the implementation, the recursion from leaves to root."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lightning_suite import forest, ragged
from lightning_suite.ops import _arguments, _compiled
from lightning_suite.ops._arguments import Expected

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def check(
    op: str,
    x: Tensor,
    children: Tensor,
    offsets: Tensor,
    w_u: Tensor,
    b_u: Tensor,
    weights: Mapping[str, tuple[Tensor, tuple[int, ...]]],
) -> tuple[Tensor, Tensor]:
    """Return children and offsets as int64, after checks of dtype, shape and device of all; values are not read.

    Args:
        op: the name of the op, for the message.
        x: (node, feature).
        children: (node, 2).
        offsets: (tree + 1,).
        w_u: (hidden, feature).
        b_u: (hidden,).
        weights: the other weights by name, with the size of each axis in multiples of hidden.

    Raises:
        TypeError: an argument is no tensor.
        ValueError: a shape, dtype or device is wrong.
    """
    given = {"x": x, "children": children, "offsets": offsets, "w_u": w_u, "b_u": b_u}
    _arguments.check_dense(op, given | {name: tensor for name, (tensor, _) in weights.items()})
    for name, tensor in {"x": x, "w_u": w_u}.items():
        if tensor.dim() != 2:
            raise ValueError(f"{op}: {name} must have two axes, got the shape {tuple(tensor.shape)}")
    nodes, features = x.shape
    hidden = w_u.shape[0]
    expected = {
        "x": Expected(x, DTYPES, (nodes, w_u.shape[1]), "(node, feature)"),
        "children": Expected(children, (torch.int64, torch.int32), (nodes, 2), "(node, 2)"),
        "w_u": Expected(w_u, (x.dtype,), (hidden, features), "(hidden, feature)"),
    }
    for name, (tensor, multiples) in {"b_u": (b_u, (1,)), **weights}.items():
        names = ["hidden" if multiple == 1 else f"{multiple} * hidden" for multiple in multiples]
        axes = f"({', '.join(names)}{',' * (len(names) == 1)})"
        expected[name] = Expected(tensor, (x.dtype,), tuple(multiple * hidden for multiple in multiples), axes)
    _arguments.check(op, expected, x.device)
    ragged.check_kind(offsets, x.device, op, "tree")
    return children.long(), offsets.long()


def compute(
    op: str,
    form: _compiled.Form,
    x: Tensor,
    children: Tensor,
    offsets: Tensor,
    reference: Callable[[], Tensor],
    compiled: Callable[[], Tensor],
) -> Tensor:
    """Return the result of the compiled form where it serves the device of x, else that of the reference.

    Raises:
        ValueError: children and offsets do not describe trees; the message is the same for both.
    """
    if not _compiled.serves(form, x.device):
        _compiled.warn_of_fallback(form, x.device)
        forest.check(children, offsets, len(x), op)
        return reference()
    _compiled.refuse_forward_mode(op, x)
    try:
        return compiled()
    except RuntimeError as error:
        _compiled.explain(op, error)
        forest.check(children, offsets, len(x), op)
        raise


def embed(u: Tensor, children: Tensor, combine: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the embedding of every node (node, hidden), computed one height after another.

    Args:
        u: (node, hidden) of the nodes by themselves: the embedding of a leaf.
        children: (node, 2).
        combine: of inner nodes with (left child, right child, u) side by side (node, 3 * hidden) -> (node, hidden).
    """
    h = u
    for level in forest.levels(children):
        left, right = children[level].unbind(1)
        h = h.index_copy(0, level, combine(torch.cat([h[left], h[right], u[level]], dim=1)))
    return h


def example(device: torch.device, *multiples: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Return arguments of a usual size: x, children and offsets of 32 random trees of 60 leaves, w_u, b_u, and weights.

    Args:
        device: where they are.
        multiples: the size of each axis of each weight in multiples of hidden.
    """
    generator = torch.Generator().manual_seed(0)
    leaves, trees, features, hidden = 60, 32, 7, 70
    size = 2 * leaves - 1
    children = torch.full((trees * size, 2), -1)
    for tree in range(trees):
        roots = list(range(tree * size, tree * size + leaves))
        for node in range(tree * size + leaves, (tree + 1) * size):
            at = int(torch.randint(len(roots) - 1, (), generator=generator))
            children[node] = torch.tensor([roots.pop(at), roots.pop(at)])
            roots.append(node)
    shapes = [(trees * size, features), (hidden, features), (hidden,)]
    shapes += [tuple(multiple * hidden for multiple in axes) for axes in multiples]
    x, *weights = (0.1 * torch.randn(shape, generator=generator) for shape in shapes)
    offsets = torch.arange(trees + 1) * size
    return tuple(tensor.to(device) for tensor in (x, children, offsets, *weights))
