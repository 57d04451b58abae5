"""Trains with the settings of a run again, and compares: on the CPU both end bit for bit the same."""

from lightning_suite.arguments import LightParser
from lightning_suite.errors import RunError, UsageError
from lightning_suite.options import settings_of
from lightning_suite.plugins import find
from lightning_suite.run import Run
from lightning_suite.tables import table
from lightning_suite.verbs.test import run_and_options


def run(arguments: list[str]) -> int:
    """Train again, and print the metrics of both runs and whether their weights are equal; return 1 if they are not."""
    parser = LightParser("rerun", __doc__, "RUN [--runs DIR]")
    parser.add_argument("--runs", metavar="DIR", help="folder of all runs (default: that of RUN)")
    values, rest = parser.parse_known_args(arguments)
    first, unknown = run_and_options("rerun", rest)
    if unknown:
        raise UsageError(f"suite rerun repeats a run as it was and takes no {unknown[0]}; to change it: suite fit")
    if first.record.get("status") != "finished" or not first.last.is_file():
        raise RunError(f"{first.folder} holds no finished run to compare with. suite fit --resume RUN finishes one.")
    settings = settings_of(first)
    _use_threads_of(first)
    from lightning_suite.training import fit

    plugin, parent = find.get(settings.plugin), first.folder.resolve().parent
    beside = parent.parent if parent.name == plugin.name else "runs"  # the run may have been moved
    second, leader = fit(plugin, settings, root=values.runs or beside)
    if not leader:
        return 0
    before, after = first.record.get("metrics", {}), second.record["metrics"]
    rows = [[name, f"{before[name]:.6g}", f"{after.get(name, float('nan')):.6g}"] for name in sorted(before)]
    print()
    print(table(["metric", "first", "again"], rows))
    differing = different_weights(first, second)
    difference = (
        f"different in {len(differing)} tensors, {differing[0]} the first" if differing else "bit for bit equal"
    )
    print(f"\nThe weights are {difference}: {second.folder}")
    return 1 if differing else 0


def _use_threads_of(run: Run) -> None:
    """Compute with as many threads as a run did: libraries split a product of matrices, and round, otherwise."""
    import torch

    threads = run.record.get("machine", {}).get("threads")
    if isinstance(threads, int) and threads > 0 and threads != torch.get_num_threads():
        print(f"threads: {threads}, as the run had, not {torch.get_num_threads()}")
        torch.set_num_threads(threads)


def different_weights(first: Run, second: Run) -> list[str]:
    """Return the names of the weights that differ in the last checkpoints of two runs.

    Raises:
        RunError: the checkpoints hold weights of different names.
    """
    import torch

    from lightning_suite.checkpoint import read

    left, right = read(first.last)["state_dict"], read(second.last)["state_dict"]
    if left.keys() != right.keys():
        raise RunError(f"{first.last} and {second.last} hold weights of different names")
    return [name for name in left if not torch.equal(left[name], right[name])]
