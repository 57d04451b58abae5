"""Writes the tables of the READMEs from benchmarks/results/*.json.

    python -m benchmarks._readme

A table is between ``<!-- STEM.json -->`` and ``<!-- end -->``; ``table`` of benchmarks/STEM.py writes it from the
results, for ``<!-- STEM.json PART -->`` ``table_PART``. ``tests/test_readme.py`` fails when a table is out of date.
"""

import re
from importlib import import_module
from pathlib import Path

from benchmarks._record import recorded

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md")), *sorted(ROOT.glob("docs/**/*.md"))]


def with_tables(page: str) -> str:
    """Return the text of a page with every table written from its results."""

    def table(mark: re.Match[str]) -> str:
        stem, part = mark[1], mark[2]
        make = getattr(import_module(f"benchmarks.{stem}"), f"table_{part}" if part else "table")
        return f"<!-- {stem}.json{' ' * bool(part)}{part or ''} -->\n{make(recorded(stem))}\n<!-- end -->"

    return re.sub(r"<!-- (\w+)\.json(?: (\w+))? -->.*?<!-- end -->", table, page, flags=re.DOTALL)


def main() -> None:
    """Write the pages."""
    for page in PAGES:
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
