"""Trains a plugin, or goes on with a run (--resume RUN).

suite fit --plugin NAME [--recipe R] [--config FILE] [--model.x 1 --data.y 2 --trainer.z 3] [--runs DIR]
suite fit --resume RUN [--trainer.max_epochs 20]
suite fit --config RUN/config.yaml
"""

import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lightning_suite import registry, source
from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.options import GROUPS, Settings, help_text, parse, read_yaml, take, take_one
from lightning_suite.plugin import Plugin
from lightning_suite.recipes import recipe_of, recipes_of
from lightning_suite.run import Run
from lightning_suite.tables import table

OWN = ("--runs", "--resume", "--print-config")

PLACES = (
    "data.num_workers",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.strategy",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
    "trainer.enable_checkpointing",
    "trainer.logger",
    "trainer.log_every_n_steps",
    "trainer.profiler",
)
"""Options that say where a run takes place and what is seen of it, not how it ends."""


def run(arguments: list[str]) -> int:
    """Parses, trains, and prints the final table."""
    topic, typed = _help_topic(arguments)
    root, typed = take_one(typed, "--runs")
    resumed, typed = take_one(typed, "--resume")
    name, typed = take_one(typed, "--plugin")
    chosen, typed = take_one(typed, "--recipe")
    print_only = "--print-config" in typed
    typed = [word for word in typed if word != "--print-config"]
    if resumed and topic is None:
        if name or chosen:
            raise UsageError("--resume RUN takes the plugin and the recipe from RUN; leave --plugin and --recipe out")
        return _resume(resumed, typed)
    configured = _from_config(typed)
    name = name or configured.get("plugin")
    if not name and topic is not None:
        print(__doc__)
        return 0
    if not name:
        raise UsageError(
            f"suite fit needs --plugin NAME; installed: {', '.join(registry.names())}\n"
            "suite list says what each one does."
        )
    plugin = registry.get(name)
    if topic is not None:
        print(help_text(plugin, "suite fit", topic))
        return 0
    recipe = chosen or configured.get("recipe") or next(iter(recipes_of(plugin)), None)
    start = dict(recipe_of(plugin, recipe)) if recipe else {}
    settings = replace(
        parse(plugin, typed, start=start, prog="suite fit", name=registry.reference(name), own=OWN), recipe=recipe
    )
    if print_only:
        print(settings.as_yaml(), end="")
        return 0
    from lightning_suite.training import fit

    done, leader = fit(plugin, settings, root=root or "runs")
    return report(done, plugin, settings) if leader else 0


def report(done: Run, plugin: Plugin, settings: Settings) -> int:
    """The end of a training: the table of metrics, the path, and what to type next."""
    record = done.record
    expected = _expected(plugin, settings.recipe)
    rows = [
        [name, f"{value:.4f}", f"{expected[name]:.4f}" if isinstance(expected.get(name), int | float) else ""]
        for name, value in sorted(record["metrics"].items(), key=lambda item: (not item[0].startswith("test"), item[0]))
    ]
    columns = ["metric", "value", "expected"] if any(row[2] for row in rows) else ["metric", "value"]
    print()
    print(table(columns, [row[: len(columns)] for row in rows]))
    if "expected" in columns:
        others = other_than_the_recipe(plugin, settings)
        source_of_them = expected.get("source", f"the recipe {settings.recipe}")
        print(f"expected: {source_of_them}" + (f"; this run has another {', '.join(others)}" if others else ""))
    spent = f"{record['epochs']} epochs, {record['steps']} steps, {record['fit_seconds']:.0f} s"
    print(f"\n{record['status']} after {spent}: {done.folder}")
    folder = shlex.quote(str(done.folder))
    next_commands = [f"suite test {folder}", f"suite predict {folder} INPUT"]
    next_commands += [f"suite {name} {folder} ..." for name, path in plugin.commands.items() if _takes_a_run(path)]
    next_commands += [f"suite fit --resume {folder}" if record["status"] != "finished" else f"suite rerun {folder}"]
    print("next:", *next_commands[:4], sep="\n  ")
    return 0 if record["status"] == "finished" else 130


def _expected(plugin: Plugin, recipe: str | None) -> dict[str, Any]:
    """The numbers that a recipe should end with; none where it has gone or cannot be read: the run is over."""
    try:
        return dict(recipe_of(plugin, recipe or "default").get("expected") or {})
    except SuiteError:
        return {}


def other_than_the_recipe(plugin: Plugin, settings: Settings) -> list[str]:
    """The options, ``--model.hidden``, whose values are not the recipe's own and which can change how a run ends.

    Nothing can be told, and the list is empty, where the recipe alone is no run: a value is left to be given.
    """
    try:
        recipe = parse(plugin, [], start=recipe_of(plugin, settings.recipe or "default"))
    except UsageError:
        return []
    own, given = asdict(recipe), asdict(settings)
    others = [name for name in ("seed", "monitor", "mode") if own[name] != given[name]]
    for group in GROUPS:
        names = own[group] | given[group]
        others += [f"{group}.{name}" for name in names if own[group].get(name) != given[group].get(name)]
    return [f"--{name}" for name in others if name not in PLACES]


def _takes_a_run(command: str) -> bool:
    """Whether a plugin's command, given by its path, begins with a run."""
    module, _, function = command.partition(":")
    return source.first_parameter(source.text(module), function) == "run"


def _resume(path: str, typed: list[str]) -> int:
    done = Run.at(path)
    if Path(path).is_file() and done.checkpoint != done.last:
        raise UsageError(
            f"training goes on in a run folder, from its checkpoints/last.ckpt; {path} is another checkpoint.\n"
            "Give the folder: suite fit --resume RUN"
        )
    before = done.settings()
    plugin = registry.get(before["plugin"])
    settings = parse(plugin, typed, start=before, prog="suite fit --resume", name=before["plugin"])
    if done.record.get("status") == "finished" and asdict(settings) == before:
        print("This run had finished; with a larger --trainer.max_epochs or --trainer.max_steps it goes on.")
        return report(done, plugin, settings)
    from lightning_suite.training import fit

    done, leader = fit(plugin, settings, run=done)
    return report(done, plugin, settings) if leader else 0


def _from_config(typed: list[str]) -> dict[str, Any]:
    """The options of the config files, for the plugin and the recipe they may name."""
    files, _ = take(list(typed), "--config")
    values: dict[str, Any] = {}
    for file in files:
        values |= read_yaml(file)
    return values


def _help_topic(arguments: list[str]) -> tuple[str | None, list[str]]:
    """What help is asked for: None for none, the empty string for all; and the other arguments."""
    asked = [word for word in arguments if word in ("-h", "--help") or word.startswith("--help=")]
    rest = [word for word in arguments if word not in asked]
    return (asked[-1].partition("=")[2] if asked else None), rest
