"""Find mistakes in options and explain each in a few lines: the option, what it takes, what came, the nearest name."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from jsonargparse import ArgumentError, ArgumentParser

from lightning_suite.errors import UsageError
from lightning_suite.lightning_internals import actions_of, options_of
from lightning_suite.options.config import GROUPS
from lightning_suite.options.types import choices, described, example, type_of
from lightning_suite.spelling import did_you_mean

T = TypeVar("T")


def check_names(parser: ArgumentParser, names: Collection[str], where: str = "", own: Collection[str] = ()) -> None:
    """Check that options exist: jsonargparse would answer with a list of all its options.

    Args:
        parser: has the options.
        names: dotted names.
        where: the file or recipe they stand in.
        own: other options of the command, to suggest for a mistyped one.

    Raises:
        UsageError: one of them does not exist.
    """
    known = options_of(parser)
    for name in names:
        parts = name.split(".")
        parents = [".".join(parts[:end]) for end in range(1, len(parts))]
        in_a_value = any(f"--{parent}" in known and parent not in GROUPS for parent in parents)
        if f"--{name}" not in known and not in_a_value:
            raise UsageError(unknown(parser, name, where, own))


def check_typed(parser: ArgumentParser, words: Sequence[str], own: Collection[str] = ()) -> None:
    """Check that the options of a command line exist and that each is given once; ``--list+`` may be repeated.

    Raises:
        UsageError: one does not exist, or is there twice.
    """
    names = [word[2:].partition("=")[0] for word in words if word.startswith("--")]
    for name in names:
        if names.count(name) > 1 and f"--{name}" in options_of(parser) and not name.endswith("+"):
            raise UsageError(f"--{name} is given {names.count(name)} times; leave all but one out")
    check_names(parser, names, own=own)


def unknown(parser: ArgumentParser, name: str, where: str = "", own: Collection[str] = ()) -> str:
    """Return the message for an option that does not exist."""
    lines = [f"{f'no option is called --{name} {where}'.rstrip()}. {_near(parser, name, own)}".rstrip()]
    return "\n".join([*lines, f"{parser.prog} --help lists the options, --help=trainer the trainer's."])


def strict(parser: ArgumentParser, read: Callable[[], T], recipes: Collection[str] = ()) -> T:
    """Return the result of a function that calls the parser.

    Args:
        parser: has the options.
        read: calls it.
        recipes: names that may have been typed without ``--recipe``.

    Raises:
        UsageError: the parser refuses the options; the message has at most four lines.
    """
    try:
        return read()
    except (ArgumentError, TypeError, ValueError, KeyError) as error:
        raise UsageError(_explained(parser, str(error), recipes)) from error


def _explained(parser: ArgumentParser, message: str, recipes: Collection[str]) -> str:
    """Return jsonargparse's message in at most four lines: the option, what it takes, what came."""
    if stray := re.match(r"unrecognized arguments: (\S+)", message):
        near = f"Did you mean --recipe {stray[1]}?" if stray[1] in recipes else _near(parser, stray[1].lstrip("-"))
        return f"{stray[1]!r} is not an option, nor the value of one. {near}".rstrip()
    key = re.search(r'[Kk]ey "([^"]+)"', message)
    value = re.search(r"(?:Got value|Given value): (.*)", message)
    problem = re.search(r"class_path '(?:[\w.]*\.)?(\w+)':\s*(.+)", message)
    action = next((action for action in actions_of(parser) if key and action.dest == key[1]), None)
    if key is None or action is None or value is None or type_of(action) is None:
        return "\n".join(message.strip().splitlines()[:4])
    option = f"--{key[1]}" if action.option_strings else key[1].upper()
    if problem is not None:
        needed = problem[2].partition("are required: ")[2]
        return f"{option} {problem[1]}: {problem[2]}" + (f"; give it as {option}.{needed} VALUE" if needed else "")
    hint = type_of(action)
    written = f", written {example(hint)}" if example(hint) else ""
    near = did_you_mean(value[1], choices(hint))
    return f"{option}: expected {described(hint)}{written}, got {value[1]!r}. {near}".rstrip()


def _near(parser: ArgumentParser, name: str, own: Collection[str] = ()) -> str:
    """Return the sentence that offers the nearest options by spelling, else by their last word; empty without any."""
    options = [option for option in options_of(parser) if option[2:] not in GROUPS and option[-1] != "+"]
    same_end = [option for option in options if option.split(".")[-1].lstrip("-") == name.split(".")[-1]]
    by_end = f"Did you mean {' or '.join(map(repr, same_end[:3]))}?" if same_end else ""
    return did_you_mean(f"--{name}", [*options, *own]) or by_end
