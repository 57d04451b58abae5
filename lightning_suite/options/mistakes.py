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

OTHER_NAMES = {
    "lr": "learning_rate",
    "bs": "batch_size",
    "batch": "batch_size",
    "epoch": "max_epochs",
    "epochs": "max_epochs",
    "num_epochs": "max_epochs",
    "n_epochs": "max_epochs",
    "steps": "max_steps",
    "gpu": "devices",
    "gpus": "devices",
    "device": "accelerator",
    "workers": "num_workers",
    "out": "output",
    "random_seed": "seed",
    "clip": "gradient_clip_val",
}
"""What options are called elsewhere, with the last words of their names here."""


def check_names(
    options: Collection[str], names: Collection[str], listed: str, where: str = "", own: Collection[str] = ()
) -> None:
    """Check that options exist: jsonargparse would answer with a list of all its options.

    Args:
        options: those that there are, such as ``--model.hidden``.
        names: dotted names.
        listed: the command that lists the options.
        where: the file or recipe that the names stand in.
        own: other options of the command, to suggest for a mistyped one.

    Raises:
        UsageError: one of them does not exist.
    """
    for name in names:
        parts = name.split(".")
        parents = [".".join(parts[:end]) for end in range(1, len(parts))]
        in_a_value = any(f"--{parent}" in options and parent not in GROUPS for parent in parents)
        if f"--{name}" not in options and not in_a_value:
            raise UsageError(unknown(options, name, listed, where, own))


def check_typed(options: Collection[str], words: Sequence[str], listed: str, own: Collection[str] = ()) -> None:
    """Check that the options of a command line exist and that each is given once; ``--list+`` may be repeated.

    Raises:
        UsageError: one does not exist, or is there twice.
    """
    names = [word[2:].partition("=")[0] for word in words if word.startswith("--")]
    for name in names:
        if names.count(name) > 1 and f"--{name}" in options and not name.endswith("+"):
            raise UsageError(f"--{name} is given {names.count(name)} times; leave all but one out")
    check_names(options, names, listed, own=own)


def unknown(options: Collection[str], name: str, listed: str, where: str = "", own: Collection[str] = ()) -> str:
    """Return the message for an option that does not exist."""
    return f"{f'no option is called --{name} {where}'.rstrip()}. {_near(options, name, own)}".rstrip() + f"\n{listed}"


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
        near = (
            f"Did you mean --recipe {stray[1]}?"
            if stray[1] in recipes
            else _near(options_of(parser), stray[1].lstrip("-"))
        )
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


def _near(options: Collection[str], name: str, own: Collection[str] = ()) -> str:
    """Return the sentence that offers the options meant by another name for them, by spelling, or by their last word.

    It is empty where there are none.
    """
    names = [option for option in options if option[2:] not in GROUPS and option[-1] != "+"]
    word = name.replace("-", "_")
    other = OTHER_NAMES.get(word.split(".")[-1], "")
    same_end = [option for option in names if option.split(".")[-1].lstrip("-") in (word.split(".")[-1], other)]
    by_end = f"Did you mean {' or '.join(map(repr, same_end[:3]))}?" if same_end else ""
    return (by_end if other else "") or did_you_mean(f"--{name}", [*names, *own]) or by_end
