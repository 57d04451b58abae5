"""The examples in docstrings run and say what they show; what others are to use has one.

An example is what follows ``>>>``. It runs offline and in seconds; ``...`` stands for any text in what it shows.
"""

import ast
import doctest
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from lightning_suite import ops

ROOT = Path(__file__).resolve().parent.parent

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


def module_of(path: Path) -> str:
    """Return the dotted name of a file of the core or of a plugin."""
    folder = ROOT / "plugins" if path.is_relative_to(ROOT / "plugins") else ROOT
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(path for folder in ("lightning_suite", "plugins") for path in (ROOT / folder).rglob("*.py"))
WITH_EXAMPLES = [module_of(path) for path in FILES if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_show_what_they_return(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted, f"{name} has >>> where no docstring is"
    assert not result.failed, f"{name}: python -m doctest shows what differs"


def public(module: ModuleType) -> list[str]:
    """Return the functions that a module defines for others, by dotted name."""
    return [
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if not name.startswith("_") and inspect.isfunction(value) and value.__module__.startswith(module.__name__)
    ]


def test_what_others_call_has_an_example() -> None:
    names = [name for room in ROOMS for name in public(importlib.import_module(f"lightning_suite.{room}"))]
    names += [f"lightning_suite.ops.{name}.{name}" for name in ops.names()]
    lacking = []
    for name in names:
        module, _, attribute = name.rpartition(".")
        if ">>> " not in (getattr(importlib.import_module(module), attribute).__doc__ or ""):
            lacking.append(name)
    assert not lacking, f"these have no Example: {sorted(lacking)}"


@pytest.mark.parametrize("folder", sorted((ROOT / "plugins").glob("suite_*")), ids=lambda folder: folder.name)
def test_the_networks_of_a_plugin_have_an_example(folder: Path) -> None:
    tree = ast.parse((folder / "network.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    lacking = [node.name for node in classes if ">>> " not in (ast.get_docstring(node) or "")]
    assert len(lacking) < len(classes), f"no class of {folder.name}/network.py shows how it is used: {lacking}"
