"""The gallery: a page a plugin, made of its record, its recipes, its results and its pictures."""

import ast
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import yaml
from places import PLUGINS, ROOT

from lightning_suite.plugins import find

NOT_SHOWN = {"check"}
"""Recipes that only tests use."""


def pages() -> dict[str, Callable[[], str]]:
    """Return the pages, by their place on the site."""
    made: dict[str, Callable[[], str]] = {"gallery/index.md": index}
    return made | {f"gallery/{name}.md": partial(page, name) for name in PLUGINS}


def declared() -> dict[str, Any]:
    """Return what docs/pictures/gallery.yaml says, by plugin."""
    text = (ROOT / "docs" / "pictures" / "gallery.yaml").read_text(encoding="utf-8")
    contents: dict[str, Any] = yaml.safe_load(text)
    return contents


def index() -> str:
    """Return the page with one picture of each plugin."""
    cards = []
    for name, of_plugin in declared().items():
        picture, about = next(iter(of_plugin["pictures"].items()))
        summary = find.get(name).summary
        cards.append(
            f"-   [![{about['title']}](../pictures/{picture})]({name}.md)\n\n    **[{name}]({name}.md)**: {summary}"
        )
    return '# Gallery\n\n<div class="gallery" markdown>\n\n' + "\n\n".join(cards) + "\n\n</div>\n"


def page(name: str) -> str:
    """Return the page of a plugin."""
    plugin, of_plugin = find.get(name), declared()[name]
    parts = [f"# {name}: {plugin.summary}", f"{plugin.paper}.", links(name)]
    for picture, about in of_plugin["pictures"].items():
        commands = "\n".join(about["commands"])
        parts.append(f"## {about['title']}\n\n![{about['title']}](../pictures/{picture})\n\n```text\n{commands}\n```")
    parts.append(f"## Results\n\n{table(name, of_plugin['results'])}")
    parts.append(f"All tables, and how they were measured: [the method in full](../methods/{name}.md).")
    parts.append(f"## Recipes\n\n`suite fit --plugin {name} --recipe NAME`\n\n{recipes(name)}")
    parts.append(f"## Verbs of its own\n\n{verbs(name)}")
    return "\n\n".join(parts) + "\n"


def links(name: str) -> str:
    """Return a line of links to what else the site has about a plugin."""
    return (
        f"[Tutorial](../tutorials/{name}.md) · [the method in full](../methods/{name}.md) · "
        f"[options](../reference/options.md#{name}) · [API](../reference/api/suite_{name}.md)"
    )


def table(name: str, stem: str) -> str:
    """Return the table in the plugin's README that is made of benchmarks/results/STEM.json."""
    readme = (ROOT / "plugins" / f"suite_{name}" / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {stem}\.json -->\n(.*?)\n<!-- end -->", readme, re.DOTALL)
    if found is None:
        raise LookupError(f"plugins/suite_{name}/README.md has no table of {stem}.json, which gallery.yaml names")
    return f"{found[1]}\n\n`python -m benchmarks.{stem}`"


def recipes(name: str) -> str:
    """Return a table of the recipes of a plugin, with the numbers that they are expected to reach."""
    rows = ["| recipe | what | expected |", "| --- | --- | --- |"]
    for path in sorted((ROOT / "plugins" / f"suite_{name}" / "recipes").glob("*.yaml")):
        if path.stem in NOT_SHOWN:
            continue
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        expected = dict(recipe.get("expected", {}))
        source = expected.pop("source", "")
        numbers = ", ".join(f"{metric} {value}" for metric, value in expected.items())
        rows.append(f"| `{path.stem}` | {recipe.get('summary', '')} | {numbers}{f' ({source})' if source else ''} |")
    return "\n".join(rows)


def verbs(name: str) -> str:
    """Return a table of a plugin's own verbs, each with the first line of its docstring."""
    rows = ["| verb | what it does |", "| --- | --- |"]
    for verb, place in find.get(name).commands.items():
        module, function = place.split(":")
        stem = (ROOT / "plugins").joinpath(*module.split("."))
        path = stem.with_suffix(".py") if stem.with_suffix(".py").is_file() else stem / "__init__.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        (node,) = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == function]
        line = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
        rows.append(f"| [`suite {verb}`](../reference/command-line.md#suite-{verb}-{name}) | {line} |")
    return "\n".join(rows)
