"""Trees embedded in a CPU second by tree_embedding, by the best that torch does level by level, and by the authors.

    python -m benchmarks.tree_embedding [--recnn FOLDER]

Trees of simulated jets (as many of W bosons, tops and QCD, clustered by Cambridge/Aachen, their features scaled) where
../shared/data/jets is; otherwise random ones of about 62 leaves, split as at random points, whose height is that of
jets' trees, about 15. 7 features, 70 hidden; batches of 64 and of 256 trees; float32, one thread, CPU seconds. The
forms take turns and give equal embeddings and gradients, which is asserted first.

`level by level` is the strongest form known for torch: nodes are ordered by their distance from the root, so that the
children of a level are the whole of the next one, side by side, and need no gathering. It is given the nodes in that
order for nothing; compiled, it is the step from one level to the next that is compiled, for levels of any size, and
compiling is not counted.

`glouppe/recnn` is the program of the paper's authors, in float64 as they run it, where a checkout of
github.com/glouppe/recnn is given (it needs autograd and scikit-learn): the embeddings of the roots, the regrouping of
the nodes included, and their gradient by autograd.
"""

import argparse
import importlib
import random
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks._markdown import rates_table
from benchmarks._record import record
from benchmarks._timing import median_seconds
from lightning_suite.ops.tree_embedding import COMPILED, reference, tree_embedding

FEATURES, HIDDEN, LEAVES = 7, 70, 62
BATCHES = (64, 256)
TURNS = 15
JETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "jets"
AUTHORS = "glouppe/recnn, float64"


class Trees(NamedTuple):
    """Some trees, packed as `lightning_suite.forest` has them, and the features of their nodes (node, 7)."""

    x: Tensor
    children: Tensor
    offsets: Tensor


def random_tree(leaves: int, children: list[list[int]]) -> int:
    """Append a tree, children before parents, and return its root."""
    if leaves == 1:
        children.append([-1, -1])
    else:
        left = random.randint(1, leaves - 1)
        pair = [random_tree(left, children), random_tree(leaves - left, children)]
        children.append(pair)
    return len(children) - 1


def random_trees(trees: int) -> Trees:
    """Return a number of random trees with random features."""
    children: list[list[int]] = []
    roots = [random_tree(max(2, round(random.gauss(LEAVES, 15))), children) for _ in range(trees)]
    x = torch.randn(len(children), FEATURES)
    return Trees(x, torch.tensor(children), torch.tensor([0, *(root + 1 for root in roots)]))


def trees_of_jets(trees: int) -> Trees:
    """Return a number of trees of simulated jets."""
    from suite_recnn.forests import ForestData, build_trees, robust_scale
    from suite_recnn.jets import concatenate
    from suite_recnn.sources.reading import read

    kinds = ("w", "top", "qcd")
    jets = [read(next(iter(sorted(JETS.glob(f"{kind}_*.parquet"))))) for kind in kinds]
    some = np.arange(-(-trees // len(kinds)))
    forest = build_trees(concatenate([each.take(some) for each in jets]), "cambridge-aachen", "none")
    chosen = np.random.default_rng(0).permutation(len(forest))[:trees]
    batch = ForestData(forest, chosen, None).batch(range(trees))
    center, scale = robust_scale(forest, chosen)
    x = ((batch.features - center) / scale)[:, :FEATURES]  # those of the paper
    return Trees(x.contiguous(), batch.children, batch.offsets)


def levels_from_the_root(children: Tensor, offsets: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the nodes by distance from the root, and which are inner; their children are the next level."""
    level = offsets[1:] - 1
    levels = []
    while len(level):
        inner = (children[level, 0] >= 0).nonzero()[:, 0]
        levels.append((level, inner))
        level = children[level[inner]].flatten()
    return levels


def one_level(x: Tensor, inner: Tensor, below: Tensor, w_u: Tensor, b_u: Tensor, w_h: Tensor, b_h: Tensor) -> Tensor:
    """Return embeddings of a level, from those of all nodes of the next (2 inner, hidden)."""
    u = functional.linear(x, w_u, b_u).relu()
    inputs = torch.cat([below.view(below.shape[0] // 2, 2 * HIDDEN), u[inner]], dim=1)
    return u.index_copy(0, inner, functional.linear(inputs, w_h, b_h).relu())


def level_by_level(x: list[Tensor], inner: list[Tensor], weights: list[Tensor], step: Callable[..., Tensor]) -> Tensor:
    """Return embeddings of all nodes, from the level of the roots on; x is given level by level."""
    h = [functional.linear(x[-1], weights[0], weights[1]).relu()]  # the last level has leaves alone
    for features, rows in zip(reversed(x[:-1]), reversed(inner[:-1]), strict=True):
        h.append(step(features, rows, h[-1], *weights))
    return torch.cat(h[::-1])


def authors(trees: Trees, weights: list[Tensor], share: Tensor) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return functions for the authors' embeddings of the roots, and for the gradient of these times a share."""
    program, autograd = importlib.import_module("recnn.recnn"), importlib.import_module("autograd")
    names = ("W_u", "b_u", "W_h", "b_h")
    params = {name: each.detach().double().numpy() for name, each in zip(names, weights, strict=True)}
    children, begins = trees.children.numpy(), trees.offsets.tolist()
    jets = [
        {
            "tree": np.where(children[begin:end] < 0, -1, children[begin:end] - begin),
            "content": trees.x[begin:end].double().numpy(),
            "root_id": end - begin - 1,
        }
        for begin, end in pairwise(begins)
    ]
    shares = share.double().numpy()
    gradient = autograd.grad(lambda params: (program.grnn_transform_simple(params, jets) * shares).sum())
    return lambda: program.grnn_transform_simple(params, jets), lambda: gradient(params)


def steps_of(
    forms: Mapping[str, Callable[[], Tensor]], weights: list[Tensor], share: Tensor, order: Tensor
) -> dict[str, dict[str, Callable[[], Any]]]:
    """Return what is timed of each form, forward and both ways; embeddings and gradients are asserted to be equal.

    Args:
        forms: the embeddings of all nodes by form, "reference" among them.
        weights: of the network.
        share: (node, hidden), what reaches the embeddings backwards.
        order: of the nodes in the forms that go level by level.
    """
    shares = {name: share[order] if name.startswith("level by level") else share for name in forms}
    expected = forms["reference"]()
    slopes = torch.autograd.grad(expected, weights, share)
    for name, form in forms.items():
        h = form()
        rows = h[order.argsort()] if name.startswith("level by level") else h
        torch.testing.assert_close(rows, expected, rtol=1e-4, atol=1e-5)
        for one, other in zip(slopes, torch.autograd.grad(h, weights, shares[name]), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * float(one.abs().max()))

    def both(name: str) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(forms[name](), weights, shares[name])

    return {
        "forward": {name: torch.no_grad()(form) for name, form in forms.items()},
        "forward and backward": {name: both(name) for name in forms},
    }


def rates_of(trees: int, ways: Mapping[str, dict[str, Callable[[], Any]]]) -> dict[str, dict[str, int]]:
    """Return how many trees a CPU second each step, which does so many of them, embeds, by way and form."""
    seconds = {way: median_seconds(steps, TURNS, time.thread_time) for way, steps in ways.items()}
    return {way: {name: round(trees / each) for name, each in spent.items()} for way, spent in seconds.items()}


def measure(trees: int, with_authors: bool) -> dict[str, dict[str, int]]:
    """Return trees a CPU second of every form, forward and both ways."""
    batch = trees_of_jets(trees) if JETS.is_dir() else random_trees(trees)
    x, children, offsets = batch
    levels = levels_from_the_root(children, offsets)
    order, inner = torch.cat([rows for rows, _ in levels]), [rows for _, rows in levels]
    shapes = [(HIDDEN, FEATURES), (HIDDEN,), (HIDDEN, 3 * HIDDEN), (HIDDEN,)]
    weights = [(torch.randn(shape) * shape[-1] ** -0.5).requires_grad_() for shape in shapes]
    by_level = [x[rows] for rows, _ in levels]
    compiled = torch.compile(one_level, dynamic=True)
    forms: dict[str, Callable[[], Tensor]] = {
        "tree_embedding": lambda: tree_embedding(x, children, offsets, *weights),
        "reference": lambda: reference(x, children, offsets, *weights),
        "level by level, eager": lambda: level_by_level(by_level, inner, weights, one_level),
        "level by level, compiled": lambda: level_by_level(by_level, inner, weights, compiled),
    }
    share = torch.randn(len(children), HIDDEN)
    ways = steps_of(forms, weights, share, order)
    if with_authors:
        roots = offsets[1:] - 1
        forward, both = authors(batch, weights, share[roots])
        theirs, expected = torch.from_numpy(forward()).to(x.dtype), forms["reference"]()[roots].detach()
        torch.testing.assert_close(theirs, expected, rtol=1e-4, atol=1e-4 * float(theirs.max()))
        ways["forward"][AUTHORS], ways["forward and backward"][AUTHORS] = forward, both
    print(f"measuring {trees} trees, {len(children)} nodes, {len(levels)} levels", flush=True)
    return rates_of(trees, ways)


def table(results: dict[str, Any], op: str = "tree_embedding") -> str:
    """Return trees a CPU second, and how many times those of each form the op embeds."""
    columns = {
        f"{way}, {trees}": rates for trees, ways in results["trees_per_second"].items() for way, rates in ways.items()
    }
    return rates_table("trees a CPU second", columns, op)


def measure_and_record(op: str, form: str, measure: Callable[[int], dict[str, dict[str, int]]]) -> None:
    """Measure batches of trees of the usual sizes, and write and print the results of an op."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    kind = "trees of simulated jets" if JETS.is_dir() else f"random trees of about {LEAVES} leaves"
    results = {
        "what": f"trees a CPU second, 1 thread, {kind}, {FEATURES} features, {HIDDEN} hidden, float32",
        "op": form,
        "turns": TURNS,
        "trees_per_second": {f"{trees} trees": measure(trees) for trees in BATCHES},
        "cuda": None,
    }
    record(op, results)
    print(results["what"], table(results, op), "GPU: not measured", sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Trees embedded in a CPU second.")
    parser.add_argument("--recnn", type=Path, metavar="FOLDER", help="a checkout of github.com/glouppe/recnn")
    folder: Path | None = parser.parse_args().recnn
    if folder is not None:
        sys.path.insert(0, str(folder))
    measure_and_record("tree_embedding", COMPILED.description, lambda trees: measure(trees, folder is not None))


if __name__ == "__main__":
    main()
