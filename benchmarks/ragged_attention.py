"""Milliseconds of ragged_attention beside the other ways to attend within sequences of different lengths.

    python -m benchmarks.ragged_attention

256 sequences of SNLI's lengths and 16 of 20 to 200, four heads of 32, float32, one thread, CPU time, medians. All give
equal results and gradients, which is asserted first; they take turns. Laying out padded and nested forms is not timed.
Prints a table, writes benchmarks/results/ragged_attention.json.
"""

import functools
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks._dsa_routing_variants import lengths_of
from benchmarks._markdown import beside, markdown
from benchmarks._record import record
from benchmarks._timing import median_seconds
from lightning_suite import ragged
from lightning_suite.ops.ragged_attention import COMPILED, ragged_attention, reference

HEADS, DIM, TURNS = 4, 32, 9
MODES = ("forward", "forward and backward")

Form = Callable[..., Tensor]


def forms(offsets: Tensor) -> dict[str, tuple[Callable[[Tensor], Tensor], Form, Callable[[Tensor], Tensor]]]:
    """Return of every way: packed rows to its own layout, the attention, and back to packed rows."""
    lengths, count = ragged.lengths(offsets), int(offsets[-1])
    segment, longest = ragged.segments(offsets, count), int(lengths.max())
    inside = torch.arange(longest) < lengths[:, None]  # sequence row
    # Pairs of rows of one sequence, in the order of the queries.
    partners = lengths[segment]
    pair_query = torch.arange(count).repeat_interleave(partners)
    ends = ragged.offsets_of(partners)
    pair_key = torch.arange(int(ends[-1])) - ends[:-1][pair_query] + offsets[segment][pair_query]

    def by_pairs(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = (q[pair_query] * k[pair_key]).sum(-1) * DIM**-0.5  # pair head
        top = scores.new_full((count, HEADS), -torch.inf)
        top = top.scatter_reduce(0, pair_query[:, None].expand_as(scores), scores.detach(), "amax")
        share = (scores - top[pair_query]).exp()
        total = torch.zeros_like(top).index_add(0, pair_query, share)
        weighted = (share / total[pair_query])[..., None] * v[pair_key]
        return torch.zeros_like(v).index_add(0, pair_query, weighted)

    def pad(x: Tensor) -> Tensor:
        padded = x.new_zeros(*inside.shape, *x.shape[1:])
        padded[inside] = x
        return padded.transpose(1, 2).contiguous()  # sequence head row dim

    ends = {"min_seqlen": int(lengths.min()), "max_seqlen": longest}

    def jag(x: Tensor) -> Tensor:
        # All of the same offsets: only those have one shape, and a derivative.
        nested = torch.nested.nested_tensor_from_jagged(x.detach(), offsets, **ends).transpose(1, 2)
        return nested.detach().requires_grad_(x.requires_grad)

    def nest(x: Tensor) -> Tensor:
        rows = [rows.transpose(0, 1).contiguous() for rows in ragged.split(x.detach(), offsets)]
        return torch.nested.nested_tensor(rows).requires_grad_(x.requires_grad)

    mask = torch.zeros(inside.shape).masked_fill(~inside, -torch.inf)[:, None, None]

    def same(x: Tensor) -> Tensor:
        return x

    return {
        "ragged_attention": (same, lambda *x: ragged_attention(*x, offsets), same),
        "sequence by sequence": (same, lambda *x: reference(*x, offsets), same),
        "pairs, index_add and scatter": (same, by_pairs, same),
        "padded, scaled_dot_product_attention": (
            pad,
            functools.partial(functional.scaled_dot_product_attention, attn_mask=mask),
            lambda out: out.transpose(1, 2)[inside],
        ),
        "nested (jagged), scaled_dot_product_attention": (
            jag,
            functional.scaled_dot_product_attention,
            lambda out: out.transpose(1, 2).values(),
        ),
        "nested (strided), scaled_dot_product_attention": (
            nest,
            functional.scaled_dot_product_attention,
            lambda out: torch.cat([rows.transpose(0, 1) for rows in out.unbind()]),
        ),
    }


def slopes(attend: Form, leaves: list[Tensor], share: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients."""
    return torch.autograd.grad(attend(*leaves), leaves, share)


def measured(lengths: Tensor) -> dict[str, dict[str, float]]:
    """Return milliseconds of every way; of one with wrong gradients none both ways."""
    offsets = ragged.offsets_of(lengths)
    generator = torch.Generator().manual_seed(0)
    q, k, v, share = torch.randn((4, int(offsets[-1]), HEADS, DIM), generator=generator)
    packed = [each.clone().requires_grad_() for each in (q, k, v)]
    expected = slopes(lambda *x: reference(*x, offsets), packed, share)
    close = functools.partial(torch.allclose, rtol=1e-4, atol=1e-4)
    steps: dict[str, dict[str, Callable[[], Any]]] = {mode: {} for mode in MODES}
    for name, (lay_out, attend, pack) in forms(offsets).items():
        with torch.no_grad():
            inputs = [lay_out(each) for each in (q, k, v)]
            torch.testing.assert_close(pack(attend(*inputs)), reference(q, k, v, offsets), rtol=1e-4, atol=1e-4)
        steps["forward"][name] = torch.no_grad()(functools.partial(attend, *inputs))
        leaves = [lay_out(each.clone().requires_grad_()).detach().requires_grad_() for each in (q, k, v)]
        step = functools.partial(slopes, attend, leaves, lay_out(share).detach())
        found = [pack(slope) for slope in step()]
        if inputs[0].is_nested and not all(map(close, found, expected)):
            continue  # torch 2.13: the gradients of jagged tensors are wrong
        torch.testing.assert_close(found, list(expected), rtol=1e-4, atol=1e-4)
        steps["forward and backward"][name] = step
    times = {mode: median_seconds(each, TURNS, time.thread_time) for mode, each in steps.items()}
    return {
        name: {mode: round(1e3 * taken[name], 4) for mode, taken in times.items() if name in taken}
        for name in steps["forward"]
    }


def table(results: dict[str, Any]) -> str:
    """Return milliseconds of every way, and how many times the op's they are."""
    batches = results["milliseconds"]
    columns = [f"{mode}, {batch}" for batch in batches for mode in MODES]
    rows = []
    for name in sorted(next(iter(batches.values())), key=lambda name: name != "ragged_attention"):
        cells = []
        for times in batches.values():
            for mode in MODES:
                there = times[name].get(mode)
                cells.append("none" if there is None else beside(there, times["ragged_attention"][mode]))
        rows.append([name, *cells])
    return markdown(["ms, 1 thread", *columns], rows)


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    batches = {
        "256 of 15 rows": lengths_of(256),
        "16 of 20 to 200 rows": torch.randint(20, 201, (16,), generator=torch.Generator().manual_seed(0)),
    }
    values = {
        "what": f"milliseconds of CPU time, 1 thread, {HEADS} heads of {DIM}, float32, medians of {TURNS}",
        "op": COMPILED.description,
        "milliseconds": {name: measured(lengths) for name, lengths in batches.items()},
    }
    record("ragged_attention", values)
    print(values["what"], table(values), sep="\n")


if __name__ == "__main__":
    main()
