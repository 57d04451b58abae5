"""Trains a plugin, or goes on with a run (--resume RUN)."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning_suite import scheduler, trust
from lightning_suite.arguments import LightParser
from lightning_suite.errors import SuiteError, UsageError, printable
from lightning_suite.expectations import Expectation
from lightning_suite.fitting import settings_to_fit
from lightning_suite.metric_table import metric_table
from lightning_suite.options import (
    Settings,
    config_files,
    effective_options,
    flat,
    help_text,
    is_own_config,
    option_help,
    parse,
    read_config,
    settings_of,
    short_help,
)
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import find, source
from lightning_suite.plugins.signature import parameters
from lightning_suite.progress import duration
from lightning_suite.recipes import recipe_files, recipe_of
from lightning_suite.run import Run
from lightning_suite.seed_groups import NOT_THE_RESULT
from lightning_suite.spelling import did_you_mean
from lightning_suite.tables import count

USAGE = """--plugin NAME [--recipe R] [--config FILE] [--model.x 1 --data.y 2 --trainer.z 3]
                 [--logger tensorboard|wandb|csv] [--runs DIR] [--requeue]
       suite fit --resume RUN [--trainer.max_epochs 20] [--data.path FOLDER]
       suite fit --config RUN/config.yaml"""


def run(arguments: list[str]) -> int:
    """Train, and print the final metrics; return the exit status."""
    parser = LightParser("fit", __doc__, USAGE, add_help=False)
    parser.add_argument(
        "--plugin", metavar="NAME", nargs="?", const="", help="name, module:attribute or file:attribute"
    )
    parser.add_argument("--recipe", metavar="NAME", help="named settings of the plugin (default: its first)")
    parser.add_argument("--runs", metavar="DIR", help="folder of all runs (default: runs)")
    parser.add_argument(
        "--resume", metavar="RUN", help="run folder to go on with; on another machine give --data.path too"
    )
    parser.add_argument(
        "--requeue", action="store_true", help="in a job of SLURM's: queue it again when its time is up, and go on then"
    )
    parser.add_argument("--logger", metavar="NAME", help="tensorboard, wandb or csv: short for --trainer.logger NAME")
    parser.add_argument(
        "--print-config", "--print_config", action="store_true", help="print the values that would be used"
    )
    parser.add_argument("-h", "--help", metavar="TOPIC", nargs="?", const="", help="model, data, trainer, or an option")
    values, typed = parser.parse_known_args(arguments)
    if values.logger:
        typed += [f"--trainer.logger={values.logger}"]
    if values.requeue and scheduler.job() is None and values.help is None and not values.print_config:
        raise UsageError(
            "--requeue: expected a job of SLURM's, but SLURM_JOB_ID is not set: nothing could be queued again.\n"
            "Give it in a script for sbatch, or leave it out; suite fit --resume RUN goes on with any run"
        )
    if values.requeue and not values.resume and values.help is None and not values.print_config:
        begun = scheduler.run_of_job(values.runs or "runs", arguments)
        if begun is not None:
            return _resume(str(begun.folder), [], arguments)
    if values.resume and values.help is None:
        if values.plugin or values.recipe:
            raise UsageError("--resume RUN takes the plugin and the recipe from RUN; leave --plugin and --recipe out")
        return _resume(values.resume, typed, arguments if values.requeue else None)
    configured: dict[str, Any] = {}
    files = config_files(typed)[0]
    for file in files:
        configured |= read_config(file)
        if not values.plugin and configured.get("plugin") and not is_own_config(file):
            trust.refuse_plugin(configured["plugin"], file)
    name = values.plugin or configured.get("plugin")
    if not name and values.help is not None:
        parser.print_help()
        return 0
    if not name:
        raise UsageError(_which_plugin(typed))
    plugin = find.get(name)
    if values.help is not None:
        recipe = values.recipe or configured.get("recipe") or next(iter(recipe_files(plugin)), None)
        used = effective_options(plugin, recipe, typed)
        short = option_help(plugin, values.help, used) if values.help else short_help(plugin, "suite fit", recipe, used)
        print(short or help_text(plugin, "suite fit", values.help, used))
        return 0
    settings = settings_to_fit(plugin, values.recipe, typed, name=name, own=parser.options())
    if values.print_config:
        print(settings.as_yaml(), end="")
        return 0
    from lightning_suite.training import fit

    again = arguments if values.requeue else None
    done, leader = fit(plugin, settings, root=values.runs or "runs", requeued_as=again)
    return report(done, plugin, settings) if leader else 0


def _which_plugin(typed: list[str]) -> str:
    """Return the message for a training whose plugin is not named, or by a word alone."""
    word = typed[0] if typed and not typed[0].startswith("-") else ""
    near = did_you_mean(word, find.names()) if word else ""
    if word in find.names():
        return f"a plugin is named by --plugin: suite fit --plugin {word}"
    needs = f"suite fit needs --plugin NAME; installed: {', '.join(find.names()) or 'none'}"
    return "\n".join(filter(None, [needs, near, "suite list says what each one does."]))


def report(done: Run, plugin: Plugin, settings: Settings) -> int:
    """Print the table of metrics, the path, and what to type next; return the exit status."""
    record = done.record
    expected = _expected(plugin, settings.recipe)
    others = other_than_the_recipe(plugin, settings)
    beside = expected.beside(others)
    print()
    print(metric_table(record["metrics"], beside))
    print(_whose(done, record))
    if beside.keys() & record["metrics"].keys():
        whose = expected.source or f"the recipe {settings.recipe}"
        print(f"expected: {whose}" + (f"; this run has another {', '.join(others)}" if others else ""))
    elif expected.data:
        print(f"the recipe was measured elsewhere: {expected}")
    amounts = [count(record["epochs"], "epoch"), count(record["steps"], "step") if record["steps"] else ""]
    spent = ", ".join(filter(None, [*amounts, duration(record["fit_seconds"])]))
    print(f"\n{printable(str(record['status']))} after {spent}: {done.folder}")
    for file in done.results:
        print(f"results: {file}")
    folder = shlex.quote(str(done.folder))
    next_commands = [f"suite test {folder}"]
    if record.get("predicts", True) and "predict_path" in (parameters(plugin.data) or {"predict_path"}):
        next_commands += [f"suite predict {folder} INPUT"]
    next_commands += [
        f"suite {name} {folder} ..." for name, path in plugin.commands.items() if source.takes_a_run(path)
    ]
    next_commands += [f"suite fit --resume {folder}" if record["status"] != "finished" else f"suite rerun {folder}"]
    print("next:", *next_commands[:4], sep="\n  ")
    return 0 if record["status"] == "finished" else 130


def _whose(done: Run, record: dict[str, Any]) -> str:
    """Return which checkpoint the metrics are of, and why it is the best one."""
    best: dict[str, Any] = record.get("best", {})
    epoch = f" of epoch {best['epoch']}" if best.get("epoch") else ""
    which = {"min": "smallest", "max": "largest"}.get(best.get("mode", ""), "best")
    why = f"{which} {best.get('monitor')}" if best.get("value") is not None else "the last one"
    return f"metrics of {Run.at(done.folder).checkpoint.name}{epoch}: {why}"


def _expected(plugin: Plugin, recipe: str | None) -> Expectation:
    """Return the numbers that a recipe should reach; none where it can no longer be read."""
    try:
        return Expectation.of(recipe_of(plugin, recipe or "default"))
    except SuiteError:
        return Expectation.of({})


def other_than_the_recipe(plugin: Plugin, settings: Settings) -> list[str]:
    """Return the options, such as ``--model.hidden``, that differ from the recipe and can change how a run ends."""
    try:
        recipe = flat(asdict(parse(plugin, [], start=recipe_of(plugin, settings.recipe or "default"))))
    except SuiteError:  # the recipe leaves an option to be given, or is gone
        return []
    used = flat(asdict(settings))
    others = [name for name in recipe | used if recipe.get(name) != used.get(name)]
    return [f"--{name}" for name in others if name not in NOT_THE_RESULT]


def _resume(path: str, typed: list[str], requeued_as: list[str] | None = None) -> int:
    done = Run.at(path)
    if Path(path).is_file() and done.checkpoint != done.last:
        raise UsageError(
            f"training goes on in a run folder, from its checkpoints/last.ckpt; {path} is another checkpoint.\n"
            "Give the folder: suite fit --resume RUN"
        )
    before = settings_of(done)
    plugin = find.get(before.plugin)
    settings = parse(plugin, typed, start=asdict(before), prog="suite fit --resume", name=before.plugin)
    if done.record.get("status") == "finished" and (not typed or settings == before):
        print("This run had finished; with a larger --trainer.max_epochs or --trainer.max_steps it goes on.")
        return report(done, plugin, settings)
    from lightning_suite.training import fit

    done, leader = fit(plugin, settings, run=done, requeued_as=requeued_as)
    return report(done, plugin, settings) if leader else 0
