"""The verbs of ``suite``: every file in this folder is one, with ``run(arguments)``, which returns the exit status.

A ``_`` in the name of the file is a ``-`` in that of the verb.
The first line of its docstring is its help. Verbs are listed and described without being imported.
"""

from pathlib import Path

from lightning_suite.plugins import source

# The order in the help; a verb that is not named here comes last.
_ORDER = [
    *("list", "info", "fit", "validate", "test", "predict", "rerun", "runs", "compare-runs", "report", "export"),
    *("reproduce", "sweep", "check", "new", "doctor", "completion"),
]


def names() -> list[str]:
    """Return the names of all verbs."""
    files = sorted(file.stem.replace("_", "-") for file in Path(__file__).parent.glob("[!_]*.py"))
    return sorted(files, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def module(verb: str) -> str:
    """Return the dotted name of the module of a verb."""
    return f"{__name__}.{_stem(verb)}"


def help_line(verb: str) -> str:
    """Return the first line of the docstring of a verb's file."""
    return source.help_line(source.tree(text(verb)))


def text(verb: str) -> str:
    """Return the source of a verb's file."""
    return (Path(__file__).parent / f"{_stem(verb)}.py").read_text(encoding="utf-8")


def _stem(verb: str) -> str:
    return verb.replace("-", "_")
