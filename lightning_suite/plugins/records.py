"""Reads the record of an installed plugin, so that a bad one harms nothing but itself.

Where a record is only looked at, nothing of the plugin runs in this process: a record that is written in literals is
taken from its source, and any other module is imported in a process of its own, which may hang, crash or change what it
likes. Where the plugin is about to be used, ``read`` imports its record: with a time limit, what it prints goes to
standard error, away from the lines of a verb's output, and its changes of the environment are undone.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import fields, replace
from typing import Any

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import guard, isolated, literal, other_name, source
from lightning_suite.plugins.check import checked, checked_record
from lightning_suite.plugins.explain import BrokenPlugin, ended_process, wrap_import_errors
from lightning_suite.plugins.origin import Origin

LIMIT = 60.0
"""Seconds for the import of a record that is about to be used."""

LOOK = 2.0
"""Seconds for the import of a record that is read together with all others."""

GRACE = 3.0
"""Seconds between the moment when such an import should have ended by itself and its end by force."""

PROCESSES = 8
"""Imports at once: most of a hanging one is waiting."""

# What the first import of a module changed in the environment; later imports run nothing and change nothing.
_changed_by: dict[str, tuple[str, ...]] = {}


def look(origins: Sequence[Origin]) -> list[Plugin | BrokenPlugin]:
    """Return the records of installed plugins, or what is wrong with them, and import none in this process."""
    found = [_written(origin) for origin in origins]
    others = [origin for origin, record in zip(origins, found, strict=True) if record is None]
    if not others:
        return [record for record in found if record is not None]
    from concurrent.futures import ThreadPoolExecutor  # here, because it is needed as rarely as a process

    with ThreadPoolExecutor(PROCESSES) as pool:
        imported = pool.map(_imported_apart, others)
        return [next(imported) if record is None else record for record in found]


def read(origin: Origin, limit: float = LIMIT) -> Plugin:
    """Import the record of an installed plugin within some seconds, check it and return it.

    Raises:
        BrokenPlugin: it cannot be imported or is not a record that this release understands.
    """
    module_name, attribute = _path(origin)
    is_first_import = module_name not in sys.modules
    try:
        with (
            wrap_import_errors(origin, origin.value),
            other_name.taken(),
            guard.unchanged_environment() as changed,
            redirect_stdout(sys.stderr),
            guard.time_limit(limit),
        ):
            module = importlib.import_module(module_name)
    except BrokenPlugin as error:
        if source.locate(module_name) is None:
            raise BrokenPlugin(origin.name, f"there is no module {module_name!r}", origin) from error
        raise
    if is_first_import:
        _changed_by[module_name] = tuple(changed)
    return checked_record(module, attribute, replace(origin, changed_environment=_changed_by.get(module_name, ())))


def _path(origin: Origin) -> tuple[str, str]:
    module_name, _, attribute = origin.value.partition("[")[0].strip().partition(":")
    if not module_name or not attribute:
        raise BrokenPlugin(origin.name, f"its entry point is {origin.value!r}, expected 'module:attribute'", origin)
    return module_name, attribute


def _written(origin: Origin) -> Plugin | BrokenPlugin | None:
    """Return a record, or what is wrong with it, from the source of its module; None where that does not tell."""
    try:
        record = literal.record(*_path(origin))
        return None if record is None else checked(record, origin)
    except BrokenPlugin as error:
        return error


def _imported_apart(origin: Origin) -> Plugin | BrokenPlugin:
    """Return a record, or what is wrong with it, by importing it in a process of its own."""
    seconds = guard.allowed(LOOK)
    words = [origin.name, origin.value, origin.distribution, origin.version]
    ending = isolated.run("lightning_suite.plugins.records", words, seconds + GRACE)
    answer = ending.answer
    if answer is None:
        return ended_process(origin, ending.description, seconds)
    if "fault" in answer:
        fault = BrokenPlugin(origin.name, *answer["fault"])
        fault.add_note(answer["traceback"])  # shown under --debug
        return fault
    return Plugin(**answer["record"], origin=replace(origin, changed_environment=tuple(answer["changed"])))


def _answer(origin: Origin) -> dict[str, Any]:
    import traceback  # here, because only this process needs it

    try:
        record = read(origin, LOOK)
    except BrokenPlugin as error:
        lines = traceback.format_exception(error)
        return {"fault": (error.cause, error.origin, error.repair), "traceback": "".join(lines)}
    values = {field.name: getattr(record, field.name) for field in fields(Plugin) if field.name != "origin"}
    plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    return {"record": plain, "changed": record.origin.changed_environment}


if __name__ == "__main__":
    name, value, distribution, version = sys.argv[1:]
    isolated.answer(lambda: _answer(Origin(name, value, distribution, version)))
