"""Checks what was imported: whether it is a record that this release understands, or a class that Lightning can use."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Literal

from lightning_suite.plugin import API, Plugin
from lightning_suite.plugins.explain import BrokenPlugin, wrap_import_errors, wrong_class
from lightning_suite.plugins.origin import Origin
from lightning_suite.tables import clip

RESERVED = frozenset(
    {
        *("help", "list", "info", "fit", "validate", "test", "predict", "rerun", "runs", "compare-runs", "report"),
        *("export", "reproduce", "sweep", "check", "new", "doctor", "completion"),
    }
)
"""Names that no plugin may have: ``suite list`` is a verb."""

LARGEST = 100_000
"""Characters of a record: what is shown in a line or two is read by every verb."""

MOST_COMMANDS = 1000
"""Verbs of one plugin."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a terminal would obey it; a tab or a new line is harmless


def checked_record(module: ModuleType, attribute: str, origin: Origin) -> Plugin:
    """Return the record that a module holds, with its origin.

    Raises:
        BrokenPlugin: the module holds none, or one that this release does not understand.
    """
    with wrap_import_errors(origin, f"{attribute} from {module.__name__}"):  # the module may have a __getattr__
        if not hasattr(module, attribute):
            raise BrokenPlugin(origin.name, f"{module.__name__} has no attribute {attribute!r}", origin)
        record = getattr(module, attribute)
    if not isinstance(record, Plugin):
        kind = f"the class {record.__name__}" if isinstance(record, type) else f"of type {type(record).__name__}"
        cause = f"{module.__name__}:{attribute} is {kind}, expected a lightning_suite.Plugin"
        raise BrokenPlugin(origin.name, cause, origin)
    return checked(record, origin)


def checked(record: Plugin, origin: Origin) -> Plugin:
    """Return a record with its origin, and with plain dictionaries, which cannot fail later.

    Raises:
        BrokenPlugin: this release does not understand the record.
    """
    for cause, repair in _problems(record, origin):
        raise BrokenPlugin(origin.name, cause, origin, repair)
    return replace(record, commands=dict(record.commands), renamed=dict(record.renamed), origin=origin)


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
    for field in ("name", "summary", "module", "data", "paper"):
        value = getattr(record, field)
        if not isinstance(value, str) or not (value or field == "paper"):
            yield _wrong(field, value, "text"), origin.correct
        elif control := _CONTROL.search(value):
            yield f"{field} in its record holds the control character {control[0]!r}", origin.correct
    for field in ("recipes", "reproductions", "extra"):
        if not isinstance(getattr(record, field), str | None):
            yield _wrong(field, getattr(record, field), "text or None"), origin.correct
    commands, renamed = _dictionary(record.commands), _dictionary(record.renamed)
    if commands is None:
        yield _wrong("commands", record.commands, "paths of functions by name"), origin.correct
        return
    if len(commands) > MOST_COMMANDS:
        yield f"commands has {len(commands)} verbs, expected at most {MOST_COMMANDS}", origin.correct
    if renamed is None or not all(map(_is_renaming, renamed.items())):
        yield _wrong("renamed", record.renamed, "{'model.old': 'model.new'}"), origin.correct
    yield from _name_problems(record, commands, origin)
    paths: dict[object, object] = {"module": record.module, "data": record.data, **commands}
    for word, path in paths.items():
        module, _, attribute = path.partition(":") if isinstance(path, str) else ("", "", "")
        if not (module and attribute):
            yield _wrong(word, path, "'module:attribute'"), origin.correct
    size = sum(len(f"{value}") for value in (record.name, record.summary, record.paper, commands, renamed))
    if size > LARGEST:
        yield f"its record is {size} characters long, expected at most {LARGEST}", origin.correct


def _name_problems(record: Plugin, commands: Mapping[object, object], origin: Origin) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(r"\w[\w.-]*", record.name) or record.name.endswith(".py") or record.name in RESERVED:
        why = "a word of suite's own" if record.name in RESERVED else "expected a word of letters, digits, - and _"
        yield f"its name is {_shown(record.name)}, {why}", f"rename it, in record and entry point{origin.upgrade}"
    if origin.distribution and record.name != origin.name:
        cause = f"its record is named {record.name!r}, its entry point {origin.name!r}"
        yield cause, f"give both the same name{origin.upgrade}"
    for verb in commands:
        if not isinstance(verb, str) or not re.fullmatch(r"\w[\w-]*", verb):
            cause = f"commands has the verb {_shown(verb)}, expected a word of letters, digits, - and _"
            yield cause, origin.correct


def _dictionary(value: object) -> dict[object, object] | None:
    """Return a mapping as a dictionary; None when it is none, or fails."""
    try:
        return dict(value) if isinstance(value, Mapping) else None
    except Exception:
        return None


def _wrong(field: object, value: object, expected: str) -> str:
    return f"{field}={_shown(value)} in its record, expected {expected}"


def _shown(value: object) -> str:
    """Return a short form of a value, whose class may be broken too."""
    try:
        return clip(repr(value), 100)
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def _is_renaming(pair: tuple[object, object]) -> bool:
    """Return whether a pair names two options, ``model.old`` and ``model.new``, or values, ``model.old=value``."""
    matches = [re.fullmatch(r"[\w-]+(\.\w+)+(=.*)?", name) if isinstance(name, str) else None for name in pair]
    return all(matches) and len({bool(match and match[2]) for match in matches}) == 1


def _api_problems(record: Plugin, origin: Origin) -> Iterator[tuple[str, str]]:
    if not isinstance(record.api, int) or record.api < 1:
        yield _wrong("api", record.api, f"a version of the contract such as {API}"), origin.correct
    elif record.api > API:
        cause = f"its record is written for api {record.api}, this lightning-suite understands {API}"
        yield cause, "pip install --upgrade lightning-suite"
