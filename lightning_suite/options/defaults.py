"""Defaults that no file can hold, such as ``loss=nn.MSELoss()`` or ``key=lambda row: row[0]``.

The class gets the object itself. config.yaml shows it as text, ``<default: MSELoss()>``, which is left out when it is
read back.
"""

import argparse
import inspect
import json
import re
import types
import warnings
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from jsonargparse import ArgumentParser

from lightning_suite.lightning_internals import actions_of
from lightning_suite.options.types import type_of

MARK = "<default: "
"""How the text of such a default begins."""


def add_options(parser: ArgumentParser, cls: Any, group: str) -> None:
    """Add the parameters of a class to a parser; where no file can hold a default, the class will use its own."""
    parser.add_class_arguments(cls, group)
    for action in actions_of(parser):
        name = action.dest.removeprefix(f"{group}.")
        default = _default(cls, name)
        if name == action.dest or default is inspect.Parameter.empty or _can_be_written(type_of(action), default):
            continue
        held_defaults(parser)[action.dest] = default
        action.default = argparse.SUPPRESS


def held_defaults(parser: ArgumentParser) -> dict[str, Any]:
    """Return the defaults of a parser that no file can hold, by the names of their options."""
    held: dict[str, Any] = vars(parser).setdefault("held_defaults", {})
    return held


def default_of(parser: ArgumentParser, action: argparse.Action) -> Any:
    """Return the default of an option as help shows it."""
    held = held_defaults(parser)
    return shown(held[action.dest]) if action.dest in held else action.default


def without_shown(parser: ArgumentParser, *sources: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return options by dotted name, of sources of which a later one wins, without what only shows such a default.

    Where a later source shows the default, what an earlier one said goes as well.
    """
    held = held_defaults(parser)
    left: list[dict[str, Any]] = []
    for options in sources:
        showing = {name for name, value in options.items() if name in held and _shows(value, held[name])}
        left = [{n: value for n, value in one.items() if n.partition("+")[0] not in showing} for one in left]
        left.append({name: value for name, value in options.items() if name not in showing})
    return left


def own_networks(parser: ArgumentParser, given: Any) -> dict[str, Any]:
    """Return the networks with weights among the defaults that are not given, each as a copy.

    Python makes a default once, so that a second training in the same process would begin where the first ended.
    """
    from torch import nn

    return {
        name: deepcopy(value)
        for name, value in held_defaults(parser).items()
        if isinstance(value, nn.Module) and value.state_dict() and name not in given
    }


def shown(default: Any) -> Any:
    """Return how config.yaml shows a default: as a list, or as text on one line that is the same in every process.

    Example:
        >>> shown((3, 3)), shown(shown), shown(lambda row: row), shown((1, object()))
        ([3, 3], '<default: lightning_suite.options.defaults.shown>', '<default: <lambda>>', '<default: tuple>')
    """
    if isinstance(default, tuple) and all(value is None or isinstance(value, int | float | str) for value in default):
        return list(default)
    if isinstance(default, type | types.FunctionType | types.BuiltinFunctionType):
        is_inner = "<" in default.__qualname__ or not default.__module__
        text = default.__name__ if is_inner else f"{default.__module__}.{default.__qualname__}"
    else:
        text = " ".join(repr(default).split())
        text = type(default).__name__ if re.search(r" at 0x|\bid=", text) else text
    return f"{MARK}{text if len(text) <= 100 else f'{text[:97]}...'}>"


def _shows(value: Any, default: Any) -> bool:
    return (isinstance(value, str) and value.startswith(MARK)) or (isinstance(value, list) and value == shown(default))


def _default(cls: Any, name: str) -> Any:
    """Return the default of a parameter in the class's constructor, or in that of a base which takes it."""
    for base in inspect.getmro(cls):
        parameter = inspect.signature(vars(base)["__init__"]).parameters.get(name) if "__init__" in vars(base) else None
        if parameter is not None:
            return parameter.default
    return inspect.Parameter.empty


def _can_be_written(hint: Any, default: Any) -> bool:
    """Return whether a default can be written into a file of options and read back as the same value."""
    if default is None or type(default) in (bool, int, float, str):
        return True
    parser = ArgumentParser(exit_on_error=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parser.add_argument("--value", type=hint or Any, default=default)
            written = json.loads(parser.dump(parser.get_defaults(), format="json"))
            read = parser.instantiate(parser.parse_object(written))["value"]
            return type(read) is type(default) and bool(read == default)
    except Exception:  # whatever an object of a third party does with comparisons and texts
        return False
