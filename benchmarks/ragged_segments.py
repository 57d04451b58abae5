"""Milliseconds of the sum, maximum, softmax and weighted sum of packed sequences, beside the other ways that torch has.

    python -m benchmarks.ragged_segments

Sentences of words, one and eight heads; jets of constituents; and sequences of which a few are very long. float32, one
thread, CPU time, medians; the ways take turns. All give equal results and gradients, which is asserted first. What
index_add and scatter_reduce need besides, the sequence of each value, is made before; so are nested tensors, which are
told the greatest length: they pad to the number of all values where they are not.
``one read`` is the time to add the values up, ``copy`` to copy them into memory that is there; both ways, an op reads
them and writes as much. The allocator keeps its memory, for all alike: pages that are new cost more than any kernel.
Prints four tables, writes benchmarks/results/ragged_segments.json.
"""

import contextlib
import ctypes
import functools
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks._markdown import beside, markdown
from benchmarks._record import record
from benchmarks._timing import median_seconds
from lightning_suite import ragged

OPS = {"sum": "segment_sum", "max": "segment_max", "softmax": "segment_softmax", "weighted_sum": "weighted_sum"}
"""The ops of lightning_suite.ops, by short names."""

TURNS = 9
MODES = ("forward", "both ways")
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt

Form = Callable[..., Tensor]


class Batch(NamedTuple):
    """Lengths of sequences, and the heads and the dim of their values (value, head, dim)."""

    lengths: Tensor
    heads: int
    dim: int


def batches() -> dict[str, Batch]:
    """Return the batches, by what they are."""
    generator = torch.Generator().manual_seed(0)
    words = torch.randint(5, 61, (256,), generator=generator)
    constituents = torch.randint(20, 81, (500,), generator=generator)
    tails = (torch.randn(500, generator=generator) * 1.5 + 1.5).exp().ceil().long()  # half have at most 5 values
    return {
        "256 sentences, 300": Batch(words, 1, 300),
        "64 sentences, 8 x 300": Batch(words[:64], 8, 300),
        "500 jets, 70": Batch(constituents, 1, 70),
        "500 of long tail, 4 x 32": Batch(tails, 4, 32),
    }


def forms(op: str, offsets: Tensor) -> dict[str, tuple[Form, Form]]:
    """Return of every way: from packed values to its own layout, and the op."""
    segment = ragged.segments(offsets, int(offsets[-1]))
    sequences = len(offsets) - 1

    def packed(x: Tensor) -> Tensor:
        return x

    def nest(x: Tensor) -> Tensor:
        lengths = ragged.lengths(offsets)
        ends = {"min_seqlen": int(lengths.min()), "max_seqlen": int(lengths.max())}
        nested = torch.nested.nested_tensor_from_jagged(x.detach(), offsets, **ends)
        return nested.detach().requires_grad_(x.requires_grad)

    def add(x: Tensor) -> Tensor:
        return x.new_zeros(sequences, *x.shape[1:]).index_add(0, segment, x)

    def greatest(x: Tensor) -> Tensor:
        none = x.new_full((sequences, *x.shape[1:]), -torch.inf)
        return none.scatter_reduce(0, segment[:, None].expand_as(x), x, "amax")

    def share(x: Tensor) -> Tensor:
        exponential = (x - greatest(x.detach())[segment]).exp()
        return exponential / add(exponential)[segment]

    reference = import_module(f"lightning_suite.ops.{OPS[op]}").reference
    reduce = functools.partial(torch.segment_reduce, offsets=offsets)
    ways: dict[str, dict[str, tuple[Form, Form]]] = {
        "sum": {
            "lightning_suite": (packed, lambda x: ragged.segment_sum(x, offsets)),
            "its reference": (packed, lambda x: reference(x, offsets)),
            "index_add": (packed, add),
            "segment_reduce": (packed, lambda x: reduce(x, "sum")),
            "nested (jagged)": (nest, lambda x: x.sum(1)),
        },
        "max": {
            "lightning_suite": (packed, lambda x: ragged.segment_max(x, offsets)),
            "its reference": (packed, lambda x: reference(x, offsets)),
            "scatter_reduce": (packed, greatest),
            "segment_reduce": (packed, lambda x: reduce(x, "max")),
            "nested (jagged)": (nest, lambda x: x.amax(1)),
        },
        "softmax": {
            "lightning_suite": (packed, lambda x: ragged.softmax(x, offsets)),
            "its reference": (packed, lambda x: reference(x, offsets)),
            "scatter_reduce, index_add": (packed, share),
            "nested (jagged)": (nest, lambda x: x.softmax(1)),
        },
        "weighted_sum": {
            "lightning_suite": (packed, lambda x, w: ragged.weighted_sum(x, w, offsets)),
            "its reference": (packed, lambda x, w: reference(x, w, offsets)),
            "index_add": (packed, lambda x, w: add(x * w[..., None])),
            "segment_reduce": (packed, lambda x, w: reduce((x * w[..., None]), "sum")),
            "nested (jagged)": (nest, lambda x, w: (x * w.unsqueeze(-1)).sum(1)),
        },
    }
    return ways[op]


def arguments(op: str, batch: Batch) -> list[Tensor]:
    """Return the packed arguments of an op."""
    count = int(batch.lengths.sum())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, batch.heads, batch.dim, generator=generator)
    weights = torch.rand(count, batch.heads, generator=generator)
    return {"softmax": [weights], "weighted_sum": [x, weights]}.get(op, [x.flatten(1)])


def measured(op: str, batch: Batch) -> dict[str, dict[str, float]]:
    """Return milliseconds of every way; of none without a derivative both ways."""
    offsets = ragged.offsets_of(batch.lengths)
    inputs = arguments(op, batch)
    ways = forms(op, offsets)

    def slope_of(out: Tensor) -> Tensor:
        return torch.randn(out.shape, generator=torch.Generator().manual_seed(1))

    steps: dict[str, dict[str, Callable[[], Any]]] = {mode: {} for mode in MODES}
    close = functools.partial(torch.allclose, rtol=1e-4, atol=1e-4)
    expected: list[Tensor] = []
    for name, (lay_out, form) in ways.items():
        leaves = [lay_out(each.clone().requires_grad_()).detach().requires_grad_() for each in inputs]
        with contextlib.suppress(RuntimeError, NotImplementedError, ValueError):  # what jagged tensors do not have
            out = form(*leaves)
            slope = slope_of(out.values() if out.is_nested else out)
            slope = lay_out(slope).detach() if out.is_nested else slope
            steps["forward"][name] = torch.no_grad()(functools.partial(form, *leaves))
            step = functools.partial(both_ways, form, leaves, slope)
            value, *slopes = (each.values() if each.is_nested else each for each in (out.detach(), *step()))
            expected = expected or [value, *slopes]
            torch.testing.assert_close(value, expected[0], rtol=1e-4, atol=1e-4)
            if out.is_nested and not all(map(close, slopes, expected[1:])):
                continue  # torch 2.13: the gradient of the softmax of jagged tensors is wrong
            torch.testing.assert_close(slopes, expected[1:], rtol=1e-4, atol=1e-4)
            steps["both ways"][name] = step
    room = torch.empty_like(inputs[0])
    for each in steps.values():
        each["one read"] = inputs[0].sum
        each["copy"] = functools.partial(room.copy_, inputs[0])
    times = {mode: median_seconds(each, TURNS, time.thread_time) for mode, each in steps.items()}
    return {
        name: {mode: round(1e3 * taken[name], 4) for mode, taken in times.items() if name in taken}
        for name in (*ways, "one read", "copy")
    }


def both_ways(form: Form, leaves: list[Tensor], slope: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients."""
    return torch.autograd.grad(form(*leaves), leaves, slope)


def table(results: dict[str, Any], op: str) -> str:
    """Return milliseconds of every way of an op, and how many times ours they are."""
    measurements = results["milliseconds"][op]
    rows = []
    for name in next(iter(measurements.values())):
        cells = []
        for times in measurements.values():
            for mode in MODES:
                there = times[name].get(mode)
                cells.append("none" if there is None else beside(there, times["lightning_suite"][mode]))
        rows.append([name, *cells])
    return markdown([f"{op}, ms", *(f"{mode}, {batch}" for batch in measurements for mode in MODES)], rows)


table_sum, table_max, table_softmax, table_weighted_sum = (functools.partial(table, op=op) for op in OPS)


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for threshold in (TRIM_THRESHOLD, MMAP_THRESHOLD):
        ctypes.CDLL(None).mallopt(threshold, 1 << 30)
    values = {
        "what": f"milliseconds of CPU time, 1 thread, float32, medians of {TURNS}",
        "ops": import_module("lightning_suite.ops.segment_sum").COMPILED.description,
        "megabytes": {name: round(4e-6 * arguments("sum", each)[0].numel(), 1) for name, each in batches().items()},
        "milliseconds": {op: {name: measured(op, batch) for name, batch in batches().items()} for op in OPS},
    }
    record("ragged_segments", values)
    print(values["what"], *(table(values, op) for op in OPS), sep="\n\n")


if __name__ == "__main__":
    main()
