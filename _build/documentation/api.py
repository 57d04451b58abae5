"""The pages of the API reference: which modules are for others to use, one page each group.

mkdocstrings reads their docstrings from the source, without importing anything.
"""

import ast
from collections.abc import Callable, Sequence
from functools import partial

from places import ROOT

ROOMS = (
    "array_files",
    "constraints",
    "files",
    "forest",
    "needs",
    "offsets",
    "pca",
    "pictures",
    "progress",
    "ragged",
    "sequences",
    "setting",
    "text_files",
)
"""Modules of the core that a plugin, anyone's, uses besides its record."""

OF_PLUGINS = {
    "dsa": ("network", "module", "data", "adapters.scikit_learn", "adapters.sentence_transformer", "adapters.mteb"),
    "recnn": ("network", "module", "data", "interpretation"),
    "tweets": ("network", "module", "data"),
    "spectral": ("estimator", "embedding", "module", "data"),
}
"""Modules of each plugin that one calls from Python."""


def pages() -> dict[str, Callable[[], str]]:
    """Return the pages, by their place on the site."""
    core = "reference/api/lightning_suite"
    rooms = [f"lightning_suite.{room}" for room in ROOMS]
    ops = sorted(path.stem for path in (ROOT / "lightning_suite" / "ops").glob("[!_]*.py"))
    made: dict[str, Callable[[], str]] = {
        f"{core}.md": partial(page, "lightning_suite", [f"lightning_suite.{name}" for name in exported()]),
        f"{core}.testing.md": partial(page, "lightning_suite.testing", ["lightning_suite.testing"]),
        f"{core}.ops.md": partial(page, "lightning_suite.ops", [f"lightning_suite.ops.{op}" for op in ops]),
        f"{core}.shared-modules.md": partial(page, "Shared modules", rooms),
    }
    for name, modules in OF_PLUGINS.items():
        paths = [f"suite_{name}.{module}" for module in modules]
        made[f"reference/api/suite_{name}.md"] = partial(page, f"suite_{name}", paths)
    return made


def page(title: str, objects: Sequence[str]) -> str:
    """Return a page that shows the docstrings of some modules, classes or functions."""
    return "\n\n".join([f"# {title}", *(f"::: {each}" for each in objects)]) + "\n"


def exported() -> list[str]:
    """Return the public names of lightning_suite: those that its ``__init__`` imports ``as`` themselves."""
    tree = ast.parse((ROOT / "lightning_suite" / "__init__.py").read_text(encoding="utf-8"))
    names = [alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    return sorted({name for name in names if name}, key=str.lower)
