"""Measures a run on its test data.

RUN is a run folder, whose best checkpoint is measured, or a checkpoint.
"""

from typing import Literal

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.json_text import json_text
from lightning_suite.metric_table import metric_table
from lightning_suite.options import changed_settings
from lightning_suite.run import Run


def run(arguments: list[str]) -> int:
    """Print the metrics of a run's checkpoint on its test data; return 0."""
    return measure("test", arguments, __doc__)


def measure(stage: Literal["validate", "test"], arguments: list[str], description: str | None) -> int:
    """Print the metrics of a run's checkpoint on the data of a stage; return 0."""
    parser = LightParser(stage, description, "RUN [--json] [--data.x 1 --trainer.y 2]")
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON")
    given, rest = parser.parse_known_args(arguments)
    done, typed = run_and_options(stage, rest)
    settings = changed_settings(done, typed, f"suite {stage}", parser.options())
    from pytorch_lightning.utilities import rank_zero_only

    from lightning_suite.evaluation import evaluate

    values = evaluate(done, stage, settings)
    if getattr(rank_zero_only, "rank", 0) == 0 and given.json:
        print(json_text({"run": done.folder, "checkpoint": done.checkpoint, "metrics": values}))
    elif getattr(rank_zero_only, "rank", 0) == 0:
        print(f"\n{metric_table(values)}" if values else "\nno metrics: there was nothing to measure on")
        print(f"\n{done.checkpoint}")
        for file in done.results:
            print(f"results: {file}")
    return 0


def run_and_options(verb: str, words: list[str]) -> tuple[Run, list[str]]:
    """Return the run that the first word names, and the other words.

    Raises:
        UsageError: no run is named.
    """
    if not words or words[0].startswith("-"):
        raise UsageError(
            f"suite {verb} RUN: RUN, the first argument, is a run folder or a checkpoint. suite fit writes one."
        )
    return Run.at(words[0]), words[1:]
