"""Trains a run's settings again and compares: on the CPU the two end bit for bit the same.

suite rerun RUN [--runs DIR]
"""

from lightning_suite import registry
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import Settings, take_one
from lightning_suite.run import Run
from lightning_suite.tables import table
from lightning_suite.verbs.test import run_and_options


def run(arguments: list[str]) -> int:
    """Trains again, prints both sides and whether their weights are equal; ends with 1 when they are not."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    root, rest = take_one(list(arguments), "--runs")
    first, unknown = run_and_options("rerun", rest)
    if unknown:
        raise UsageError(f"suite rerun repeats a run as it was and takes no {unknown[0]}; to change it: suite fit")
    if first.record.get("status") != "finished" or not first.last.is_file():
        raise RunError(f"{first.folder} holds no finished run to compare with. suite fit --resume RUN finishes one.")
    settings = Settings(**first.settings())
    from lightning_suite.training import fit

    plugin, parent = registry.get(settings.plugin), first.folder.resolve().parent
    beside = parent.parent if parent.name == plugin.name else "runs"  # a run that was moved may lie anywhere
    second, leader = fit(plugin, settings, root=root or beside)
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
    import torch

    from lightning_suite.checkpoint import read

    left, right = read(first.last)["state_dict"], read(second.last)["state_dict"]
    if left.keys() != right.keys():
        raise RunError(f"{first.last} and {second.last} hold weights of different names")
    return [name for name in left if not torch.equal(left[name], right[name])]
