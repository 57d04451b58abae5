"""Imports what a record names: the classes of a plugin, and the functions of its own verbs."""

import importlib
import sys
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from lightning_suite import garbage
from lightning_suite.errors import SuiteError, UsageError
from lightning_suite.plugin import Plugin
from lightning_suite.plugins import guard, other_name, source
from lightning_suite.plugins.check import check_class
from lightning_suite.plugins.explain import (
    BrokenPlugin,
    missing_requirements,
    no_attribute,
    no_module,
    one_line_cause,
    warning,
    wrap_import_errors,
)
from lightning_suite.spelling import no_such

LIMIT = 300.0
"""Seconds for the import of a class, which imports torch and more."""

_LIGHTNING_CLASSES: dict[str, Literal["LightningModule", "LightningDataModule"]] = {
    "module": "LightningModule",
    "data": "LightningDataModule",
}


def resolve(plugin: Plugin, what: str) -> Callable[..., Any]:
    """Import and return the class of ``"module"`` or ``"data"``, or the function of one of the plugin's own verbs.

    Example:
        >>> commands = {"wrap": "textwrap:wrap"}
        >>> plugin = Plugin(name="text", summary="", module="text:Net", data="text:Data", commands=commands)
        >>> resolve(plugin, "wrap")("two words", width=5)
        ['two', 'words']

    Raises:
        UsageError: the plugin has no such verb.
        BrokenPlugin: the import fails, a requirement is not installed, or what is named is not what it should be.
    """
    lightning_class = _LIGHTNING_CLASSES.get(what)
    if lightning_class is None and what not in plugin.commands:
        raise UsageError(no_such("verb", what, plugin.commands, f"plugin {plugin.name!r} has"))
    path: str = getattr(plugin, what) if lightning_class else plugin.commands[what]
    if error := missing_requirements(plugin):
        raise error
    if hint := warning(plugin):
        _print_once(f"plugin {plugin.name!r}: {hint}")
    module_name, _, attribute = path.partition(":")
    role = f"{what}={path!r}" if lightning_class else f"the verb {what!r}, {path!r}"
    with garbage.importing():
        if lightning_class:
            _import_lightning()
        if source.locate(module_name) is None:
            raise no_module(plugin, role, module_name)
        with wrap_import_errors(plugin.origin, role), other_name.taken(), guard.time_limit(LIMIT):
            module = importlib.import_module(module_name)
    try:
        value = attrgetter(attribute)(module)
    except AttributeError:
        raise no_attribute(plugin, role, module_name, attribute, list(vars(module))) from None
    if lightning_class:
        check_class(plugin, role, value, lightning_class)
    elif not callable(value):
        cause = f"{role} is of type {type(value).__name__}, expected a function"
        raise BrokenPlugin(plugin.name, cause, plugin.origin)
    return value  # type: ignore[no-any-return]  # checked above


@cache
def _print_once(line: str) -> None:
    print(line, file=sys.stderr)


def _import_lightning() -> None:
    try:
        importlib.import_module("pytorch_lightning")
    except Exception as error:
        raise SuiteError(
            f"pytorch_lightning could not be imported: {one_line_cause(error)}\n"
            "repair: pip install --upgrade pytorch-lightning; `suite doctor` shows the versions"
        ) from error
