"""One version of the package at work for benchmarks/versions.py: a request a line comes in, an answer a line goes out.

    PYTHONPATH=CHECKOUT:CHECKOUT/plugins python benchmarks/_versions_worker.py CASES

CASES is a file of tensors that `benchmarks.versions` wrote. Only what every version has is used here, so that one file
serves them all.
"""

import inspect
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

STEPS = 40  # of training, of which the first ten are not counted
SAME = {"sst2": ["--data.vectors=null"], "top-qcd": []}  # options that give every version the same network and data
NEWER = ("average",)  # what a recipe asks of the model beside the network of the paper


def routed(x: Tensor, offsets: Tensor, slope: float) -> Tensor:
    """Return the sentences of words before their LeakyReLU, which is part of the op where the op has it."""
    op = import_module("lightning_suite.ops.dsa_routing").dsa_routing
    if slope == 1:
        sentences: Tensor = op(x, offsets, 2)
    elif "negative_slope" in inspect.signature(op).parameters:
        sentences = op(x, offsets, 2, slope)
    else:
        sentences = op(functional.leaky_relu(x, slope), offsets, 2)
    return sentences


def embedded(op: str, x: Tensor, children: Tensor, offsets: Tensor, weights: list[Tensor]) -> Tensor:
    """Return embeddings of all nodes by one of the two tree ops."""
    h: Tensor = getattr(import_module(f"lightning_suite.ops.{op}"), op)(x, children, offsets, *weights)
    return h


def form_of(case: dict[str, Any]) -> tuple[Callable[[], Tensor], list[Tensor]]:
    """Return what computes a case, and the tensors that get gradients."""
    if case["op"] == "dsa_routing":
        x = case["x"].requires_grad_()
        return lambda: routed(x, case["offsets"], case["slope"]), [x]
    weights = [each.requires_grad_() for each in case["weights"]]
    return lambda: embedded(case["op"], case["x"], case["children"], case["offsets"], weights), weights


def milliseconds(case: dict[str, Any], backward: bool) -> float:
    """Return the CPU time of one call, forward or both ways."""
    form, leaves = form_of(case)
    begin = time.thread_time()
    if backward:
        torch.autograd.grad(form(), leaves, case["gradient"])
    else:
        with torch.no_grad():
            form()
    return 1e3 * (time.thread_time() - begin)


def tensors(case: dict[str, Any]) -> list[Tensor]:
    """Return what a case gives, and its gradients."""
    form, leaves = form_of(case)
    given = form()
    return [given.detach(), *torch.autograd.grad(given, leaves, case["gradient"])]


def step(recipe: str, plugin_name: str, data: str) -> dict[str, float]:
    """Return the median CPU milliseconds of a step of ``suite fit``, and the number of weights."""
    from pytorch_lightning.callbacks import LambdaCallback

    from lightning_suite.options import parse
    from lightning_suite.plugins import find
    from lightning_suite.recipes import recipe_of
    from lightning_suite.training import fit

    plugin = find.get(plugin_name)
    ends: list[float] = []
    weights: list[int] = []
    clock = LambdaCallback(
        on_train_start=lambda _, module: weights.append(sum(each.numel() for each in module.parameters())),
        on_train_batch_end=lambda *_: ends.append(1e3 * time.thread_time()),
    )
    typed = f"--data.path={data} --trainer.max_epochs=1 --trainer.limit_train_batches={STEPS} --trainer.accelerator=cpu"
    typed += " --trainer.limit_val_batches=0 --trainer.enable_progress_bar=false --trainer.enable_model_summary=false"
    typed += " --trainer.val_check_interval=1.0"
    with tempfile.TemporaryDirectory() as folder:
        start = dict(recipe_of(plugin, recipe))
        start["model"] = {name: value for name, value in start.get("model", {}).items() if name not in NEWER}
        settings = parse(plugin, [*typed.split(), *SAME[recipe]], start=start, name=plugin.name)
        fit(plugin, settings, root=folder, callbacks=[clock])
    taken = [end - begin for begin, end in pairwise(ends)][10:]
    return {"ms": statistics.median(taken), "weights": weights[0]}


def main() -> None:
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Lightning prints is no answer
    cases = torch.load(sys.argv[1], weights_only=True)
    for line in sys.stdin:
        asked = json.loads(line)
        match asked["do"]:
            case "check":
                torch.save({name: tensors(each) for name, each in cases.items()}, asked["file"])
                answer: Any = None
            case "call":
                answer = milliseconds(cases[asked["case"]], asked["backward"])
            case _:
                answer = step(asked["recipe"], asked["plugin"], asked["data"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
