"""Imports the record of an installed plugin, so that a bad one harms nothing but itself.

The import has a time limit, prints to standard error, away from the lines of a verb's output, and its changes of the
environment are undone.
"""

import importlib
import sys
from contextlib import redirect_stdout
from dataclasses import replace

from lightning_suite.plugin import Plugin
from lightning_suite.plugins import guard, source
from lightning_suite.plugins.check import checked_record
from lightning_suite.plugins.explain import BrokenPlugin, wrap_import_errors
from lightning_suite.plugins.origin import Origin

LIMIT = 60.0
"""Seconds for the import of a record that is about to be used."""

# What the first import of a module changed in the environment; later imports run nothing and change nothing.
_changed_by: dict[str, tuple[str, ...]] = {}


def read(origin: Origin, limit: float = LIMIT) -> Plugin:
    """Import the record of an installed plugin within some seconds, check it and return it.

    Raises:
        BrokenPlugin: it cannot be imported or is not a record that this release understands.
    """
    module_name, _, attribute = origin.value.partition("[")[0].strip().partition(":")
    if not module_name or not attribute:
        raise BrokenPlugin(origin.name, f"its entry point is {origin.value!r}, expected 'module:attribute'", origin)
    is_first_import = module_name not in sys.modules
    try:
        with (
            wrap_import_errors(origin, origin.value),
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
