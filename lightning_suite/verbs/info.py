"""Shows one plugin: its paper, recipes and their expected numbers, its own verbs, and what is missing."""

import contextlib
import sys
from typing import Any

from lightning_suite.arguments import LightParser
from lightning_suite.errors import UsageError
from lightning_suite.expectations import Expectation
from lightning_suite.json_text import json_text
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import diagnosis, find, source
from lightning_suite.plugins.explain import BrokenPlugin
from lightning_suite.recipes import recipe_files, recipe_of
from lightning_suite.tables import listing, terminal_width


def run(arguments: list[str]) -> int:
    """Print the record of a plugin; return 0, or 3 for a plugin that cannot be used."""
    parser = LightParser("info", __doc__ or "")
    parser.add_argument("name", metavar="NAME", nargs="?", help="name, module:attribute or path/to/file.py:attribute")
    parser.add_argument("--json", action="store_true", help="print the same as JSON")
    values = parser.read(arguments)
    name = values.name
    if name is None:
        raise UsageError(f"suite info: which plugin? installed: {', '.join(find.names()) or 'none'}")
    plugin = find.look_at(name)
    faults = list(diagnosis.faults(plugin))
    if values.json:
        print(json_text(_record(name, plugin, faults)))
        return faults[0].exit_status if faults else 0
    print(_description(name, plugin))
    if not faults:
        print(f"\nnext: suite fit --plugin {name}\n      suite fit --plugin {name} --help")
        return 0
    sys.stdout.flush()
    print(f"\n{faults[0]}", file=sys.stderr)
    if len(faults) > 1:
        print(f"and {len(faults) - 1} more: suite doctor", file=sys.stderr)
    return faults[0].exit_status


def _description(name: str, plugin: Plugin) -> str:
    width = terminal_width()
    origin = plugin.origin
    facts = [
        ("paper", plugin.paper),
        ("from", f"{origin.distribution} {origin.version}" if origin.distribution else find.reference(name)),
        ("module", plugin.module),
        ("data", plugin.data),
        ("extra", plugin.extra or ""),
    ]
    parts = [f"{plugin.name}: {plugin.summary}", "", listing([fact for fact in facts if fact[1]], width, "  ")]
    recipes = _recipe_rows(plugin)
    if recipes:
        parts += ["", "recipes", listing(recipes, width, "  ")]
    if plugin.commands:
        own_verbs = [(verb, source.help_line_of(path)) for verb, path in plugin.commands.items()]
        parts += ["", "verbs", listing(own_verbs, width, "  ")]
    return "\n".join(parts)


def _record(name: str, plugin: Plugin, faults: list[BrokenPlugin]) -> dict[str, Any]:
    with contextlib.suppress(BrokenPlugin):  # it is among the faults
        recipes = {recipe: dict(recipe_of(plugin, recipe)) for recipe in recipe_files(plugin)}
        return _facts(name, plugin, faults) | {"recipes": recipes}
    return _facts(name, plugin, faults) | {"recipes": None}


def _facts(name: str, plugin: Plugin, faults: list[BrokenPlugin]) -> dict[str, Any]:
    origin = plugin.origin
    return {
        "name": plugin.name,
        "summary": plugin.summary,
        "paper": plugin.paper,
        "distribution": origin.distribution or None,
        "version": origin.version or None,
        "reference": find.reference(name),
        "module": plugin.module,
        "data": plugin.data,
        "extra": plugin.extra,
        "api": plugin.api,
        "verbs": {verb: source.help_line_of(path) for verb, path in plugin.commands.items()},
        "faults": [{"cause": fault.cause, "repair": fault.repair} for fault in faults],
    }


def _recipe_rows(plugin: Plugin) -> list[tuple[str, str]]:
    rows = []
    try:
        files = recipe_files(plugin)
    except BrokenPlugin:
        return []  # the fault is printed under the description
    for name in files:
        try:
            recipe = recipe_of(plugin, name)
        except BrokenPlugin:
            rows.append((name, "does not parse"))
            continue
        rows.append((name, str(recipe.get("summary", ""))))
        if expected := f"{Expectation.of(recipe)}":
            rows.append(("", f"expected: {expected}"))
    return rows
