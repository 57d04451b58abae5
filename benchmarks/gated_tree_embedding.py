"""Trees embedded in a CPU second by gated_tree_embedding, and by the best that torch does level by level.

    python -m benchmarks.gated_tree_embedding

The trees, the forms and the way of measuring are those of benchmarks/tree_embedding.py. A level is two forms here:
`three products` is the cell as it is written; `joined` multiplies [h_l, h_r, u] once with the weights of both gates,
which leaves a product less, and one pass over the logits more.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.tree_embedding import (
    FEATURES,
    HIDDEN,
    JETS,
    level_by_level,
    levels_from_the_root,
    measure_and_record,
    random_trees,
    rates_of,
    steps_of,
    trees_of_jets,
)
from benchmarks.tree_embedding import table as table_of
from lightning_suite.ops.gated_tree_embedding import COMPILED, gated_tree_embedding, reference


def mixed(logits: Tensor, g: Tensor, a: Tensor) -> Tensor:
    """Return the four blocks, each coordinate weighted by the softmax of its four logits."""
    z = logits.view(-1, 4, HIDDEN).softmax(1)
    return z[:, 0] * g + (z[:, 1:] * a.view(-1, 3, HIDDEN)).sum(1)


def three_products(x: Tensor, inner: Tensor, below: Tensor, w_u: Tensor, b_u: Tensor, *gates: Tensor) -> Tensor:
    """Return embeddings of a level, from those of all nodes of the next (2 inner, hidden)."""
    w_r, b_r, w_h, b_h, w_z, b_z = gates
    u = functional.linear(x, w_u, b_u).relu()
    a = torch.cat([below.view(below.shape[0] // 2, 2 * HIDDEN), u[inner]], dim=1)
    r = functional.linear(a, w_r, b_r).sigmoid()
    g = functional.linear(r * a, w_h, b_h).relu()
    return u.index_copy(0, inner, mixed(functional.linear(torch.cat([g, a], dim=1), w_z, b_z), g, a))


def joined(x: Tensor, inner: Tensor, below: Tensor, w_u: Tensor, b_u: Tensor, *gates: Tensor) -> Tensor:
    """Return the same as `three_products`, with the weights of `join`."""
    w_a, b_a, w_h, b_h, w_g = gates
    u = functional.linear(x, w_u, b_u).relu()
    a = torch.cat([below.view(below.shape[0] // 2, 2 * HIDDEN), u[inner]], dim=1)
    resets, logits = functional.linear(a, w_a, b_a).split([3 * HIDDEN, 4 * HIDDEN], dim=1)
    g = functional.linear(resets.sigmoid() * a, w_h, b_h).relu()
    return u.index_copy(0, inner, mixed(torch.addmm(logits, g, w_g.T), g, a))


def join(weights: list[Tensor]) -> list[Tensor]:
    """Return the weights of both gates on [h_l, h_r, u] as one matrix, and that of z on g."""
    w_u, b_u, w_r, b_r, w_h, b_h, w_z, b_z = weights
    w_g, w_za = w_z.split([HIDDEN, 3 * HIDDEN], dim=1)
    return [w_u, b_u, torch.cat([w_r, w_za]), torch.cat([b_r, b_z]), w_h, b_h, w_g.contiguous()]


def measure(trees: int) -> dict[str, dict[str, int]]:
    """Return trees a CPU second of every form, forward and both ways."""
    x, children, offsets = trees_of_jets(trees) if JETS.is_dir() else random_trees(trees)
    x = x[:, :FEATURES].contiguous()
    levels = levels_from_the_root(children, offsets)
    order, inner = torch.cat([rows for rows, _ in levels]), [rows for _, rows in levels]
    shapes = [(HIDDEN, FEATURES), (HIDDEN,), (3 * HIDDEN, 3 * HIDDEN), (3 * HIDDEN,), (HIDDEN, 3 * HIDDEN), (HIDDEN,)]
    shapes += [(4 * HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)]
    weights = [(torch.randn(shape) * shape[-1] ** -0.5).requires_grad_() for shape in shapes]
    by_level = [x[rows] for rows, _ in levels]
    compiled = torch.compile(three_products, dynamic=True)
    forms: dict[str, Callable[[], Tensor]] = {
        "gated_tree_embedding": lambda: gated_tree_embedding(x, children, offsets, *weights),
        "reference": lambda: reference(x, children, offsets, *weights),
        "level by level, three products, eager": lambda: level_by_level(by_level, inner, weights, three_products),
        "level by level, joined, eager": lambda: level_by_level(by_level, inner, join(weights), joined),
        "level by level, three products, compiled": lambda: level_by_level(by_level, inner, weights, compiled),
    }
    share = torch.randn(len(children), HIDDEN)
    ways = steps_of(forms, weights, share, order)
    print(f"measuring {trees} trees, {len(children)} nodes, {len(levels)} levels", flush=True)
    return rates_of(trees, ways)


def table(results: dict[str, Any]) -> str:
    """Return trees a CPU second, and how many times those of each form the op with gates embeds."""
    return table_of(results, "gated_tree_embedding")


def main() -> None:
    measure_and_record("gated_tree_embedding", COMPILED.description, measure)


if __name__ == "__main__":
    main()
