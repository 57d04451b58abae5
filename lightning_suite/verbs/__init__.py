"""The verbs of ``suite``: one file each, with ``run(arguments) -> exit status`` and a help line as its first line.

A file that appears in this folder is a verb; nothing else lists them. They are named and described here without
being imported.
"""

from pathlib import Path

from lightning_suite.plugins import source

# The order in which one meets them; a verb that is not named here comes last.
_ORDER = ["list", "info", "fit", "validate", "test", "predict", "rerun", "check", "new", "doctor"]


def names() -> list[str]:
    """The names of all verbs."""
    files = sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))
    return sorted(files, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def help_line(verb: str) -> str:
    """First line of the docstring of a verb's file, which is not imported."""
    return source.help_line(source.tree((Path(__file__).parent / f"{verb}.py").read_text(encoding="utf-8")))
