"""Writes the tables of the READMEs from benchmarks/results/*.json.

    python -m benchmarks._readme

A table is between ``<!-- STEM.json -->`` and ``<!-- end -->``; ``table`` of benchmarks/STEM.py writes it from the
results, for ``<!-- STEM.json PART -->`` ``table_PART``. Verbs are between ``<!-- suite -->``, or ``<!-- suite plugins
-->``, and ``<!-- end -->``, with the lines of their own help. ``tests/test_readme.py`` fails when one is out of date.
"""

import re
from importlib import import_module
from pathlib import Path

from benchmarks._markdown import markdown
from benchmarks._record import recorded
from lightning_suite import verbs
from lightning_suite.plugins import find, source

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md")), *sorted(ROOT.glob("docs/**/*.md"))]


def with_tables(page: str) -> str:
    """Return the text of a page with every table written from its results."""

    def table(mark: re.Match[str]) -> str:
        stem, part = mark[1], mark[2]
        make = getattr(import_module(f"benchmarks.{stem}"), f"table_{part}" if part else "table")
        return f"<!-- {stem}.json{' ' * bool(part)}{part or ''} -->\n{make(recorded(stem))}\n<!-- end -->"

    page = re.sub(r"<!-- (\w+)\.json(?: (\w+))? -->.*?<!-- end -->", table, page, flags=re.DOTALL)
    made = {"suite": table_of_verbs, "suite plugins": table_of_plugins_verbs}
    return re.sub(
        r"<!-- (suite|suite plugins) -->.*?<!-- end -->",
        lambda mark: f"<!-- {mark[1]} -->\n{made[mark[1]]()}\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def table_of_verbs() -> str:
    """Return the verbs of ``suite`` with the lines of their help."""
    return markdown(["verb", "what it does"], [[f"`{verb}`", verbs.help_line(verb)] for verb in verbs.names()], "---")


def table_of_plugins_verbs() -> str:
    """Return the verbs of the plugins that come with it, with the lines of their help."""
    plugins = [find.get(name) for name in ("dsa", "recnn", "tweets", "spectral")]
    rows = [
        [plugin.name, f"`{verb}`", source.help_line_of(path)]
        for plugin in plugins
        for verb, path in plugin.commands.items()
    ]
    return markdown(["plugin", "verb", "what it does"], rows, "---")


def main() -> None:
    """Write the pages."""
    for page in PAGES:
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
