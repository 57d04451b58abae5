"""Makes the tables and figures of a plugin's paper again, and shows ours beside the paper's numbers.

suite reproduce --plugin NAME lists them. Each cell and seed is a run of suite fit, in a process of its own; what is
finished is kept and not made again, and the same command goes on where an earlier one was ended. Other options are
those of suite fit, for every run: the data that a table needs, or --trainer.precision bf16-mixed.
"""

import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_suite.arguments import LightParser
from lightning_suite.errors import RunError, UsageError
from lightning_suite.plugins import find
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.progress import duration
from lightning_suite.reproduction.declared import table_files, table_of
from lightning_suite.reproduction.parts import Table
from lightning_suite.tables import listing, terminal_width

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_suite.reproduction.executors import Executor
    from lightning_suite.reproduction.plan import Plan, Planner

USAGE = """[--plugin NAME]
       suite reproduce NAME:TABLE [--quick] [--seeds 3] [--jobs 1] [--data.path FOLDER] [--output reproductions]
       suite reproduce NAME:TABLE --cluster slurm [--quick] [--jobs 16] [--partition P] [--account A] [--minutes 1440]
                                  [--cpus N] [--gpus N] [--memory 16GB] [--slurm OPTION=VALUE]"""

SLURM = {
    "partition": "where jobs run",
    "account": "whose time they take",
    "minutes": "time of a job, after which a training is queued again and goes on (default: 1440)",
    "cpus": "cores of a job",
    "gpus": "GPUs of a job",
    "memory": "memory of a job, such as 16GB",
}
"""What can be asked of a cluster."""


def run(arguments: list[str]) -> int:
    """List tables, or make one again; return 0, or 1 if a cell failed."""
    parser = LightParser("reproduce", __doc__, USAGE)
    parser.add_argument("--plugin", metavar="NAME", help="list the tables of this plugin alone")
    parser.add_argument(
        "--quick", action="store_true", help="the smaller setting, which ends within ten minutes; also on a cluster"
    )
    add_arguments(parser)
    place = arguments[0] if arguments and not arguments[0].startswith("-") else None
    values, typed = parser.parse_known_args(arguments if place is None else arguments[1:])
    if place is None:
        if typed or values.quick:
            raise UsageError(
                f"suite reproduce: NAME:TABLE comes first, before options\n{parser.format_usage().strip()}"
            )
        print(_list(values.plugin))
        return 0
    name, _, wanted = place.rpartition(":")
    if not name or not wanted or values.plugin is not None:
        raise UsageError(f"expected NAME:TABLE, without --plugin, got {place!r}\nsuite reproduce lists all tables")
    refuse_mistakes(values)
    plugin = find.get(name)
    table = table_of(plugin, wanted, quick=values.quick)

    from lightning_suite.reproduction.plan import Planner

    planner = Planner(name, plugin, typed, Path(values.output) / plugin.name)
    return make(planner, table, values, shlex.join(["suite", "reproduce", *arguments]))


def add_arguments(parser: LightParser, output: str = "reproductions", seeds: int | None = None) -> None:
    """Add the arguments that a sweep has as well, with its folder and its number of seeds; None: the table's."""
    usual = "as the table says" if seeds is None else seeds
    parser.add_argument("--seeds", metavar="N", type=int, default=seeds, help=f"seeds 0 to N - 1 (default: {usual})")
    parser.add_argument("--jobs", metavar="N", type=int, help="runs at once (default: 1 here, 16 on a cluster)")
    parser.add_argument("--output", metavar="DIR", default=output, help="folder of runs and tables")
    parser.add_argument("--plan", action="store_true", help="say what would be run, and stop")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument("--cluster", choices=["slurm"], help="submit runs as jobs (extra: cluster)")
    cluster = parser.add_argument_group("of --cluster slurm")
    for name, what in SLURM.items():
        kind = {"type": int, "metavar": "N"} if name in ("minutes", "cpus", "gpus") else {"metavar": name[0].upper()}
        cluster.add_argument(f"--{name}", help=what, **kind)
    cluster.add_argument("--slurm", metavar="OPTION=VALUE", action="append", default=[], help="another one of sbatch")


def refuse_mistakes(values: Namespace) -> None:
    """Raise a UsageError where a number is less than one, or something is asked of a cluster and there is none."""
    for option in ("seeds", "jobs", "minutes", "cpus", "gpus"):
        number = getattr(values, option)
        if number is not None and number < 1:
            raise UsageError(f"--{option}: expected at least 1, got {number}")
    asked = [option for option in (*SLURM, "slurm") if getattr(values, option)]
    if asked and values.cluster is None:
        raise UsageError(f"--{asked[0]} is asked of a cluster: give --cluster slurm too, or leave it out")
    if wrong := [text for text in values.slurm if not all(text.partition("="))]:
        raise UsageError(f"--slurm {wrong[0]}: expected an option of sbatch and its value, such as constraint=a100")


def executor_of(values: Namespace, planner: "Planner") -> "Executor":
    """Return what makes the runs: this machine, or a cluster.

    Raises:
        UsageError: there is no cluster here.
    """
    if values.cluster is None:
        from lightning_suite.reproduction.local import Local

        return Local(_at_once(values))
    from lightning_suite.reproduction.slurm import Request, Slurm

    others = dict(text.removeprefix("--").split("=", 1) for text in values.slurm)
    request = Request(values.partition, values.account, values.minutes, values.cpus, values.gpus, values.memory, others)
    return Slurm(_at_once(values), planner.folder / "slurm", f"suite-{planner.plugin.name}", request)


def make(
    planner: "Planner",
    table: Table,
    values: Namespace,
    typed: str,
    *,
    final: "Callable[[Plan], Table] | None" = None,
) -> int:
    """Make a table again, and print and write it; return 0, or 1 if a cell failed.

    Args:
        planner: makes its plan.
        table: what is made again.
        values: of the arguments that ``add_arguments`` adds.
        typed: the command.
        final: the table that is shown when all is done, of the same runs; by default the same.
    """
    from lightning_suite.reproduction import written
    from lightning_suite.reproduction.executors import run_all
    from lightning_suite.reproduction.results import drawn_of, machines_of, results_of

    seeds = range(values.seeds or table.seeds)
    if values.plan:
        print(_planned(planner.plan(table, seeds), _at_once(values)))
        return 0
    executor = executor_of(values, planner)
    if failed := run_all(planner.makes(table), executor, f"{planner.plugin.name}: data"):
        raise RunError(f"the data of {table.name} could not be made: {next(iter(failed.values()))}")
    plan = planner.plan(table, seeds)
    print(_planned(plan, executor.at_once), flush=True)
    title = f"{planner.plugin.name}:{table.name}"
    failed = run_all(plan.fits, executor, title)
    ready = [study for study in plan.studies if not any(fit in failed for fit in study.fits)]
    failed |= run_all(ready, executor, f"{title}, studies")
    if final is not None:
        plan = planner.plan(final(plan), plan.seeds)
    outcome = written.Outcome(
        f"plugin {planner.plugin.name}: {planner.plugin.paper or planner.plugin.summary}",
        plan,
        results_of(plan, failed, planner.folder),
        drawn_of(plan, failed),
        machines_of(plan),
        typed,
    )
    files = written.write_all(outcome, planner.folder / (table.name + ("-quick" if table.quick else "")))
    print(written.as_json(outcome) if values.json else f"\n{written.as_text(outcome)}\n\nwritten: {files[0].parent}")
    return 1 if outcome.has_failed else 0


def _at_once(values: Namespace) -> int:
    return int(values.jobs or (1 if values.cluster is None else 16))


def _list(name: str | None) -> str:
    """Return the tables of a plugin, or of all."""
    plugins = [find.look_at(name)] if name else find.readable()
    rows = [("TABLE", "ONE SEED", "WHAT")]
    broken = []
    for plugin in plugins:
        try:
            for each in table_files(plugin):
                whole = table_of(plugin, each)
                small = table_of(plugin, each, quick=True) if whole.has_quick else None
                rows.append(_row(name or plugin.name, whole, small))
        except BrokenPlugin as error:
            broken.append(f"{error}")
    if not rows[1:] and not broken:
        return f"plugin {plugins[0].name!r} declares no table" if name else "no installed plugin declares a table"
    lines = [*([listing(rows, terminal_width())] if rows[1:] else []), *broken]
    return "\n".join([*lines, f"next: suite reproduce {rows[-1][0]} --quick"] if rows[1:] else lines)


def _row(name: str, table: Table, small: Table | None) -> tuple[str, str, str]:
    cost = f"{duration(60 * table.minutes)}, {table.disk:,.0f} MB"
    quick = f"; --quick {duration(60 * small.minutes)}" if small else ""
    size = f"{len(table.cells)} cells" if table.cells else f"{len(table.pictures)} pictures"
    needs = "".join(f"; needs --{option}: {what}" for option, what in table.needs.items())
    return f"{name}:{table.name}", cost + quick, f"{table.place}: {table.title} ({size}){needs}"


def _planned(plan: "Plan", at_once: int) -> str:
    """Return what is going to be done: runs, minutes and disk."""
    from lightning_suite.reproduction.jobs import is_done

    table, steps = plan.table, plan.steps
    kept = sum(map(is_done, steps))
    share = 1 - kept / max(1, len(steps))
    share *= len(plan.seeds) if table.cells else 1  # pictures are of the first seed
    minutes = table.minutes * share / min(at_once, max(1, len(steps) - kept))
    parts = f"{len(plan.fits)} runs and {len(plan.studies)} studies, {kept} of them kept from before"
    cost = f"; about {duration(60 * minutes)} on two cores, {table.disk * share:,.0f} MB" if table.minutes else ""
    cannot = f"; {len(plan.cannot)} of {len(table.parts)} cannot be made" if plan.cannot else ""
    return f"{table.place}: {table.title}\nplan: {parts}{cost}{cannot}"
