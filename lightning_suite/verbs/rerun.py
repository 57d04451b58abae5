"""Trains a run's settings again and compares: on the CPU the two end bit for bit the same.

suite rerun RUN [--runs DIR]
"""

import torch

from lightning_suite import registry
from lightning_suite.checkpoint import read
from lightning_suite.errors import RunError
from lightning_suite.options import Settings, take
from lightning_suite.run import Run
from lightning_suite.tables import table
from lightning_suite.verbs.test import run_and_options


def run(arguments: list[str]) -> int:
    """Trains again, prints both sides and whether their weights are equal; ends with 1 when they are not."""
    roots, rest = take(list(arguments), "--runs")
    first, _ = run_and_options("rerun", rest)
    settings = Settings(**first.settings())
    from lightning_suite.training import fit

    second, leader = fit(
        registry.get(settings.plugin), settings, root=roots[-1] if roots else first.folder.parent.parent
    )
    if not leader:
        return 0
    ours, theirs = first.record.get("metrics", {}), second.record["metrics"]
    rows = [[name, f"{ours[name]:.6g}", f"{theirs.get(name, float('nan')):.6g}"] for name in sorted(ours)]
    print()
    print(table(["metric", "first", "again"], rows))
    differing = different_weights(first, second)
    said = (
        "bit for bit equal"
        if not differing
        else f"different in {len(differing)} tensors, {differing[0]} the first of them"
    )
    print(f"\nThe weights are {said}: {second.folder}")
    return 1 if differing else 0


def different_weights(first: Run, second: Run) -> list[str]:
    """The names of the weights that are not bit for bit the same in the last checkpoints of two runs."""
    left, right = read(first.last)["state_dict"], read(second.last)["state_dict"]
    if left.keys() != right.keys():
        raise RunError(f"{first.last} and {second.last} hold weights of different names")
    return [name for name in left if not torch.equal(left[name], right[name])]
