"""Measures a run on its test data.

    suite test RUN [--data.x 1 --trainer.y 2]

RUN is a run folder, whose best checkpoint is measured, or a checkpoint.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.options import Settings, for_evaluation, parse
from lightning_suite.run import Run
from lightning_suite.tables import table


def run(arguments: list[str]) -> int:
    """Prints the metrics of a run's checkpoint on its test data."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    return measure("test", arguments)


def measure(stage: Literal["validate", "test"], arguments: list[str]) -> int:
    """Prints the metrics of a run's checkpoint on the data of a stage."""
    done, typed = run_and_options(stage, arguments)
    settings = changed_settings(done, typed, f"suite {stage}")
    from pytorch_lightning.utilities import rank_zero_only

    from lightning_suite.training import evaluate

    values = evaluate(done, stage, settings)
    if getattr(rank_zero_only, "rank", 0) != 0:
        return 0
    print()
    print(table(["metric", "value"], [[name, f"{value:.4f}"] for name, value in sorted(values.items())]))
    print(f"\n{done.checkpoint}")
    return 0


def run_and_options(verb: str, arguments: list[str]) -> tuple[Run, list[str]]:
    """The run named first, and what follows it.

    Raises:
        UsageError: no run is named.
    """
    if not arguments or arguments[0].startswith("-"):
        raise UsageError(
            f"suite {verb} RUN: RUN, the first argument, is a run folder or a checkpoint. suite fit writes one."
        )
    return Run.at(arguments[0]), arguments[1:]


def changed_settings(done: Run, typed: list[str], prog: str, own: Sequence[str] = ()) -> Settings:
    """The settings a run is measured with: its own for one process and all data, and over them what is typed."""
    before = for_evaluation(Settings(**done.settings()))
    if not typed:
        return before
    return parse(registry.get(before.plugin), typed, start=asdict(before), prog=prog, name=before.plugin, own=own)
