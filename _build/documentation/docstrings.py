"""Docstrings as mkdocstrings reads them: our ``Example:`` is its ``Examples:``.

Where a docstring is completed when its module is imported ({settings} stands for the settings that classes share), it
is that of the imported object.
"""

import importlib
import inspect
import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^(\s*)Example:$", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Prepares each docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object, if it has one."""
        if obj.docstring is None:
            return
        if obj.is_class and "{settings}" in obj.docstring.value:
            obj.docstring.value = imported(obj.path)
        obj.docstring.value = EXAMPLE.sub(r"\1Examples:", obj.docstring.value)


def imported(path: str) -> str:
    """Return the docstring of a class by importing it."""
    module, _, name = path.rpartition(".")
    return inspect.getdoc(getattr(importlib.import_module(module), name)) or ""
