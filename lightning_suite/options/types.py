"""Describe a type for users of the command line: its name, its values, and how a list of them is typed."""

import types
import typing
from collections.abc import Collection
from typing import Any, Literal

EXAMPLES: dict[Any, tuple[str, str]] = {int: ("3", "5"), float: ("0.3", "0.5"), str: ("one", "two")}


def type_of(action: Any) -> Any:
    """Return the type of the values that an action of jsonargparse takes."""
    return getattr(action, "_typehint", None) or action.type


def described(hint: Any) -> str:
    """Return a type as people write it.

    Example:
        >>> described(Literal["a", "b"] | None), described(list[str])
        ("'a' or 'b' or null", 'list[str]')
    """
    arguments, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(described, arguments))
    if hint in (None, type(None)):
        return "null"
    if isinstance(hint, type) and not arguments:
        return hint.__name__
    if arguments and hasattr(origin, "__name__"):
        inner = ["..." if argument is ... else described(argument) for argument in arguments]
        return f"{origin.__name__}[{', '.join(inner)}]"
    return str(hint).replace("typing.", "")


def choices(hint: Any) -> list[str]:
    """Return the values that can be typed for a type: its literals and the names of its subclasses.

    Example:
        >>> choices(Literal["a", "b"] | None)
        ['a', 'b']
    """
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return list(map(str, arguments))
    if isinstance(hint, type) and not arguments and hint.__module__ != "builtins":
        subclasses: list[type] = hint.__subclasses__()
        return [name for subclass in subclasses for name in (subclass.__name__, *choices(subclass))]
    return [choice for argument in arguments for choice in choices(argument)]


def example(hint: Any) -> str:
    """Return an example of how a list or tuple of plain values is typed; empty for other types.

    Example:
        >>> example(list[int] | None), example(tuple[str, int]), example(int)
        ('[3,5]', '[one,5]', '')
    """
    arguments, origin = typing.get_args(hint), typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return next(filter(None, map(example, arguments)), "")
    if not arguments or not isinstance(origin, type) or not issubclass(origin, Collection) or origin is dict:
        return ""
    kinds = arguments if len(arguments) > 1 and arguments[-1] is not ... else (arguments[0], arguments[0])
    if not all(kind in EXAMPLES for kind in kinds):
        return ""
    return f"[{','.join(EXAMPLES[kind][i % 2] for i, kind in enumerate(kinds))}]"
