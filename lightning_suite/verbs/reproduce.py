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

    from lightning_suite.reproduction.plan import Plan, Planner

USAGE = """[--plugin NAME]
       suite reproduce NAME:TABLE [--quick] [--seeds 3] [--jobs 1] [--data.path FOLDER] [--output reproductions]"""


def run(arguments: list[str]) -> int:
    """List tables, or make one again; return 0, or 1 if a cell failed."""
    parser = LightParser("reproduce", __doc__, USAGE)
    parser.add_argument("--plugin", metavar="NAME", help="list the tables of this plugin alone")
    parser.add_argument("--quick", action="store_true", help="the smaller setting, which ends within ten minutes")
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
    refuse_less_than_one(values)
    plugin = find.get(name)
    table = table_of(plugin, wanted, quick=values.quick)

    from lightning_suite.reproduction.plan import Planner

    planner = Planner(name, plugin, typed, Path(values.output) / plugin.name)
    return make(planner, table, values, shlex.join(["suite", "reproduce", *arguments]))


def add_arguments(parser: LightParser) -> None:
    """Add the arguments that a sweep has as well."""
    parser.add_argument("--seeds", metavar="N", type=int, help="seeds 0 to N - 1 (default: as the table says)")
    parser.add_argument("--jobs", metavar="N", type=int, default=1, help="processes at once (default: 1)")
    parser.add_argument("--output", metavar="DIR", default="reproductions", help="folder of runs and tables")
    parser.add_argument("--plan", action="store_true", help="say what would be run, and stop")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def refuse_less_than_one(values: Namespace) -> None:
    """Raise a UsageError where a number of seeds or processes is none."""
    for option, number in (("--seeds", values.seeds), ("--jobs", values.jobs)):
        if number is not None and number < 1:
            raise UsageError(f"{option}: expected at least 1, got {number}")


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
    from lightning_suite.reproduction import jobs, written
    from lightning_suite.reproduction.results import drawn_of, machines_of, results_of

    if not values.plan and (failed := jobs.run_all(planner.makes(table), 1, f"{planner.plugin.name}: data")):
        raise RunError(f"the data of {table.name} could not be made: {next(iter(failed.values()))}")
    plan = planner.plan(table, range(values.seeds or table.seeds))
    print(_planned(plan, values.jobs), flush=True)
    if values.plan:
        return 0
    title = f"{planner.plugin.name}:{table.name}"
    failed = jobs.run_all(plan.fits, values.jobs, title)
    ready = [study for study in plan.studies if not any(fit in failed for fit in study.fits)]
    failed |= jobs.run_all(ready, values.jobs, f"{title}, studies")
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
