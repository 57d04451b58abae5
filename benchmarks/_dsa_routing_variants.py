"""What the parts of benchmarks/dsa_routing.py share: the ways to route, their inputs, and how they are timed."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.dsa_network import lognormal
from lightning_suite import ragged
from lightning_suite.ops.dsa_routing import dsa_routing, reference

ITERATIONS = 2
TURNS = 11

Times = dict[str, float]
Steps = dict[str, tuple[Callable[[], object], Sequence[Tensor]]]  # what is timed, and what it reads


class Variant(NamedTuple):
    """One way to route.

    Attributes:
        layout: packed words -> the inputs that this variant wants; never timed.
        call: the inputs -> the sentences of each.
        order: (sentence,) which sentences these are.
    """

    layout: Callable[[Tensor], list[Tensor]]
    call: Callable[..., list[Tensor]]
    order: Tensor


def packed_index_add(x: Tensor, offsets: Tensor, segment: Tensor) -> Tensor:
    """Route as `reference`, with operations that torch.compile can fuse: (sentence, head, head_dim)."""

    def total(values: Tensor) -> Tensor:
        return values.new_zeros(len(offsets) - 1, *values.shape[1:]).index_add(0, segment, values)

    z, scores = (total(x) / offsets.diff()[:, None, None]).tanh(), x.new_zeros(x.shape[:2])
    for _ in range(ITERATIONS - 1):
        scores = scores + (x * z[segment]).sum(-1)
        top = scores.new_full(z.shape[:2], -torch.inf)
        top = top.scatter_reduce(0, segment[:, None].expand_as(scores), scores.detach(), "amax")
        weights = (scores - top[segment]).exp()
        z = total((weights / total(weights)[segment])[..., None] * x).tanh()
    return z


def padded_sum(x: Tensor, mask: Tensor) -> Tensor:
    """Route in the plain way: (batch, word, head, head_dim), and a mask (batch, word, 1) of 0 or -inf."""
    scores, z = mask, (mask.softmax(1)[..., None] * x).sum(1).tanh()  # batch head head_dim
    for _ in range(ITERATIONS - 1):
        scores = scores + (x * z[:, None]).sum(-1)
        z = (scores.softmax(1)[..., None] * x).sum(1).tanh()
    return z


def padded_bmm(x: Tensor, mask: Tensor) -> Tensor:
    """Route by matrix products: (batch * head, word, head_dim), and (batch * head, word) of 0 or -inf."""
    scores, z = mask, torch.bmm(mask.softmax(1)[:, None], x).tanh()  # (batch head) 1 head_dim
    for _ in range(ITERATIONS - 1):
        scores = scores + torch.bmm(x, z.mT)[..., 0]
        z = torch.bmm(scores.softmax(1)[:, None], x).tanh()
    return z


def variants(offsets: Tensor, heads: int, dtype: torch.dtype) -> dict[str, Variant]:
    """Return every way to route these sentences; what depends on lengths alone, as masks do, is not timed."""
    lengths, segment = ragged.lengths(offsets), ragged.segments(offsets, int(offsets[-1]))
    everyone = torch.arange(len(lengths), device=offsets.device)
    inside = torch.arange(int(lengths.max()), device=offsets.device) < lengths[:, None]  # sentence word

    def cut(padded: Tensor, part: Tensor) -> Tensor:
        return padded[part, : int(lengths[part].max())]

    def packed(form: Callable[[Tensor], Tensor]) -> Variant:
        return Variant(lambda x: [x], lambda x: [form(x)], everyone)

    def padded(form: Callable[[Tensor, Tensor], Tensor], parts: Sequence[Tensor], by_bmm: bool) -> Variant:
        masks = [cut(inside, part).to(dtype).log() for part in parts]  # 0 or -inf
        masks = [each.repeat_interleave(heads, 0) if by_bmm else each[..., None] for each in masks]

        def layout(x: Tensor) -> list[Tensor]:
            padded = x.new_zeros(*inside.shape, *x.shape[1:])
            padded[inside] = x
            inputs = [cut(padded, part) for part in parts]
            return [each.transpose(1, 2).flatten(0, 1) for each in inputs] if by_bmm else inputs

        return Variant(layout, lambda *inputs: list(map(form, inputs, masks)), torch.cat(list(parts)))

    # Packed forms are compiled for any number of words, as no two batches have equally many; padded ones for just
    # this shape, which no training has and which is quicker.
    compiled_reference = torch.compile(reference, dynamic=True)
    compiled_index_add = torch.compile(packed_index_add, dynamic=True)
    compiled_sum, compiled_bmm = (torch.compile(form, dynamic=False) for form in (padded_sum, padded_bmm))
    return {
        "dsa_routing": packed(lambda x: dsa_routing(x, offsets, ITERATIONS)),
        "packed, eager": packed(lambda x: reference(x, offsets, ITERATIONS)[0]),
        "padded bmm, eager": padded(padded_bmm, [everyone], by_bmm=True),
        "padded bmm in 8 buckets, eager": padded(padded_bmm, lengths.argsort().chunk(8), by_bmm=True),
        "padded mul and sum, eager": padded(padded_sum, [everyone], by_bmm=False),
        "packed, compiled": packed(lambda x: compiled_reference(x, offsets, ITERATIONS)[0]),
        "packed index_add, compiled": packed(lambda x: compiled_index_add(x, offsets, segment)),
        "padded bmm, compiled": padded(compiled_bmm, [everyone], by_bmm=True),
        "padded mul and sum, compiled": padded(compiled_sum, [everyone], by_bmm=False),
    }


def check(ways: dict[str, Variant], x: Tensor, gradient: Tensor, tolerance: float = 1e-4) -> None:
    """Assert that all variants give the sentences and the gradients of the first."""
    expected: tuple[Tensor, Tensor] | None = None
    for name, way in ways.items():
        words = x.detach().requires_grad_()
        z = torch.cat([each.reshape(-1, *x.shape[1:]) for each in way.call(*way.layout(words))])
        actual = z.detach()[way.order.argsort()], torch.autograd.grad(z, words, gradient[way.order])[0]
        expected = expected or actual
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance, msg=f"{name} differs")


def steps_of(way: Variant, x: Tensor, gradient: Tensor) -> Steps:
    """Return what is timed of a variant: forward without a graph, and forward with the gradient to its inputs."""
    with torch.no_grad():
        inputs = [each.contiguous() for each in way.layout(x)]
        shapes = [each.shape for each in way.call(*inputs)]
    leaves = [each.detach().requires_grad_() for each in inputs]
    parts = gradient[way.order].split([shape.numel() // gradient[0].numel() for shape in shapes])
    gradients = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
    return {
        "forward": (torch.no_grad()(partial(way.call, *inputs)), inputs),
        "forward and backward": (lambda: torch.autograd.grad(way.call(*leaves), leaves, gradients), inputs),
    }


def clocked(steps: Steps, turns: int = TURNS, clock: Callable[[], float] = time.thread_time) -> dict[str, Times]:
    """Return milliseconds of each step; the steps take turns.

    Before a call its inputs are read once: they lie in the cache, if they fit, as the layer before leaves them.
    """
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(turns + 1):
        for name, (step, inputs) in steps.items():
            for each in inputs:
                each.sum()
            begin = clock()
            step()
            if turn > 0:
                taken[name].append(1e3 * (clock() - begin))
    return {name: summary(each) for name, each in taken.items()}


def summary(taken: Sequence[float]) -> Times:
    return {"minimum": round(min(taken), 4), "median": round(statistics.median(taken), 4)}


def say(what: str) -> None:
    """Print one line of progress."""
    print(f"measuring {what}", file=sys.stderr, flush=True)


def lengths_of(sentences: int) -> Tensor:
    """Return lengths as in SNLI, the same at each call."""
    torch.manual_seed(0)
    return torch.tensor(lognormal(15.0, 60, sentences))


def batch(lengths: Tensor, heads: int, head_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return words so small that neither softmax nor tanh saturates, offsets, and a gradient of the sentences."""
    x = 0.1 * torch.randn(int(lengths.sum()), heads, head_dim)
    return x, ragged.offsets_of(lengths), torch.randn(len(lengths), heads, head_dim)


def passes(x: Tensor) -> Steps:
    """Return what every way to route must do, to read x, and for comparison to write as much."""
    return {"read x once": (x.sum, [x]), "copy x": (partial(torch.empty_like(x).copy_, x), [x])}
