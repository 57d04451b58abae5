"""The verbs of ``suite``: a file for each, with ``run(arguments)``, which returns the exit status.

The first line of its docstring is its help. Every file in this folder is a verb; nothing else lists them, and they are
not imported to be named and described.
"""

from pathlib import Path

from lightning_suite.plugins import source

# The order in which people need them; a verb that is not listed comes last.
_ORDER = ["list", "info", "fit", "validate", "test", "predict", "rerun", "check", "new", "doctor"]


def names() -> list[str]:
    """Return the names of all verbs."""
    files = sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))
    return sorted(files, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def help_line(verb: str) -> str:
    """Return the first line of the docstring of a verb's file."""
    return source.help_line(source.tree((Path(__file__).parent / f"{verb}.py").read_text(encoding="utf-8")))
