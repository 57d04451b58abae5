"""Finds plugins: lists the installed ones without an import, and gives the record of one that is asked for.

A plugin is an entry point of the group ``lightning_suite.plugins`` whose value is the path of its record. Nothing
has to be installed to try one: a path may be written in place of a name.

    dsa                        the name of an entry point
    package.module:attribute   a record that can be imported
    path/to/file.py:attribute  a record in a single file

A single file is imported under its stem, without its folder becoming importable: in ``path/to/echo.py`` the record
names the file's own classes as ``module="echo:Net"``, and ``recipes="echo:recipes"`` is the folder ``recipes``
beside it. A stem that already names another importable module is refused.
"""

import importlib
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from lightning_suite.errors import UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import other_name, records, requirements, source
from lightning_suite.plugins.check import checked_record
from lightning_suite.plugins.explain import BrokenPlugin, same_name, wrap_import_errors
from lightning_suite.plugins.origin import Origin
from lightning_suite.spelling import did_you_mean, no_such

GROUP = "lightning_suite.plugins"


def installed() -> list[Origin]:
    """Return all installed plugins in the order of their names; several of one name are all in the list."""
    return list(_scan(tuple(sys.path)))


def names() -> list[str]:
    """Return the names of the installed plugins, without repetition."""
    return list(dict.fromkeys(origin.name for origin in installed()))


def get(name_or_path: str) -> Plugin:
    """Import and return the record of one plugin, by its name or a path.

    Example:
        >>> name = names()[0]
        >>> get(name).name == name
        True

    Raises:
        UsageError: there is no plugin of this name, or nothing at this path.
        BrokenPlugin: there is one, but its record cannot be used.
    """
    return _at_path(name_or_path) if _is_path(name_or_path) else read(_origin_of(name_or_path))


def read(origin: Origin, limit: float = records.LIMIT) -> Plugin:
    """Import and return the record of an installed plugin within some seconds.

    Raises:
        BrokenPlugin: the record cannot be used, or several installed plugins have this name.
    """
    if error := _shared_name(origin):
        raise error
    return records.read(origin, limit)


def look(origins: Sequence[Origin]) -> list[Plugin | BrokenPlugin]:
    """Return the records of installed plugins, or what is wrong with them; nothing of theirs runs in this process."""
    errors = [_shared_name(origin) for origin in origins]
    seen = iter(records.look([origin for origin, error in zip(origins, errors, strict=True) if error is None]))
    return [error or next(seen) for error in errors]


def look_at(name_or_path: str) -> Plugin:
    """Return the record of one plugin, to show it: that of an installed one without an import in this process.

    Raises:
        UsageError: there is no plugin of this name, or nothing at this path.
        BrokenPlugin: there is one, but its record cannot be used.
    """
    if _is_path(name_or_path):
        return _at_path(name_or_path)
    (found,) = look([_origin_of(name_or_path)])
    if isinstance(found, BrokenPlugin):
        raise found
    return found


def readable() -> list[Plugin]:
    """Return the records of all installed plugins that can be read, and nothing for the others, to show them."""
    return [found for found in look(installed()) if isinstance(found, Plugin)]


def reference(name_or_path: str) -> str:
    """Return the name or path in the form that means the same plugin from any folder, which a run stores."""
    path, colon, attribute = name_or_path.rpartition(":")
    return f"{Path(path).resolve()}{colon}{attribute}" if path.endswith(".py") else name_or_path


@cache
def _scan(_path: tuple[str, ...]) -> tuple[Origin, ...]:
    """Return the plugins on ``sys.path``, which is an argument so that the cache knows when it changes."""
    return tuple(sorted(map(_origin, entry_points(group=GROUP)), key=lambda origin: (origin.name, origin.distribution)))


def _origin(point: EntryPoint) -> Origin:
    distribution, version = ("", "") if point.dist is None else requirements.identity(point.dist)
    return Origin(point.name, point.value, distribution, version)


def _is_path(text: str) -> bool:
    return ":" in text or text.endswith(".py")


def _origin_of(name: str) -> Origin:
    origin = next((origin for origin in installed() if origin.name == name), None)
    if origin is None:
        raise UsageError(no_such("plugin", name, names(), "installed"))
    return origin


def _shared_name(origin: Origin) -> BrokenPlugin | None:
    """Return the error of a plugin whose name others have as well."""
    namesakes = [other for other in installed() if other.name == origin.name]
    return same_name(namesakes) if len(namesakes) > 1 else None


def _at_path(text: str) -> Plugin:
    path, _, attribute = text.rpartition(":")
    if not path or not attribute:
        file = path or attribute
        raise UsageError(f"expected path/to/file.py:attribute or module:attribute, got {text!r}: try {file}:plugin")
    origin = Origin(text, text)
    if path.endswith(".py"):
        if not Path(path).is_file():
            raise UsageError(f"there is no file {path!r} to take the plugin {text!r} from")
    elif source.locate(path) is None:
        hint = did_you_mean(path, {origin.value.partition(":")[0] for origin in installed()})
        raise UsageError(
            f"there is no module {path!r} to take the plugin {text!r} from; "
            f"for a file write path/to/file.py:attribute. {hint}".rstrip()
        )
    with (
        wrap_import_errors(origin, path),
        other_name.taken(),
    ):  # no time limit: whoever types a path may have it import torch
        module = _import_file(Path(path).resolve()) if path.endswith(".py") else importlib.import_module(path)
    if not hasattr(module, attribute):
        candidates = [name for name, value in vars(module).items() if isinstance(value, Plugin)]
        raise UsageError(no_such(f"record in {path}:", attribute, candidates, "records there"))
    return checked_record(module, attribute, origin)


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
