"""Finds plugins: lists them without an import, imports one when it is asked for, lets a bad one harm only itself.

A plugin is an entry point of the group ``lightning_suite.plugins`` whose value is the path of its record. Nothing
has to be installed to try one: wherever a name stands, a path may stand.

    dsa                        the name of an entry point
    package.module:attribute   a record that can be imported
    path/to/file.py:attribute  a record in a single file

A single file is imported under its stem, without its folder becoming importable: in ``path/to/echo.py`` the record
names the file's own classes as ``module="echo:Net"``, and ``recipes="echo:recipes"`` is the folder ``recipes``
beside it. A stem that already names another importable module is refused.

Imports of installed plugins have a time limit (see ``lightning_suite.guard``); the environment variable
``LIGHTNING_SUITE_IMPORT_LIMIT`` gives another one, in seconds.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from lightning_suite import guard, requirements, source
from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.faults import BrokenPlugin, blame, correct, missing, no_attribute, no_module, same_name, warning
from lightning_suite.origin import Installed, origin_of, remember
from lightning_suite.plugin import Plugin
from lightning_suite.spelling import did_you_mean, no_such
from lightning_suite.validity import check_class, checked_record

GROUP = "lightning_suite.plugins"

# Seconds for the import of a record that is about to be used, and of a class, which imports torch and more.
RECORD_LIMIT = 60.0
CLASS_LIMIT = 300.0

_LIGHTNING_CLASSES: dict[str, Literal["LightningModule", "LightningDataModule"]] = {
    "module": "LightningModule",
    "data": "LightningDataModule",
}


def installed() -> list[Installed]:
    """All installed plugins by name, without importing any; two of one name both stand in it."""
    return list(_scan(tuple(sys.path)))


def names() -> list[str]:
    """The names of the installed plugins, each once."""
    return list(dict.fromkeys(entry.name for entry in installed()))


def get(name_or_path: str) -> Plugin:
    """Import the record of one plugin, given as a name or a path (see the module's docstring).

    Raises:
        UsageError: there is no plugin of this name, or nothing at this path.
        BrokenPlugin: there is one, but its record cannot be used.
    """
    if ":" in name_or_path or name_or_path.endswith(".py"):
        return _at_path(name_or_path)
    found = [entry for entry in installed() if entry.name == name_or_path]
    if not found:
        raise UsageError(no_such("plugin", name_or_path, names(), "installed"))
    if len(found) > 1:
        raise same_name(found)
    return read(found[0], RECORD_LIMIT)


def reference(name_or_path: str) -> str:
    """The name or path in the form that means the same plugin from any folder; what a run stores."""
    place, colon, attribute = name_or_path.rpartition(":")
    return f"{Path(place).resolve()}{colon}{attribute}" if place.endswith(".py") else name_or_path


def read(entry: Installed, limit: float) -> Plugin:
    """Import the record of an installed plugin within some seconds and check it.

    Raises:
        BrokenPlugin: it cannot be imported or is not a record that this release understands.
    """
    module_name, _, attribute = entry.value.partition("[")[0].strip().partition(":")
    if not module_name or not attribute:
        raise BrokenPlugin(
            entry.name, f"its entry point is {entry.value!r}, expected 'module:attribute'", entry, correct(entry)
        )
    if source.locate(module_name) is None:
        raise BrokenPlugin(entry.name, f"there is no module {module_name!r}", entry, correct(entry))
    with blame(entry, entry.value), guard.unchanged_environment() as undone, _guarded(limit):
        module = importlib.import_module(module_name)
    plugin = checked_record(module, attribute, entry)
    remember(plugin, entry, tuple(undone))
    return plugin


def resolve(plugin: Plugin, what: str) -> Callable[..., Any]:
    """Import what a record names: its ``"module"`` class, its ``"data"`` class or the function of one of its commands.

    Raises:
        UsageError: the plugin has no such command.
        BrokenPlugin: the import fails, a requirement is not installed, or what is named is not what it should be.
    """
    origin = origin_of(plugin)
    if what not in _LIGHTNING_CLASSES and what not in plugin.commands:
        raise UsageError(no_such("command", what, plugin.commands, f"plugin {plugin.name!r} has"))
    path = getattr(plugin, what) if what in _LIGHTNING_CLASSES else plugin.commands[what]
    if lacking := missing(plugin):
        raise lacking
    if hint := warning(plugin):
        _warn(f"plugin {plugin.name!r}: {hint}")
    if what in _LIGHTNING_CLASSES:
        _import_lightning()
    module_name, _, attribute = path.partition(":")
    role = f"{what}={path!r}" if what in _LIGHTNING_CLASSES else f"the command {what!r}, {path!r}"
    if source.locate(module_name) is None:
        raise no_module(plugin, role, module_name)
    with blame(origin, role), guard.time_limit(_limit(CLASS_LIMIT)):
        module = importlib.import_module(module_name)
    try:
        found = module
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise no_attribute(plugin, role, module_name, attribute, list(vars(module))) from None
    if what in _LIGHTNING_CLASSES:
        check_class(plugin, role, found, _LIGHTNING_CLASSES[what])
    elif not callable(found):
        raise BrokenPlugin(
            plugin.name, f"{role} is of type {type(found).__name__}, expected a function", origin, correct(origin)
        )
    return found  # type: ignore[return-value]  # checked above


@cache
def _warn(line: str) -> None:
    """Say a line to people, once."""
    print(line, file=sys.stderr)


@cache
def _scan(_path: tuple[str, ...]) -> tuple[Installed, ...]:
    """The entry points that a search path gives; the path is an argument only to tell one search from another."""
    return tuple(sorted(map(_installed, entry_points(group=GROUP)), key=lambda entry: (entry.name, entry.distribution)))


def _installed(point: EntryPoint) -> Installed:
    distribution, version = ("", "") if point.dist is None else requirements.identity(point.dist)
    return Installed(point.name, point.value, distribution, version)


def _at_path(text: str) -> Plugin:
    place, _, attribute = text.rpartition(":")
    if not place or not attribute:
        file = f"{place or attribute}"
        raise UsageError(f"expected path/to/file.py:attribute or module:attribute, got {text!r}: try {file}:plugin")
    entry = Installed(text, text)
    if place.endswith(".py"):
        file_ = Path(place).resolve()
        if not file_.is_file():
            raise UsageError(f"there is no file {place!r} to take the plugin {text!r} from")
        with blame(entry, place):  # whoever names a file may have it import torch, which takes its time
            module = _import_file(file_)
    else:
        if source.locate(place) is None:
            hint = did_you_mean(place, list({entry.value.partition(":")[0] for entry in installed()}))
            raise UsageError(
                f"there is no module {place!r} to take the plugin {text!r} from; "
                f"a file is given as path/to/file.py:attribute. {hint}".rstrip()
            )
        with blame(entry, place):
            module = importlib.import_module(place)
    if not hasattr(module, attribute):
        records = [name for name, value in vars(module).items() if isinstance(value, Plugin)]
        raise UsageError(no_such(f"record in {place}:", attribute, records, "records there"))
    plugin = checked_record(module, attribute, entry)
    remember(plugin, entry)
    return plugin


def _import_file(file: Path) -> ModuleType:
    stem = file.stem
    loaded = sys.modules.get(stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(file):
        return loaded
    other = source.locate(stem)
    if other is not None and (other.origin is None or Path(other.origin).resolve() != file):
        raise ImportError(f"{stem!r} is already the name of a module ({other.origin}); rename the file")
    spec = spec_from_file_location(stem, file)
    assert spec is not None and spec.loader is not None, file
    module = module_from_spec(spec)
    sys.modules[stem] = module  # before it runs: dataclasses and pickling look a class's module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[stem]
        raise
    return module


def _import_lightning() -> None:
    try:
        importlib.import_module("pytorch_lightning")
    except Exception as error:
        raise SuiteError(
            f"pytorch_lightning could not be imported: {guard.cause(error)}\n"
            "repair: pip install --upgrade pytorch-lightning; `suite doctor` shows the versions"
        ) from error


@contextmanager
def _guarded(limit: float) -> Iterator[None]:
    with guard.print_to_stderr(), guard.time_limit(_limit(limit)):
        yield


def _limit(seconds: float) -> float:
    return float(os.environ.get("LIGHTNING_SUITE_IMPORT_LIMIT") or seconds)
