"""Paths among the options: a run means the same files in whatever folder it is used.

A path is an option of the module or data module that is annotated as one (``Path``, ``os.PathLike``), whose name is or
ends in ``path``, ``file``, ``folder`` or ``dir``, or whose text has a slash or a dot; or a list of such. Where it names
something in the current folder, the settings of a run hold the absolute path, and run.json what was typed beside it.
What a class says is looked for in the folder of another option (``paths_in``) is left as it is where that is given.
"""

import contextlib
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
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


def absolute(plugin: Plugin, settings: Settings) -> tuple[Settings, dict[str, Any]]:
    """Return the settings with absolute paths, and what was typed in their places by the options' dotted names."""
    typed: dict[str, Any] = {}
    for name in path_options(plugin, settings):
        group, _, inner = name.partition(".")
        options = getattr(settings, group)
        path = _each(options[inner], lambda one: str(Path(one).absolute()) if Path(one).exists() else one)
        if path != options[inner]:
            typed[name] = options[inner]
            settings = _with(settings, group, options | {inner: path})
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
        if not _texts(path) or not _texts(shorter) or path == shorter:
            continue
        if not _are_there(path) and _are_there(shorter):
            settings = _with(settings, group, options | {inner: shorter})
            if not is_later_process():
                shown, gone = (", ".join(_texts(value)) for value in (shorter, path))
                print(f"--{name}: {gone} is gone, {shown} in the current folder is used", file=sys.stderr)
    return settings


def path_options(plugin: Plugin, settings: Settings) -> list[str]:
    """Return the dotted names of the options whose values are paths; they need not exist."""
    found = []
    for group in ROLES:
        values = {name: value for name, value in getattr(settings, group).items() if any(_texts(value))}
        hints, paths_in = _declared(plugin, group) if values else ({}, {})
        for name, value in values.items():
            if getattr(settings, group).get(paths_in.get(name)):
                continue
            if _is_path(name, hints.get(name)) or any(mark in text for text in _texts(value) for mark in "/."):
                found.append(f"{group}.{name}")
    return found


def _texts(value: Any) -> list[str]:
    """Return a text, or the texts of a list of nothing else, as a list; nothing for any other value."""
    texts = value if isinstance(value, list) else [value]
    return texts if all(isinstance(text, str) for text in texts) else []


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """Return a text, or each text of a list, changed."""
    return [change(text) for text in value] if isinstance(value, list) else change(value)


def _are_there(value: Any) -> bool:
    return all(Path(text).exists() for text in _texts(value))


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


def _declared(plugin: Plugin, group: str) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return the annotations of a class's options, and which of its options name the folders of others."""
    resolved = resolve(plugin, ROLES[group])
    paths_in: Mapping[str, str] = getattr(resolved, "paths_in", {})
    with contextlib.suppress(NameError, TypeError, AttributeError):  # what is annotated for a type checker alone
        return typing.get_type_hints(resolved.__init__), paths_in
    return {}, paths_in


def _with(settings: Settings, group: str, options: dict[str, Any]) -> Settings:
    """Return settings with other options of the model or the data."""
    return replace(settings, model=options) if group == "model" else replace(settings, data=options)
