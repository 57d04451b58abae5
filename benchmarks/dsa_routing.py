"""Milliseconds of dsa_routing beside the other ways to write it in torch, and beside reading its words once.

    python -m benchmarks.dsa_routing [table floor fusing growth step cuda]

A batch of 256 sentences of SNLI's lengths, r = 2, float32; one head of 600, and eight of 300. All variants give equal
sentences and gradients, which is asserted first. They take turns; unless stated otherwise, on one thread and by its
CPU time. There are two processes: with malloc as it is, and with malloc that keeps freed pages, so that a large result
costs no page faults. Prints tables, writes benchmarks/results/dsa_routing.json. With names of parts it prints only
these, as JSON, with malloc as it is.
"""

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks._dsa_routing_tables import (
    table,
    table_cuda,
    table_floor,
    table_fusing,
    table_growth,
    table_kept,
    table_step,
)
from benchmarks._dsa_routing_variants import (
    ITERATIONS,
    TURNS,
    Steps,
    Times,
    Variant,
    batch,
    check,
    clocked,
    lengths_of,
    passes,
    say,
    steps_of,
    summary,
    variants,
)
from benchmarks._record import record
from benchmarks.dsa_network import BATCH, phrase_lengths
from lightning_suite import ragged
from lightning_suite.ops.dsa_routing import COMPILED, dsa_routing
from lightning_suite.plugins import find
from suite_dsa.attention import DynamicSelfAttention, StaticSelfAttention, split_heads
from suite_dsa.dropout import SLOPE
from suite_dsa.onednn_linear import Linear, round_up

SENTENCES = 256
SHAPES = {"m=1, d=600": (1, 600), "m=8, d=300": (8, 300)}  # heads and head_dim
INPUT_DIM = 300  # d_c, of the words before Eq. 6
KEPT = {"MMAP_THRESHOLD": 2**30, "TRIM_THRESHOLD": 2**31, "TOP_PAD": 2**28}
ALLOCATORS = {"default": {}, "kept": {f"MALLOC_{name}_": f"{size}" for name, size in KEPT.items()}}
ON_GPU = ("dsa_routing", "packed, eager", "padded bmm, eager", "packed, compiled", "padded mul and sum, compiled")

TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "Milliseconds of every way to route": table,
    "The same with malloc that keeps freed pages": table_kept,
    "The op beside one pass over its words, on one thread and on two": table_floor,
    "Projection, LeakyReLU and routing, whole and in blocks": table_fusing,
    "Nanoseconds of the op for each number of its words while one size grows": table_growth,
    "A training step with either attention": table_step,
    "The ways to route on a GPU": table_cuda,
}


def times_of(shape: str) -> dict[str, dict[str, Times]]:
    """Return the times of every variant."""
    say(f"{shape}: compiling and checking every variant")
    torch.compiler.reset()
    x, offsets, gradient = batch(lengths_of(SENTENCES), *SHAPES[shape])
    ways = variants(offsets, x.shape[1], x.dtype)
    check(ways, x, gradient)
    steps = {name: steps_of(way, x, gradient) for name, way in ways.items()}
    results = {}
    for mode in ("forward", "forward and backward"):
        say(f"{shape}: {mode}")
        results[mode] = clocked({name: each[mode] for name, each in steps.items()} | passes(x))
    return results


def floor(shape: str) -> dict[str, dict[str, Times]]:
    """Return wall time of dsa_routing, and of reading and copying x, on one thread and on two."""
    say(f"{shape}: one pass over x, on one thread and on two")
    x, offsets, gradient = batch(lengths_of(SENTENCES), *SHAPES[shape])
    steps = passes(x) | steps_of(variants(offsets, x.shape[1], x.dtype)["dsa_routing"], x, gradient)
    results = {}
    for threads in (2, 1):
        torch.set_num_threads(threads)
        results[f"{threads}"] = clocked(steps, 4 * TURNS, time.perf_counter)
    return results


@torch.no_grad()
def fusing(shape: str) -> dict[str, Any]:
    """Return what fusing Eq. 6 with the routing could gain at most: both in blocks that stay in the L2 cache.

    A block is as many sentences as have 256 words together, of one head, whose weight then stays in the cache as well.
    What the calls of so many blocks cost is measured by itself, on one word of one number.
    """
    say(f"{shape}: projection and routing, whole and in blocks")
    (heads, head_dim), lengths = SHAPES[shape], lengths_of(SENTENCES)
    offsets = ragged.offsets_of(lengths)
    words = torch.randn(int(offsets[-1]), INPUT_DIM)
    project = Linear(INPUT_DIM, heads * head_dim)
    by_heads = [Linear(INPUT_DIM, head_dim) for _ in range(heads)]
    for part, weight, bias in zip(by_heads, project.weight.chunk(heads), project.bias.chunk(heads), strict=True):
        part.load_state_dict({"weight": weight, "bias": bias})
    cuts = [0]  # sentences that begin a block
    for sentence in range(SENTENCES):
        if int(offsets[sentence + 1] - offsets[cuts[-1]]) > 256:
            cuts.append(sentence)
    places = [offsets[begin : end + 1] for begin, end in pairwise([*cuts, SENTENCES])]
    blocks = [(words[place[0] : place[-1]], place - place[0]) for place in places]

    def chain(layer: Linear, words: Tensor, offsets: Tensor, heads: int = 1, in_place: bool = True) -> Tensor:
        x = functional.leaky_relu(layer(words), SLOPE, in_place)
        return dsa_routing(split_heads(x, heads), offsets, ITERATIONS)

    def in_blocks() -> list[Tensor]:
        return [chain(layer, *block) for layer in by_heads for block in blocks]

    expected = chain(project, words, offsets, heads)
    blockwise = torch.cat(in_blocks()).view(heads, SENTENCES, head_dim).transpose(0, 1)
    torch.testing.assert_close(blockwise, expected, rtol=1e-4, atol=1e-4)
    projected = project(words)
    steps: Steps = {
        "whole": (partial(chain, project, words, offsets, heads, in_place=False), [words]),
        "whole, LeakyReLU in place": (partial(chain, project, words, offsets, heads), [words]),
        "in blocks": (in_blocks, [words]),
        "product alone": (partial(project, words), [words]),
        "LeakyReLU alone": (partial(functional.leaky_relu, projected, SLOPE), [projected]),
        "routing alone": (partial(dsa_routing, split_heads(projected, heads), offsets, ITERATIONS), [projected]),
    }
    times, calls = clocked(steps), len(blocks) * heads
    tiny = partial(chain, Linear(1, 1), torch.ones(1, 1), torch.tensor([0, 1]))
    overhead = clocked({"": (lambda: [tiny() for _ in range(calls)], [])})[""]
    rows = {"whole": round_up(len(words)), "in blocks": sum(round_up(len(each)) for each, _ in blocks)}
    return {"times": times | {"calls of the blocks": overhead}, "blocks": calls, "rows_of_product": rows}


def growth() -> dict[str, dict[str, dict[str, Times]]]:
    """Return nanoseconds for each number of x while one size grows from 256 sentences, one head of 300, r = 2."""
    usual = (lengths_of(SENTENCES), 1, ITERATIONS, torch.float32)
    dtypes = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
    cases: dict[str, dict[str, tuple[Tensor, int, int, torch.dtype]]] = {
        "words": {f"{int(each.sum())}": (each, *usual[1:]) for each in map(lengths_of, (16, 64, 256, 1024, 4096))},
        "heads": {f"{heads}": (usual[0], heads, *usual[2:]) for heads in (1, 2, 4, 8, 16)},
        "r": {f"{r}": (*usual[:2], r, usual[3]) for r in (1, 2, 3, 4, 5)},
        "words of each sentence": {f"{4**k}": (torch.full((4 ** (6 - k),), 4**k), *usual[1:]) for k in range(1, 7)},
        "dtype": {f"{dtype}".removeprefix("torch."): (*usual[:3], dtype) for dtype in dtypes},
    }

    def nanoseconds(lengths: Tensor, heads: int, iterations: int, dtype: torch.dtype) -> dict[str, Times]:
        x, offsets, gradient = batch(lengths, heads, 300)
        order = torch.arange(len(lengths))
        way = Variant(lambda x: [x], lambda x: [dsa_routing(x, offsets, iterations)], order)
        times = clocked(steps_of(way, x.to(dtype), gradient.to(dtype)))
        return {mode: {name: 1e6 * ms / x.numel() for name, ms in each.items()} for mode, each in times.items()}

    results = {}
    for what, values in cases.items():
        say(f"how time grows with {what}")
        results[what] = {value: nanoseconds(*case) for value, case in values.items()}
    return results


def step() -> dict[str, Any]:
    """Return the time of a step of ``suite fit --recipe sst2`` with dynamic and with static attention.

    Real runs that take turns, on sentences of SST's lengths and random words; and the attentions alone, both ways.
    """
    from pytorch_lightning.callbacks import LambdaCallback

    from lightning_suite.options import parse
    from lightning_suite.recipes import recipe_of
    from lightning_suite.training import fit

    torch.manual_seed(0)
    source, lengths = phrase_lengths(30 * BATCH)
    plugin = find.get("dsa")
    taken: dict[str, list[float]] = {"dynamic": [], "static": []}
    with tempfile.TemporaryDirectory() as folder:
        drawn = [" ".join(f"w{word}" for word in torch.randint(2000, (length,)).tolist()) for length in lengths]
        lines = [f"{at % 2} {sentence}\n" for at, sentence in enumerate(drawn)]
        for part, count in {"train": len(lines), "dev": BATCH, "test": BATCH}.items():
            Path(folder, f"stsa.binary.{part}").write_text("".join(lines[:count]))
        typed = "--data.vectors=null --trainer.max_epochs=1 --trainer.val_check_interval=1.0 --trainer.accelerator=cpu "
        typed += "--trainer.enable_progress_bar=false --trainer.enable_model_summary=false"
        for turn in range(5):
            for attention, steps in taken.items():
                say(f"suite fit, {attention} attention, turn {turn} of 4")
                options = [*typed.split(), f"--data.path={folder}", f"--model.attention={attention}"]
                ends: list[float] = []
                clock = LambdaCallback(on_train_batch_end=lambda *_, ends=ends: ends.append(1e3 * time.thread_time()))
                settings = parse(plugin, options, start=dict(recipe_of(plugin, "sst2")), name=plugin.name)
                fit(plugin, settings, root=folder, callbacks=[clock])
                if turn > 0:  # in the first, oneDNN compiles kernels
                    steps += [end - begin for begin, end in pairwise(ends)]
    say("the attentions alone")
    x, offsets, gradient = batch(torch.tensor(lengths[:BATCH]), 1, 600)
    dynamic = DynamicSelfAttention(INPUT_DIM, heads=1, head_dim=600, iterations=ITERATIONS)
    layers = {"dynamic": dynamic, "static": StaticSelfAttention(INPUT_DIM, heads=1, head_dim=600)}
    words = functional.normalize(torch.randn(len(x), INPUT_DIM), dim=1).requires_grad_()

    def both_ways(layer: torch.nn.Module) -> object:
        return torch.autograd.grad(layer(words, offsets), [words, *layer.parameters()], gradient.flatten(1))

    alone: Steps = {name: (partial(both_ways, layer), [words]) for name, layer in layers.items()}
    alone["routing"] = steps_of(variants(offsets, 1, x.dtype)["dsa_routing"], x, gradient)["forward and backward"]
    # Both runs see the same batches in the same order, so that each step has its counterpart.
    ratios = [ours / theirs for ours, theirs in zip(taken["dynamic"], taken["static"], strict=True)]
    return {
        "lengths": source,
        "mean_words": round(statistics.fmean(lengths), 2),
        "steps": len(ratios),
        "step": {name: summary(each) for name, each in taken.items()},
        "median_of_ratios": round(statistics.median(ratios), 4),
        "alone": clocked(alone, 4 * TURNS),
    }


def cuda() -> dict[str, Any] | None:
    """Return times of the variants ON_GPU, and the part of a copy's bandwidth that dsa_routing reaches."""
    if not (torch.cuda.is_available() and "cuda" in COMPILED.devices):
        return None
    flush = torch.empty(2**28, dtype=torch.int8, device="cuda")  # larger than an L2 cache

    def timed(step: Callable[[], object]) -> Times:
        taken = []
        for _ in range(53):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            flush.zero_()  # x comes from memory; and while this runs, the host is ahead of the device
            begin.record()
            step()
            end.record()
            taken.append((begin, end))
        torch.cuda.synchronize()
        return summary([begin.elapsed_time(end) for begin, end in taken[3:]])

    def measured(x: Tensor, offsets: Tensor, gradient: Tensor) -> dict[str, Any]:
        ways = variants(offsets, x.shape[1], x.dtype)
        if len(gradient) == SENTENCES:
            check({name: ways[name] for name in ON_GPU}, x, gradient, 1e-4 if x.dtype == torch.float32 else 5e-2)
        times: dict[str, Any] = {"copy x": {"forward": timed(passes(x)["copy x"][0])}}
        for name in ON_GPU:
            try:
                times[name] = {mode: timed(run) for mode, (run, _) in steps_of(ways[name], x, gradient).items()}
            except torch.cuda.OutOfMemoryError:
                times[name] = None
            torch.cuda.empty_cache()
        leaf = x.detach().requires_grad_()
        z = dsa_routing(leaf, offsets, ITERATIONS)
        times["dsa_routing"]["backward"] = timed(lambda: torch.autograd.grad(z, leaf, gradient, retain_graph=True))
        kept = 4 * (ITERATIONS - 1) * (x.shape[0] * x.shape[1] + gradient.numel())  # weights and vectors, float32
        # x is read, z and what is kept are written; backward reads all of these and a gradient, and writes one.
        moved = {"forward": x.nbytes + z.nbytes + kept, "backward": 2 * x.nbytes + 2 * z.nbytes + kept}
        bandwidth = 2 * x.nbytes / times["copy x"]["forward"]["median"]  # bytes a millisecond
        reached = {mode: size / times["dsa_routing"][mode]["median"] / bandwidth for mode, size in moved.items()}
        return {"bytes_of_x": x.nbytes, "copy_gigabytes_a_second": bandwidth / 1e6, "part": reached, "times": times}

    results = {}
    for dtype in (torch.float32, torch.bfloat16):
        for shape, sizes in SHAPES.items():
            torch.compiler.reset()
            for sentences in (SENTENCES, 32768 * 600 // math.prod(sizes)):  # 1.2 GB of float32
                case = f"{sentences} sentences, {shape}, {dtype}".replace("torch.", "")
                say(f"on the GPU: {case}")
                lengths = lengths_of(sentences)
                with torch.device("cuda"):
                    x, offsets, gradient = batch(lengths, *sizes)
                results[case] = measured(x.to(dtype), offsets.cuda(), gradient.to(dtype))
                torch.cuda.empty_cache()
    return results


PARTS: dict[str, Callable[..., Any]] = {
    "table": times_of,
    "floor": floor,
    "fusing": fusing,
    "growth": growth,
    "step": step,
    "cuda": cuda,
}
OF_EACH_SHAPE, ONCE = ("table", "floor", "fusing"), ("step", "cuda")


def measure(names: Sequence[str]) -> dict[str, Any]:
    """Return the results of some parts."""
    results: dict[str, Any] = {}
    for name in names:
        part = PARTS[name]
        results[name] = {shape: part(shape) for shape in SHAPES} if name in OF_EACH_SHAPE else part()
    return results


def main() -> None:
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        with contextlib.redirect_stdout(sys.stderr):  # Lightning prints
            results = measure(sys.argv[1:])
        print(json.dumps(results))
        return
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    values: dict[str, Any] = {}
    for name, settings in ALLOCATORS.items():
        command = [sys.executable, "-m", "benchmarks.dsa_routing"]
        command += [part for part in PARTS if name == "default" or part not in ONCE]
        say(f"with malloc: {name}")
        done = subprocess.run(command, stdout=subprocess.PIPE, env=plain | settings, check=True)
        values[name] = json.loads(done.stdout)
    lengths = lengths_of(SENTENCES).tolist()
    about = {
        "what": f"milliseconds of CPU time, 1 thread, r = {ITERATIONS}, float32; floor: wall time; growth: ns a number",
        "op": COMPILED.description,
        "allocators": ALLOCATORS,
        "turns": TURNS,
        "lengths": {"mean": round(statistics.fmean(lengths), 2), "longest": max(lengths), "words": sum(lengths)},
    }
    values = about | {part: values["default"].pop(part) for part in ONCE} | values
    record("dsa_routing", values)
    for title, make in TABLES.items():
        print(f"\n{title}\n{make(values)}")


if __name__ == "__main__":
    main()
