"""Checks what was imported: whether it is a record that this release understands, or a class that Lightning can use."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Literal

from lightning_suite.plugin import API, Plugin
from lightning_suite.plugins.explain import BrokenPlugin, wrong_class
from lightning_suite.plugins.origin import Origin


def checked_record(module: ModuleType, attribute: str, origin: Origin) -> Plugin:
    """Return the record that a module holds, with its origin.

    Raises:
        BrokenPlugin: the module holds none, or one that this release does not understand.
    """
    record = getattr(module, attribute, None)
    if not hasattr(module, attribute):
        raise BrokenPlugin(origin.name, f"{module.__name__} has no attribute {attribute!r}", origin)
    if not isinstance(record, Plugin):
        kind = f"the class {record.__name__}" if isinstance(record, type) else f"of type {type(record).__name__}"
        cause = f"{module.__name__}:{attribute} is {kind}, expected a lightning_suite.Plugin"
        raise BrokenPlugin(origin.name, cause, origin)
    for cause, repair in _problems(record, origin):
        raise BrokenPlugin(origin.name, cause, origin, repair)
    return replace(record, origin=origin)


def check_class(
    plugin: Plugin, role: str, value: object, expected: Literal["LightningModule", "LightningDataModule"]
) -> None:
    """Check that what a record names is a class of Lightning's kind.

    Raises:
        BrokenPlugin: it is no subclass of that class of ``pytorch_lightning``.
    """
    import pytorch_lightning

    if not isinstance(value, type):
        raise wrong_class(plugin, role, f"of type {type(value).__name__}", expected)
    if issubclass(value, getattr(pytorch_lightning, expected)):
        return
    other = getattr(sys.modules.get("lightning.pytorch"), expected, None)
    if isinstance(other, type) and issubclass(value, other):
        raise wrong_class(plugin, role, f"a {expected} of the package 'lightning'", expected)
    bases = [f"{base.__module__}.{base.__qualname__}".removeprefix("builtins.") for base in value.__bases__]
    raise wrong_class(plugin, role, f"a class derived from {', '.join(bases)}", expected)


def _problems(record: Plugin, origin: Origin) -> Iterator[tuple[str, str]]:
    """Yield cause and repair of what is wrong in a record, in the order in which one wants to know."""
    yield from _api_problems(record, origin)
    for field in ("name", "summary", "module", "data"):
        value = getattr(record, field)
        if not isinstance(value, str) or not value:
            yield f"{field}={value!r} in its record, expected text", origin.correct
    for field in ("recipes", "extra"):
        if not isinstance(getattr(record, field), str | None):
            yield f"{field}={getattr(record, field)!r} in its record, expected text or None", origin.correct
    if not isinstance(record.commands, Mapping):
        yield f"commands={record.commands!r} in its record, expected paths of functions by name", origin.correct
    for field, path in {"module": record.module, "data": record.data, **record.commands}.items():
        module, _, attribute = path.partition(":") if isinstance(path, str) else ("", "", "")
        if not (module and attribute):
            yield f"{field}={path!r} in its record, expected 'module:attribute'", origin.correct
    if not isinstance(record.renamed, Mapping) or not all(map(_is_renaming, record.renamed.items())):
        cause = f"renamed={record.renamed!r} in its record, expected {{'model.old': 'model.new'}}"
        yield cause, origin.correct
    if origin.distribution and record.name != origin.name:
        cause = f"its record is named {record.name!r}, its entry point {origin.name!r}"
        yield cause, f"give both the same name{origin.upgrade}"


def _is_renaming(pair: tuple[object, object]) -> bool:
    """Return whether a pair names two options, ``model.old`` and ``model.new``, or values, ``model.old=value``."""
    matches = [re.fullmatch(r"[\w-]+(\.\w+)+(=.*)?", name) if isinstance(name, str) else None for name in pair]
    return all(matches) and len({bool(match and match[2]) for match in matches}) == 1


def _api_problems(record: Plugin, origin: Origin) -> Iterator[tuple[str, str]]:
    if not isinstance(record.api, int) or record.api < 1:
        yield f"api={record.api!r} in its record, expected a version of the contract such as {API}", origin.correct
    elif record.api > API:
        cause = f"its record is written for api {record.api}, this lightning-suite understands {API}"
        yield cause, "pip install --upgrade lightning-suite"
