"""Compares the ops with their references on their examples: values, gradients, and the time that both take.

``python -m lightning_suite.ops._self_test`` prints a line of JSON for every op. ``suite doctor`` runs it in a separate
process, because a faulty binary may end the process.
"""

import json
import math
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from lightning_suite.ops import names

LARGEST_DIFFERENCE = 1e-4
"""The largest difference between an op and its reference, relative to the largest number, in float32."""

REPEATS = 7


def compare(op: Callable[..., Any], reference: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Return the largest relative difference in value and gradient, and the median seconds of both forms."""
    seconds: dict[str, list[float]] = {"seconds": [], "reference_seconds": []}
    results: dict[str, tuple[Tensor, Tensor]] = {}
    for _ in range(REPEATS):
        for (name, times), form in zip(seconds.items(), (op, reference), strict=True):
            first, *others = arguments
            x = first.detach().requires_grad_()
            begin = _now(x.device)
            value = form(x, *others)
            value = value if isinstance(value, Tensor) else value[0]
            (gradient,) = torch.autograd.grad(value, x, _slopes(value))
            times.append(_now(x.device) - begin)
            results[name] = value.detach(), gradient
    pairs = zip(*results.values(), strict=True)
    differences = [float((one - other).abs().max() / other.abs().max()) for one, other in pairs]
    agrees = all(difference <= LARGEST_DIFFERENCE for difference in differences)  # nan does not agree
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    largest = max(differences, key=lambda difference: (math.isnan(difference), difference))
    return {"difference": largest, "agrees": agrees} | medians


def _slopes(value: Tensor) -> Tensor:
    """Return slopes that differ: a softmax has no gradient where they are equal."""
    return 1 + torch.arange(value.numel(), dtype=value.dtype, device=value.device).sin().view_as(value)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _main() -> None:
    for name in names():
        module = import_module(f"lightning_suite.ops.{name}")
        kinds = [kind for kind in sorted(module.COMPILED.devices) if kind == "cpu" or torch.cuda.is_available()]
        tests = {
            kind: compare(getattr(module, name), module.reference, module.example(torch.device(kind))) for kind in kinds
        }
        report = {"op": name, "implementation": module.COMPILED.description, "repair": module.COMPILED.repair}
        print(json.dumps(report | {"tests": tests}), flush=True)


if __name__ == "__main__":
    _main()
