"""Paths among the options: a run means the same files in whatever folder it is used.

A path is an option of the module or data module that is annotated as one (``Path``, ``os.PathLike``), whose name is or
ends in ``path``, ``file``, ``folder`` or ``dir``, or whose text has a slash or a dot. Where it names something in the
current folder, the settings of a run hold the absolute path, and run.json what was typed beside it.
"""

import contextlib
import inspect
import sys
import typing
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_suite.options.settings import Settings
from lightning_suite.plugin import Plugin
from lightning_suite.plugins.resolve import resolve
from lightning_suite.progress import is_later_process

ROLES = {"model": "module", "data": "data"}
"""What a plugin's record calls the class that takes the options of a group."""

PATH_NAMES = ("path", "file", "folder", "dir")


def absolute(plugin: Plugin, settings: Settings) -> tuple[Settings, dict[str, str]]:
    """Return the settings with absolute paths, and what was typed in their places by the options' dotted names."""
    typed: dict[str, str] = {}
    for name in path_options(plugin, settings):
        group, _, inner = name.partition(".")
        options = getattr(settings, group)
        path = Path(options[inner])
        if not path.is_absolute() and path.exists():
            typed[name] = options[inner]
            settings = _with(settings, group, options | {inner: str(path.absolute())})
    return settings, typed


def located(settings: Settings, typed: object) -> Settings:
    """Return the settings of a run with the paths that were typed, where only these lead to something now.

    Args:
        settings: they hold absolute paths.
        typed: what run.json says was typed in their places.
    """
    for name, shorter in typed.items() if isinstance(typed, Mapping) else ():
        group, _, inner = str(name).partition(".")
        options = getattr(settings, group, {}) if group in ROLES else {}
        path = options.get(inner)
        if not isinstance(path, str) or not isinstance(shorter, str) or path == shorter:
            continue
        if not Path(path).exists() and Path(shorter).exists():
            settings = _with(settings, group, options | {inner: shorter})
            if not is_later_process():
                print(f"--{name}: {path} is gone, {shorter} in the current folder is used", file=sys.stderr)
    return settings


def path_options(plugin: Plugin, settings: Settings) -> list[str]:
    """Return the dotted names of the options whose values are paths; they need not exist."""
    found = []
    for group in ROLES:
        values = {name: value for name, value in getattr(settings, group).items() if value and isinstance(value, str)}
        hints = _annotations(plugin, group) if values else {}
        for name, value in values.items():
            if _is_path(name, hints.get(name)) or any(mark in value for mark in "/."):
                found.append(f"{group}.{name}")
    return found


def _is_path(name: str, hint: Any) -> bool:
    """Return whether an option's name or type says that it is a path.

    Example:
        >>> _is_path("predict_path", str), _is_path("source", Path | None), _is_path("profile", str)
        (True, True, False)
    """
    kinds = typing.get_args(hint) or (hint,)
    return name.rpartition("_")[2] in PATH_NAMES or any(
        inspect.isclass(kind) and (hasattr(kind, "__fspath__") or issubclass(kind, Path)) for kind in kinds
    )


def _annotations(plugin: Plugin, group: str) -> dict[str, Any]:
    with contextlib.suppress(NameError, TypeError, AttributeError):  # what is annotated for a type checker alone
        return typing.get_type_hints(resolve(plugin, ROLES[group]).__init__)
    return {}


def _with(settings: Settings, group: str, options: dict[str, Any]) -> Settings:
    """Return settings with other options of the model or the data."""
    return replace(settings, model=options) if group == "model" else replace(settings, data=options)
