"""A batch of binary trees: the children of all nodes, packed end to end, and offsets where the trees begin.

The nodes of tree t are ``offsets[t]`` to ``offsets[t + 1]``, children before their parents, so that its root is last.
``children`` (node, 2) int64 are rows of the whole batch; a leaf has -1 and -1. Trees are joined by joining the arrays,
with the children shifted by the number of nodes before them. Offsets are those of `lightning_suite.ragged`.
"""

import torch
from torch import Tensor

from lightning_suite import ragged


def levels(children: Tensor) -> list[Tensor]:
    """Return the inner nodes of each height, (node,) each, beginning with those whose children are leaves.

    Example:
        >>> children = torch.tensor([[-1, -1], [-1, -1], [0, 1], [-1, -1], [2, 3]])
        >>> [nodes.tolist() for nodes in levels(children)]
        [[2], [4]]
    """
    inner = children[:, 0] >= 0
    height = torch.zeros(len(children), dtype=torch.int64, device=children.device)
    rows = inner.nonzero()[:, 0]
    pairs = children[rows]
    while True:  # once for each level of the highest tree
        taller = height[pairs].amax(1) + 1 if len(rows) else height[rows]
        if torch.equal(taller, height[rows]):
            break
        height[rows] = taller
    top = int(height.max()) if len(height) else 0
    return [(height == level).nonzero()[:, 0] for level in range(1, top + 1)]


def check(children: Tensor, offsets: Tensor, nodes: int, name: str) -> None:
    """Check that children and offsets describe trees with a number of nodes.

    Raises:
        ValueError: they do not; the message names the node.

    Example:
        >>> check(torch.tensor([[-1, -1], [0, 1]]), torch.tensor([0, 2]), 2, "mean")
        Traceback (most recent call last):
        ValueError: mean: node 1, whose tree begins at 0, must have ...
    """
    ragged.check(offsets, nodes, name)
    if children.is_meta:  # there are no values
        return
    begin = offsets[ragged.segments(offsets, nodes)][:, None]  # node 1
    here = torch.arange(nodes, device=children.device)[:, None]
    leaf = (children == -1).all(1, keepdim=True)
    wrong = (~leaf & ((children < begin) | (children >= here))).any(1).nonzero()
    if len(wrong):
        node = int(wrong[0])
        left, right = children[node].tolist()
        raise ValueError(
            f"{name}: node {node}, whose tree begins at {int(begin[node])}, must have earlier nodes of its tree as "
            f"children, or -1 and -1, got {left} and {right}"
        )
    inner = children[~leaf[:, 0]].flatten()
    twice = (torch.bincount(inner, minlength=1) > 1).nonzero()
    if len(twice):
        raise ValueError(f"{name}: node {int(twice[0])} must be the child of one node, and is the child of several")
