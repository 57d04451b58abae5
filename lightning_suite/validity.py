"""Looks at what has been imported: is it a record that this release understands, a class that Lightning can use?"""

import sys
from collections.abc import Mapping
from types import ModuleType

from lightning_suite.faults import BrokenPlugin, correct, wrong_class
from lightning_suite.origin import Installed
from lightning_suite.plugin import API, Plugin


def checked_record(module: ModuleType, attribute: str, entry: Installed) -> Plugin:
    """The record that a module holds.

    Raises:
        BrokenPlugin: it holds none, or one that this release does not understand.
    """
    record = getattr(module, attribute, None)
    problem, repair = _problem_of(record, attribute, module, entry)
    if problem:
        raise BrokenPlugin(entry.name, problem, entry, repair)
    assert isinstance(record, Plugin)
    return record


def check_class(plugin: Plugin, role: str, found: object, expected: str) -> None:
    """Look at what a record names as one of its classes.

    Raises:
        BrokenPlugin: it is no subclass of that class of ``pytorch_lightning``.
    """
    import pytorch_lightning

    if isinstance(found, type) and issubclass(found, getattr(pytorch_lightning, expected)):
        return
    other = getattr(sys.modules.get("lightning.pytorch"), expected, None)
    if isinstance(found, type) and isinstance(other, type) and issubclass(found, other):
        raise wrong_class(plugin, role, f"a {expected} of the package 'lightning'", expected)
    if isinstance(found, type):
        bases = ", ".join(
            f"{base.__module__}.{base.__qualname__}".removeprefix("builtins.") for base in found.__bases__
        )
        raise wrong_class(plugin, role, f"a class derived from {bases}", expected)
    raise wrong_class(plugin, role, f"of type {type(found).__name__}", expected)


def _problem_of(record: object, attribute: str, module: ModuleType, entry: Installed) -> tuple[str, str]:
    if not isinstance(record, Plugin):
        if not hasattr(module, attribute):
            return f"{module.__name__} has no attribute {attribute!r}", correct(entry)
        kind = f"the class {record.__name__}" if isinstance(record, type) else f"of type {type(record).__name__}"
        return f"{module.__name__}:{attribute} is {kind}, expected a lightning_suite.Plugin", correct(entry)
    if not isinstance(record.api, int) or record.api < 1:
        return f"api={record.api!r} in its record, expected a version of the contract such as {API}", correct(entry)
    if record.api > API:
        return (
            f"its record is written for api {record.api}, this lightning-suite understands {API}",
            "pip install --upgrade lightning-suite",
        )
    for field in ("name", "summary", "module", "data"):
        if not isinstance(getattr(record, field), str) or not getattr(record, field):
            return f"{field}={getattr(record, field)!r} in its record, expected text", correct(entry)
    if not isinstance(record.commands, Mapping):
        return f"commands={record.commands!r} in its record, expected paths of functions by name", correct(entry)
    for field in ("recipes", "extra"):
        if not isinstance(getattr(record, field), str | None):
            return f"{field}={getattr(record, field)!r} in its record, expected text or None", correct(entry)
    for field, path in {"module": record.module, "data": record.data, **record.commands}.items():
        package, colon, attribute = path.partition(":") if isinstance(path, str) else ("", "", "")
        if not (package and colon and attribute):
            return f"{field}={path!r} in its record, expected 'module:attribute'", correct(entry)
    if entry.distribution and record.name != entry.name:
        return (
            f"its record is named {record.name!r}, its entry point {entry.name!r}",
            f"give both the same name{entry.upgrade}",
        )
    return "", ""
