"""Trains with every combination of the values of some options, and shows the metrics side by side.

--grid may be given several times: every value of one is combined with every value of the others. Each training is a run
of suite fit in a process of its own; what is finished is kept, and the same command goes on where an earlier one was
ended. Other options are those of suite fit, for every run. With --study optuna not all combinations are tried, but
those that Optuna asks for; it takes ranges too, A..B, or A..B:log by magnitude.
"""

import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.plugins import find
from lightning_suite.recipes import recipe_of
from lightning_suite.reproduction.parts import Cell, Table, Training
from lightning_suite.verbs.reproduce import add_arguments, executor_of, make, refuse_mistakes

if TYPE_CHECKING:
    from lightning_suite.reproduction.plan import Plan

USAGE = """--plugin NAME --grid model.heads=1,2,4 [--grid ...] [--recipe R] [--seeds 3] [--jobs 1] [--data.path FOLDER]
       suite sweep --plugin NAME --grid ... --study optuna [--trials 20]
       suite sweep --plugin NAME --grid ... --cluster slurm [--jobs 16] [--partition P] [--account A] [--minutes 1440]
                   [--cpus N] [--gpus N] [--memory 16GB] [--slurm OPTION=VALUE]"""

MONITOR = "monitor"
"""Stands for the metric that chooses the best checkpoint, before a run says which that is."""


def run(arguments: list[str]) -> int:
    """Train all combinations, and print and write their metrics; return 0, or 1 if a training failed."""
    parser = LightParser("sweep", __doc__, USAGE)
    parser.add_argument("--plugin", metavar="NAME", help="name, module:attribute or file:attribute")
    parser.add_argument("--recipe", metavar="NAME", help="named settings of the plugin (default: its first)")
    parser.add_argument("--grid", metavar="OPTION=A,B", action="append", default=[], help="values of an option")
    parser.add_argument("--metric", metavar="NAME", action="append", default=[], help="only these (default: all)")
    parser.add_argument("--study", choices=["optuna"], help="let it choose the values (extra: sweep)")
    parser.add_argument("--trials", metavar="N", type=int, default=20, help="choices of a study (default: 20)")
    add_arguments(parser, output="sweeps", seeds=3)
    values, typed = parser.parse_known_args(arguments)
    if not values.plugin or not values.grid:
        raise UsageError(f"suite sweep needs --plugin NAME and --grid OPTION=A,B\n{parser.format_usage().strip()}")
    refuse_mistakes(values)
    if values.study and values.plan:
        raise UsageError(f"--plan: what --study {values.study} tries is not known before; leave one of them out")
    plugin = find.get(values.plugin)
    if values.recipe:
        recipe_of(plugin, values.recipe)  # so that a wrong name is explained before anything is trained
    grid = dict(map(parsed, values.grid))
    if len(grid) < len(values.grid):
        raise UsageError("--grid: an option is given twice; put all of its values into one --grid")
    from lightning_suite.reproduction.fingerprints import key_of
    from lightning_suite.reproduction.plan import Planner

    name = f"sweep-{key_of(grid, values.recipe or '', typed, values.study or '')[:8]}"
    planner = Planner(values.plugin, plugin, typed, Path(values.output) / plugin.name)
    if values.study:
        from lightning_suite.reproduction.searching import search

        file, counts = planner.folder / name / "study.db", {"trials": values.trials, "seeds": values.seeds}
        executor = executor_of(values, planner)
        chosen = search(planner, values.recipe, grid, file, executor=executor, **counts)
    else:
        products = itertools.product(*grid.values())
        chosen = [Training(values.recipe, dict(zip(grid, each, strict=True))) for each in products]
    trainings = {", ".join(f"{name}={value}" for name, value in each.options.items()): each for each in chosen}

    def final(plan: "Plan") -> Table:
        return _table(name, trainings, values.metric or _metrics(plan), values.seeds)

    first = _table(name, trainings, values.metric or [MONITOR], values.seeds)
    return make(planner, first, values, shlex.join(["suite", "sweep", *arguments]), final=final)


def parsed(text: str) -> tuple[str, list[Any]]:
    """Return an option and its values; those that hold commas stand in a list in brackets.

    Raises:
        UsageError: it is not written as OPTION=A,B.

    Example:
        >>> parsed("model.heads=1,2,4"), parsed("data.labels=[[a, b], [c]]")
        (('model.heads', ['1', '2', '4']), ('data.labels', [['a', 'b'], ['c']]))
    """
    name, equals, listed = text.removeprefix("--").partition("=")
    if listed.startswith("["):
        import yaml

        try:
            values = yaml.safe_load(listed)
        except yaml.YAMLError as error:
            raise UsageError(f"--grid {text}: the list does not parse") from error
    else:
        values = [value for value in listed.split(",") if value]
    if not name or not equals or not values or not isinstance(values, list):
        raise UsageError(f"--grid {text}: expected an option and its values, such as model.heads=1,2,4")
    return name, values


def _table(name: str, trainings: dict[str, Training], metrics: Sequence[str], seeds: int) -> Table:
    cells = [
        Cell(row, metric, training, (metric,), digits=4) for row, training in trainings.items() for metric in metrics
    ]
    title = f"{len(trainings)} combinations"
    return Table(name, Path(), title, "Sweep", "", seeds, 0, 0, {}, {}, {}, tuple(cells), ())


def _metrics(plan: "Plan") -> list[str]:
    """Return the metrics of the runs: what chose their checkpoints first, then those of the test."""
    from lightning_suite.reproduction.jobs import record_of

    records = [record for fit in plan.fits if (record := record_of(fit))]
    monitors = [str(record.get("best", {}).get("monitor", "")) for record in records]
    every = [name for record in records for name in record.get("metrics", {})]
    shown = [*monitors, *(name for name in every if name.startswith("test_"))]
    return [name for name in dict.fromkeys(shown) if name in every] or list(dict.fromkeys(every)) or [MONITOR]
