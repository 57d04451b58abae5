"""Trains a plugin, or goes on with a run (--resume RUN).

suite fit --plugin NAME [--recipe R] [--config FILE] [--model.x 1 --data.y 2 --trainer.z 3] [--runs DIR]
suite fit --resume RUN [--trainer.max_epochs 20]
suite fit --config RUN/config.yaml
"""

from typing import Any

from lightning_suite import registry
from lightning_suite.errors import UsageError
from lightning_suite.options import help_text, parse, read_yaml, take
from lightning_suite.run import Run
from lightning_suite.tables import table


def run(arguments: list[str]) -> int:
    """Parses, trains, and prints the final table."""
    topic, typed = _help_topic(arguments)
    roots, typed = take(typed, "--runs")
    resumed, typed = take(typed, "--resume")
    names, typed = take(typed, "--plugin")
    recipes, typed = take(typed, "--recipe")
    print_only = "--print-config" in typed
    typed = [word for word in typed if word != "--print-config"]
    if resumed and topic is None:
        return _resume(Run.at(resumed[-1]), names + recipes, typed)
    configured = _from_config(typed)
    name = names[-1] if names else configured.get("plugin")
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
    chosen = recipes[-1] if recipes else configured.get("recipe")
    recipe = chosen or next(iter(registry.recipes(plugin)), None)
    start = dict(registry.recipe(plugin, recipe)) if recipe else {}
    settings = parse(plugin, typed, start=start | {"recipe": recipe}, prog="suite fit", name=registry.reference(name))
    if print_only:
        print(settings.as_yaml(), end="")
        return 0
    from lightning_suite.training import fit

    done, leader = fit(plugin, settings, root=roots[-1] if roots else "runs")
    return report(done, start.get("expected", {})) if leader else 0


def report(done: Run, expected: dict[str, Any]) -> int:
    """The end of a training: the table of metrics, the path, and what to type next."""
    record = done.record
    rows = [
        [name, f"{value:.4f}", f"{expected[name]:.4f}" if isinstance(expected.get(name), int | float) else ""]
        for name, value in sorted(record["metrics"].items(), key=lambda item: (not item[0].startswith("test"), item[0]))
    ]
    columns = ["metric", "value", "expected"] if any(row[2] for row in rows) else ["metric", "value"]
    print()
    print(table(columns, [row[: len(columns)] for row in rows]))
    if expected.get("source") and "expected" in columns:
        print(f"expected: {expected['source']}")
    spent = f"{record['epochs']} epochs, {record['steps']} steps, {record['fit_seconds']:.0f} s"
    print(f"\n{record['status']} after {spent}: {done.folder}")
    plugin = registry.get(done.settings()["plugin"])
    next_commands = [f"suite test {done.folder}", f"suite predict {done.folder} INPUT"]
    next_commands += [f"suite {command} {done.folder} ..." for command in plugin.commands]
    next_commands += [
        f"suite fit --resume {done.folder}" if record["status"] != "finished" else f"suite rerun {done.folder}"
    ]
    print("next:", *next_commands[:4], sep="\n  ")
    return 0 if record["status"] == "finished" else 130


def _resume(done: Run, refused: list[str], typed: list[str]) -> int:
    if refused:
        raise UsageError("--resume RUN takes the plugin and the recipe from the run; leave --plugin and --recipe out")
    before = done.settings()
    plugin = registry.get(before["plugin"])
    settings = parse(plugin, typed, start=before, prog="suite fit --resume", name=before["plugin"])
    from lightning_suite.training import fit

    done, leader = fit(plugin, settings, run=done)
    recipes = registry.recipes(plugin)
    return report(done, dict(recipes.get(settings.recipe or "", {}).get("expected", {}))) if leader else 0


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
