"""Milliseconds of the sum, maximum, softmax and weighted sum of packed sequences, beside the other ways that torch has.

    python -m benchmarks.ragged_segments

Sentences of words, one and eight heads; jets of constituents; and sequences of which a few are very long. float32, one
thread, CPU time, medians; the ways take turns. All give equal results and gradients, which is asserted first. What
index_add and scatter_reduce need besides, the sequence of each value, is made before; so are nested tensors, which take
seconds and are timed once, after a call that is not.
``copy`` is the time to read and write the values once into memory that is there: none can take less than half of it.
Prints four tables, writes benchmarks/results/ragged_segments.json.
"""

import contextlib
import functools
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks._markdown import beside, markdown
from benchmarks._record import record
from benchmarks._timing import median_seconds
from lightning_suite import ragged

TURNS = 9
MODES = ("forward", "both ways")
OPS = ("sum", "max", "softmax", "weighted_sum")

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
        nested = torch.nested.nested_tensor_from_jagged(x.detach(), offsets)
        return nested.detach().requires_grad_(x.requires_grad)

    def add(x: Tensor) -> Tensor:
        return x.new_zeros(sequences, *x.shape[1:]).index_add(0, segment, x)

    def greatest(x: Tensor) -> Tensor:
        none = x.new_full((sequences, *x.shape[1:]), -torch.inf)
        return none.scatter_reduce(0, segment[:, None].expand_as(x), x, "amax")

    def share(x: Tensor) -> Tensor:
        exponential = (x - greatest(x.detach())[segment]).exp()
        return exponential / add(exponential)[segment]

    reduce = functools.partial(torch.segment_reduce, offsets=offsets)
    ways: dict[str, dict[str, tuple[Form, Form]]] = {
        "sum": {
            "lightning_suite": (packed, lambda x: ragged.segment_sum(x, offsets)),
            "index_add": (packed, add),
            "segment_reduce": (packed, lambda x: reduce(x, "sum")),
            "nested (jagged)": (nest, lambda x: x.sum(1)),
        },
        "max": {
            "lightning_suite": (packed, lambda x: ragged.segment_max(x, offsets)),
            "scatter_reduce": (packed, greatest),
            "segment_reduce": (packed, lambda x: reduce(x, "max")),
            "nested (jagged)": (nest, lambda x: x.amax(1)),
        },
        "softmax": {
            "lightning_suite": (packed, lambda x: ragged.softmax(x, offsets)),
            "scatter_reduce, index_add": (packed, share),
            "nested (jagged)": (nest, lambda x: x.softmax(1)),
        },
        "weighted_sum": {
            "lightning_suite": (packed, lambda x, w: ragged.weighted_sum(x, w, offsets)),
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
    expected: list[Tensor] = []
    for name, (lay_out, form) in ways.items():
        leaves = [lay_out(each.clone().requires_grad_()).detach().requires_grad_() for each in inputs]
        with contextlib.suppress(RuntimeError, NotImplementedError, ValueError):  # what jagged tensors do not have
            out = form(*leaves)
            slope = slope_of(out.values() if out.is_nested else out)
            slope = lay_out(slope).detach() if out.is_nested else slope
            steps["forward"][name] = torch.no_grad()(functools.partial(form, *leaves))
            step = functools.partial(both_ways, form, leaves, slope)
            got = [each.values() if each.is_nested else each for each in (out.detach(), *step())]
            steps["both ways"][name] = step
            expected = expected or got
            for one, other in zip(expected, got, strict=True):
                torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)
    room = torch.empty_like(inputs[0])
    for each in steps.values():
        each["copy"] = functools.partial(room.copy_, inputs[0])
    times = {mode: seconds_of(each) for mode, each in steps.items()}
    return {
        name: {mode: round(1e3 * taken[name], 4) for mode, taken in times.items() if name in taken}
        for name in (*ways, "copy")
    }


def seconds_of(steps: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the CPU seconds of each step."""
    slow = {name: step for name, step in steps.items() if name.startswith("nested")}
    quick = {name: step for name, step in steps.items() if name not in slow}
    return median_seconds(quick, TURNS, time.thread_time) | median_seconds(slow, 1, time.thread_time)


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
    values = {
        "what": f"milliseconds of CPU time, 1 thread, float32, medians of {TURNS}",
        "megabytes": {name: round(4e-6 * arguments("sum", each)[0].numel(), 1) for name, each in batches().items()},
        "milliseconds": {op: {name: measured(op, batch) for name, batch in batches().items()} for op in OPS},
    }
    record("ragged_segments", values)
    print(values["what"], *(table(values, op) for op in OPS), sep="\n\n")


if __name__ == "__main__":
    main()
